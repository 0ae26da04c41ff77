//! The backend that search and training use on the CPU: a static plan over oneDNN and nasc's own
//! kernels. Everything that can be decided once is: layouts, fusions, memory, gradients. A batch is
//! divided among threads. Not here: operations without a kernel, whose networks `candle` trains.

mod affine;
mod arithmetic;
mod arrange;
mod attention;
mod batch_norm;
mod cell;
mod channels;
mod divide;
mod extreme;
mod fuse;
mod kernel;
mod layer_norm;
mod linear;
mod lower;
mod memory;
mod optimize;
mod parameters;
mod pointwise;
mod pooling;
mod products;
mod program;
mod resample;
mod rows;
mod schedule;
mod sums;
mod team;
mod thin;
mod view;

use std::num::NonZeroUsize;
use std::time::Instant;

use nasc_compiler::ir::CheckedGraph;

use super::moments::{DROPOUT, integers, read_integers};
use super::{Backend, Batch, BatchOutcome, TrainStep};
use crate::error::RuntimeError;
use crate::onednn::{OneDnn, installed};
use crate::plan::ExecutionPlan;
use crate::state::StateDict;
use crate::workload::Workload;
use divide::Crew;
use lower::lower;
use parameters::{Layout, Parameters};
use program::Program;

/// Executes a static plan on the CPU.
pub struct CpuBackend {
    plan: ExecutionPlan,
    parameters: Parameters,
    crew: Crew,
    seed: u64,
    steps: u64,
    deadline: Option<Instant>,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Training,
    Evaluation,
}

impl CpuBackend {
    /// Prepares `graph` for `threads` threads; `None` if oneDNN was not installed with
    /// [`crate::onednn::install`] or an operation of the graph has no kernel here.
    ///
    /// # Errors
    /// [`RuntimeError::Malformed`] for a graph that breaks an invariant.
    pub fn new(
        graph: &CheckedGraph,
        seed: u64,
        threads: NonZeroUsize,
    ) -> Result<Option<CpuBackend>, RuntimeError> {
        let Some(library) = installed() else { return Ok(None) };
        let plan = ExecutionPlan::new(graph)?;
        if !is_supported(library, &plan)? {
            return Ok(None);
        }
        let parameters = Parameters::new(&plan.params, seed);
        let crew = Crew::new(library, threads_of(&plan, threads));
        Ok(Some(CpuBackend { plan, parameters, crew, seed, steps: 0, deadline: None }))
    }

    /// Bytes that a training will allocate, for all batches that occur in it; `None` where
    /// [`CpuBackend::new`] gives none.
    ///
    /// # Errors
    /// As [`CpuBackend::new`], and if the library refuses a kernel.
    pub fn memory(
        graph: &CheckedGraph,
        threads: NonZeroUsize,
        work: &Workload,
    ) -> Result<Option<u64>, RuntimeError> {
        let Some(library) = installed() else { return Ok(None) };
        let plan = ExecutionPlan::new(graph)?;
        if !is_supported(library, &plan)? {
            return Ok(None);
        }
        let layout = Layout::new(&plan.params);
        let crew = Crew::new(library, threads_of(&plan, threads));
        let mut bytes = layout.bytes(work.moments);
        for (sizes, training) in [(work.training_sizes(), true), (work.evaluation_sizes(), false)] {
            for size in sizes {
                bytes += crew.planned_bytes(&plan, &layout, size, training)?;
            }
        }
        Ok(Some(bytes as u64))
    }

    /// Bytes that a plan takes for the values of one pass over `batch` samples at once, and for their
    /// gradients if it is for training; without the batch, parameters, what kernels work in, and the slices in
    /// which a plan works on samples that never meet. `None` where [`CpuBackend::new`] gives none.
    ///
    /// # Errors
    /// As [`CpuBackend::memory`].
    pub fn activation_memory(
        graph: &CheckedGraph,
        batch: NonZeroUsize,
        training: bool,
    ) -> Result<Option<u64>, RuntimeError> {
        let Some(library) = installed() else { return Ok(None) };
        let plan = ExecutionPlan::new(graph)?;
        if !is_supported(library, &plan)? {
            return Ok(None);
        }
        let layout = Layout::new(&plan.params);
        let bytes = Program::activations(library, &plan, &layout, batch.get(), training)?;
        Ok(Some(bytes as u64))
    }

    /// Bytes that are allocated now: parameters, what the optimiser keeps, and for every batch size that
    /// occurred its arena.
    pub fn allocated(&self) -> u64 {
        (self.parameters.bytes() + self.crew.bytes()) as u64
    }

    fn pass(
        &mut self,
        batch: Batch<'_>,
        mode: Mode,
        backward: bool,
        smoothing: f64,
    ) -> Result<BatchOutcome, RuntimeError> {
        if mode == Mode::Training {
            if self.deadline.is_some() {
                self.parameters.keep_buffers();
            }
            self.steps += 1;
            self.parameters.counters.iter_mut().for_each(|counter| *counter += 1);
        }
        let seed = self.seed ^ self.steps.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (training, deadline) = (mode == Mode::Training, self.deadline);
        let job = divide::Job { batch, training, backward, seed, smoothing, deadline };
        let outcome = self.crew.run(&self.plan, &mut self.parameters, job);
        if training && matches!(outcome, Err(RuntimeError::TimeLimit)) {
            self.parameters.restore_buffers();
            self.steps -= 1;
        }
        outcome
    }
}

/// Threads that a batch is divided among.
fn threads_of(plan: &ExecutionPlan, threads: NonZeroUsize) -> usize {
    if divide::is_divisible(plan) { threads.get() } else { 1 }
}

/// Whether every operation has a kernel here.
fn is_supported(library: &'static OneDnn, plan: &ExecutionPlan) -> Result<bool, RuntimeError> {
    let image = plan.input_types.len() == 1 && plan.outputs.len() == 1;
    match lower(library, plan, &Layout::new(&plan.params), 2, true) {
        Ok(lowered) => Ok(image && lowered.logits.dims.len() == 2),
        Err(RuntimeError::Unsupported { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

impl Backend for CpuBackend {
    fn load(&mut self, state: &StateDict) -> Result<(), RuntimeError> {
        state.check_params(&self.plan.params)?;
        for (index, param) in self.plan.params.iter().enumerate() {
            if let Some(value) = state.tensors.get(param.path.as_str()) {
                self.parameters.set(index, value);
            }
        }
        self.parameters.forget();
        Ok(())
    }

    fn train_step(
        &mut self,
        batch: Batch<'_>,
        step: &TrainStep,
    ) -> Result<BatchOutcome, RuntimeError> {
        let outcome = self.pass(batch, Mode::Training, true, step.label_smoothing)?;
        if outcome.loss.is_finite() {
            self.crew.update(&mut self.parameters, batch.labels.len(), step);
        }
        Ok(outcome)
    }

    fn evaluate(&mut self, batch: Batch<'_>) -> Result<BatchOutcome, RuntimeError> {
        self.pass(batch, Mode::Evaluation, false, 0.0)
    }

    fn predict(&mut self, images: &[f32], count: usize) -> Result<Vec<f32>, RuntimeError> {
        let labels = vec![0; count];
        self.pass(Batch { images, labels: &labels }, Mode::Evaluation, false, 0.0)?;
        Ok(self.crew.logits(Batch { images, labels: &labels }))
    }

    fn gradients(&mut self, batch: Batch<'_>) -> Result<StateDict, RuntimeError> {
        self.pass(batch, Mode::Training, true, 0.0)?;
        let block = self.crew.sum_gradients(batch.labels.len(), self.parameters.layout.trainable);
        let mut state = StateDict::default();
        for (index, param) in self.plan.params.iter().enumerate() {
            let part = self.parameters.layout.parts.get(index).and_then(Option::as_ref);
            if part.is_some_and(|part| part.trainable)
                && let Some(tensor) = self.parameters.tensor(index, &block)
            {
                state.tensors.insert(param.path.as_str().to_owned(), tensor);
            }
        }
        Ok(state)
    }

    fn state(&self) -> Result<StateDict, RuntimeError> {
        Ok(self.parameters.state(&self.plan.params))
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn is_finite(&self) -> Result<bool, RuntimeError> {
        Ok(self.parameters.floats.read().iter().all(|value| value.is_finite()))
    }

    fn training_state(&self) -> Result<StateDict, RuntimeError> {
        let mut state = self.parameters.optimizer_state(&self.plan.params);
        state.tensors.insert(DROPOUT.to_owned(), integers(&[self.steps]));
        Ok(state)
    }

    fn load_training_state(&mut self, state: &StateDict) -> Result<(), RuntimeError> {
        let [steps] = read_integers(state, DROPOUT)?;
        self.steps = steps;
        self.parameters.load_optimizer(&self.plan.params, state)
    }
}
