//! Layers with weights or windows, norms and products as calls of kernels.

use super::super::EmitError;
use super::movement::{broadcast, strides_of};
use super::step::Steps;
use crate::ir::Node;
use crate::ir::op::{
    AdaptivePool, BatchNorm, Conv, LayerNorm, Linear, PaddingMode, Pool, PoolMode, Softmax,
};

type Emitted = Result<(), EmitError>;

/// Two spatial extents: one dimension becomes a row.
fn pair<T: Copy + Into<u64>>(sizes: &[T], missing: u64) -> Option<[u64; 2]> {
    match sizes {
        [width] => Some([missing, (*width).into()]),
        [height, width] => Some([(*height).into(), (*width).into()]),
        _ => None,
    }
}

struct Sizes<'a> {
    kernel: &'a [u64],
    stride: &'a [u64],
    dilation: &'a [u64],
    padding: Vec<u64>,
}

/// Text of a window; `None` beyond two dimensions.
fn window(sizes: &Sizes<'_>, from: &[usize], to: &[usize]) -> Option<String> {
    let spatial = |extents: &[usize]| {
        let extents: Vec<u64> = extents.iter().skip(2).map(|&extent| extent as u64).collect();
        pair(&extents, 1)
    };
    Some(format!(
        "&Window {{ kernel: {:?}, stride: {:?}, dilation: {:?}, padding: {:?}, from: {:?}, to: {:?} }}",
        pair(sizes.kernel, 1)?,
        pair(sizes.stride, 1)?,
        pair(sizes.dilation, 1)?,
        pair(&sizes.padding, 0)?,
        spatial(from)?,
        spatial(to)?,
    ))
}

const DIMENSIONS: &str = "only batches of one or two spatial dimensions";

pub(super) fn conv(steps: &mut Steps<'_>, node: &Node, op: &Conv) -> Emitted {
    if op.transposed.is_some() || op.padding_mode != PaddingMode::Zeros {
        return Err(steps.unsupported("transposed convolutions and borders other than zeros"));
    }
    let padding = op.padding.iter().map(|&(before, _)| before).collect();
    let sizes = Sizes { kernel: &op.kernel, stride: &op.stride, dilation: &op.dilation, padding };
    let (from, to) = (steps.operand_extents(node, 0), steps.result_extents());
    let Some(window) = window(&sizes, &from, &to).filter(|_| from.len() == op.kernel.len() + 2)
    else {
        return Err(steps.unsupported(DIMENSIONS));
    };
    let x = steps.operand(node, 0)?;
    let [weight, bias] = steps.weight_and_bias(node, op.bias)?;
    let channels = [op.in_channels, op.out_channels, op.groups];
    steps.push(format!("kernel::conv(out, {x}, {weight}, {bias}, {window}, {channels:?});"));
    Ok(())
}

pub(super) fn linear(steps: &mut Steps<'_>, node: &Node, op: &Linear) -> Emitted {
    let x = steps.operand(node, 0)?;
    let [weight, bias] = steps.weight_and_bias(node, op.bias)?;
    steps.push(format!("kernel::linear(out, {x}, {weight}, {bias}, {});", op.in_features));
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "networks are emitted in 32-bit floats")]
pub(super) fn batch_norm(steps: &mut Steps<'_>, node: &Node, op: &BatchNorm) -> Emitted {
    if !op.track_running_stats {
        return Err(steps.unsupported("no running statistics to normalise with"));
    }
    let statistics = if op.affine { 3 } else { 1 };
    let (mean, variance) =
        (steps.elements(node, statistics)?, steps.elements(node, statistics + 1)?);
    let (weight, bias) = match op.affine {
        true => (steps.elements(node, 1)?, steps.elements(node, 2)?),
        false => (vec![1.0; mean.len()], vec![0.0; mean.len()]),
    };
    let factors: Vec<f32> = weight
        .iter()
        .zip(&variance)
        .map(|(weight, variance)| {
            (f64::from(*weight) / (f64::from(*variance) + op.eps).sqrt()) as f32
        })
        .collect();
    let offsets = bias.iter().zip(mean.iter().zip(&factors));
    let offsets: Vec<f32> = offsets.map(|(bias, (mean, factor))| bias - mean * factor).collect();
    let name = format!("norm {}", steps.steps.len());
    let factors = steps.constant(&format!("{name} factors"), &factors);
    let offsets = steps.constant(&format!("{name} offsets"), &offsets);
    let x = steps.operand(node, 0)?;
    let inner: usize = steps.operand_extents(node, 0).iter().skip(2).product();
    steps.push(format!("kernel::affine(out, {x}, {factors}, {offsets}, {inner});"));
    Ok(())
}

pub(super) fn pool(steps: &mut Steps<'_>, node: &Node, op: &Pool) -> Emitted {
    let padding = op.padding.clone();
    let sizes = Sizes { kernel: &op.kernel, stride: &op.stride, dilation: &op.dilation, padding };
    let (from, to) = (steps.operand_extents(node, 0), steps.result_extents());
    let Some(window) = window(&sizes, &from, &to).filter(|_| from.len() == op.kernel.len() + 2)
    else {
        return Err(steps.unsupported(DIMENSIONS));
    };
    let x = steps.operand(node, 0)?;
    steps.push(match op.mode {
        PoolMode::Max => format!("kernel::max_pool(out, {x}, {window});"),
        PoolMode::Average => {
            let (padded, divisor) = (op.count_include_pad, op.divisor_override.unwrap_or(0));
            format!("kernel::average_pool(out, {x}, {window}, {padded}, {divisor});")
        }
    });
    Ok(())
}

pub(super) fn adaptive_pool(steps: &mut Steps<'_>, node: &Node, op: &AdaptivePool) -> Emitted {
    let spatial = |extents: Vec<usize>| {
        let lead = extents.len().saturating_sub(op.output.len());
        let extents: Vec<u64> = extents.iter().skip(lead).map(|&extent| extent as u64).collect();
        pair(&extents, 1)
    };
    let (from, to) = (spatial(steps.operand_extents(node, 0)), spatial(steps.result_extents()));
    let (Some(from), Some(to)) = (from, to) else {
        return Err(steps.unsupported(DIMENSIONS));
    };
    let x = steps.operand(node, 0)?;
    let largest = op.mode == PoolMode::Max;
    steps.push(format!("kernel::adaptive_pool(out, {x}, {from:?}, {to:?}, {largest});"));
    Ok(())
}

pub(super) fn softmax(steps: &mut Steps<'_>, node: &Node, op: &Softmax) -> Emitted {
    let extents = steps.operand_extents(node, 0);
    let length = extents.get(op.dim).copied().unwrap_or(1);
    let inner: usize = extents.iter().skip(op.dim + 1).product();
    let x = steps.operand(node, 0)?;
    steps.push(format!("kernel::softmax(out, {x}, [{length}, {inner}], {});", op.log));
    Ok(())
}

pub(super) fn layer_norm(steps: &mut Steps<'_>, node: &Node, op: &LayerNorm) -> Emitted {
    let length: u64 = op.normalized_shape.iter().product();
    let eps = op.eps.unwrap_or(f64::from(f32::EPSILON));
    let x = steps.operand(node, 0)?;
    let mut text =
        format!("kernel::normalise(out, {x}, {length}, {eps:?}, {});", !op.root_mean_square);
    let mut operand = 1;
    for (is_there, operator) in [(op.weight, "*="), (op.bias, "+=")] {
        if is_there {
            let factors = steps.operand(node, operand)?;
            operand += 1;
            text.push_str(&format!(
                "\n        for row in out.chunks_mut({length}) {{\n            \
                 for (out, x) in row.iter_mut().zip({factors}) {{\n                \
                 *out {operator} x;\n            }}\n        }}"
            ));
        }
    }
    steps.push(text);
    Ok(())
}

pub(super) fn matmul(steps: &mut Steps<'_>, node: &Node) -> Emitted {
    let (a, b) = (steps.operand_extents(node, 0), steps.operand_extents(node, 1));
    let out = steps.result_extents();
    let (Some((batch_a, [rows, inner])), Some((batch_b, [_, columns]))) =
        (a.split_last_chunk::<2>(), b.split_last_chunk::<2>())
    else {
        return Err(steps.unsupported("a product with a vector"));
    };
    let batch = out.split_last_chunk::<2>().map_or(&[][..], |(batch, _)| batch);
    let scaled = |strides: Vec<usize>, size: usize| -> Vec<usize> {
        strides.into_iter().map(|stride| stride * size).collect()
    };
    let to = scaled(strides_of(batch), rows * columns);
    let left = scaled(broadcast(batch_a, batch), rows * inner);
    let right = scaled(broadcast(batch_b, batch), inner * columns);
    let strides: Vec<[usize; 3]> =
        to.iter().zip(left.iter().zip(&right)).map(|(o, (a, b))| [*o, *a, *b]).collect();
    let sizes = [rows, inner, columns];
    let (x, y) = (steps.operand(node, 0)?, steps.operand(node, 1)?);
    steps.push(format!("kernel::matmul(out, [{x}, {y}], (&{batch:?}, &{strides:?}), {sizes:?});"));
    Ok(())
}
