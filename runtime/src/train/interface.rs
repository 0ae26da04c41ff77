//! What joins a network, a data set and a backend: whether they fit, and which backend trains.

use std::num::NonZeroUsize;

use nasc_compiler::cost;
use nasc_compiler::ir::{CheckedGraph, Dim};

use crate::backend::Backend;
use crate::backend::candle::CandleBackend;
use crate::backend::cpu::CpuBackend;
use crate::data::Dataset;
use crate::error::RuntimeError;

/// Multiply-accumulates of one sample from which a batch is divided among threads: below, starting a
/// thread costs more than it brings.
const WORTH_DIVIDING: u64 = 300_000;

/// Threads that a network is trained by.
pub(crate) fn threads_for(graph: &CheckedGraph) -> NonZeroUsize {
    let is_small = cost::analyze(graph).macs < WORTH_DIVIDING;
    let threads = if is_small { 1 } else { rayon::current_num_threads() };
    NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)
}

/// The static plan where it has all operations and oneDNN is installed, else candle's autograd.
pub(crate) fn backend_for(
    graph: &CheckedGraph,
    seed: u64,
) -> Result<Box<dyn Backend>, RuntimeError> {
    match CpuBackend::new(graph, seed, threads_for(graph))? {
        Some(backend) => Ok(Box::new(backend)),
        None => Ok(Box::new(CandleBackend::cpu(graph, seed)?)),
    }
}

/// Whether the network maps the data set's images to one logit per class.
pub(super) fn check_interface(graph: &CheckedGraph, data: &Dataset) -> Result<(), RuntimeError> {
    let shape = |ids: &[nasc_compiler::ir::ValueId]| {
        let shapes = ids.iter().filter_map(|&id| graph.tensor_type(id));
        shapes.map(|found| found.shape.to_string()).collect::<Vec<String>>().join(", ")
    };
    let images =
        [Dim::N].into_iter().chain(data.shape().dims().map(|extent| Dim::Known(extent as u64)));
    let wanted = nasc_compiler::ir::Shape(images.collect()).to_string();
    if shape(&graph.inputs) != wanted {
        let expected = format!("inputs {}", shape(&graph.inputs));
        return Err(RuntimeError::Interface { expected, found: format!("images {wanted}") });
    }
    let logits = format!("[N, {}]", data.classes());
    if graph.outputs.len() != 1 || shape(&graph.outputs) != logits {
        let expected = format!("images and gives {}", shape(&graph.outputs));
        return Err(RuntimeError::Interface { expected, found: format!("classes {logits}") });
    }
    Ok(())
}
