//! The training loop: epochs over a data set's train split, evaluation after each, limits on time
//! and steps, and what came of it. How a step is computed is the backend's business.

mod config;
mod report;
mod schedule;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Instant;

use nasc_compiler::cost;
use nasc_compiler::ir::{CheckedGraph, Dim};

use crate::backend::candle::CandleBackend;
use crate::backend::cpu::CpuBackend;
use crate::backend::{Backend, Batch, BatchOutcome, SgdStep};
use crate::data::{Batches, Dataset, LastBatch, PixelScaling, SplitKind};
use crate::error::RuntimeError;
use crate::state::StateDict;

pub use config::{Optimizer, TrainConfig};
pub use report::{EpochReport, Evaluation, StopReason, TrainEvent, TrainReport};
pub use schedule::Schedule;

/// Trains one network on one data set.
///
/// Everything random follows from the seed of the configuration; on the CPU the same seed and
/// number of threads give the same weights.
pub struct Trainer<'a> {
    backend: Box<dyn Backend>,
    data: &'a Dataset,
    pixels: PixelScaling,
    config: TrainConfig,
    images: Vec<f32>,
    labels: Vec<u32>,
}

/// Why the loop of an epoch ended.
enum Ended {
    Epoch(Totals),
    Early(StopReason),
}

/// Sums over images.
#[derive(Default)]
struct Totals {
    loss: f64,
    correct: usize,
    images: usize,
}

impl Totals {
    fn add(&mut self, outcome: BatchOutcome, images: usize) {
        self.loss += outcome.loss * images as f64;
        self.correct += outcome.correct;
        self.images += images;
    }

    fn mean(&self) -> Evaluation {
        let images = self.images.max(1) as f64;
        Evaluation { loss: self.loss / images, accuracy: self.correct as f64 / images }
    }
}

impl<'a> Trainer<'a> {
    /// Prepares training on the CPU.
    ///
    /// # Errors
    /// [`RuntimeError::Configuration`] for values that make no sense, [`RuntimeError::Interface`] if
    /// the network does not take the data set's images or give its classes,
    /// [`RuntimeError::Unsupported`], and [`RuntimeError::State`] for initial weights that do not fit.
    pub fn new(
        graph: &CheckedGraph,
        data: &'a Dataset,
        config: &TrainConfig,
    ) -> Result<Trainer<'a>, RuntimeError> {
        config.validate()?;
        check_interface(graph, data)?;
        Trainer::with_backend(backend_for(graph, config.seed)?, data, config)
    }

    /// Trains on a backend that was prepared for a network of the data set's shape.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_backend(
        mut backend: Box<dyn Backend>,
        data: &'a Dataset,
        config: &TrainConfig,
    ) -> Result<Trainer<'a>, RuntimeError> {
        config.validate()?;
        if let Some(state) = &config.initial {
            backend.load(state)?;
        }
        let pixels = data.pixel_scaling(config.normalization);
        let batch = config.batch_size.get();
        let images = vec![0.0; batch.saturating_mul(data.shape().elements())];
        let config = config.clone();
        Ok(Trainer { backend, data, pixels, config, images, labels: vec![0; batch] })
    }

    /// Trains, and tells `observer` of every step and epoch; it may break off.
    ///
    /// # Errors
    /// If the device or the recorded order of images fails. Divergence and limits are no errors but
    /// reasons to stop.
    pub fn run(
        &mut self,
        mut observer: impl FnMut(TrainEvent<'_>) -> ControlFlow<()>,
    ) -> Result<TrainReport, RuntimeError> {
        let began = Instant::now();
        let mut report = TrainReport::new();
        for epoch in 0..self.config.epochs {
            let epoch_began = Instant::now();
            match self.epoch(epoch, began, &mut report, &mut observer)? {
                Ended::Early(stop) => {
                    report.stop = stop;
                    return Ok(report);
                }
                Ended::Epoch(totals) => {
                    let seconds = epoch_began.elapsed().as_secs_f64();
                    let validation = self.evaluate(SplitKind::Validation)?;
                    report.epochs.push(EpochReport::new(totals.mean(), validation, seconds));
                }
            }
            let last = report.epochs.last();
            if last
                .is_some_and(|last| observer(TrainEvent::Epoch { epoch, report: last }).is_break())
            {
                report.stop = StopReason::Interrupted;
                return Ok(report);
            }
        }
        Ok(report)
    }

    fn epoch(
        &mut self,
        epoch: usize,
        began: Instant,
        report: &mut TrainReport,
        observer: &mut impl FnMut(TrainEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Ended, RuntimeError> {
        let mut batches =
            Batches::new(self.data.train(), &self.pixels, self.config.batch_size, LastBatch::Keep)?;
        match self.config.order.as_ref().and_then(|order| order.get(epoch)) {
            Some(order) => batches.set_order(order)?,
            None => batches.shuffle(self.config.seed, epoch as u64),
        }
        let per_epoch = batches.batches_per_epoch();
        let mut totals = Totals::default();
        while let Some(count) = batches.next_batch(&mut self.images, &mut self.labels)? {
            let step = report.steps;
            if let Some(stop) = self.config.exhausted(step, began.elapsed()) {
                return Ok(Ended::Early(stop));
            }
            let rates = self.config.step(step, per_epoch);
            let batch = batch(&self.images, &self.labels, count);
            let outcome = self.backend.train_step(batch, &rates)?;
            report.steps += 1;
            if !outcome.loss.is_finite() {
                return Ok(Ended::Early(StopReason::Diverged { step }));
            }
            if self.config.record_steps {
                report.step_losses.push(outcome.loss);
            }
            totals.add(outcome, count);
            let event = TrainEvent::Step { epoch, step, per_epoch, loss: outcome.loss };
            if observer(event).is_break() {
                return Ok(Ended::Early(StopReason::Interrupted));
            }
        }
        Ok(Ended::Epoch(totals))
    }

    /// Mean loss and accuracy over a split, in evaluation mode.
    ///
    /// # Errors
    /// If the device fails.
    pub fn evaluate(&mut self, split: SplitKind) -> Result<Evaluation, RuntimeError> {
        let split = self.data.split(split);
        let mut batches =
            Batches::new(split, &self.pixels, self.config.batch_size, LastBatch::Keep)?;
        let mut totals = Totals::default();
        while let Some(count) = batches.next_batch(&mut self.images, &mut self.labels)? {
            let outcome = self.backend.evaluate(batch(&self.images, &self.labels, count))?;
            totals.add(outcome, count);
        }
        Ok(totals.mean())
    }

    /// The class with the largest logit for every image of a split.
    ///
    /// # Errors
    /// If the device fails.
    pub fn predict(&mut self, split: SplitKind) -> Result<Vec<u32>, RuntimeError> {
        let split = self.data.split(split);
        let elements = self.data.shape().elements();
        let mut batches =
            Batches::new(split, &self.pixels, self.config.batch_size, LastBatch::Keep)?;
        let mut classes = Vec::with_capacity(split.len());
        while let Some(count) = batches.next_batch(&mut self.images, &mut self.labels)? {
            let images = self.images.get(..count * elements).unwrap_or_default();
            let logits = self.backend.predict(images, count)?;
            classes.extend(logits.chunks(logits.len() / count).map(largest));
        }
        Ok(classes)
    }

    /// The weights as they are now.
    ///
    /// # Errors
    /// If the device fails.
    pub fn state(&self) -> Result<StateDict, RuntimeError> {
        self.backend.state()
    }
}

/// Multiply-accumulates of one sample from which a batch is divided among threads: below, starting a
/// thread costs more than it brings.
const WORTH_DIVIDING: u64 = 300_000;

/// The static plan where it has all operations and oneDNN is installed, else candle's autograd.
fn backend_for(graph: &CheckedGraph, seed: u64) -> Result<Box<dyn Backend>, RuntimeError> {
    let is_small = cost::analyze(graph).macs < WORTH_DIVIDING;
    let threads = if is_small { 1 } else { rayon::current_num_threads() };
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    match CpuBackend::new(graph, seed, threads)? {
        Some(backend) => Ok(Box::new(backend)),
        None => Ok(Box::new(CandleBackend::cpu(graph, seed)?)),
    }
}

fn batch<'a>(images: &'a [f32], labels: &'a [u32], count: usize) -> Batch<'a> {
    let elements = images.len() / labels.len().max(1);
    Batch {
        images: images.get(..count * elements).unwrap_or_default(),
        labels: labels.get(..count).unwrap_or_default(),
    }
}

/// Position of the first largest number.
fn largest(row: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in (0u32..).zip(row) {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best.0
}

/// Whether the network maps the data set's images to one logit per class.
fn check_interface(graph: &CheckedGraph, data: &Dataset) -> Result<(), RuntimeError> {
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

impl TrainConfig {
    /// The constants of step `step`.
    fn step(&self, step: usize, per_epoch: usize) -> SgdStep {
        let total = self.epochs.saturating_mul(per_epoch);
        let Optimizer::Sgd { learning_rate, momentum, weight_decay, nesterov } = self.optimizer;
        let learning_rate = learning_rate * self.schedule.factor(step, total);
        SgdStep { learning_rate, momentum, weight_decay, nesterov }
    }
}
