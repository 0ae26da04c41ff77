//! `TrainConfig`: everything that a training depends on besides network and data.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::report::StopReason;
use super::schedule::Schedule;
use crate::data::Normalization;
use crate::error::RuntimeError;
use crate::state::StateDict;

/// How weights follow gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent as `torch.optim.SGD` without dampening.
    Sgd {
        /// Learning rate, above 0.
        learning_rate: f64,
        /// Momentum, 0 or more.
        momentum: f64,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
        /// Nesterov's variant; needs momentum.
        nesterov: bool,
    },
}

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
    /// Seeds first weights, order of images and dropout.
    pub seed: u64,
    /// How pixels are scaled.
    pub normalization: Normalization,
    /// Training stops before a step that would begin later; `None` is no limit.
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
        let (weight_decay, nesterov) = (0.0, false);
        TrainConfig {
            epochs,
            batch_size,
            optimizer: Optimizer::Sgd { learning_rate, momentum, weight_decay, nesterov },
            schedule: Schedule::Constant,
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
        let Optimizer::Sgd { learning_rate, momentum, weight_decay, nesterov } = self.optimizer;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        require("epochs", self.epochs, self.epochs > 0, "at least 1")?;
        require("learning_rate", learning_rate, positive(learning_rate), "a number above 0")?;
        require("momentum", momentum, not_negative(momentum), "a number not below 0")?;
        require("weight_decay", weight_decay, not_negative(weight_decay), "a number not below 0")?;
        require("nesterov", nesterov, !nesterov || momentum > 0.0, "false without momentum")
    }

    /// Why no further step may begin, if a limit is reached.
    pub(super) fn exhausted(&self, steps: usize, elapsed: Duration) -> Option<StopReason> {
        if self.step_limit.is_some_and(|limit| steps >= limit) {
            return Some(StopReason::StepBudget);
        }
        self.time_limit.filter(|&limit| elapsed >= limit).map(|_| StopReason::TimeBudget)
    }
}

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
