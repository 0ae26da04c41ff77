//! Convolutions, affine maps and batch norms: how their operands become a `Product`.

use super::super::EmitError;
use super::expression::Expression;
use super::loops::Loop;
use super::lower::{Held, Lowering, channels_last};
use super::margin;
use super::product::Product;
use super::view::View;
use crate::ir::Node;
use crate::ir::op::{BatchNorm, Conv, Linear, PadMode, PaddingMode};

pub(super) fn signed(extent: u64) -> i64 {
    i64::try_from(extent).unwrap_or(i64::MAX)
}

/// A convolution; its border is the input's margin.
pub(super) fn conv(lowering: &mut Lowering<'_>, node: &Node, conv: &Conv) -> Result<(), EmitError> {
    if let Some(output_padding) = &conv.transposed {
        return super::transposed::conv(lowering, node, conv, output_padding);
    }
    let input = input(lowering, node, conv)?;
    let output = node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default();
    let weights = lowering.elements(lowering.operand(node, 1)?)?;
    let product = Product {
        places: places(&input, conv, &output),
        weights: channels_innermost(&weights, conv),
        bias: bias(lowering, node, conv.bias, conv.out_channels)?,
        channel: 1,
        groups: signed(conv.groups),
        group_step: signed(conv.in_channels / conv.groups.max(1)),
        ..window(&input, conv)
    };
    lowering.define(node, Held::Pending(Box::new(product), Expression::result()))
}

/// The input, channels last and with its border.
fn input(lowering: &mut Lowering<'_>, node: &Node, conv: &Conv) -> Result<View, EmitError> {
    let id = lowering.operand(node, 0)?;
    let mut view = lowering.view(id)?;
    if view.rank() != conv.kernel.len() + 2 {
        return Err(lowering.unsupported("an input without a batch dimension"));
    }
    let mode = match conv.padding_mode {
        PaddingMode::Zeros => None,
        PaddingMode::Reflect => Some(PadMode::Reflect),
        PaddingMode::Replicate => Some(PadMode::Replicate),
        PaddingMode::Circular => Some(PadMode::Circular),
    };
    if let Some(mode) = mode {
        let padding: Vec<(i64, i64)> =
            conv.padding.iter().map(|&(before, after)| (signed(before), signed(after))).collect();
        view = super::arrange::extend(lowering, &view, &padding, mode);
    }
    let margins = margin::of_convolution(conv, view.rank()).unwrap_or_default();
    let covered = margins.iter().enumerate().all(|(dim, wanted)| {
        let own = view.margins.get(dim).copied().unwrap_or((0, 0));
        own.0 >= wanted.0 && own.1 >= wanted.1
    });
    if covered && view.is_unit(1) {
        return Ok(view);
    }
    let extents = view.extents();
    let copy = if margins.is_empty() {
        lowering.program.allocate(&extents, &channels_last(extents.len()), &[])
    } else {
        lowering.padded(&extents, &margins)
    };
    lowering.copy(&view, &copy);
    Ok(copy)
}

fn places(input: &View, conv: &Conv, output: &[i64]) -> Vec<(usize, i64, i64)> {
    let extent = |dim: usize| output.get(dim).copied().unwrap_or(1);
    let spatial = (2..).zip(&conv.stride);
    let spatial =
        spatial.map(|(dim, &stride)| (dim, extent(dim), signed(stride) * input.axis(dim).stride));
    std::iter::once((0, extent(0), input.axis(0).stride)).chain(spatial).collect()
}

/// The window over the input; neighbouring taps become one run.
fn window(input: &View, conv: &Conv) -> Product {
    let mut view = View { margins: Vec::new(), ..input.clone() };
    let mut taps: Vec<Loop> = Vec::new();
    let sides = conv.kernel.iter().zip(&conv.dilation).zip(&conv.padding);
    for (dim, ((&kernel, &dilation), &(before, _))) in (2..).zip(sides) {
        let stride = input.axis(dim).stride;
        if conv.padding_mode == PaddingMode::Zeros {
            view.offset -= signed(before) * stride;
        }
        taps.push(Loop { extent: signed(kernel), strides: vec![signed(dilation) * stride] });
    }
    taps.retain(|tap| tap.extent != 1);
    let mut run = signed(conv.in_channels / conv.groups.max(1));
    while conv.groups == 1 && taps.last().is_some_and(|tap| tap.strides == [run]) {
        run *= taps.pop().map_or(1, |tap| tap.extent);
    }
    Product {
        input: view,
        taps,
        run,
        places: Vec::new(),
        group_step: 0,
        groups: 1,
        weights: Vec::new(),
        bias: Vec::new(),
        channel: 1,
    }
}

/// Weights `[out, in, window]` as `[out, window, in]`.
fn channels_innermost(weights: &[f32], conv: &Conv) -> Vec<f32> {
    let window = conv.kernel.iter().map(|&extent| extent as usize).product::<usize>().max(1);
    let channels = (conv.in_channels / conv.groups.max(1)) as usize;
    let row = |row: &[f32]| {
        let places = (0..window).flat_map(|tap| (0..channels).map(move |c| c * window + tap));
        places.map(|place| row.get(place).copied().unwrap_or(0.0)).collect::<Vec<f32>>()
    };
    weights.chunks((window * channels).max(1)).flat_map(row).collect()
}

/// One bias per output channel.
pub(super) fn bias(
    lowering: &Lowering<'_>,
    node: &Node,
    has_bias: bool,
    channels: u64,
) -> Result<Vec<f64>, EmitError> {
    if !has_bias {
        return Ok(vec![0.0; usize::try_from(channels).unwrap_or(0)]);
    }
    let elements = lowering.elements(lowering.operand(node, 2)?)?;
    Ok(elements.iter().map(|&element| f64::from(element)).collect())
}

/// An affine map of the last dimension.
pub(super) fn linear(
    lowering: &mut Lowering<'_>,
    node: &Node,
    linear: &Linear,
) -> Result<(), EmitError> {
    let id = lowering.operand(node, 0)?;
    let mut view = lowering.view(id)?;
    let last = view.rank().saturating_sub(1);
    if !view.is_unit(last) {
        view = lowering.plain_view(&view);
    }
    let places = view.axes.iter().enumerate().take(last);
    let product = Product {
        places: places.map(|(dim, axis)| (dim, axis.extent, axis.stride)).collect(),
        input: View { margins: Vec::new(), ..view },
        taps: Vec::new(),
        run: signed(linear.in_features),
        group_step: 0,
        groups: 1,
        weights: lowering.elements(lowering.operand(node, 1)?)?,
        bias: bias(lowering, node, linear.bias, linear.out_features)?,
        channel: last,
    };
    lowering.define(node, Held::Pending(Box::new(product), Expression::result()))
}

/// A batch norm with running statistics: folded into the product before it, else a factor and a
/// summand for each channel.
pub(super) fn batch_norm(
    lowering: &mut Lowering<'_>,
    node: &Node,
    norm: &BatchNorm,
) -> Result<(), EmitError> {
    if !norm.track_running_stats {
        return Err(lowering.unsupported("it normalises with the statistics of each batch"));
    }
    let (scale, shift) = factors(lowering, node, norm)?;
    let input = lowering.operand(node, 0)?;
    match lowering.take_bare_product(input) {
        Some(mut product) if product.channel == 1 => {
            product.rescale(&scale, &shift);
            lowering.define(node, Held::Pending(product, Expression::result()))
        }
        _ => affine(lowering, node, &scale, &shift),
    }
}

fn factors(
    lowering: &Lowering<'_>,
    node: &Node,
    norm: &BatchNorm,
) -> Result<(Vec<f64>, Vec<f64>), EmitError> {
    let channels = usize::try_from(norm.num_features).unwrap_or(0);
    let read = |index: usize| -> Result<Vec<f32>, EmitError> {
        lowering.elements(lowering.operand(node, index)?)
    };
    let (weight, bias, first) = match norm.affine {
        true => (read(1)?, read(2)?, 3),
        false => (vec![1.0; channels], vec![0.0; channels], 1),
    };
    let (mean, variance) = (read(first)?, read(first + 1)?);
    let scale: Vec<f64> = weight
        .iter()
        .zip(&variance)
        .map(|(&weight, &variance)| f64::from(weight) / (f64::from(variance) + norm.eps).sqrt())
        .collect();
    let shifts = bias.iter().zip(&mean).zip(&scale);
    let shift = shifts.map(|((&bias, &mean), scale)| f64::from(bias) - f64::from(mean) * scale);
    Ok((scale.clone(), shift.collect()))
}

/// Multiplies and adds constants, one for each channel.
#[expect(clippy::cast_possible_truncation, reason = "constants are 32-bit floats")]
pub(super) fn affine(
    lowering: &mut Lowering<'_>,
    node: &Node,
    scale: &[f64],
    shift: &[f64],
) -> Result<(), EmitError> {
    let extents = node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default();
    let mut constant = |values: &[f64]| {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        Expression::load(per_channel(lowering, values, &extents))
    };
    let (scale, shift) = (constant(scale), constant(shift));
    let input = lowering.operand(node, 0)?;
    lowering.elementwise_on(node, &[input], |operands| {
        Expression::infix(Expression::infix(first(operands), "*", scale), "+", shift)
    })
}

/// The only operand of an element-wise operation.
pub(super) fn first(operands: Vec<Expression>) -> Expression {
    operands.into_iter().next().unwrap_or_else(|| Expression::number(0.0))
}

/// Constants, one for each element of dimension 1, under a whole shape.
pub(super) fn per_channel(lowering: &mut Lowering<'_>, values: Vec<f32>, extents: &[i64]) -> View {
    let mut shape = vec![1; extents.len()];
    if let Some(channels) = shape.get_mut(1) {
        *channels = i64::try_from(values.len()).unwrap_or(0);
    }
    lowering.program.constant(values, &shape).expand(extents)
}
