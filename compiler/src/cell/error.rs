//! Why a network is no cell of NAS-Bench-201.

use crate::source::Span;

/// Why a network is no cell of NAS-Bench-201; with the call that shows it, where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// It has not one image as input and one of the same shape as output.
    #[error("a cell takes one image and gives one of the same shape, not {found}")]
    Signature {
        /// The shapes.
        found: String,
    },
    /// It holds an operation that no cell has.
    #[error("`{operation}` is in no cell: {reason}")]
    Operation {
        /// Its name.
        operation: &'static str,
        /// What a cell would have.
        reason: &'static str,
        /// The call, if there is one.
        span: Option<Span>,
    },
    /// Two operations use the same weights.
    #[error("two operations share their weights; each edge of a cell has its own")]
    SharedWeights {
        /// The second call.
        span: Span,
    },
    /// A sum takes a part of a summand, or takes one away.
    #[error("a node of a cell is a plain sum, and this takes a summand {factor} times")]
    Factor {
        /// How often, e.g. `0.5`.
        factor: String,
        /// Where the sum is used, if not as the output.
        span: Option<Span>,
    },
    /// Every operation is right, but they are connected as no four nodes are.
    #[error(
        "its {operations} operations are connected as the four nodes and six edges of a cell cannot be"
    )]
    NotFourNodes {
        /// Operations that the output needs.
        operations: usize,
    },
}

impl CellError {
    /// The place in the program that shows it.
    #[must_use]
    pub const fn span(&self) -> Option<Span> {
        match self {
            Self::SharedWeights { span } => Some(*span),
            Self::Operation { span, .. } | Self::Factor { span, .. } => *span,
            Self::Signature { .. } | Self::NotFourNodes { .. } => None,
        }
    }
}
