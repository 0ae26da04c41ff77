//! Zeros around images: a value that a convolution pads is written into a larger image whose margin
//! is zero, so that the convolution has no border to look for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::loops;
use super::program::Step;
use super::view::View;
use crate::ir::op::{Conv, PaddingMode};
use crate::ir::{CheckedGraph, Op, ValueId};

/// The zeros that the convolutions of a network want around each value, per dimension.
pub(super) fn wanted(graph: &CheckedGraph) -> BTreeMap<ValueId, Vec<(i64, i64)>> {
    let mut wanted: BTreeMap<ValueId, Vec<(i64, i64)>> = BTreeMap::new();
    for node in graph.nodes.iter().rev() {
        let Some(&input) = node.inputs.first() else { continue };
        let margins = match &node.op {
            Op::Conv(conv) => {
                let rank = graph.tensor_type(input).map_or(0, |found| found.shape.rank());
                of_convolution(conv, rank)
            }
            Op::Dropout(_) | Op::Contiguous => {
                node.outputs.first().and_then(|output| wanted.get(output)).cloned()
            }
            _ => None,
        };
        if let Some(margins) = margins {
            let known = wanted.entry(input).or_default();
            *known = widest(known, &margins);
        }
    }
    wanted
}

/// The zeros that a convolution wants around an input with a batch dimension.
pub(super) fn of_convolution(conv: &Conv, rank: usize) -> Option<Vec<(i64, i64)>> {
    let pads = conv.padding.iter().any(|&padding| padding != (0, 0));
    let zeros = conv.padding_mode == PaddingMode::Zeros && conv.transposed.is_none();
    if !pads || !zeros || rank != conv.kernel.len() + 2 {
        return None;
    }
    let signed = |extent: u64| i64::try_from(extent).unwrap_or(i64::MAX);
    let spatial = conv.padding.iter().map(|&(before, after)| (signed(before), signed(after)));
    Some([(0, 0), (0, 0)].into_iter().chain(spatial).collect())
}

fn widest(left: &[(i64, i64)], right: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let length = left.len().max(right.len());
    let at = |margins: &[(i64, i64)], dim: usize| margins.get(dim).copied().unwrap_or((0, 0));
    let both = (0..length).map(|dim| (at(left, dim), at(right, dim)));
    both.map(|(left, right)| (left.0.max(right.0), left.1.max(right.1))).collect()
}

/// Sets the margins of an image to zero.
pub(super) fn zeros(view: &View) -> Step {
    let mut step = Step::new("zeros around an image");
    let target = step.write(&View { offset: 0, ..view.clone() });
    let order = view.order();
    step.body = dimension(view, &order, &target, &[], view.offset_of_margin());
    step
}

/// The margin of the outermost dimension of `order`, and the margins inside it.
fn dimension(
    view: &View,
    order: &[usize],
    target: &str,
    outer: &[(String, i64)],
    start: i64,
) -> String {
    let Some((&dim, inner)) = order.split_first() else { return String::new() };
    let margin = |dim: usize| view.margins.get(dim).copied().unwrap_or((0, 0));
    if order.iter().all(|&dim| margin(dim) == (0, 0)) {
        return String::new();
    }
    let (axis, (before, after)) = (view.axis(dim), margin(dim));
    let mut text = String::new();
    let end = (before + axis.extent) * axis.stride;
    for (from, count) in [(0, before * axis.stride), (end, after * axis.stride)] {
        if count > 0 {
            let place = place(outer, start + from);
            let _ = writeln!(text, "memset({target} + {place}, 0, {count} * sizeof(float));");
        }
    }
    if axis.extent == 1 {
        return text + &dimension(view, inner, target, outer, start + before * axis.stride);
    }
    let variable = format!("i{}", outer.len());
    let mut variables = outer.to_vec();
    variables.push((variable.clone(), axis.stride));
    let rest = dimension(view, inner, target, &variables, start + before * axis.stride);
    if !rest.is_empty() {
        let _ = writeln!(text, "{}\n{rest}}}", loops::head(&variable, axis.extent));
    }
    text
}

fn place(variables: &[(String, i64)], start: i64) -> String {
    match (loops::sum(variables.iter().cloned()).as_str(), start) {
        ("0", start) => start.to_string(),
        (sum, 0) => sum.to_owned(),
        (sum, start) => format!("{start} + {sum}"),
    }
}

impl View {
    /// Where the image with its margins begins.
    fn offset_of_margin(&self) -> i64 {
        let margins = self.margins.iter().zip(&self.axes);
        self.offset - margins.map(|((before, _), axis)| before * axis.stride).sum::<i64>()
    }
}
