//! Evaluation as the search sees it: source text in, a trained result or a reason for refusal out.
//! The trait only; its implementation on the compiler and the trainer lies in a module of its own.

mod rejection;
pub mod table;
pub mod training;

pub use rejection::{CandidateDiagnostic, Rejection};

use crate::archive::Objective;
use crate::measures::CostFigures;
use crate::precedents::Demands;
use std::ops::ControlFlow;

/// How much work a candidate is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Check, and one evaluation pass with initial weights.
    Untrained,
    /// Check, train as configured, evaluate.
    Train,
}

/// One candidate to evaluate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationRequest<'a> {
    /// The network's source text.
    pub source: &'a str,
    /// How much work to do.
    pub effort: Effort,
    /// Seed of the initial weights and the batch order.
    pub seed: u64,
    /// What it has to reach on the way.
    pub demands: &'a Demands,
    /// A safetensors file of its parent's weights, to begin with where names and shapes agree.
    pub inherited: Option<&'a [u8]>,
}

/// What is done with a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is trained.
    Training,
    /// It is scored on the split that fitness comes from.
    Validation,
    /// It is scored on the test split.
    Test,
}

/// Where the work on a network stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainProgress {
    /// What is done.
    pub stage: Stage,
    /// Steps of training, or images that are scored, done so far.
    pub done: u64,
    /// The same in all.
    pub total: u64,
    /// Loss of the last step of training, if there was one.
    pub loss: Option<f64>,
}

/// One line of the training curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Mean loss over the training examples.
    pub train_loss: f64,
    /// Share of the training examples classified correctly, in [0, 1].
    pub train_accuracy: f64,
    /// Mean loss on the split that fitness comes from, where it was measured.
    pub loss: Option<f64>,
    /// Accuracy on the split that fitness comes from, where it was measured.
    pub accuracy: Option<f64>,
}

/// Seconds an evaluation took, by phase.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct EvaluationSeconds {
    /// Parsing, checking, costing.
    pub compile: f64,
    /// Training and measuring accuracy.
    pub train: f64,
}

/// A candidate that became a network with a fitness.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Accuracy in [0, 1] and cross-entropy on the split that fitness comes from.
    pub objective: Objective,
    /// Static figures of the network.
    pub cost: CostFigures,
    /// One record an epoch; empty for [`Effort::Untrained`].
    pub curve: Vec<EpochRecord>,
    /// A hash that equal networks share, where the evaluator knows one.
    pub fingerprint: Option<String>,
    /// The network's weights as a safetensors file, if they are worth keeping.
    pub weights: Option<Vec<u8>>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It has a fitness.
    Evaluated(Box<Evaluation>),
    /// It has none.
    Rejected(Rejection),
}

impl Verdict {
    /// The training curve, as far as it was trained.
    #[must_use]
    pub fn curve(&self) -> &[EpochRecord] {
        match self {
            Self::Evaluated(evaluation) => &evaluation.curve,
            Self::Rejected(_) => &[],
        }
    }
}

/// A verdict and what it cost to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Seconds by phase.
    pub seconds: EvaluationSeconds,
    /// What the network promised before it was trained, if that was asked for.
    pub proxy_score: Option<f64>,
}

/// Accuracy and loss on the test split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestScore {
    /// Share classified correctly, in [0, 1].
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
}

/// Told during training and scoring; `Break` stops it with [`EvaluateError::Interrupted`].
pub type TrainSink<'a> = &'a mut dyn FnMut(TrainProgress) -> ControlFlow<()>;

/// Compiles, admits, trains and tests candidates.
///
/// On a CPU with budgets in steps, equal requests get equal verdicts.
pub trait Evaluator {
    /// Data set, splits and versions for the run's record. A resumed run asks for an equal text.
    fn describe(&self) -> String;

    /// What equal networks share, found without training: with it nothing is trained twice. `None` for
    /// a text that is no network, and where asking again costs nothing.
    fn fingerprint(&mut self, source: &str) -> Option<String> {
        let _ = source;
        None
    }

    /// Judges one source text. A poor network is a [`Rejection`], not an error.
    ///
    /// # Errors
    /// [`EvaluateError`] when the machine fails or the sink asks to stop; the candidate counts as
    /// not evaluated then.
    fn evaluate(
        &mut self,
        request: EvaluationRequest<'_>,
        progress: TrainSink<'_>,
    ) -> Result<Judgement, EvaluateError>;

    /// Whether [`Evaluator::test`] needs the weights of a network.
    fn needs_weights(&self) -> bool {
        true
    }

    /// Scores stored weights on the test split; called only when the search is over.
    ///
    /// # Errors
    /// [`EvaluateError`] when the machine fails, the weights do not belong to the source, or the sink asks
    /// to stop.
    fn test(
        &mut self,
        source: &str,
        weights: &[u8],
        progress: TrainSink<'_>,
    ) -> Result<TestScore, EvaluateError>;
}

/// The machine failed to evaluate; says nothing about the candidate.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The sink asked to stop.
    #[error("evaluation was interrupted")]
    Interrupted,
    /// Stored weights are damaged or belong to another network.
    #[error("the weights cannot be used: {reason}")]
    Weights {
        /// What is wrong with them.
        reason: String,
    },
    /// The trainer or its device failed.
    #[error("a candidate could not be evaluated")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
