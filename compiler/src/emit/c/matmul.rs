//! Products of two computed tensors: matrix products with broadcast batches, sums of products over
//! named dimensions, attention.

use std::fmt::Write as _;

use super::super::EmitError;
use super::expression::Expression;
use super::loops::{self, Loop};
use super::lower::{Held, Lowering};
use super::program::Step;
use super::reduce;
use super::view::{Axis, View};
use crate::ir::Node;
use crate::ir::op::{Attention, Einsum};

/// A matrix product as `torch.matmul`.
pub(super) fn matmul(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), EmitError> {
    let left = lowering.view(lowering.operand(node, 0)?)?;
    let right = lowering.view(lowering.operand(node, 1)?)?;
    let output = node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default();
    let one = Axis { extent: 1, stride: 0 };
    let rows = if left.rank() == 1 { left.insert(0, one) } else { left };
    let columns = if right.rank() == 1 { right.insert(1, one) } else { right };
    let product = product(lowering, &rows, &columns);
    let whole = lowering.plain_view(&product);
    let view = whole.reshape(&output).unwrap_or(whole);
    lowering.define_view(node, view)
}

/// `[..., m, k]` times `[..., k, n]`.
fn product(lowering: &mut Lowering<'_>, left: &View, right: &View) -> View {
    let columns = right.rank().saturating_sub(1);
    let right = if right.is_unit(columns) { right.clone() } else { lowering.plain_view(right) };
    let (m, depth) = (left.axis(left.rank() - 2).extent, left.axis(left.rank() - 1));
    let (inner, n) = (right.axis(columns - 1), right.axis(columns).extent);
    let batch = batches(left, &right);
    let extents: Vec<i64> = batch.iter().copied().chain([m, n]).collect();
    let output = lowering.program.allocate_plain(&extents);
    let at = |view: &View, tail: [i64; 2]| {
        let whole: Vec<i64> = batch.iter().copied().chain(tail).collect();
        view.expand(&whole)
    };
    let (rows, columns) = (at(left, [m, depth.extent]), at(&right, [inner.extent, n]));
    let strides = [&output, &rows, &columns];
    let outer: Vec<Loop> = batch
        .iter()
        .enumerate()
        .map(|(dim, &extent)| Loop {
            extent,
            strides: strides.map(|view| view.axis(dim).stride).to_vec(),
        })
        .filter(|level| level.extent != 1)
        .collect();
    let mut step = Step::new("matrix product");
    let (y, a, b) = (step.write(&output), step.read(left), step.read(&right));
    let mut text = loops::heads(&outer, "o");
    let row = rows.axis(rows.rank() - 2).stride;
    let _ = writeln!(text, "{}", loops::head("i", m));
    let _ = writeln!(text, "float *restrict p = {y} + {} + i * {n};", loops::index(&outer, "o", 0));
    let _ = writeln!(
        text,
        "const float *restrict u = {a} + {} + {};",
        loops::index(&outer, "o", 1),
        loops::sum([("i".to_owned(), row)])
    );
    let _ = writeln!(text, "const float *restrict v = {b} + {};", loops::index(&outer, "o", 2));
    let _ = writeln!(text, "{}p[j] = 0.0f;\n}}", loops::head("j", n));
    let _ = writeln!(text, "{}", loops::head("k", depth.extent));
    let _ = writeln!(text, "const float s = u[{}];", loops::sum([("k".to_owned(), depth.stride)]));
    let from = loops::sum([("k".to_owned(), inner.stride), ("j".to_owned(), 1)]);
    let _ = writeln!(text, "{}p[j] += s * v[{from}];\n}}\n}}\n}}", loops::head("j", n));
    text.push_str(&loops::tails(&outer));
    step.body = text;
    lowering.program.steps.push(step);
    output
}

/// The broadcast extents of all but the last two dimensions.
fn batches(left: &View, right: &View) -> Vec<i64> {
    let rank = left.rank().max(right.rank()).saturating_sub(2);
    let extent = |view: &View, dim: usize| {
        let added = (rank + 2).saturating_sub(view.rank());
        dim.checked_sub(added).map_or(1, |dim| view.axis(dim).extent)
    };
    (0..rank)
        .map(|dim| match (extent(left, dim), extent(right, dim)) {
            (1, right) => right,
            (left, _) => left,
        })
        .collect()
}

/// Scaled dot-product attention.
pub(super) fn attention(
    lowering: &mut Lowering<'_>,
    node: &Node,
    attention: &Attention,
) -> Result<(), EmitError> {
    let view = |lowering: &mut Lowering<'_>, index: usize| {
        let id = lowering.operand(node, index)?;
        lowering.view(id)
    };
    let (query, key, value) = (view(lowering, 0)?, view(lowering, 1)?, view(lowering, 2)?);
    let rank = key.rank();
    if rank < 2 || query.rank() < 2 {
        return Err(lowering.unsupported("operands of fewer than two dimensions"));
    }
    let features = query.axis(query.rank() - 1).extent as f64;
    let scale = attention.scale.unwrap_or(1.0 / features.sqrt());
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 2, rank - 1);
    let scores = product(lowering, &query, &key.permute(&order));
    let extents = scores.extents();
    let scaled = Expression::infix(Expression::load(scores), "*", Expression::number(scale));
    let masked = match attention.mask {
        true => {
            let id = lowering.operand(node, 3)?;
            let mask = Expression::load(lowering.view(id)?.expand(&extents));
            apply_mask(lowering, id, scaled, mask)
        }
        false => scaled,
    };
    let masked = match attention.is_causal {
        true => {
            let mask = Expression::load(causal(lowering, &extents).expand(&extents));
            Expression::infix(masked, "+", mask)
        }
        false => masked,
    };
    let scores = lowering.compute(None, &extents, &masked);
    let weights = reduce::softmax_view(lowering, &scores, extents.len() - 1);
    let weights = lowering.compute(None, &extents, &weights);
    let result = product(lowering, &weights, &value);
    lowering.define_view(node, result)
}

/// A mask of conditions keeps what is true; one of numbers is added.
fn apply_mask(
    lowering: &Lowering<'_>,
    id: crate::ir::ValueId,
    scores: Expression,
    mask: Expression,
) -> Expression {
    let dtype = lowering.graph.tensor_type(id).map(|found| found.dtype);
    if dtype == Some(crate::ir::DType::Bool) {
        let nothing = Expression::number(f64::NEG_INFINITY);
        Expression::call("op_select", vec![mask, scores, nothing])
    } else {
        Expression::infix(scores, "+", mask)
    }
}

/// Zero where a position sees another one, minus infinity where it does not.
fn causal(lowering: &mut Lowering<'_>, extents: &[i64]) -> View {
    let [.., rows, columns] = extents else { return View::plain(0, &[]) };
    let hidden = |row: i64, column: i64| if column > row { f32::NEG_INFINITY } else { 0.0 };
    let all = (0..*rows).flat_map(|row| (0..*columns).map(move |column| hidden(row, column)));
    lowering.program.constant(all.collect(), &[*rows, *columns])
}

/// A sum of products over named dimensions.
pub(super) fn einsum(
    lowering: &mut Lowering<'_>,
    node: &Node,
    einsum: &Einsum,
) -> Result<(), EmitError> {
    let views = node.inputs.iter().map(|&id| lowering.view(id)).collect::<Result<Vec<_>, _>>()?;
    let mut labels = einsum.output.clone();
    labels.extend(einsum.operands.iter().flatten().copied());
    let mut all: Vec<char> = Vec::new();
    for label in labels {
        if !all.contains(&label) {
            all.push(label);
        }
    }
    let output = node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default();
    let output = lowering.program.allocate_plain(&output);
    let axes = |view: &View, names: &[char], label: char| {
        let own = view.axes.iter().zip(names).filter(move |(_, name)| **name == label);
        own.fold((1, 0), |(extent, stride), (axis, _)| {
            let moves = if axis.extent == 1 { 0 } else { axis.stride };
            (axis.extent.max(extent), stride + moves)
        })
    };
    let level = |&label: &char| {
        let operands = views.iter().zip(&einsum.operands);
        let found: Vec<(i64, i64)> =
            operands.map(|(view, names)| axes(view, names, label)).collect();
        let own = axes(&output, &einsum.output, label).1;
        Loop {
            extent: found.iter().map(|axis| axis.0).max().unwrap_or(1),
            strides: std::iter::once(own).chain(found.iter().map(|axis| axis.1)).collect(),
        }
    };
    let (kept, summed) = all.split_at(einsum.output.len().min(all.len()));
    let kept: Vec<Loop> = kept.iter().map(level).collect();
    let summed: Vec<Loop> = summed.iter().map(level).collect();
    let mut step = Step::new("sum of products");
    let y = step.write(&output);
    let factors: Vec<String> = (1..)
        .zip(&views)
        .map(|(tensor, view)| {
            let (kept, summed) =
                (loops::index(&kept, "i", tensor), loops::index(&summed, "r", tensor));
            format!("{}[{kept} + {summed}]", step.read(view))
        })
        .collect();
    step.body = format!(
        "{}float s = 0.0f;\n{}s += {};\n{}{y}[{}] = s;\n{}",
        loops::heads(&kept, "i"),
        loops::heads(&summed, "r"),
        factors.join(" * "),
        loops::tails(&summed),
        loops::index(&kept, "i", 0),
        loops::tails(&kept)
    );
    lowering.program.steps.push(step);
    lowering.define(node, Held::View(output))
}
