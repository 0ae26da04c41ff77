//! Normalisations as ONNX operators.

use super::super::EmitError;
use super::builder::{Builder, Operands, float, int, ints, signed};
use crate::ir::op::{GroupNorm, LayerNorm, LocalResponseNorm};

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
    let mut inputs = vec![input];
    let mut attributes = vec![int("keepdims", 1)];
    if builder.opset >= 18 {
        inputs.push(builder.integers(axes));
    } else {
        attributes.push(ints("axes", axes.to_vec()));
    }
    builder.apply("ReduceMean", inputs, attributes)
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
    let count = usize::try_from(norm.num_groups).unwrap_or(0);
    let ones = builder.temporary();
    builder.floats(&ones, &[norm.num_groups], &vec![1.0; count]);
    let zeros = builder.temporary();
    builder.floats(&zeros, &[norm.num_groups], &vec![0.0; count]);
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
    let mut channels = vec![1, signed(norm.num_channels)];
    channels.resize(rank.max(2), 1);
    let channels = builder.integers(&channels);
    let weight = builder.apply("Reshape", vec![operands.input(1), channels.clone()], vec![]);
    let bias = builder.apply("Reshape", vec![operands.input(2), channels], vec![]);
    chain(builder, value, vec![("Mul", weight), ("Add", bias)], operands.output(0));
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
