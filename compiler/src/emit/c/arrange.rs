//! Operations that move, select or make elements. Most are views; the others copy.

use super::super::EmitError;
use super::convolution::{first, signed};
use super::expression::Expression;
use super::loops;
use super::lower::{Held, Lowering};
use super::program::Step;
use super::view::{Axis, View};
use crate::ir::Node;
use crate::ir::op::{
    Arange, Cat, Flip, Full, Glu, Interpolate, InterpolateMode, MaskedFill, Pad, PadMode,
    PixelShuffle, Repeat, Roll, Slice, Split, Triangle, Unfold, Windows,
};

type Emitted = Result<(), EmitError>;

fn input(lowering: &mut Lowering<'_>, node: &Node) -> Result<View, EmitError> {
    lowering.view(lowering.operand(node, 0)?)
}

fn output(lowering: &Lowering<'_>, node: &Node) -> Vec<i64> {
    node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default()
}

/// The same elements under the shape of the result.
pub(super) fn reshape(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    let (view, extents) = (input(lowering, node)?, output(lowering, node));
    let reshaped = reshaped(lowering, &view, &extents)?;
    lowering.define_view(node, reshaped)
}

fn reshaped(lowering: &mut Lowering<'_>, view: &View, extents: &[i64]) -> Result<View, EmitError> {
    if let Some(reshaped) = view.reshape(extents) {
        return Ok(reshaped);
    }
    let plain = lowering.plain_view(view);
    plain.reshape(extents).ok_or_else(|| lowering.unsupported("the shape depends on the batch"))
}

/// Dimensions in another order.
pub(super) fn permute(lowering: &mut Lowering<'_>, node: &Node, order: &[usize]) -> Emitted {
    let view = input(lowering, node)?.permute(order);
    lowering.define_view(node, view)
}

/// Broadcast to the shape of the result.
pub(super) fn expand(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    let view = input(lowering, node)?.expand(&output(lowering, node));
    lowering.define_view(node, view)
}

/// A strided range.
pub(super) fn slice(lowering: &mut Lowering<'_>, node: &Node, slice: &Slice) -> Emitted {
    let view = input(lowering, node)?;
    let length = output(lowering, node).get(slice.dim).copied().unwrap_or(1);
    lowering
        .define_view(node, view.slice(slice.dim, signed(slice.start), length, signed(slice.step)))
}

/// Consecutive parts.
pub(super) fn split(lowering: &mut Lowering<'_>, node: &Node, split: &Split) -> Emitted {
    let view = input(lowering, node)?;
    let mut start = 0;
    for (&id, &size) in node.outputs.iter().zip(&split.sizes) {
        let part = view.slice(split.dim, start, signed(size), 1);
        lowering.define_value(id, Held::View(part))?;
        start += signed(size);
    }
    Ok(())
}

/// Concatenation.
pub(super) fn cat(lowering: &mut Lowering<'_>, node: &Node, cat: &Cat) -> Emitted {
    let views = node.inputs.iter().map(|&id| lowering.view(id)).collect::<Result<Vec<_>, _>>()?;
    let Some(&id) = node.outputs.first() else { return Ok(()) };
    let order = views.iter().find(|view| view.elements() > 1).map(View::order);
    let target = lowering.image(id, &order.unwrap_or_default());
    let mut start = 0;
    for view in views.iter().filter(|view| view.rank() == target.rank()) {
        let length = view.axis(cat.dim).extent;
        lowering.copy(view, &target.slice(cat.dim, start, length, 1));
        start += length;
    }
    lowering.define_view(node, target)
}

/// Views one behind the other along a dimension, in memory of their own.
fn joined(lowering: &mut Lowering<'_>, parts: &[View], dim: usize) -> View {
    let parts: Vec<&View> = parts.iter().filter(|part| part.axis(dim).extent > 0).collect();
    let mut extents = parts.first().map(|part| part.extents()).unwrap_or_default();
    if let Some(extent) = extents.get_mut(dim) {
        *extent = parts.iter().map(|part| part.axis(dim).extent).sum();
    }
    let order = parts.iter().find(|part| part.elements() > 1).map(|part| part.order());
    let target = lowering.program.allocate(&extents, &order.unwrap_or_default(), &[]);
    let mut start = 0;
    for part in parts {
        let length = part.axis(dim).extent;
        lowering.copy(part, &target.slice(dim, start, length, 1));
        start += length;
    }
    target
}

/// Reversal.
pub(super) fn flip(lowering: &mut Lowering<'_>, node: &Node, flip: &Flip) -> Emitted {
    let view = input(lowering, node)?;
    let view = flip.dims.iter().fold(view, |view, &dim| view.flip(dim));
    lowering.define_view(node, view)
}

/// A cyclic shift: the end, then the beginning.
pub(super) fn roll(lowering: &mut Lowering<'_>, node: &Node, roll: &Roll) -> Emitted {
    let mut view = input(lowering, node)?;
    for &(dim, shift) in &roll.shifts {
        let extent = view.axis(dim).extent;
        let cut = (extent - shift).rem_euclid(extent.max(1));
        let parts = [view.slice(dim, cut, extent - cut, 1), view.slice(dim, 0, cut, 1)];
        view = joined(lowering, &parts, dim);
    }
    lowering.define_view(node, view)
}

/// Tiling.
pub(super) fn repeat(lowering: &mut Lowering<'_>, node: &Node, repeat: &Repeat) -> Emitted {
    let mut view = input(lowering, node)?;
    while view.rank() < repeat.repeats.len() {
        view = view.insert(0, Axis { extent: 1, stride: 0 });
    }
    for (dim, &times) in repeat.repeats.iter().enumerate() {
        view = view.insert(2 * dim, Axis { extent: signed(times), stride: 0 });
    }
    let extents = output(lowering, node);
    let view = reshaped(lowering, &view, &extents)?;
    lowering.define_view(node, view)
}

/// Continuation beyond the border of the last dimensions; negative amounts cut.
pub(super) fn pad(lowering: &mut Lowering<'_>, node: &Node, pad: &Pad) -> Emitted {
    let view = input(lowering, node)?;
    let first = view.rank().saturating_sub(pad.padding.len());
    let mut inside = view;
    for (dim, &(before, after)) in (first..).zip(&pad.padding) {
        let (cut, end) = ((-before).max(0), (-after).max(0));
        let length = inside.axis(dim).extent - cut - end;
        if cut + end > 0 {
            inside = inside.slice(dim, cut, length, 1);
        }
    }
    let padding: Vec<(i64, i64)> =
        pad.padding.iter().map(|&(before, after)| (before.max(0), after.max(0))).collect();
    let PadMode::Constant(value) = pad.mode else {
        let view = extend(lowering, &inside, &padding, pad.mode);
        return lowering.define_view(node, view);
    };
    let Some(&id) = node.outputs.first() else { return Ok(()) };
    let target = lowering.image(id, &inside.order());
    lowering.store(&Expression::number(value), &target);
    let mut place = target.clone();
    for (dim, &(before, _)) in (first..).zip(&padding) {
        place = place.slice(dim, before, inside.axis(dim).extent, 1);
    }
    lowering.copy(&inside, &place);
    lowering.define_view(node, target)
}

/// The last dimensions continued beyond their border by the elements themselves.
pub(super) fn extend(
    lowering: &mut Lowering<'_>,
    view: &View,
    padding: &[(i64, i64)],
    mode: PadMode,
) -> View {
    let first = view.rank().saturating_sub(padding.len());
    let mut view = view.clone();
    for (dim, &(before, after)) in (first..).zip(padding) {
        if (before, after) == (0, 0) {
            continue;
        }
        let extent = view.axis(dim).extent;
        let edge = |start: i64, length: i64| {
            let mut one = view.slice(dim, start, length, 1);
            if let Some(axis) = one.axes.get_mut(dim) {
                axis.stride = 0;
            }
            one
        };
        let (low, high) = match mode {
            PadMode::Reflect => (
                view.slice(dim, 1, before, 1).flip(dim),
                view.slice(dim, extent - 1 - after, after, 1).flip(dim),
            ),
            PadMode::Circular => {
                (view.slice(dim, extent - before, before, 1), view.slice(dim, 0, after, 1))
            }
            PadMode::Replicate | PadMode::Constant(_) => (edge(0, before), edge(extent - 1, after)),
        };
        view = joined(lowering, &[low, view.clone(), high], dim);
    }
    view
}

/// Channels to pixels or back.
pub(super) fn pixel_shuffle(
    lowering: &mut Lowering<'_>,
    node: &Node,
    shuffle: PixelShuffle,
) -> Emitted {
    let view = input(lowering, node)?;
    let rank = view.rank();
    if rank < 3 {
        return Err(lowering.unsupported("an input of fewer than three dimensions"));
    }
    let factor = signed(shuffle.factor);
    let (c, h, w) = (rank - 3, rank - 2, rank - 1);
    let parts = |dim: usize| view.axis(dim).extent / factor.max(1);
    let lead: Vec<usize> = (0..c).collect();
    let view = if shuffle.inverse {
        // [c, h·f, w·f] as [c, h, f, w, f], then [c, f, f, h, w]
        let split = view.split(w, &[parts(w), factor]).split(h, &[parts(h), factor]);
        split.permute(&[lead, vec![c, c + 2, c + 4, c + 1, c + 3]].concat())
    } else {
        // [c·f·f, h, w] as [c, f, f, h, w], then [c, h, f, w, f]
        let split = view.split(c, &[parts(c) / factor.max(1), factor, factor]);
        split.permute(&[lead, vec![c, c + 3, c + 1, c + 4, c + 2]].concat())
    };
    let extents = output(lowering, node);
    let view = reshaped(lowering, &view, &extents)?;
    lowering.define_view(node, view)
}

/// Windows along one dimension, which overlap in memory.
pub(super) fn windows(lowering: &mut Lowering<'_>, node: &Node, windows: Windows) -> Emitted {
    let view = input(lowering, node)?;
    let count = output(lowering, node).get(windows.dim).copied().unwrap_or(1);
    let stride = view.axis(windows.dim).stride;
    let starts = view.slice(windows.dim, 0, count, signed(windows.step));
    let axis = Axis { extent: signed(windows.size), stride };
    lowering.define_view(node, starts.insert(view.rank(), axis))
}

/// Windows of an image as columns.
pub(super) fn unfold(lowering: &mut Lowering<'_>, node: &Node, unfold: &Unfold) -> Emitted {
    let view = input(lowering, node)?;
    if view.rank() != 4 {
        return Err(lowering.unsupported("an input without a batch dimension"));
    }
    let [high, wide] = unfold.padding.map(signed);
    let margins = [(0, 0), (0, 0), (high, high), (wide, wide)];
    let image = lowering.padded(&view.extents(), &margins);
    lowering.copy(&view, &image);
    let [rows, columns] = [0, 1].map(|side| {
        let at = |values: [u64; 2]| signed(values.get(side).copied().unwrap_or(1));
        let (kernel, dilation, stride) =
            (at(unfold.kernel), at(unfold.dilation), at(unfold.stride));
        let axis = image.axis(2 + side);
        let whole = axis.extent + 2 * signed(unfold.padding.get(side).copied().unwrap_or(0));
        let count = (whole - dilation * (kernel - 1) - 1) / stride.max(1) + 1;
        (
            Axis { extent: kernel, stride: axis.stride * dilation },
            Axis { extent: count, stride: axis.stride * stride },
        )
    });
    let corner = image.offset - high * image.axis(2).stride - wide * image.axis(3).stride;
    let axes = vec![image.axis(0), image.axis(1), rows.0, columns.0, rows.1, columns.1];
    let windows = View { axes, offset: corner, margins: Vec::new(), ..image };
    let extents = output(lowering, node);
    let view = reshaped(lowering, &windows, &extents)?;
    lowering.define_view(node, view)
}

/// A tensor of one number.
pub(super) fn full(lowering: &mut Lowering<'_>, node: &Node, full: &Full) -> Emitted {
    if !full.dtype.is_float() && full.value.abs() > 16_777_216.0 {
        return Err(lowering.unsupported("an integer above 2^24"));
    }
    lowering.define(node, Held::Lazy(Expression::number(full.value)))
}

/// Equally spaced numbers.
#[expect(clippy::cast_possible_truncation, reason = "elements are 32-bit floats")]
pub(super) fn arange(lowering: &mut Lowering<'_>, node: &Node, arange: Arange) -> Emitted {
    let extents = output(lowering, node);
    let count: i64 = extents.iter().product();
    let element = |index: i64| (arange.start + index as f64 * arange.step) as f32;
    let elements: Vec<f32> = (0..count).map(element).collect();
    if !arange.dtype.is_float() && elements.iter().any(|element| element.abs() > 16_777_216.0) {
        return Err(lowering.unsupported("an integer above 2^24"));
    }
    let view = lowering.program.constant(elements, &extents);
    lowering.define_view(node, view)
}

/// The part of matrices on one side of a diagonal.
pub(super) fn triangle(lowering: &mut Lowering<'_>, node: &Node, triangle: Triangle) -> Emitted {
    let extents = output(lowering, node);
    let [.., rows, columns] = extents.as_slice() else {
        return Err(lowering.unsupported("an input of fewer than two dimensions"));
    };
    let kept = |row: i64, column: i64| match triangle.upper {
        true => column - row >= triangle.diagonal,
        false => column - row <= triangle.diagonal,
    };
    let mask = (0..*rows)
        .flat_map(|row| (0..*columns).map(move |column| f32::from(u8::from(kept(row, column)))));
    let mask = lowering.program.constant(mask.collect(), &[*rows, *columns]).expand(&extents);
    let input = lowering.operand(node, 0)?;
    lowering.elementwise_on(node, &[input], |operands| {
        let zero = Expression::number(0.0);
        Expression::call("op_select", vec![Expression::load(mask), first(operands), zero])
    })
}

/// One of two tensors by a condition.
pub(super) fn choose(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    lowering.elementwise(node, |operands| Expression::call("op_select", operands))
}

/// A number where a condition holds.
pub(super) fn masked_fill(lowering: &mut Lowering<'_>, node: &Node, fill: MaskedFill) -> Emitted {
    lowering.elementwise(node, |operands| {
        let mut operands = operands.into_iter();
        let input = operands.next().unwrap_or_else(|| Expression::number(0.0));
        let condition = operands.next().unwrap_or_else(|| Expression::number(0.0));
        Expression::call("op_select", vec![condition, Expression::number(fill.value), input])
    })
}

/// One half of a dimension times the sigmoid of the other.
pub(super) fn glu(lowering: &mut Lowering<'_>, node: &Node, glu: Glu) -> Emitted {
    let view = input(lowering, node)?;
    let half = view.axis(glu.dim).extent / 2;
    let part = |start: i64| Expression::load(view.slice(glu.dim, start, half, 1));
    let gate = Expression::call("op_sigmoid", vec![part(half)]);
    lowering.define(node, Held::Lazy(Expression::infix(part(0), "*", gate)))
}

/// Leaky ReLU with learnt slopes.
pub(super) fn prelu(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    let slopes = lowering.elements(lowering.operand(node, 1)?)?;
    let extents = output(lowering, node);
    let slopes = if slopes.len() == 1 {
        lowering.program.constant(slopes, &[1]).expand(&extents)
    } else {
        super::convolution::per_channel(lowering, slopes, &extents)
    };
    let input = lowering.operand(node, 0)?;
    lowering.elementwise_on(node, &[input], |operands| {
        Expression::call("op_leaky_relu", vec![first(operands), Expression::load(slopes)])
    })
}

/// Rows of `table` along `dim` by a tensor of indices.
pub(super) fn index(
    lowering: &mut Lowering<'_>,
    node: &Node,
    table: usize,
    indices: usize,
    dim: usize,
) -> Emitted {
    let table = lowering.view(lowering.operand(node, table)?)?;
    let indices = lowering.plain(lowering.operand(node, indices)?)?;
    let target = lowering.program.allocate_plain(&output(lowering, node));
    let rank = indices.rank();
    // Loops over the result: dimensions before, of the indices, and behind.
    let in_table = |position: usize| match position {
        position if position < dim => table.axis(position).stride,
        position if position < dim + rank => 0,
        position => table.axis(position + 1 - rank).stride,
    };
    let in_indices = |position: usize| match position.checked_sub(dim) {
        Some(own) if own < rank => indices.axis(own).stride,
        _ => 0,
    };
    let all = 0..target.rank();
    let strides =
        [target.strides(), all.clone().map(in_table).collect(), all.map(in_indices).collect()];
    let nest = loops::nest(&target.extents(), &strides);
    look_up(lowering, &target, &table, &indices, dim, &nest);
    lowering.define_view(node, target)
}

/// Elements of the input along a dimension by indices of the same rank.
pub(super) fn gather(lowering: &mut Lowering<'_>, node: &Node, dim: usize) -> Emitted {
    let table = input(lowering, node)?;
    let indices = lowering.view(lowering.operand(node, 1)?)?;
    let target = lowering.program.allocate_plain(&output(lowering, node));
    let mut others = table.strides();
    if let Some(stride) = others.get_mut(dim) {
        *stride = 0;
    }
    let nest = loops::nest(&target.extents(), &[target.strides(), others, indices.strides()]);
    look_up(lowering, &target, &table, &indices, dim, &nest);
    lowering.define_view(node, target)
}

fn look_up(
    lowering: &mut Lowering<'_>,
    target: &View,
    table: &View,
    indices: &View,
    dim: usize,
    nest: &[loops::Loop],
) {
    let mut step = Step::new("look-up");
    let (y, x, i) = (step.write(target), step.read(table), step.read(indices));
    let Axis { extent, stride } = table.axis(dim);
    step.body = format!(
        "{}const ptrdiff_t row = op_row({i}[{}], {extent});\n{y}[{}] = {x}[{} + row * {}];\n{}",
        loops::heads(nest, "i"),
        loops::index(nest, "i", 2),
        loops::index(nest, "i", 0),
        loops::index(nest, "i", 1),
        loops::literal(stride),
        loops::tails(nest)
    );
    lowering.program.steps.push(step);
}

/// Resampling by the nearest element, or linearly along one dimension after the other.
pub(super) fn interpolate(
    lowering: &mut Lowering<'_>,
    node: &Node,
    interpolate: &Interpolate,
) -> Emitted {
    let mut view = input(lowering, node)?;
    let first = view.rank().saturating_sub(interpolate.output.len());
    for (dim, &extent) in (first..).zip(&interpolate.output) {
        let (old, new) = (view.axis(dim).extent, signed(extent));
        let taps = match interpolate.mode {
            InterpolateMode::Nearest => nearest(old, new, 0.0),
            InterpolateMode::NearestExact => nearest(old, new, 0.5),
            InterpolateMode::Linear => linear(old, new, interpolate.align_corners),
            InterpolateMode::Bicubic | InterpolateMode::Area => {
                return Err(lowering.unsupported("this mode of interpolation"));
            }
        };
        view = resampled(lowering, &view, dim, &taps);
    }
    lowering.define_view(node, view)
}

/// For each new element the old one before it, the one behind it, and the weight of the latter.
type Taps = Vec<(i64, i64, f64)>;

fn nearest(old: i64, new: i64, shift: f64) -> Taps {
    let scale = old as f64 / new as f64;
    let place = |index: i64| (((index as f64 + shift) * scale).floor() as i64).min(old - 1);
    (0..new).map(|index| (place(index), place(index), 0.0)).collect()
}

fn linear(old: i64, new: i64, align_corners: bool) -> Taps {
    let place = |index: i64| match align_corners {
        true if new > 1 => index as f64 * (old - 1) as f64 / (new - 1) as f64,
        true => 0.0,
        false => ((index as f64 + 0.5) * old as f64 / new as f64 - 0.5).max(0.0),
    };
    (0..new)
        .map(|index| {
            let low = (place(index).floor() as i64).min(old - 1);
            (low, (low + 1).min(old - 1), place(index) - low as f64)
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "constants are 32-bit floats")]
fn resampled(lowering: &mut Lowering<'_>, view: &View, dim: usize, taps: &Taps) -> View {
    let mut extents = view.extents();
    if let Some(extent) = extents.get_mut(dim) {
        *extent = signed(taps.len() as u64);
    }
    let target = lowering.program.allocate(&extents, &view.order(), &[]);
    let rows: Vec<f32> =
        taps.iter().flat_map(|&(low, high, part)| [low as f32, high as f32, part as f32]).collect();
    let table = lowering.program.constant(rows, &[signed(taps.len() as u64), 3]);
    let mut in_table = vec![0; extents.len()];
    let mut others = view.strides();
    if let (Some(row), Some(stride)) = (in_table.get_mut(dim), others.get_mut(dim)) {
        (*row, *stride) = (3, 0);
    }
    let nest = loops::nest(&extents, &[target.strides(), others, in_table]);
    let mut step = Step::new("resampling");
    let (y, x, t) = (step.write(&target), step.read(view), step.read(&table));
    let stride = loops::literal(view.axis(dim).stride);
    let (from, row) = (loops::index(&nest, "i", 1), loops::index(&nest, "i", 2));
    step.body = format!(
        "{}const float *restrict tap = {t} + {row};\n\
         const float low = {x}[{from} + (ptrdiff_t)tap[0] * {stride}];\n\
         const float high = {x}[{from} + (ptrdiff_t)tap[1] * {stride}];\n\
         {y}[{}] = low + tap[2] * (high - low);\n{}",
        loops::heads(&nest, "i"),
        loops::index(&nest, "i", 0),
        loops::tails(&nest)
    );
    lowering.program.steps.push(step);
    target
}
