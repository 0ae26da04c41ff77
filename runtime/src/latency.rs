//! How long a network takes for one image on this machine: measured, so it differs from run to run.

use std::time::{Duration, Instant};

use nasc_compiler::ir::CheckedGraph;

use crate::data::Dataset;
use crate::error::RuntimeError;
use crate::train::backend_for;

/// Passes that are measured; the first one before them prepares everything.
const PASSES: usize = 9;

/// The median time of a forward pass of one image in evaluation mode, with first weights.
///
/// # Errors
/// As [`crate::train::Trainer::new`].
pub fn latency(graph: &CheckedGraph, data: &Dataset) -> Result<Duration, RuntimeError> {
    let mut backend = backend_for(graph, 0)?;
    let image = vec![0.5; data.shape().elements()];
    backend.predict(&image, 1)?;
    let mut times = Vec::with_capacity(PASSES);
    for _ in 0..PASSES {
        let began = Instant::now();
        backend.predict(&image, 1)?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(PASSES / 2).copied().unwrap_or_default())
}
