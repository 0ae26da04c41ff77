//! Bytes of activations by liveness over the graph, and of parameters, gradients and optimiser
//! state. Views (reshape, permute, expand, slice, dropout in evaluation mode) share the storage of
//! what they look at. Deliberately not here: workspaces of kernels, allocator rounding.

use crate::ir::{Graph, Node, Op, Producer, ValueId};

/// What a memory estimate depends on besides the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Samples per batch.
    pub batch: u64,
    /// Numbers that the optimiser keeps per trainable parameter: 0 for plain SGD, 1 with momentum,
    /// 2 for Adam.
    pub optimizer_states: u64,
}

/// Bytes by purpose. All figures saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MemoryReport {
    /// Parameters.
    pub parameter_bytes: u64,
    /// Buffers.
    pub buffer_bytes: u64,
    /// Gradients of trainable parameters.
    pub gradient_bytes: u64,
    /// State of the optimiser.
    pub optimizer_bytes: u64,
    /// Most bytes of values alive at once in inference.
    pub inference_activation_bytes: u64,
    /// Bytes of all values, which training keeps for the backward pass. An upper bound where
    /// operations work in place or keep less than their operands.
    pub training_activation_bytes: u64,
}

/// Memory of a network under `config`.
#[must_use]
pub fn memory(graph: &Graph, config: &MemoryConfig) -> MemoryReport {
    let bytes = |wanted: fn(crate::ir::ParamKind) -> bool| {
        let params = graph.params.iter().filter(|param| wanted(param.kind));
        params.fold(0u64, |sum, param| sum.saturating_add(param.tensor_type().bytes_at(1)))
    };
    let gradient_bytes = bytes(|kind| kind == crate::ir::ParamKind::Trainable);
    MemoryReport {
        parameter_bytes: bytes(crate::ir::ParamKind::is_parameter),
        buffer_bytes: bytes(crate::ir::ParamKind::is_buffer),
        gradient_bytes,
        optimizer_bytes: gradient_bytes.saturating_mul(config.optimizer_states),
        inference_activation_bytes: peak_activation_bytes(graph, config.batch),
        training_activation_bytes: kept_activation_bytes(graph, config.batch),
    }
}

/// Most bytes of values alive at once when the nodes run in order: an input lives until its last
/// use, an output until the end, a node's operands and results at the same time.
#[must_use]
pub fn peak_activation_bytes(graph: &Graph, batch: u64) -> u64 {
    let storages = storages(graph, batch);
    // a storage is taken before `first` and given back after `last`
    let mut taken = vec![0u64; graph.nodes.len() + 1];
    let mut freed = vec![0u64; graph.nodes.len() + 1];
    for storage in &storages {
        let add = |at: &mut Vec<u64>, step: usize| {
            if let Some(bytes) = at.get_mut(step) {
                *bytes = bytes.saturating_add(storage.bytes);
            }
        };
        add(&mut taken, storage.first);
        add(&mut freed, storage.last);
    }
    let mut alive = 0u64;
    let mut peak = 0u64;
    for (taken, freed) in taken.into_iter().zip(freed) {
        alive = alive.saturating_add(taken);
        peak = peak.max(alive);
        alive = alive.saturating_sub(freed);
    }
    peak
}

/// Bytes of all inputs and results.
fn kept_activation_bytes(graph: &Graph, batch: u64) -> u64 {
    storages(graph, batch).iter().fold(0u64, |sum, storage| sum.saturating_add(storage.bytes))
}

/// Memory of one or more values: from the first step that needs it to the last, inclusive.
struct Storage {
    first: usize,
    last: usize,
    bytes: u64,
}

/// The storages of all values that are no parameters. Steps are positions of nodes; the step after
/// the last one reads the outputs.
fn storages(graph: &Graph, batch: u64) -> Vec<Storage> {
    let mut storages: Vec<Storage> = Vec::new();
    let mut of_value: Vec<Option<usize>> = vec![None; graph.values.len()];
    let mut open = |of_value: &mut Vec<Option<usize>>, id: ValueId, first: usize| {
        let bytes = graph.tensor_type(id).map_or(0, |tensor_type| tensor_type.bytes_at(batch));
        storages.push(Storage { first, last: first, bytes });
        if let Some(slot) = of_value.get_mut(id.index()) {
            *slot = Some(storages.len() - 1);
        }
    };
    for &id in &graph.inputs {
        open(&mut of_value, id, 0);
    }
    for (step, node) in graph.nodes.iter().enumerate() {
        let viewed = viewed(graph, node).and_then(|id| of_value.get(id.index()).copied().flatten());
        for &id in &node.outputs {
            match (viewed, of_value.get_mut(id.index())) {
                (Some(storage), Some(slot)) => *slot = Some(storage),
                _ => open(&mut of_value, id, step),
            }
        }
    }
    let steps = graph.nodes.iter().map(|node| &node.inputs).chain([&graph.outputs]);
    for (step, read) in steps.enumerate() {
        for id in read {
            let storage = of_value.get(id.index()).copied().flatten();
            if let Some(storage) = storage.and_then(|index| storages.get_mut(index)) {
                storage.last = storage.last.max(step);
            }
        }
    }
    storages
}

/// The value whose storage the node's result shares, if it is a view of a computed value.
fn viewed(graph: &Graph, node: &Node) -> Option<ValueId> {
    let input = *node.inputs.first()?;
    let is_view = match &node.op {
        Op::Cast(cast) => graph.tensor_type(input).is_some_and(|from| from.dtype == cast.dtype),
        op => matches!(
            op,
            Op::Reshape(_)
                | Op::Permute(_)
                | Op::Expand(_)
                | Op::Slice(_)
                | Op::Split(_)
                | Op::Windows(_)
                | Op::Dropout(_)
        ),
    };
    let computed = !matches!(graph.value(input)?.producer, Producer::Param(_));
    (is_view && computed).then_some(input)
}
