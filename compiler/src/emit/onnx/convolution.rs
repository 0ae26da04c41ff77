//! Convolutions, affine maps, normalisation and pooling as ONNX operators.

use super::super::EmitError;
use super::builder::{Builder, Operands, float, int, ints, signed, signed_all, string};
use super::message::AttributeProto;
use crate::ir::Dim;
use crate::ir::op::{AdaptivePool, BatchNorm, Conv, Linear, PaddingMode, Pool, PoolMode};

/// A convolution or transposed convolution; borders that are not zero are padded before it.
pub(super) fn conv(
    builder: &mut Builder<'_>,
    operands: &Operands,
    conv: &Conv,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() != conv.kernel.len() + 2 {
        return Err(operands.unsupported("an input without a batch dimension"));
    }
    let mut inputs = operands.inputs.clone();
    let mut attributes = vec![
        ints("kernel_shape", signed_all(&conv.kernel)),
        ints("strides", signed_all(&conv.stride)),
        ints("dilations", signed_all(&conv.dilation)),
        int("group", signed(conv.groups)),
    ];
    if conv.padding_mode == PaddingMode::Zeros {
        attributes.push(ints("pads", begins_then_ends(&conv.padding)));
    } else if let Some(first) = inputs.first_mut() {
        *first = border(builder, operands, conv)?;
    }
    let op_type = match &conv.transposed {
        Some(output_padding) => {
            attributes.push(ints("output_padding", signed_all(output_padding)));
            "ConvTranspose"
        }
        None => "Conv",
    };
    builder.push(op_type, inputs, operands.output(0), attributes);
    Ok(())
}

fn begins_then_ends(padding: &[(u64, u64)]) -> Vec<i64> {
    let begins = padding.iter().map(|&(begin, _)| signed(begin));
    begins.chain(padding.iter().map(|&(_, end)| signed(end))).collect()
}

/// The input of a convolution, padded by its border rule.
fn border(
    builder: &mut Builder<'_>,
    operands: &Operands,
    conv: &Conv,
) -> Result<String, EmitError> {
    let mode = match conv.padding_mode {
        PaddingMode::Zeros => "constant",
        PaddingMode::Reflect => "reflect",
        PaddingMode::Replicate => "edge",
        // The mode `wrap` came with opset 19.
        PaddingMode::Circular if builder.opset >= 19 => "wrap",
        PaddingMode::Circular => {
            return Err(operands.unsupported("circular padding needs opset 19 or newer"));
        }
    };
    let mut whole = vec![(0, 0), (0, 0)];
    whole.extend(&conv.padding);
    let pads = builder.integers(&begins_then_ends(&whole));
    Ok(builder.apply("Pad", vec![operands.input(0), pads], vec![string("mode", mode)]))
}

/// x Wᵀ + b: one Gemm for a matrix, a product and a sum otherwise.
pub(super) fn linear(
    builder: &mut Builder<'_>,
    operands: &Operands,
    linear: &Linear,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() == 2 {
        let attributes = vec![int("transB", 1)];
        builder.push("Gemm", operands.inputs.clone(), operands.output(0), attributes);
        return Ok(());
    }
    let transposed =
        builder.apply("Transpose", vec![operands.input(1)], vec![ints("perm", vec![1, 0])]);
    let factors = vec![operands.input(0), transposed];
    if linear.bias {
        let product = builder.apply("MatMul", factors, vec![]);
        builder.push("Add", vec![product, operands.input(2)], operands.output(0), vec![]);
    } else {
        builder.push("MatMul", factors, operands.output(0), vec![]);
    }
    Ok(())
}

/// Batch normalisation with running statistics.
pub(super) fn batch_norm(
    builder: &mut Builder<'_>,
    operands: &Operands,
    norm: &BatchNorm,
) -> Result<(), EmitError> {
    if !norm.track_running_stats {
        return Err(operands.unsupported("no running statistics to normalise with"));
    }
    let statistics = if norm.affine { 3 } else { 1 };
    let (scale, bias) = if norm.affine {
        (operands.input(1), operands.input(2))
    } else {
        (filled(builder, norm.num_features, 1.0), filled(builder, norm.num_features, 0.0))
    };
    let inputs = vec![
        operands.input(0),
        scale,
        bias,
        operands.input(statistics),
        operands.input(statistics + 1),
    ];
    let attributes = vec![float("epsilon", norm.eps)];
    builder.push("BatchNormalization", inputs, operands.output(0), attributes);
    Ok(())
}

fn filled(builder: &mut Builder<'_>, length: u64, value: f32) -> String {
    let name = builder.temporary();
    let elements = vec![value; usize::try_from(length).unwrap_or(0)];
    builder.floats(&name, &[length], &elements);
    name
}

/// Max or average pooling with a window.
pub(super) fn pool(
    builder: &mut Builder<'_>,
    operands: &Operands,
    pool: &Pool,
) -> Result<(), EmitError> {
    if pool.divisor_override.is_some() {
        return Err(operands.unsupported("a fixed divisor"));
    }
    let padding: Vec<(u64, u64)> = pool.padding.iter().map(|&pad| (pad, pad)).collect();
    let mut attributes = vec![
        ints("kernel_shape", signed_all(&pool.kernel)),
        ints("strides", signed_all(&pool.stride)),
        ints("pads", begins_then_ends(&padding)),
        int("ceil_mode", i64::from(pool.ceil_mode)),
    ];
    match pool.mode {
        PoolMode::Max => {
            attributes.push(ints("dilations", signed_all(&pool.dilation)));
            builder.push("MaxPool", vec![operands.input(0)], operands.output(0), attributes);
        }
        PoolMode::Average => {
            attributes.push(int("count_include_pad", i64::from(pool.count_include_pad)));
            builder.push("AveragePool", vec![operands.input(0)], operands.output(0), attributes);
        }
    }
    Ok(())
}

/// Adaptive pooling: a reduction to one element, or a window where the extents divide.
pub(super) fn adaptive_pool(
    builder: &mut Builder<'_>,
    operands: &Operands,
    pool: &AdaptivePool,
) -> Result<(), EmitError> {
    let spatial = pool.output.len();
    let lead = operands.input_dims(0).len().saturating_sub(spatial);
    let from = known(operands.input_dims(0), lead);
    let to = known(operands.output_dims(), lead);
    let (Some(from), Some(to)) = (from, to) else {
        return Err(operands.unsupported("a spatial extent that depends on the batch"));
    };
    if to.iter().all(|&extent| extent == 1) {
        let axes: Vec<i64> = (lead..lead + spatial).map(|axis| signed(axis as u64)).collect();
        return reduce_spatial(builder, operands, pool.mode, axes);
    }
    let windows: Option<Vec<u64>> = from
        .iter()
        .zip(&to)
        .map(|(&from, &to)| from.is_multiple_of(to).then(|| from / to))
        .collect();
    let Some(windows) = windows else {
        return Err(operands.unsupported(format!("{from:?} is no multiple of {to:?}")));
    };
    let attributes: Vec<AttributeProto> =
        vec![ints("kernel_shape", signed_all(&windows)), ints("strides", signed_all(&windows))];
    let op_type = match pool.mode {
        PoolMode::Max => "MaxPool",
        PoolMode::Average => "AveragePool",
    };
    builder.push(op_type, vec![operands.input(0)], operands.output(0), attributes);
    Ok(())
}

fn known(dims: &[Dim], lead: usize) -> Option<Vec<u64>> {
    dims.iter().skip(lead).map(|dim| dim.known()).collect()
}

fn reduce_spatial(
    builder: &mut Builder<'_>,
    operands: &Operands,
    mode: PoolMode,
    axes: Vec<i64>,
) -> Result<(), EmitError> {
    let op_type = match mode {
        PoolMode::Max => "ReduceMax",
        PoolMode::Average => "ReduceMean",
    };
    super::tensor::reduce_with(builder, operands, op_type, axes, true)
}
