//! Operations that read elements at computed places: rows by indices, and resampling.

use super::arrange::{Emitted, input, output};
use super::convolution::signed;
use super::loops;
use super::lower::Lowering;
use super::program::Step;
use super::view::{Axis, View};
use crate::ir::Node;
use crate::ir::op::{Interpolate, InterpolateMode};

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
