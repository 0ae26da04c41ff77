//! `TrainConfig`: everything that a training depends on besides network and data.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::optimizer::Optimizer;
use super::report::StopReason;
use super::require;
use super::schedule::{Schedule, WarmUp};
use crate::backend::TrainStep;
use crate::data::{Augmentation, Normalization};
use crate::error::RuntimeError;
use crate::state::StateDict;

/// A training.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainConfig {
    /// Passes over the train split.
    pub epochs: usize,
    /// Images per step; the last step of an epoch may have fewer.
    pub batch_size: NonZeroUsize,
    /// How weights follow gradients.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// How it begins.
    pub warm_up: WarmUp,
    /// Share of the target that is spread evenly over all classes, 0 to below 1.
    pub label_smoothing: f64,
    /// Largest joint norm of the gradients; `None` is no limit.
    pub clip_norm: Option<f64>,
    /// How images are varied.
    pub augmentation: Augmentation,
    /// Training ends after so many epochs without a better validation accuracy (or the same with a
    /// smaller loss); `None` is never.
    pub early_stop: Option<usize>,
    /// Whether the weights at the end are those of the epoch with the best validation accuracy.
    pub keep_best: bool,
    /// Seeds first weights, order of images, augmentation and dropout.
    pub seed: u64,
    /// How pixels are scaled.
    pub normalization: Normalization,
    /// Training ends then, also in the middle of a step or a validation; `None` is no limit.
    pub time_limit: Option<Duration>,
    /// Training stops after so many steps; `None` is no limit.
    pub step_limit: Option<usize>,
    /// Whether the report keeps the loss of every step.
    pub record_steps: bool,
    /// First weights; `None` draws them from the seed.
    pub initial: Option<StateDict>,
    /// Order of images in each epoch, as indices into the train split; epochs without an entry, and
    /// all of them if `None`, are shuffled by the seed.
    pub order: Option<Vec<Vec<u32>>>,
}

impl TrainConfig {
    /// Plain training: no schedule, no limit, first weights from the seed.
    pub fn sgd(
        epochs: usize,
        batch_size: NonZeroUsize,
        learning_rate: f64,
        momentum: f64,
        seed: u64,
    ) -> TrainConfig {
        TrainConfig {
            epochs,
            batch_size,
            optimizer: Optimizer::sgd(learning_rate, momentum),
            schedule: Schedule::Constant,
            warm_up: WarmUp::NONE,
            label_smoothing: 0.0,
            clip_norm: None,
            augmentation: Augmentation::NONE,
            early_stop: None,
            keep_best: false,
            seed,
            normalization: Normalization::Symmetric,
            time_limit: None,
            step_limit: None,
            record_steps: false,
            initial: None,
            order: None,
        }
    }

    /// Refuses values that make no sense.
    ///
    /// # Errors
    /// [`RuntimeError::Configuration`] names the entry.
    pub fn validate(&self) -> Result<(), RuntimeError> {
        require("epochs", self.epochs, self.epochs > 0, "at least 1")?;
        self.optimizer.validate()?;
        self.schedule.validate(self.warm_up)?;
        let smoothing = self.label_smoothing;
        let sound = (0.0..1.0).contains(&smoothing);
        require("label_smoothing", smoothing, sound, "at least 0 and below 1")?;
        let most = self.clip_norm.unwrap_or(1.0);
        require("clip_norm", most, most.is_finite() && most > 0.0, "a number above 0")?;
        require("early_stop", 0, self.early_stop != Some(0), "at least 1")
    }

    /// The constants of step `step`.
    pub(super) fn step(&self, step: usize, per_epoch: usize) -> TrainStep {
        let total = self.epochs.saturating_mul(per_epoch);
        let rates = self.warm_up.rates(&self.schedule, step, total, per_epoch);
        TrainStep {
            rule: self.optimizer.rule(rates),
            clip_norm: self.clip_norm,
            label_smoothing: self.label_smoothing,
        }
    }

    /// Why no further step may begin, if a limit is reached.
    pub(super) fn exhausted(&self, steps: usize, elapsed: Duration) -> Option<StopReason> {
        if self.step_limit.is_some_and(|limit| steps >= limit) {
            return Some(StopReason::StepBudget);
        }
        self.time_limit.filter(|&limit| elapsed >= limit).map(|_| StopReason::TimeBudget)
    }
}
