//! How operands became what they are: the operations before a mistake, and the place that gave a
//! dimension its extent.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Label, Step};
use crate::ir::{Graph, Node, NodeId, Op, Producer, Shape, ValueId};
use crate::shape::ShapeError;

use super::interpreter::Interpreter;
use super::value::{Source, Tensor};

/// Most steps that are kept; the last ones.
const LONGEST: usize = 64;

impl Interpreter<'_> {
    /// Adds to a diagnostic where its operands come from. `None` stands for operands that are not
    /// known any more; then the last operations are shown.
    pub(crate) fn trace_back(
        &self,
        diagnostic: &mut Diagnostic,
        error: &ShapeError,
        operands: Option<&[Tensor]>,
    ) {
        let graph = self.builder.graph();
        let values: Vec<Option<ValueId>> =
            operands.unwrap_or_default().iter().map(value_of).collect();
        for (operand, dim) in error.dimensions() {
            let value = values.get(operand).copied().flatten();
            let Some(origin) = value.and_then(|value| origin(graph, value, dim)) else { continue };
            let Some(label) = label(graph, origin, dim) else { continue };
            if !diagnostic.labels.iter().any(|known| known.span == label.span) {
                diagnostic.labels.push(label);
            }
        }
        let wanted = match operands {
            Some(_) => ancestors(graph, values.into_iter().flatten()),
            None => graph.nodes_with_ids().map(|(id, _)| id).collect(),
        };
        diagnostic.trail = steps(graph, &wanted);
    }
}

fn value_of(tensor: &Tensor) -> Option<ValueId> {
    match &*tensor.0.source.borrow() {
        Source::Graph(value) => Some(*value),
        Source::Param(_) | Source::Fill(_) | Source::Data(_) => None,
    }
}

/// All nodes that some values depend on.
fn ancestors(graph: &Graph, values: impl Iterator<Item = ValueId>) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<ValueId> = values.collect();
    while let Some(value) = waiting.pop() {
        let Some(Producer::Node(id, _)) = graph.value(value).map(|value| value.producer) else {
            continue;
        };
        if found.insert(id) {
            waiting.extend(graph.node(id).into_iter().flat_map(|node| &node.inputs));
        }
    }
    found
}

/// One step for each call; of a layer of several operations the last one.
fn steps(graph: &Graph, wanted: &BTreeSet<NodeId>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for node in wanted.iter().filter_map(|&id| graph.node(id)) {
        let step = step(graph, node);
        match steps.last_mut() {
            Some(last)
                if last.span == step.span && last.path == step.path && is_layer(graph, node) =>
            {
                *last = step;
            }
            Some(_) | None => steps.push(step),
        }
    }
    steps.split_off(steps.len().saturating_sub(LONGEST))
}

fn is_layer(graph: &Graph, node: &Node) -> bool {
    graph.module(node.provenance.module).is_some_and(|module| module.layer.is_some())
}

fn step(graph: &Graph, node: &Node) -> Step {
    let module = graph.module(node.provenance.module);
    let layer = module.filter(|module| module.layer.is_some());
    let output = node.outputs.first().and_then(|&output| graph.tensor_type(output));
    Step {
        path: module.map_or_else(String::new, |module| module.path.to_string()),
        type_name: layer
            .map_or_else(|| node.op.name().to_string(), |layer| layer.class_name.to_string()),
        output: output.map_or_else(String::new, |output| output.shape.to_string()),
        span: node.provenance.call,
    }
}

/// The last node that decided the extent of a dimension: before it, that dimension was another one,
/// or it is an operation that sets it whatever came in.
fn origin(graph: &Graph, value: ValueId, dim: usize) -> Option<&Node> {
    let mut value = value;
    loop {
        let Producer::Node(id, _) = graph.value(value)?.producer else { return None };
        let node = graph.node(id)?;
        let output = &graph.tensor_type(value)?.shape;
        let input = *node.inputs.first()?;
        let keeps = graph.tensor_type(input).is_some_and(|input| {
            input.shape.rank() == output.rank() && input.shape.0.get(dim) == output.0.get(dim)
        });
        if !keeps || sets(&node.op, output, dim) {
            return Some(node);
        }
        value = input;
    }
}

/// Whether an operation gives a dimension an extent of its own.
fn sets(op: &Op, output: &Shape, dim: usize) -> bool {
    match op {
        Op::Conv(conv) => dim + conv.kernel.len() + 1 == output.rank(),
        Op::Linear(_) | Op::Embedding(_) | Op::Recurrent(_) | Op::Bilinear(_) => {
            dim + 1 == output.rank()
        }
        _ => false,
    }
}

fn label(graph: &Graph, node: &Node, dim: usize) -> Option<Label> {
    let output = node.outputs.first().and_then(|&output| graph.tensor_type(output))?;
    let extent = output.shape.0.get(dim)?;
    let span = node.provenance.declared.unwrap_or(node.provenance.call);
    Some(Label { span, text: format!("dimension {dim} becomes {extent} here") })
}
