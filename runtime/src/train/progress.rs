//! Where a training stands, and its form in a checkpoint, from which it goes on as if it had not been
//! stopped.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::config::TrainConfig;
use super::report::{EpochReport, Evaluation, TrainReport};
use crate::backend::BatchOutcome;
use crate::data::Dataset;
use crate::error::RuntimeError;
use crate::state::{Elements, StateDict, StateTensor};

/// Sums over images.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    loss: f64,
    correct: usize,
    images: usize,
}

impl Totals {
    pub(super) fn add(&mut self, outcome: BatchOutcome, images: usize) {
        self.loss += outcome.loss * images as f64;
        self.correct += outcome.correct;
        self.images += images;
    }

    pub(super) fn mean(&self) -> Evaluation {
        let images = self.images.max(1) as f64;
        Evaluation { loss: self.loss / images, accuracy: self.correct as f64 / images }
    }

    /// Images so far.
    pub(super) fn images(&self) -> usize {
        self.images
    }
}

/// The weights of the best epoch.
#[derive(Debug, Clone)]
pub(super) struct Best {
    pub(super) epoch: usize,
    pub(super) state: StateDict,
}

/// Where a training stands.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    /// What is to be reported so far.
    pub(super) report: TrainReport,
    /// Sums over the epoch that has begun.
    pub(super) totals: Totals,
    /// Time of the epoch that has begun.
    pub(super) epoch_time: Duration,
    /// Time of the whole training.
    pub(super) elapsed: Duration,
    /// The weights to keep, if they are asked for.
    pub(super) best: Option<Best>,
}

const NETWORK: &str = "network.";
const TRAINING: &str = "training.";
const BEST: &str = "best.";
const COUNTS: &str = "progress.counts";
const EPOCHS: &str = "progress.epochs";
const LOSSES: &str = "progress.losses";
const IDENTITY: &str = "progress.identity";

/// The parts of a checkpoint.
pub(super) struct Parts {
    pub(super) network: StateDict,
    pub(super) training: StateDict,
    pub(super) progress: Progress,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress {
            report: TrainReport::new(),
            totals: Totals::default(),
            epoch_time: Duration::ZERO,
            elapsed: Duration::ZERO,
            best: None,
        }
    }

    /// Whether the last epoch is the best so far; of equal accuracies the smaller loss counts.
    pub(super) fn last_is_best(&self) -> bool {
        self.report.best_epoch().is_some_and(|best| best + 1 == self.report.epochs.len())
    }

    /// Epochs since the best one.
    pub(super) fn stale_epochs(&self) -> usize {
        self.report.best_epoch().map_or(0, |best| self.report.epochs.len() - 1 - best)
    }

    fn counts(&self) -> [u64; 8] {
        [
            self.report.steps as u64,
            self.totals.loss.to_bits(),
            self.totals.correct as u64,
            self.totals.images as u64,
            self.epoch_time.as_nanos() as u64,
            self.elapsed.as_nanos() as u64,
            self.best.as_ref().map_or(u64::MAX, |best| best.epoch as u64),
            self.report.epochs.len() as u64,
        ]
    }
}

impl Parts {
    /// One state dict; `identity` tells which training it is.
    pub(super) fn join(self, identity: [u64; 4]) -> StateDict {
        let Parts { network, training, progress } = self;
        let best = progress.best.as_ref().map(|best| best.state.clone()).unwrap_or_default();
        let parts = [(NETWORK, network), (TRAINING, training), (BEST, best)];
        let mut state = StateDict::default();
        for (prefix, part) in parts {
            let named = part.tensors.into_iter();
            state.tensors.extend(named.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        }
        let epochs = progress.report.epochs.iter().flat_map(epoch_figures);
        let losses = progress.report.step_losses.iter().copied();
        let mut put = |name: &str, values: Vec<u64>| {
            let values: Vec<i64> = values.into_iter().map(u64::cast_signed).collect();
            let tensor = StateTensor { shape: vec![values.len()], elements: Elements::I64(values) };
            state.tensors.insert(name.to_owned(), tensor);
        };
        put(COUNTS, progress.counts().to_vec());
        put(EPOCHS, epochs.map(f64::to_bits).collect());
        put(LOSSES, losses.map(f64::to_bits).collect());
        put(IDENTITY, identity.to_vec());
        state
    }

    /// The parts of a checkpoint of the training `identity`.
    ///
    /// # Errors
    /// [`RuntimeError::Checkpoint`] if it is none, or that of another training.
    pub(super) fn split(state: &StateDict, identity: [u64; 4]) -> Result<Parts, RuntimeError> {
        if integers(state, IDENTITY)? != identity {
            let reason = "it belongs to a training with other data or options; \
                          give the same ones, or begin anew";
            return Err(RuntimeError::Checkpoint { reason: reason.to_owned() });
        }
        let mut progress = Progress::new();
        let [steps, loss, correct, images, epoch_time, elapsed, best, _] =
            integers(state, COUNTS)?.try_into().map_err(|_| damaged(COUNTS))?;
        progress.report.steps = steps as usize;
        progress.totals = Totals {
            loss: f64::from_bits(loss),
            correct: correct as usize,
            images: images as usize,
        };
        progress.epoch_time = Duration::from_nanos(epoch_time);
        progress.elapsed = Duration::from_nanos(elapsed);
        let figures = integers(state, EPOCHS)?;
        progress.report.epochs = figures
            .as_chunks()
            .0
            .iter()
            .map(|bits| epoch_report(bits.map(f64::from_bits)))
            .collect();
        progress.report.step_losses =
            integers(state, LOSSES)?.into_iter().map(f64::from_bits).collect();
        if best != u64::MAX {
            progress.best = Some(Best { epoch: best as usize, state: below(state, BEST) });
        }
        Ok(Parts { network: below(state, NETWORK), training: below(state, TRAINING), progress })
    }
}

fn epoch_figures(epoch: &EpochReport) -> [f64; 5] {
    [
        epoch.train_loss,
        epoch.train_accuracy,
        epoch.validation_loss,
        epoch.validation_accuracy,
        epoch.seconds,
    ]
}

fn epoch_report(figures: [f64; 5]) -> EpochReport {
    let [train_loss, train_accuracy, validation_loss, validation_accuracy, seconds] = figures;
    EpochReport { train_loss, train_accuracy, validation_loss, validation_accuracy, seconds }
}

/// The tensors whose names begin with `prefix`, without it.
fn below(state: &StateDict, prefix: &str) -> StateDict {
    let tensors = state
        .tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
    StateDict { tensors: tensors.collect() }
}

fn integers(state: &StateDict, name: &str) -> Result<Vec<u64>, RuntimeError> {
    match state.tensors.get(name).map(|tensor| &tensor.elements) {
        Some(Elements::I64(values)) => {
            Ok(values.iter().map(|&value| value.cast_unsigned()).collect())
        }
        Some(Elements::F32(_)) | None => Err(damaged(name)),
    }
}

fn damaged(name: &str) -> RuntimeError {
    let reason = format!("it lacks `{name}`, so it is no checkpoint of a training");
    RuntimeError::Checkpoint { reason }
}

/// What tells trainings apart: data and every option that changes a step. Limits do not: a training may
/// go on with more time.
pub(super) fn identity(config: &TrainConfig, data: &Dataset) -> [u64; 4] {
    let TrainConfig { initial: _, time_limit: _, step_limit: _, order, .. } = config;
    let options = TrainConfig {
        initial: None,
        time_limit: None,
        step_limit: None,
        order: None,
        ..config.clone()
    };
    let mut hash = Sha256::new();
    hash.update(data.content_hash());
    hash.update(format!("{options:?}"));
    for index in order.iter().flatten().flatten() {
        hash.update(index.to_le_bytes());
    }
    let digest = hash.finalize();
    let mut words = digest.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    std::array::from_fn(|_| words.next().unwrap_or_default())
}
