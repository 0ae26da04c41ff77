//! How much one operation counts, as data, so that a convention is a table of such formulas.

use super::rules;
use crate::ir::{Graph, Node, Op, Producer, TensorType, ValueId};

/// What an operation counts, for one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// Nothing.
    Zero,
    /// Multiply-accumulates, see [`rules::rule`].
    Macs,
    /// Multiply-accumulates, and one for each element of the output if there is a bias.
    MacsAndBias,
    /// Elements of the output times in_channels / groups times the window; for transposed
    /// convolutions as for others.
    OutputTimesWindow,
    /// So many for each element of the input.
    Input(u64),
    /// So many for each element of the output.
    Output(u64),
    /// For each element of the input: the first number, with weight and bias the second.
    Normalisation(u64, u64),
    /// For each element of the output: elements of the input by elements of the output, plus 1.
    MeanWithDivision,
    /// Three operations for each element, less one for each row.
    Exponentials,
    /// Elements of weight and bias, for each position of a convolution's output, once otherwise.
    Parameters,
}

/// The count of a node of `graph` by a formula; saturates.
#[must_use]
pub fn count(formula: Formula, graph: &Graph, node: &Node) -> u64 {
    let operands = types(graph, &node.inputs);
    let results = types(graph, &node.outputs);
    let (input, output) = (elements(&operands), elements(&results));
    match formula {
        Formula::Zero => 0,
        Formula::Macs => rules::macs(&node.op, &operands, &results),
        Formula::MacsAndBias => {
            let macs = rules::macs(&node.op, &operands, &results);
            macs.saturating_add(if has_bias(&node.op) { output } else { 0 })
        }
        Formula::OutputTimesWindow => output_times_window(&node.op, output),
        Formula::Input(times) => input.saturating_mul(times),
        Formula::Output(times) => output.saturating_mul(times),
        Formula::Normalisation(plain, affine) => {
            input.saturating_mul(if is_affine(&node.op) { affine } else { plain })
        }
        // rounding downwards of an exact quotient: input / output · output + output
        Formula::MeanWithDivision => input.saturating_add(output),
        Formula::Exponentials => {
            let rows = rows(&node.op, &operands, input);
            input.saturating_mul(3).saturating_sub(rows)
        }
        Formula::Parameters => {
            own_parameters(graph, node).saturating_mul(positions(node, &results))
        }
    }
}

fn types<'a>(graph: &'a Graph, ids: &[ValueId]) -> Vec<&'a TensorType> {
    ids.iter().filter_map(|&id| graph.tensor_type(id)).collect()
}

/// Elements of the first tensor at batch size 1.
fn elements(types: &[&TensorType]) -> u64 {
    types.first().map_or(0, |tensor| tensor.shape.elements_at(1))
}

fn has_bias(op: &Op) -> bool {
    match op {
        Op::Conv(conv) => conv.bias,
        Op::Linear(linear) => linear.bias,
        _ => false,
    }
}

fn is_affine(op: &Op) -> bool {
    match op {
        Op::BatchNorm(norm) => norm.affine,
        Op::GroupNorm(norm) => norm.affine,
        Op::InstanceNorm(norm) => norm.affine,
        Op::LayerNorm(norm) => norm.weight,
        _ => false,
    }
}

fn output_times_window(op: &Op, output: u64) -> u64 {
    let Op::Conv(conv) = op else { return 0 };
    let window = conv.kernel.iter().copied().fold(1, u64::saturating_mul);
    let channels = conv.in_channels.checked_div(conv.groups).unwrap_or(0);
    output.saturating_mul(channels).saturating_mul(window)
}

/// Rows that a softmax normalises.
fn rows(op: &Op, operands: &[&TensorType], input: u64) -> u64 {
    let Op::Softmax(softmax) = op else { return 0 };
    let extent = operands.first().and_then(|tensor| tensor.shape.0.get(softmax.dim));
    extent.and_then(|extent| input.checked_div(extent.at_batch(1))).unwrap_or(0)
}

/// Elements of the weight and bias among the operands; 0 if the layer has modules below it.
fn own_parameters(graph: &Graph, node: &Node) -> u64 {
    // parents stand directly before their first child
    let owner = node.provenance.module;
    let next = graph.modules.get(owner.index() + 1);
    if next.is_some_and(|module| module.parent == Some(owner)) {
        return 0;
    }
    let params = node.inputs.iter().filter_map(|&id| match graph.value(id)?.producer {
        Producer::Param(id) => graph.param(id).filter(|param| param.kind.is_parameter()),
        Producer::Input(_) | Producer::Node(..) => None,
    });
    params.fold(0, |sum: u64, param| sum.saturating_add(param.elements()))
}

fn positions(node: &Node, results: &[&TensorType]) -> u64 {
    let Some(output) = results.first() else { return 0 };
    let extents = || output.shape.0.iter().map(|dim| dim.at_batch(1));
    match &node.op {
        Op::Conv(_) => extents().take(1).chain(extents().skip(2)).fold(1, u64::saturating_mul),
        Op::Recurrent(_) => extents().take(2).fold(1, u64::saturating_mul),
        _ => extents().next().unwrap_or(1),
    }
}
