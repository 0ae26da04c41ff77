//! `ExecutionPlan`: the operations of a checked graph in order, with dense slots for values and the
//! slots that each step sets free. No type of any numeric library; every backend starts from it.

use std::collections::HashMap;

use nasc_compiler::ir::{CheckedGraph, Graph, Node, Op, Param, Producer, TensorType, ValueId};
use nasc_compiler::source::Span;

use crate::backend::candle::support;
use crate::error::RuntimeError;

/// Position of a value in the table of a running step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub usize);

/// Where a step takes an operand from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An input or a result of an earlier step.
    Slot(Slot),
    /// A parameter or buffer, by its position in [`ExecutionPlan::params`].
    Param(usize),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is computed.
    pub op: Op,
    /// Operands in the order that [`Op`] documents.
    pub operands: Vec<Operand>,
    /// Where the results go.
    pub results: Vec<Slot>,
    /// Types of the results.
    pub result_types: Vec<TensorType>,
    /// Slots that no later step reads and that are no result of the network.
    pub releases: Vec<Slot>,
    /// The call in `forward`.
    pub span: Span,
}

/// Steps in order, with the lifetimes of their values.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionPlan {
    /// Operations in execution order; those that no result depends on are left out.
    pub steps: Vec<Step>,
    /// Parameters and buffers in the order of the state dict.
    pub params: Vec<Param>,
    /// Slots of the network's inputs.
    pub inputs: Vec<Slot>,
    /// Types of the inputs.
    pub input_types: Vec<TensorType>,
    /// Where the network's results are found.
    pub outputs: Vec<Operand>,
    /// Types of the results.
    pub output_types: Vec<TensorType>,
    /// Number of slots.
    pub slots: usize,
}

impl ExecutionPlan {
    /// Orders the graph.
    ///
    /// # Errors
    /// [`RuntimeError::Malformed`] if an id points nowhere, which no checked graph does.
    pub fn new(graph: &CheckedGraph) -> Result<ExecutionPlan, RuntimeError> {
        let graph = graph.graph();
        let mut steps = live_nodes(graph)
            .into_iter()
            .map(|node| step(graph, node))
            .collect::<Result<Vec<Step>, RuntimeError>>()?;
        let mut outputs = operands(graph, &graph.outputs)?;
        share_repeated(&mut steps, &mut outputs);
        release_after_last_use(&mut steps, &outputs, graph.values.len());
        Ok(ExecutionPlan {
            steps,
            params: graph.params.clone(),
            inputs: graph.inputs.iter().map(|id| Slot(id.index())).collect(),
            input_types: types(graph, &graph.inputs)?,
            output_types: types(graph, &graph.outputs)?,
            outputs,
            slots: graph.values.len(),
        })
    }
}

/// Whether every operation of the graph can be executed and differentiated.
///
/// # Errors
/// [`RuntimeError::Unsupported`] for the first that cannot.
pub fn trainable(graph: &CheckedGraph) -> Result<(), RuntimeError> {
    for step in ExecutionPlan::new(graph)?.steps {
        if let Some(detail) = support::gap(&step) {
            return Err(RuntimeError::Unsupported { op: step.op.name(), detail, span: step.span });
        }
    }
    Ok(())
}

/// Leaves out steps that compute again what an earlier one did, such as the ReLU of one tensor on every
/// edge that leaves it.
fn share_repeated(steps: &mut Vec<Step>, outputs: &mut [Operand]) {
    let mut first: HashMap<Vec<Operand>, Vec<(Op, Vec<Slot>)>> = HashMap::new();
    let mut instead: HashMap<Slot, Slot> = HashMap::new();
    let follow = |operand: &mut Operand, instead: &HashMap<Slot, Slot>| {
        if let Operand::Slot(slot) = operand
            && let Some(&other) = instead.get(slot)
        {
            *operand = Operand::Slot(other);
        }
    };
    steps.retain_mut(|step| {
        step.operands.iter_mut().for_each(|operand| follow(operand, &instead));
        if !is_repeatable(&step.op) {
            return true;
        }
        let known = first.entry(step.operands.clone()).or_default();
        match known.iter().find(|(op, _)| *op == step.op) {
            Some((_, results)) => {
                instead.extend(step.results.iter().copied().zip(results.iter().copied()));
                false
            }
            None => {
                known.push((step.op.clone(), step.results.clone()));
                true
            }
        }
    });
    outputs.iter_mut().for_each(|operand| follow(operand, &instead));
}

/// Whether an operation has no parameters, statistics or random draws of its own.
fn is_repeatable(op: &Op) -> bool {
    matches!(
        op,
        Op::Activation(_)
            | Op::Unary(_)
            | Op::Scalar(_)
            | Op::Clamp(_)
            | Op::Reshape(_)
            | Op::Permute(_)
            | Op::Contiguous
            | Op::Cast(_)
            | Op::Slice(_)
            | Op::Expand(_)
            | Op::Pad(_)
    )
}

/// Nodes that a result depends on, in order.
fn live_nodes(graph: &Graph) -> Vec<&Node> {
    let mut wanted = vec![false; graph.values.len()];
    let mark = |ids: &[ValueId], wanted: &mut Vec<bool>| {
        for id in ids {
            if let Some(flag) = wanted.get_mut(id.index()) {
                *flag = true;
            }
        }
    };
    mark(&graph.outputs, &mut wanted);
    let mut live = Vec::new();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|id| wanted.get(id.index()).copied().unwrap_or(false)) {
            mark(&node.inputs, &mut wanted);
            live.push(node);
        }
    }
    live.reverse();
    live
}

fn step(graph: &Graph, node: &Node) -> Result<Step, RuntimeError> {
    Ok(Step {
        op: node.op.clone(),
        operands: operands(graph, &node.inputs)?,
        results: node.outputs.iter().map(|id| Slot(id.index())).collect(),
        result_types: types(graph, &node.outputs)?,
        releases: Vec::new(),
        span: node.provenance.call,
    })
}

fn operands(graph: &Graph, ids: &[ValueId]) -> Result<Vec<Operand>, RuntimeError> {
    ids.iter()
        .map(|&id| match graph.value(id).map(|value| value.producer) {
            Some(Producer::Param(param)) => Ok(Operand::Param(param.index())),
            Some(Producer::Input(_) | Producer::Node(..)) => Ok(Operand::Slot(Slot(id.index()))),
            None => Err(RuntimeError::Malformed { reason: "an operand does not exist" }),
        })
        .collect()
}

fn types(graph: &Graph, ids: &[ValueId]) -> Result<Vec<TensorType>, RuntimeError> {
    let missing = RuntimeError::Malformed { reason: "a value has no type" };
    let types: Option<Vec<TensorType>> =
        ids.iter().map(|&id| graph.tensor_type(id).cloned()).collect();
    types.ok_or(missing)
}

fn release_after_last_use(steps: &mut [Step], outputs: &[Operand], slots: usize) {
    let mut seen = vec![false; slots];
    for operand in outputs {
        first_sight(*operand, &mut seen);
    }
    for step in steps.iter_mut().rev() {
        let unused = step.results.iter().map(|&slot| Operand::Slot(slot));
        let candidates: Vec<Operand> = step.operands.iter().copied().chain(unused).collect();
        step.releases =
            candidates.into_iter().filter_map(|operand| first_sight(operand, &mut seen)).collect();
    }
}

/// The slot of an operand that was not seen before.
fn first_sight(operand: Operand, seen: &mut [bool]) -> Option<Slot> {
    let Operand::Slot(slot) = operand else { return None };
    let flag = seen.get_mut(slot.0)?;
    (!std::mem::replace(flag, true)).then_some(slot)
}
