//! What a training asks of the machine before it begins: the batches that will occur, and the memory
//! that they take. Not here: how much there is.

use std::collections::BTreeSet;

use nasc_compiler::cost::{MemoryConfig, all_activation_bytes, memory};
use nasc_compiler::ir::{CheckedGraph, Dim, Graph, Node, Op, Shape, ValueId};
use nasc_compiler::source::Span;

use crate::backend::cpu::CpuBackend;
use crate::data::Dataset;
use crate::error::RuntimeError;
use crate::train::{TrainConfig, threads_for};

/// The batches of a training, and what its optimiser keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Images of a step.
    pub batch: usize,
    /// Images to train on.
    pub train: usize,
    /// Images of each split that is evaluated.
    pub evaluated: Vec<usize>,
    /// Numbers that the optimiser keeps for each parameter.
    pub moments: u64,
}

impl Workload {
    /// That of a training with an evaluation of every split.
    #[must_use]
    pub fn new(config: &TrainConfig, data: &Dataset) -> Workload {
        Workload {
            batch: config.batch_size.get(),
            train: data.train().len(),
            evaluated: vec![data.validation().len(), data.test().len()],
            moments: config.optimizer.moments(),
        }
    }

    /// Sizes of the batches that are trained on.
    pub(crate) fn training_sizes(&self) -> BTreeSet<usize> {
        self.sizes_of(self.train).collect()
    }

    /// Sizes of the batches that are only evaluated.
    pub(crate) fn evaluation_sizes(&self) -> BTreeSet<usize> {
        let training = self.training_sizes();
        let all = self.evaluated.iter().flat_map(|&images| self.sizes_of(images));
        all.filter(|size| !training.contains(size)).collect()
    }

    /// A whole batch, and the images that are left over.
    fn sizes_of(&self, images: usize) -> impl Iterator<Item = usize> {
        let batch = self.batch.max(1);
        [batch.min(images), images % batch].into_iter().filter(|&size| size > 0)
    }
}

/// Whether every batch can be trained on: batch norm over one value per channel cannot, since one
/// value has no spread.
///
/// # Errors
/// [`RuntimeError::SingleValue`] at the first batch norm that would see one.
pub fn fits_batches(graph: &CheckedGraph, work: &Workload) -> Result<(), RuntimeError> {
    if !work.training_sizes().contains(&1) {
        return Ok(());
    }
    let Workload { batch, train: images, .. } = *work;
    match single_value(graph) {
        // torch/nn/functional.py, _verify_batch_size
        Some(span) => Err(RuntimeError::SingleValue { batch, images, span }),
        None => Ok(()),
    }
}

/// The first batch norm that sees one value per channel of one image.
fn single_value(graph: &Graph) -> Option<Span> {
    graph.nodes.iter().find_map(|node| {
        let Op::BatchNorm(norm) = &node.op else { return None };
        let input = node.inputs.first().and_then(|&value| graph.tensor_type(value))?;
        let single = Dim::Batch { factor: norm.num_features };
        (input.shape.elements() == Some(single)).then_some(node.provenance.call)
    })
}

/// Above this the batches of a network are not planned: the rough estimate says enough.
const WORTH_PLANNING: u64 = 64 << 30;
/// A kernel that keeps more than this for itself is not made only to learn its size.
const WORTH_MAKING: u64 = 1 << 30;

/// Bytes that a training takes: what the static plan allocates for all batches that occur, or a rough
/// upper estimate for networks that the plan lacks operations for. Saturates.
#[must_use]
pub fn estimate_memory(graph: &CheckedGraph, work: &Workload) -> u64 {
    let rough = rough_estimate(graph, work);
    if rough > WORTH_PLANNING || largest_kept(graph, work.batch as u64) > WORTH_MAKING {
        return rough;
    }
    match CpuBackend::memory(graph, threads_for(graph), work) {
        Ok(Some(bytes)) => bytes,
        Ok(None) | Err(_) => rough,
    }
}

/// Parameters, buffers, gradients, the optimiser's state, every activation and its gradient, and the
/// columns of the widest convolution: what candle's autograd takes at most.
fn rough_estimate(graph: &CheckedGraph, work: &Workload) -> u64 {
    let config = MemoryConfig { batch: work.batch as u64, optimizer_states: work.moments };
    let report = memory(graph, &config);
    let state = report
        .parameter_bytes
        .saturating_add(report.buffer_bytes)
        .saturating_add(report.gradient_bytes)
        .saturating_add(report.optimizer_bytes);
    let activations = all_activation_bytes(graph, work.batch as u64).saturating_mul(2);
    let kept = largest_kept(graph, work.batch as u64);
    state.saturating_add(activations).saturating_add(widest_columns(graph)).saturating_add(kept)
}

/// Bytes of the im2col columns of one image in the widest convolution, once per thread.
fn widest_columns(graph: &Graph) -> u64 {
    let columns = graph.nodes.iter().map(|node| match (&node.op, node.outputs.first()) {
        (Op::Conv(conv), Some(&output)) => {
            let window = conv.kernel.iter().fold(conv.in_channels, |a, &b| a.saturating_mul(b));
            let plane = graph.tensor_type(output).map_or(0, |output| output.bytes_at(1));
            window.saturating_mul(plane / conv.out_channels.max(1))
        }
        _ => 0,
    });
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    columns.max().unwrap_or(0).saturating_mul(threads)
}

/// Bytes of the largest tensor that a kernel keeps besides its result: the weights of attention, the
/// places of maxima, the gates of recurrent layers.
fn largest_kept(graph: &Graph, batch: u64) -> u64 {
    let kept = graph.nodes.iter().map(|node| {
        let result = node.outputs.first().and_then(|&value| graph.tensor_type(value));
        let result = result.map_or(0, |result| result.bytes_at(batch));
        match &node.op {
            Op::Attention(_) => weights_of_attention(graph, node, batch),
            Op::Pool(_) | Op::AdaptivePool(_) => result,
            Op::Recurrent(_) => result.saturating_mul(8),
            _ => 0,
        }
    });
    kept.max().unwrap_or(0)
}

/// Each row of the query has a weight for each row of its key.
fn weights_of_attention(graph: &Graph, node: &Node, batch: u64) -> u64 {
    let operand =
        |input: usize| node.inputs.get(input).and_then(|&value: &ValueId| graph.tensor_type(value));
    let (Some(query), Some(key)) = (operand(0), operand(1)) else { return 0 };
    let from_behind = |shape: &Shape, back: usize| {
        shape.0.iter().rev().nth(back).map_or(1, |dim| dim.at_batch(batch)).max(1)
    };
    let rows = query.bytes_at(batch) / from_behind(&query.shape, 0);
    rows.saturating_mul(from_behind(&key.shape, 1))
}
