//! Normalisations as ONNX operators.

use super::super::EmitError;
use super::attribute::{float, int, signed};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::op::{BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm};

/// Layer norm and RMS norm out of means, since the operator came with opset 17 only.
pub(super) fn layer_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &LayerNorm,
) -> Result<(), EmitError> {
    let rank = operands.input_dims(0).len();
    let first = rank.saturating_sub(norm.normalized_shape.len());
    let axes: Vec<i64> = (first..rank).map(|axis| signed(axis as u64)).collect();
    let mut centered = operands.input(0);
    if !norm.root_mean_square {
        let mean = mean(builder, centered.clone(), &axes);
        centered = builder.apply("Sub", vec![centered, mean], vec![]);
    }
    let squares = builder.apply("Mul", vec![centered.clone(), centered.clone()], vec![]);
    let variance = mean(builder, squares, &axes);
    // torch.nn.RMSNorm without eps takes that of the element type.
    let eps = builder.number(norm.eps.unwrap_or(f64::from(f32::EPSILON)));
    let shifted = builder.apply("Add", vec![variance, eps], vec![]);
    let deviation = builder.apply("Sqrt", vec![shifted], vec![]);
    let mut steps = vec![("Div", deviation)];
    if norm.weight {
        steps.push(("Mul", operands.input(1)));
    }
    if norm.bias {
        steps.push(("Add", operands.input(1 + usize::from(norm.weight))));
    }
    chain(builder, centered, steps, operands.output(0));
    Ok(())
}

fn mean(builder: &mut Builder<'_>, input: String, axes: &[i64]) -> String {
    let output = builder.temporary();
    builder.push_reduction("ReduceMean", input, axes, true, output.clone());
    output
}

/// Operators with a second operand, one after the other; the last gives the result.
fn chain(
    builder: &mut Builder<'_>,
    mut value: String,
    steps: Vec<(&'static str, String)>,
    output: String,
) {
    let last = steps.len().saturating_sub(1);
    for (index, (op_type, operand)) in steps.into_iter().enumerate() {
        let inputs = vec![value.clone(), operand];
        if index == last {
            builder.push(op_type, inputs, output.clone(), vec![]);
        } else {
            value = builder.apply(op_type, inputs, vec![]);
        }
    }
}

/// Group norm: an instance norm of the groups, then weight and bias of the channels.
pub(super) fn group_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &GroupNorm,
) -> Result<(), EmitError> {
    let dims = operands.input_dims(0);
    let groups = signed(norm.num_groups);
    let rank = dims.len();
    let grouped = builder.integers(&[0, groups, -1]);
    let grouped = builder.apply("Reshape", vec![operands.input(0), grouped], vec![]);
    let [ones, zeros] = [1.0, 0.0].map(|value| filled(builder, norm.num_groups, value));
    let attributes = vec![float("epsilon", norm.eps)];
    let normed = builder.apply("InstanceNormalization", vec![grouped, ones, zeros], attributes);
    let mut shape = vec![0];
    for dim in dims.iter().skip(1) {
        let Some(extent) = dim.known() else {
            return Err(operands.unsupported("a spatial extent that depends on the batch"));
        };
        shape.push(signed(extent));
    }
    let shape = builder.integers(&shape);
    if !norm.affine {
        builder.push("Reshape", vec![normed, shape], operands.output(0), vec![]);
        return Ok(());
    }
    let value = builder.apply("Reshape", vec![normed, shape], vec![]);
    let [weight, bias] = per_channel(builder, operands, norm.num_channels, rank);
    chain(builder, value, vec![("Mul", weight), ("Add", bias)], operands.output(0));
    Ok(())
}

/// A constant of equal elements.
fn filled(builder: &mut Builder<'_>, length: u64, value: f32) -> String {
    let name = builder.temporary();
    let elements = vec![value; usize::try_from(length).unwrap_or(0)];
    builder.floats(&name, &[length], &elements);
    name
}

/// Weight and bias of a norm, or ones and zeros.
fn scale_and_bias(
    builder: &mut Builder<'_>,
    operands: &Operands,
    affine: bool,
    length: u64,
) -> [String; 2] {
    if affine {
        [operands.input(1), operands.input(2)]
    } else {
        [filled(builder, length, 1.0), filled(builder, length, 0.0)]
    }
}

/// Batch normalisation: with running statistics, or with those of the batch where it has none.
pub(super) fn batch_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &BatchNorm,
) -> Result<(), EmitError> {
    if !norm.track_running_stats {
        batch_statistics(builder, operands, norm);
        return Ok(());
    }
    let scale = scale_and_bias(builder, operands, norm.affine, norm.num_features);
    running(builder, operands, scale, norm.affine, norm.eps);
    Ok(())
}

/// The operator that normalises with running statistics.
fn running(
    builder: &mut Builder<'_>,
    operands: &Operands,
    [scale, bias]: [String; 2],
    affine: bool,
    eps: f64,
) {
    let mean = if affine { 3 } else { 1 };
    let statistics = [operands.input(mean), operands.input(mean + 1)];
    let inputs = [vec![operands.input(0), scale, bias], statistics.to_vec()].concat();
    builder.push("BatchNormalization", inputs, operands.output(0), vec![float("epsilon", eps)]);
}

/// (x − mean) / √(variance + ε) over all dimensions but the channels, then weight and bias.
fn batch_statistics(builder: &mut Builder<'_>, operands: &Operands, norm: &BatchNorm) {
    let rank = operands.input_dims(0).len();
    let axes: Vec<i64> =
        (0..rank).filter(|&axis| axis != 1).map(|axis| signed(axis as u64)).collect();
    let mean_value = mean(builder, operands.input(0), &axes);
    let centered = builder.apply("Sub", vec![operands.input(0), mean_value], vec![]);
    let squares = builder.apply("Mul", vec![centered.clone(), centered.clone()], vec![]);
    let variance = mean(builder, squares, &axes);
    let eps = builder.number(norm.eps);
    let shifted = builder.apply("Add", vec![variance, eps], vec![]);
    let mut steps = vec![("Div", builder.apply("Sqrt", vec![shifted], vec![]))];
    if norm.affine {
        let [weight, bias] = per_channel(builder, operands, norm.num_features, rank);
        steps.extend([("Mul", weight), ("Add", bias)]);
    }
    chain(builder, centered, steps, operands.output(0));
}

/// Weight and bias of channels as `[1, channels, 1, ...]`.
fn per_channel(
    builder: &mut Builder<'_>,
    operands: &Operands,
    channels: u64,
    rank: usize,
) -> [String; 2] {
    let mut shape = vec![1, signed(channels)];
    shape.resize(rank.max(2), 1);
    let shape = builder.integers(&shape);
    [1, 2].map(|operand| {
        builder.apply("Reshape", vec![operands.input(operand), shape.clone()], vec![])
    })
}

/// Instance norm; with running statistics it is a batch norm.
pub(super) fn instance_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &InstanceNorm,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() != norm.spatial + 2 {
        return Err(operands.unsupported("an input without a batch dimension"));
    }
    let [scale, bias] = scale_and_bias(builder, operands, norm.affine, norm.num_features);
    if norm.track_running_stats {
        running(builder, operands, [scale, bias], norm.affine, norm.eps);
        return Ok(());
    }
    let attributes = vec![float("epsilon", norm.eps)];
    let inputs = vec![operands.input(0), scale, bias];
    builder.push("InstanceNormalization", inputs, operands.output(0), attributes);
    Ok(())
}

/// Local response norm; ONNX and PyTorch divide alpha by the size alike.
pub(super) fn local_response_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &LocalResponseNorm,
) -> Result<(), EmitError> {
    let attributes = vec![
        int("size", signed(norm.size)),
        float("alpha", norm.alpha),
        float("beta", norm.beta),
        float("bias", norm.k),
    ];
    builder.push("LRN", vec![operands.input(0)], operands.output(0), attributes);
    Ok(())
}
