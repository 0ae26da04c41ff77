//! Why a candidate has no fitness: facts for the run database, and the same in words.

use std::fmt;

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
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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
    /// It promised less than others before it was trained.
    Unpromising {
        /// What scored it.
        proxy: String,
        /// Its score.
        score: f64,
        /// The least that is trained.
        least: f64,
    },
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
            Self::Unpromising { .. } => "unpromising",
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
            Self::Diverged { .. } | Self::TimedOut | Self::Unpromising { .. } => true,
        }
    }

    /// Whether the text is known to be a network of the right signature.
    #[must_use]
    pub const fn checked(&self) -> bool {
        match self {
            Self::PromptTooLong { .. } | Self::NoCode | Self::Crashed { .. } => false,
            Self::Compile { .. } | Self::WrongOutput { .. } => false,
            Self::OverBudget { .. } | Self::Diverged { .. } => true,
            Self::TimedOut | Self::Unpromising { .. } => true,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PromptTooLong { tokens, context } => write!(
                f,
                "its prompt and answer take {tokens} tokens, and the model's context holds {context}"
            ),
            Self::NoCode => f.write_str("the completion holds no network"),
            Self::Compile { parsed: false, .. } => f.write_str("it is no program that nasc reads"),
            Self::Compile { parsed: true, .. } => {
                f.write_str("it is no network that can be trained")
            }
            Self::WrongOutput { found, expected } => {
                write!(f, "its output is {found}, not {expected}")
            }
            Self::OverBudget { figure, value, limit } => {
                write!(f, "its {figure} is {value}, above the limit of {limit}")
            }
            Self::Diverged { step } => write!(f, "training diverged at step {step}"),
            Self::TimedOut => f.write_str("training took longer than `training.max_seconds`"),
            Self::Unpromising { proxy, score, least } => {
                write!(
                    f,
                    "its score by {proxy} is {score:.4}, and {least:.4} is the least that is trained"
                )
            }
            Self::Crashed { attempts: 1 } => f.write_str("nasc broke down over it"),
            Self::Crashed { attempts } => write!(f, "nasc broke down over it {attempts} times"),
        }
    }
}
