//! Bytes of activations by liveness over the graph, and of parameters, gradients and optimiser
//! state. Deliberately not here: which values share memory (`liveness`), the backward pass (`training`),
//! workspaces of kernels, allocator rounding.

use super::liveness::{Mode, Storages, turned_inputs};
use super::training::{peak, peak_training_bytes};
use crate::ir::{Graph, ValueId};

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
    /// Most bytes of values and of their gradients alive at once in a training step.
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
        training_activation_bytes: peak_training_bytes(graph, config.batch),
    }
}

/// Most bytes of values alive at once when the nodes run in order: an input lives until its last
/// use, an output until the end, a node's operands and results at the same time. A ReLU works in place
/// where a plan computes it together with what is before it.
#[must_use]
pub fn peak_activation_bytes(graph: &Graph, batch: u64) -> u64 {
    let storages = Storages::new(graph, batch, Mode::Inference);
    let mut lives: Vec<Option<(usize, usize, u64)>> = vec![None; storages.bytes.len()];
    let mut alive = |id: ValueId, step: usize| {
        let Some(storage) = storages.of(id) else { return };
        let bytes = storages.bytes.get(storage).copied().unwrap_or(0);
        if let Some(life) = lives.get_mut(storage) {
            life.get_or_insert((step, step, bytes)).1 = step;
        }
    };
    graph.inputs.iter().for_each(|&id| alive(id, 0));
    for (step, node) in storages.computed(graph) {
        node.inputs.iter().chain(&node.outputs).for_each(|&id| alive(id, step));
    }
    graph.outputs.iter().for_each(|&id| alive(id, graph.nodes.len()));
    let turned = turned_inputs(graph, batch).into_iter().filter_map(|(id, bytes)| {
        let (from, to, _) = storages.of(id).and_then(|storage| lives.get(storage).copied())??;
        Some((from, to, bytes))
    });
    let turned: Vec<(usize, usize, u64)> = turned.collect();
    peak(lives.iter().flatten().chain(&turned).copied())
}

/// Bytes of all inputs and results, each with memory of its own: more than any backward pass keeps.
#[must_use]
pub fn all_activation_bytes(graph: &Graph, batch: u64) -> u64 {
    let storages = Storages::new(graph, batch, Mode::Apart);
    storages.bytes.iter().fold(0u64, |sum, bytes| sum.saturating_add(*bytes))
}
