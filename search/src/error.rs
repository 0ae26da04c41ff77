//! What can stop a search: the machine, the run's folder, or a collaborator that failed.
//! A candidate that fails is not here; it is a [`crate::evaluate::Rejection`].

use crate::archive::NotFinite;
use crate::config::ConfigError;
use crate::evaluate::{EvaluateError, Rejection};
use crate::llm::LanguageModelError;
use crate::prompt::PromptError;
use std::path::PathBuf;

/// A search cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file of the run cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no room left for the run.
    #[error(
        "the disk is full: {path} cannot be written; free some space and resume the run, nothing that was finished is lost"
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The run database failed.
    #[error("the run database {path} failed")]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The folder holds no run.
    #[error("{path} holds no run; start one there without --resume")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a run already.
    #[error("{path} holds a run already; resume it with --resume, or choose another folder")]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes this run.
    #[error("another process is working on the run in {path}; wait until it ends")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The run was written by a version of nasc with another format.
    #[error(
        "the run in {path} has format {found}, and this version of nasc reads format {supported}; use the version that wrote it ({writer})"
    )]
    Format {
        /// The folder.
        path: PathBuf,
        /// Format of the run.
        found: i64,
        /// Format that can be read.
        supported: i64,
        /// Version that wrote the run.
        writer: String,
    },
    /// The run was begun with another collaborator, so its results would not compare.
    #[error(
        "the run was begun with the {what} `{stored}`, not `{given}`; resume it with the former or start a new run"
    )]
    Mismatch {
        /// Which collaborator.
        what: &'static str,
        /// The one the run was begun with.
        stored: String,
        /// The one given now.
        given: String,
    },
    /// The run's records contradict each other.
    #[error("the run in {path} is damaged: {what}")]
    Corrupt {
        /// The folder.
        path: PathBuf,
        /// The contradiction.
        what: String,
    },
    /// The first network, which everything grows from, was rejected.
    #[error(
        "the first network was rejected: {rejection}; raise the budget or change first-network.txt"
    )]
    FirstNetwork {
        /// Why.
        rejection: Rejection,
    },
    /// The evaluator gave a figure that is no number.
    #[error("the evaluator gave candidate {candidate} a figure that cannot be used")]
    Figure {
        /// The candidate.
        candidate: u64,
        /// The figure.
        source: NotFinite,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The prompt texts cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The language model failed.
    #[error(transparent)]
    LanguageModel(#[from] LanguageModelError),
    /// The evaluator failed.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}
