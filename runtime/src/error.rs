//! `RuntimeError`: why a network cannot be executed, trained, stored or loaded.
//! A training that diverges or runs out of its budget is no error but a `StopReason`.

use std::path::PathBuf;

use nasc_compiler::source::Span;

use crate::data::DataError;

/// Why the runtime gave up.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// An operation that the backend cannot execute or differentiate.
    #[error(
        "nasc cannot train `{op}` yet ({detail}); replace it, or check and count the network only"
    )]
    Unsupported {
        /// Name of the operation.
        op: &'static str,
        /// What about it.
        detail: &'static str,
        /// The call in `forward`.
        span: Span,
    },
    /// A network that is no classifier of the data set's images.
    #[error("the network takes {expected}, but the data set gives {found}; adapt one of them")]
    Interface {
        /// What the network takes or gives.
        expected: String,
        /// What the data set gives or asks for.
        found: String,
    },
    /// A batch norm that would see one value per channel.
    #[error(
        "batch norm sees one value per channel in a batch of one image ({images} images in batches of \
         {batch} end with one), and one value has no spread"
    )]
    SingleValue {
        /// Images of a step.
        batch: usize,
        /// Images of an epoch.
        images: usize,
        /// The call in `forward`.
        span: Span,
    },
    /// A graph that breaks an invariant of checked graphs.
    #[error("the graph is malformed: {reason}; this is a mistake in nasc, please report it")]
    Malformed {
        /// Which invariant.
        reason: &'static str,
    },
    /// The numeric library refused an operation.
    #[error("`{op}` failed in the backend: {source}")]
    Backend {
        /// Name of the operation.
        op: &'static str,
        /// What the library said.
        source: candle_core::Error,
    },
    /// oneDNN refused an operation.
    #[error("`{op}` failed in the backend: {source}")]
    OneDnn {
        /// Name of the operation.
        op: &'static str,
        /// What the library said.
        source: crate::onednn::OneDnnError,
    },
    /// A configuration that cannot be trained with.
    #[error("training configuration: {field} is {value}, but must be {required}")]
    Configuration {
        /// Which entry.
        field: &'static str,
        /// What it was.
        value: String,
        /// What is allowed.
        required: &'static str,
    },
    /// Parameters whose names or shapes do not fit the network.
    #[error(
        "the weights do not fit the network: missing {missing:?}, unexpected {unexpected:?}, \
         of another shape or type {mismatched:?}; take weights of the same network"
    )]
    State {
        /// Names that the network has and the weights lack.
        missing: Vec<String>,
        /// Names that the weights have and the network lacks.
        unexpected: Vec<String>,
        /// Names whose shape or element type differs, with both shapes.
        mismatched: Vec<String>,
    },
    /// A damaged or foreign checkpoint.
    #[error(
        "the checkpoint cannot be read: {reason}; it must be a safetensors file of f32 and i64"
    )]
    Checkpoint {
        /// What is wrong.
        reason: String,
    },
    /// A checkpoint that could not be read or written.
    #[error("checkpoint {}: {source}", path.display())]
    CheckpointFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A pass that was broken off because its time was over.
    #[error("the time limit was reached; allow more time")]
    TimeLimit,
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl RuntimeError {
    /// For `map_err` on results of the numeric library.
    pub(crate) fn backend(op: &'static str) -> impl Fn(candle_core::Error) -> RuntimeError {
        move |source| RuntimeError::Backend { op, source }
    }
}
