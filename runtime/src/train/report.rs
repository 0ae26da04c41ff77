//! What a training tells while it runs and when it ends.

use crate::data::SplitKind;

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs are done.
    Completed,
    /// The time limit was reached.
    TimeBudget,
    /// The step limit was reached.
    StepBudget,
    /// The observer broke off.
    Interrupted,
    /// Validation did not get better for long enough.
    EarlyStop,
    /// The loss, a weight or a running statistic was not finite.
    Diverged {
        /// The step, from 0, whose loss was it, or after whose update it was found.
        step: usize,
    },
}

/// Mean loss and accuracy over a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of images whose largest logit is the label's, 0 to 1.
    pub accuracy: f64,
}

/// One finished epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochReport {
    /// Mean loss over the epoch's images, each as it was seen.
    pub train_loss: f64,
    /// Accuracy over the epoch's images, each as it was seen.
    pub train_accuracy: f64,
    /// Mean loss over the validation split.
    pub validation_loss: f64,
    /// Accuracy over the validation split.
    pub validation_accuracy: f64,
    /// Time of the training steps, without validation.
    pub seconds: f64,
}

impl EpochReport {
    pub(super) fn new(train: Evaluation, validation: Evaluation, seconds: f64) -> EpochReport {
        EpochReport {
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            seconds,
        }
    }
}

/// A finished training.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainReport {
    /// Why it ended.
    pub stop: StopReason,
    /// Finished epochs.
    pub epochs: Vec<EpochReport>,
    /// Steps that were taken.
    pub steps: usize,
    /// Loss of every step before its update, if the configuration asks for it.
    pub step_losses: Vec<f64>,
}

impl TrainReport {
    pub(super) fn new() -> TrainReport {
        let (epochs, step_losses) = (Vec::new(), Vec::new());
        TrainReport { stop: StopReason::Completed, epochs, steps: 0, step_losses }
    }

    /// The epoch with the largest validation accuracy, from 0; of equal ones the one with the smaller
    /// loss, then the earlier. `None` before the first epoch ended.
    pub fn best_epoch(&self) -> Option<usize> {
        let better = |one: &EpochReport, other: &EpochReport| {
            let accuracy = one.validation_accuracy.total_cmp(&other.validation_accuracy);
            accuracy.then(other.validation_loss.total_cmp(&one.validation_loss)).is_gt()
        };
        let epochs = self.epochs.iter().enumerate();
        let best = epochs.reduce(|best, next| if better(next.1, best.1) { next } else { best });
        best.map(|(index, _)| index)
    }

    /// Largest validation accuracy of an epoch; `None` before the first epoch ended.
    pub fn best_validation_accuracy(&self) -> Option<f64> {
        self.epochs.iter().map(|epoch| epoch.validation_accuracy).reduce(f64::max)
    }
}

/// What an observer hears.
#[derive(Debug, Clone, Copy)]
pub enum TrainEvent<'a> {
    /// A step is done.
    Step {
        /// Epoch, from 0.
        epoch: usize,
        /// Step of the whole training, from 0.
        step: usize,
        /// Steps in an epoch.
        per_epoch: usize,
        /// Loss of its batch before the update.
        loss: f64,
    },
    /// A batch is evaluated, after an epoch or when a split is asked for.
    Evaluation {
        /// The split.
        split: SplitKind,
        /// Its images so far.
        images: usize,
        /// Its images.
        total: usize,
    },
    /// An epoch is done and validated.
    Epoch {
        /// Epoch, from 0.
        epoch: usize,
        /// Its figures.
        report: &'a EpochReport,
    },
}
