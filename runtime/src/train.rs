//! The training loop: epochs over a data set's train split, evaluation after each, limits on time
//! and steps, and what came of it. How a step is computed is the backend's business.

mod config;
mod interface;
mod method;
mod optimizer;
mod progress;
mod report;
mod schedule;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use nasc_compiler::ir::CheckedGraph;

use crate::backend::{Backend, Batch};
use crate::data::{Augmenter, Batches, Dataset, LastBatch, PixelScaling, SplitKind};
use crate::error::RuntimeError;
use crate::state::StateDict;
use crate::workload::{Workload, fits_batches};
use interface::check_interface;
pub(crate) use interface::{backend_for, threads_for};
use progress::{Best, Parts, Progress, Totals, identity};

pub use config::TrainConfig;
pub use method::{Method, OptimizerName, Recipe, ScheduleName};
pub use optimizer::Optimizer;
pub use report::{EpochReport, Evaluation, StopReason, TrainEvent, TrainReport};
pub use schedule::{OneCycle, Rates, Schedule, WarmUp};

/// Trains one network on one data set.
///
/// Everything random follows from the seed of the configuration; on the CPU the same seed and
/// number of threads give the same weights.
pub struct Trainer<'a> {
    backend: Box<dyn Backend>,
    data: &'a Dataset,
    pixels: PixelScaling,
    config: TrainConfig,
    augmenter: Augmenter,
    images: Vec<f32>,
    labels: Vec<u32>,
    progress: Progress,
}

/// Hears of every step and epoch, and may break off.
type Observer<'o> = dyn FnMut(TrainEvent<'_>) -> ControlFlow<()> + 'o;

impl<'a> Trainer<'a> {
    /// Prepares training on the CPU.
    ///
    /// # Errors
    /// [`RuntimeError::Configuration`] for values that make no sense, [`RuntimeError::Interface`] if
    /// the network does not take the data set's images or give its classes,
    /// [`RuntimeError::Unsupported`], [`RuntimeError::SingleValue`], and [`RuntimeError::State`] for initial
    /// weights that do not fit.
    pub fn new(
        graph: &CheckedGraph,
        data: &'a Dataset,
        config: &TrainConfig,
    ) -> Result<Trainer<'a>, RuntimeError> {
        config.validate()?;
        check_interface(graph, data)?;
        fits_batches(graph, &Workload::new(config, data))?;
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
        let augmenter = Augmenter::new(config.augmentation, &pixels, config.seed);
        let batch = config.batch_size.get();
        let images = vec![0.0; batch.saturating_mul(data.shape().elements())];
        let (config, labels, progress) = (config.clone(), vec![0; batch], Progress::new());
        Ok(Trainer { backend, data, pixels, config, augmenter, images, labels, progress })
    }

    /// Trains, and tells `observer` of every step and epoch; it may break off. Called again after a
    /// break, it goes on from there.
    ///
    /// # Errors
    /// If the device or the recorded order of images fails. Divergence and limits are no errors but
    /// reasons to stop.
    pub fn run(
        &mut self,
        mut observer: impl FnMut(TrainEvent<'_>) -> ControlFlow<()>,
    ) -> Result<TrainReport, RuntimeError> {
        let before = self.progress.elapsed;
        let began = Instant::now();
        let left = self.config.time_limit.map(|limit| limit.saturating_sub(before));
        self.backend.set_deadline(left.and_then(|left| began.checked_add(left)));
        let stop = self.go(began, &mut observer);
        self.backend.set_deadline(None);
        self.progress.elapsed = before + began.elapsed();
        let mut stop = stop?;
        if !matches!(stop, StopReason::Diverged { .. }) && !self.backend.is_finite()? {
            stop = StopReason::Diverged { step: self.progress.report.steps.saturating_sub(1) };
        }
        self.progress.report.stop = stop;
        if matches!(stop, StopReason::Completed | StopReason::EarlyStop) {
            self.restore_best()?;
        }
        Ok(self.progress.report.clone())
    }

    /// Puts back the weights of the best epoch, if the configuration keeps them and there is one.
    /// [`Trainer::run`] does it by itself when a training is complete. Others may go on, so their
    /// [`Trainer::checkpoint`] comes first.
    ///
    /// # Errors
    /// If the device fails.
    pub fn restore_best(&mut self) -> Result<(), RuntimeError> {
        match &self.progress.best {
            Some(best) => self.backend.load(&best.state),
            None => Ok(()),
        }
    }

    /// Everything that is needed to go on later, as if the training had not been stopped.
    ///
    /// # Errors
    /// If the device fails.
    pub fn checkpoint(&self) -> Result<StateDict, RuntimeError> {
        let network = self.backend.state()?;
        let training = self.backend.training_state()?;
        let progress = self.progress.clone();
        Ok(Parts { network, training, progress }.join(identity(&self.config, self.data)))
    }

    /// Takes up a training where [`Trainer::checkpoint`] left it.
    ///
    /// # Errors
    /// [`RuntimeError::Checkpoint`] if it is that of another training, [`RuntimeError::State`] if it
    /// is that of another network.
    pub fn resume(&mut self, checkpoint: &StateDict) -> Result<(), RuntimeError> {
        let parts = Parts::split(checkpoint, identity(&self.config, self.data))?;
        self.backend.load(&parts.network)?;
        self.backend.load_training_state(&parts.training)?;
        self.progress = parts.progress;
        Ok(())
    }

    /// What was reported so far.
    pub fn report(&self) -> &TrainReport {
        &self.progress.report
    }

    /// Epoch by epoch, until there is a reason to stop.
    fn go(
        &mut self,
        began: Instant,
        observer: &mut Observer<'_>,
    ) -> Result<StopReason, RuntimeError> {
        while self.progress.report.epochs.len() < self.config.epochs {
            let patience = self.config.early_stop.unwrap_or(usize::MAX);
            if self.progress.stale_epochs() >= patience {
                return Ok(StopReason::EarlyStop);
            }
            let stop = match self.epoch(began, observer) {
                Err(RuntimeError::TimeLimit) => Some(StopReason::TimeBudget),
                stop => stop?,
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        Ok(StopReason::Completed)
    }

    /// Looks at a split, and tells `observer` of every batch; `None` if it broke off.
    fn pass(
        &mut self,
        split: SplitKind,
        observer: &mut Observer<'_>,
    ) -> Result<Option<Evaluation>, RuntimeError> {
        let total = self.data.split(split).len();
        let mut batches = in_order(self.data, split, &self.pixels, &self.config)?;
        let mut totals = Totals::default();
        while let Some(count) = batches.next_batch(&mut self.images, &mut self.labels)? {
            let outcome = self.backend.evaluate(batch(&self.images, &self.labels, count))?;
            totals.add(outcome, count);
            let event = TrainEvent::Evaluation { split, images: totals.images(), total };
            if observer(event).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(totals.mean()))
    }

    /// The rest of an epoch, and its validation.
    fn epoch(
        &mut self,
        began: Instant,
        observer: &mut Observer<'_>,
    ) -> Result<Option<StopReason>, RuntimeError> {
        let (before, epoch_began) = (self.progress.epoch_time, Instant::now());
        let stop = self.steps(began, observer);
        self.progress.epoch_time = before + epoch_began.elapsed();
        if let Some(stop) = stop? {
            return Ok(Some(stop));
        }
        let Some(validation) = self.pass(SplitKind::Validation, observer)? else {
            return Ok(Some(StopReason::Interrupted));
        };
        if !validation.loss.is_finite() || !self.backend.is_finite()? {
            let step = self.progress.report.steps.saturating_sub(1);
            return Ok(Some(StopReason::Diverged { step }));
        }
        let seconds = self.progress.epoch_time.as_secs_f64();
        let report = EpochReport::new(self.progress.totals.mean(), validation, seconds);
        let epoch = self.progress.report.epochs.len();
        self.progress.report.epochs.push(report);
        self.progress.totals = Totals::default();
        self.progress.epoch_time = std::time::Duration::ZERO;
        if self.config.keep_best && self.progress.last_is_best() {
            self.progress.best = Some(Best { epoch, state: self.backend.state()? });
        }
        let flow = observer(TrainEvent::Epoch { epoch, report: &report });
        Ok(flow.is_break().then_some(StopReason::Interrupted))
    }

    /// The remaining steps of an epoch.
    fn steps(
        &mut self,
        began: Instant,
        observer: &mut Observer<'_>,
    ) -> Result<Option<StopReason>, RuntimeError> {
        let epoch = self.progress.report.epochs.len();
        let mut batches =
            Batches::new(self.data.train(), &self.pixels, self.config.batch_size, LastBatch::Keep)?;
        match self.config.order.as_ref().and_then(|order| order.get(epoch)) {
            Some(order) => batches.set_order(order)?,
            None => batches.shuffle(self.config.seed, epoch as u64),
        }
        batches.skip(self.progress.totals.images());
        let per_epoch = batches.batches_per_epoch();
        let before = self.progress.elapsed;
        while let Some(count) = batches.next_batch(&mut self.images, &mut self.labels)? {
            let step = self.progress.report.steps;
            if let Some(stop) = self.config.exhausted(step, before + began.elapsed()) {
                return Ok(Some(stop));
            }
            let pixels = count * self.data.shape().elements();
            let images = self.images.get_mut(..pixels).unwrap_or_default();
            self.augmenter.vary(images, epoch, self.progress.totals.images());
            let rates = self.config.step(step, per_epoch);
            let batch = batch(&self.images, &self.labels, count);
            let outcome = self.backend.train_step(batch, &rates)?;
            let report = &mut self.progress.report;
            report.steps += 1;
            if !outcome.loss.is_finite() {
                return Ok(Some(StopReason::Diverged { step }));
            }
            if self.config.record_steps {
                report.step_losses.push(outcome.loss);
            }
            self.progress.totals.add(outcome, count);
            let event = TrainEvent::Step { epoch, step, per_epoch, loss: outcome.loss };
            if observer(event).is_break() {
                return Ok(Some(StopReason::Interrupted));
            }
        }
        Ok(None)
    }

    /// Mean loss and accuracy over a split, in evaluation mode.
    ///
    /// # Errors
    /// If the device fails.
    pub fn evaluate(&mut self, split: SplitKind) -> Result<Evaluation, RuntimeError> {
        let all = self.evaluate_watched(split, None, |_| ControlFlow::Continue(()))?;
        Ok(all.unwrap_or_else(|| Totals::default().mean()))
    }

    /// As [`Trainer::evaluate`], and tells `observer` of every batch; `None` if it broke off.
    ///
    /// # Errors
    /// If the device fails, and [`RuntimeError::TimeLimit`] if it takes longer than `limit`.
    pub fn evaluate_watched(
        &mut self,
        split: SplitKind,
        limit: Option<Duration>,
        mut observer: impl FnMut(TrainEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Evaluation>, RuntimeError> {
        self.backend.set_deadline(limit.and_then(|limit| Instant::now().checked_add(limit)));
        let evaluated = self.pass(split, &mut observer);
        self.backend.set_deadline(None);
        evaluated
    }

    /// The class with the largest logit for every image of a split.
    ///
    /// # Errors
    /// If the device fails.
    pub fn predict(&mut self, split: SplitKind) -> Result<Vec<u32>, RuntimeError> {
        let elements = self.data.shape().elements();
        let mut batches = in_order(self.data, split, &self.pixels, &self.config)?;
        let mut classes = Vec::with_capacity(self.data.split(split).len());
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

/// A split as it is, in batches.
fn in_order<'a>(
    data: &'a Dataset,
    split: SplitKind,
    pixels: &'a PixelScaling,
    config: &TrainConfig,
) -> Result<Batches<'a>, RuntimeError> {
    Ok(Batches::new(data.split(split), pixels, config.batch_size, LastBatch::Keep)?)
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

/// Refuses a value that makes no sense.
fn require(
    field: &'static str,
    value: impl ToString,
    holds: bool,
    required: &'static str,
) -> Result<(), RuntimeError> {
    if holds {
        return Ok(());
    }
    Err(RuntimeError::Configuration { field, value: value.to_string(), required })
}
