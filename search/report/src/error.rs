//! Why a report could not be made.

use nasc_search::error::SearchError;
use std::path::PathBuf;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A run cannot be read.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A folder that holds neither a run nor runs of an ablation.
    #[error(
        "{} holds no run; name the folder of a `nasc search`, or that of a `nasc ablate`",
        path.display()
    )]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture cannot be drawn.
    #[error("{} cannot be drawn: {reason}", path.display())]
    Plot {
        /// The picture's file.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
    /// A table cannot be put into its form.
    #[error("{} cannot be written as a table: {reason}", path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
    /// The page's data cannot be written as JSON.
    #[error("the page's data cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}
