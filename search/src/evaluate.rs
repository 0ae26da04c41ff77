//! Evaluation as the search sees it: source text in, a trained result or a reason for refusal out.
//! The trait only; its implementation on the compiler and the trainer lies in a module of its own.

pub mod table;
pub mod training;

use crate::archive::Objective;
use crate::measures::CostFigures;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationRequest<'a> {
    /// The network's source text.
    pub source: &'a str,
    /// How much work to do.
    pub effort: Effort,
    /// Seed of the initial weights and the batch order.
    pub seed: u64,
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

/// A mistake in a candidate's text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CandidateDiagnostic {
    /// A code such as `nasc::shape::channel_mismatch`.
    pub code: String,
    /// The message, in words.
    pub message: String,
    /// The line, from 1, where it is known.
    pub line: Option<u32>,
}

/// Why a candidate has no fitness: an ordinary result of the search.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rejection {
    /// The prompt left no room in the model's context, so nothing was generated.
    PromptTooLong {
        /// Tokens of the prompt plus those to be drawn.
        tokens: u64,
        /// Tokens the context holds.
        context: u64,
    },
    /// The completion holds no network source.
    NoCode,
    /// The text is no network that checks.
    Compile {
        /// Whether the text is syntactically right.
        parsed: bool,
        /// What is wrong with it.
        diagnostics: Vec<CandidateDiagnostic>,
    },
    /// The network checks, but its output is not one score for each class.
    WrongOutput {
        /// The output shape, e.g. `[N, 32]`.
        found: String,
        /// The shape asked for.
        expected: String,
    },
    /// The network costs more than the run allows.
    OverBudget {
        /// Which figure, e.g. `macs`.
        figure: String,
        /// Its value.
        value: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// Training left the finite numbers.
    Diverged {
        /// The step at which it did.
        step: u64,
    },
    /// Training used up its time budget.
    TimedOut,
    /// nasc broke down over it: its process ended while it was evaluated, as often as it is tried.
    Crashed {
        /// Times it was tried.
        attempts: u32,
    },
}

impl Rejection {
    /// The name in the run database.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PromptTooLong { .. } => "prompt_too_long",
            Self::NoCode => "no_code",
            Self::Compile { .. } => "compile",
            Self::WrongOutput { .. } => "wrong_output",
            Self::OverBudget { .. } => "over_budget",
            Self::Diverged { .. } => "diverged",
            Self::TimedOut => "timed_out",
            Self::Crashed { .. } => "crashed",
        }
    }

    /// Whether the text is known to be syntactically right.
    #[must_use]
    pub const fn parsed(&self) -> bool {
        match self {
            Self::PromptTooLong { .. } | Self::NoCode | Self::Crashed { .. } => false,
            Self::Compile { parsed, .. } => *parsed,
            Self::WrongOutput { .. } | Self::OverBudget { .. } => true,
            Self::Diverged { .. } | Self::TimedOut => true,
        }
    }

    /// Whether the text is known to be a network of the right signature.
    #[must_use]
    pub const fn checked(&self) -> bool {
        match self {
            Self::PromptTooLong { .. } | Self::NoCode | Self::Crashed { .. } => false,
            Self::Compile { .. } | Self::WrongOutput { .. } => false,
            Self::OverBudget { .. } | Self::Diverged { .. } | Self::TimedOut => true,
        }
    }
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It has a fitness.
    Evaluated(Box<Evaluation>),
    /// It has none.
    Rejected(Rejection),
}

/// A verdict and what it cost to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Seconds by phase.
    pub seconds: EvaluationSeconds,
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
    /// The trainer or its device failed.
    #[error("a candidate could not be evaluated")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
