//! Most bytes of activations and of their gradients alive at once in a training step, by liveness over
//! the forward and the backward pass. A value lives until the last step that reads it, forward or
//! backward; its gradient from the first contribution until it is passed on. This is what nasc's plans
//! allocate. Deliberately not here: parameters and their gradients, workspaces of kernels, the slices
//! in which a plan works on a batch whose samples never meet.

use super::liveness::{Mode, Storages, turned_inputs};
use crate::ir::op::{Activation, Binary, PoolMode};
use crate::ir::{Graph, Node, Op, Param, ParamKind, Producer, ValueId};

/// Peak bytes of a training step over `batch` samples. Saturates.
#[must_use]
pub fn peak_training_bytes(graph: &Graph, batch: u64) -> u64 {
    let storages = Storages::new(graph, batch, Mode::Training);
    let mut lives = Lives::new(graph, &storages);
    lives.forward();
    lives.backward();
    lives.copies(batch);
    lives.peak().saturating_add(kept(graph, batch))
}

/// Steps in which something is alive, both ends included.
#[derive(Debug, Clone, Copy)]
struct Block {
    bytes: u64,
    from: usize,
    to: usize,
}

/// Node `i` runs at step `i`, the loss at `n`, the backward step of node `i` at `2n − i`.
struct Lives<'a> {
    graph: &'a Graph,
    storages: &'a Storages,
    blocks: Vec<Block>,
    values: Vec<Option<usize>>,
    gradients: Vec<Option<usize>>,
    differentiable: Vec<bool>,
}

impl<'a> Lives<'a> {
    fn new(graph: &'a Graph, storages: &'a Storages) -> Lives<'a> {
        let count = storages.bytes.len();
        Lives {
            graph,
            storages,
            blocks: Vec::new(),
            values: vec![None; count],
            gradients: vec![None; count],
            differentiable: vec![false; count],
        }
    }

    fn open(&mut self, storage: usize, step: usize) -> Option<usize> {
        let bytes = self.storages.bytes.get(storage).copied().unwrap_or(0);
        self.blocks.push(Block { bytes, from: step, to: step });
        Some(self.blocks.len() - 1)
    }

    fn open_value(&mut self, id: ValueId, step: usize) {
        let Some(storage) = self.storages.of(id) else { return };
        if self.values.get(storage) == Some(&None) {
            let block = self.open(storage, step);
            set(&mut self.values, storage, block);
        }
    }

    fn extend(&mut self, block: Option<usize>, step: usize) {
        if let Some(block) = block.and_then(|block| self.blocks.get_mut(block)) {
            block.to = block.to.max(step);
        }
    }

    fn read(&mut self, id: ValueId, step: usize) {
        let storage = self.storages.of(id);
        self.extend(storage.and_then(|storage| get(&self.values, storage)), step);
    }

    fn forward(&mut self) {
        let (graph, storages) = (self.graph, self.storages);
        for &id in &graph.inputs {
            self.open_value(id, 0);
        }
        for (step, node) in storages.computed(graph) {
            let trained = node.inputs.iter().any(|&id| self.has_gradient(id));
            for &id in &node.outputs {
                self.open_value(id, step);
                if let Some(storage) = self.storages.of(id).filter(|_| trained) {
                    set(&mut self.differentiable, storage, true);
                }
            }
            for &id in node.inputs.iter().chain(&node.outputs) {
                self.read(id, step);
            }
        }
        for &id in &graph.outputs {
            self.read(id, graph.nodes.len());
        }
    }

    fn has_gradient(&self, id: ValueId) -> bool {
        if let Some(Producer::Param(param)) = self.graph.value(id).map(|value| value.producer) {
            let kind = |param: &Param| param.kind == ParamKind::Trainable;
            return self.graph.params.get(param.index()).is_some_and(kind);
        }
        self.storages.of(id).is_some_and(|storage| get(&self.differentiable, storage))
    }

    fn backward(&mut self) {
        let (graph, storages) = (self.graph, self.storages);
        let end = graph.nodes.len();
        for &id in &graph.outputs {
            self.contribute(id, end);
        }
        for (index, node) in storages.computed(graph).rev() {
            let step = 2 * end - index;
            let reached = node.outputs.iter().filter_map(|&id| storages.of(id));
            let reached = reached.filter_map(|storage| get(&self.gradients, storage));
            let reached: Vec<usize> = reached.collect();
            if reached.is_empty() {
                continue;
            }
            reached.iter().for_each(|&block| self.extend(Some(block), step));
            let shared = storages.shared(index);
            let in_place = in_place(graph, node, shared);
            for (operand, &id) in node.inputs.iter().enumerate() {
                if Some(operand) == shared {
                    continue;
                }
                let once = node.inputs.iter().filter(|&&other| other == id).count() == 1;
                if in_place == Some(operand) && once {
                    self.take_over(id, reached.first().copied());
                }
                self.contribute(id, step);
            }
            saved(node, shared).into_iter().for_each(|id| self.read(id, step));
        }
    }

    /// The gradient of a value gets a contribution.
    fn contribute(&mut self, id: ValueId, step: usize) {
        let Some(storage) = self.storages.of(id) else { return };
        if !get(&self.differentiable, storage) {
            return;
        }
        match get(&self.gradients, storage) {
            block @ Some(_) => self.extend(block, step),
            None => {
                let block = self.open(storage, step);
                set(&mut self.gradients, storage, block);
            }
        }
    }

    /// The gradient of a result becomes that of an operand where it lies.
    fn take_over(&mut self, id: ValueId, block: Option<usize>) {
        let Some(storage) = self.storages.of(id) else { return };
        if get(&self.differentiable, storage) && get(&self.gradients, storage).is_none() {
            set(&mut self.gradients, storage, block);
        }
    }

    /// An image of the network lives on beside its copy.
    fn copies(&mut self, batch: u64) {
        for (id, bytes) in turned_inputs(self.graph, batch) {
            let life = self.storages.of(id).and_then(|storage| get(&self.values, storage));
            if let Some(&Block { from, to, .. }) = life.and_then(|block| self.blocks.get(block)) {
                self.blocks.push(Block { bytes, from, to });
            }
        }
    }

    fn peak(&self) -> u64 {
        peak(self.blocks.iter().map(|block| (block.from, block.to, block.bytes)))
    }
}

fn get<T: Copy + Default>(table: &[T], index: usize) -> T {
    table.get(index).copied().unwrap_or_default()
}

fn set<T>(table: &mut [T], index: usize, value: T) {
    if let Some(slot) = table.get_mut(index) {
        *slot = value;
    }
}

/// Most bytes alive at once, of what is alive from one step to another, both included. Saturates.
pub(super) fn peak(lives: impl Iterator<Item = (usize, usize, u64)> + Clone) -> u64 {
    let steps = lives.clone().map(|(_, to, _)| to + 1).max().unwrap_or(0);
    let mut taken = vec![0u64; steps];
    let mut freed = vec![0u64; steps];
    for (from, to, bytes) in lives {
        for (table, step) in [(&mut taken, from), (&mut freed, to)] {
            if let Some(slot) = table.get_mut(step) {
                *slot = slot.saturating_add(bytes);
            }
        }
    }
    let (mut alive, mut peak) = (0u64, 0u64);
    for (taken, freed) in taken.into_iter().zip(freed) {
        alive = alive.saturating_add(taken);
        peak = peak.max(alive);
        alive = alive.saturating_sub(freed);
    }
    peak
}

/// The operand whose gradient may lie where the result's does.
fn in_place(graph: &Graph, node: &Node, shared: Option<usize>) -> Option<usize> {
    match &node.op {
        // a residual that is added to what a batch norm makes
        Op::Binary(Binary::Add) if shared.is_some() => shared.map(|operand| 1 - operand.min(1)),
        Op::Binary(_) => {
            let shape = |id: Option<&ValueId>| {
                id.and_then(|&id| graph.tensor_type(id)).map(|tensor_type| &tensor_type.shape)
            };
            (shape(node.inputs.first()) == shape(node.outputs.first())).then_some(0)
        }
        Op::Dropout(_) | Op::Activation(_) | Op::Unary(_) | Op::Clamp(_) | Op::Scalar(_) => Some(0),
        _ => None,
    }
}

/// What the backward step of a node reads besides parameters and the gradient of its result.
fn saved(node: &Node, shared: Option<usize>) -> Vec<ValueId> {
    match &node.op {
        // a ReLU computed with what is before it masks by its result
        Op::Activation(Activation::Relu) if shared.is_some() => node.outputs.clone(),
        Op::Softmax(_) => node.outputs.clone(),
        Op::Binary(Binary::Add | Binary::Sub)
        | Op::Dropout(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::Reshape(_)
        | Op::Permute(_)
        | Op::Contiguous
        | Op::Cat(_)
        | Op::Expand(_)
        | Op::Slice(_)
        | Op::Split(_)
        | Op::Pad(_)
        | Op::Roll(_)
        | Op::Flip(_)
        | Op::Repeat(_)
        | Op::Reduce(_)
        | Op::Interpolate(_)
        | Op::PixelShuffle(_)
        | Op::Full(_)
        | Op::Cast(_) => Vec::new(),
        Op::Recurrent(_) => node.inputs.iter().chain(&node.outputs).copied().collect(),
        _ => node.inputs.clone(),
    }
}

/// Bytes that kernels keep from the forward to the backward pass: the places of maxima, the weights of
/// attention, the gates of recurrent layers.
fn kept(graph: &Graph, batch: u64) -> u64 {
    let bytes = |node: &Node| {
        let result = node.outputs.first().and_then(|&id| graph.tensor_type(id));
        let result = result.map_or(0, |result| result.bytes_at(batch));
        match &node.op {
            Op::Pool(pool) if pool.mode == PoolMode::Max => result,
            Op::AdaptivePool(pool) if pool.mode == PoolMode::Max => result,
            Op::Attention(_) => weights(graph, node, batch),
            Op::Recurrent(_) => result.saturating_mul(4),
            _ => 0,
        }
    };
    graph.nodes.iter().fold(0u64, |sum, node| sum.saturating_add(bytes(node)))
}

/// One weight for each row of the query and each row of the key.
fn weights(graph: &Graph, node: &Node, batch: u64) -> u64 {
    let operand = |index: usize| node.inputs.get(index).and_then(|&id| graph.tensor_type(id));
    let (Some(query), Some(key)) = (operand(0), operand(1)) else { return 0 };
    let extent = |tensor: &crate::ir::TensorType, back: usize| {
        tensor.shape.0.iter().rev().nth(back).map_or(1, |dim| dim.at_batch(batch)).max(1)
    };
    (query.bytes_at(batch) / extent(query, 0)).saturating_mul(extent(key, 1))
}
