//! Operations that move or select elements. Most are views; the others copy.

use super::super::EmitError;
use super::convolution::signed;
use super::expression::Expression;
use super::lower::{Held, Lowering};
use super::view::{Axis, View};
use crate::ir::Node;
use crate::ir::op::{
    Cat, Flip, Pad, PadMode, PixelShuffle, Repeat, Roll, Slice, Split, Unfold, Windows,
};

pub(super) type Emitted = Result<(), EmitError>;

pub(super) fn input(lowering: &mut Lowering<'_>, node: &Node) -> Result<View, EmitError> {
    lowering.view(lowering.operand(node, 0)?)
}

pub(super) fn output(lowering: &Lowering<'_>, node: &Node) -> Vec<i64> {
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
