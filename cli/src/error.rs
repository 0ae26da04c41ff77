//! Why a command could not do its work. Mistakes in the user's program are not here: they are
//! diagnostics, printed by `render`.

use std::io;
use std::path::{Path, PathBuf};

use nasc_report::error::ReportError;
use nasc_runtime::RuntimeError;
use nasc_runtime::data::DataError;
use nasc_search::benchmark::nasbench201::BenchmarkError;
use nasc_search::config::Place;
use nasc_search::error::SearchError;
use nasc_search::llm::LanguageModelError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything is well.
    Success,
    /// The user's program is wrong or not supported.
    Program,
    /// The command line or the machine is at fault.
    Machine,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Program => 1,
            Exit::Machine => 2,
            // 128 + SIGINT, as shells have it.
            Exit::Interrupted => 130,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder where a file is wanted.
    #[error("{} is a folder; name a Python file in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A file that cannot be a program.
    #[error("{} has {bytes} bytes, and nasc reads programs of at most {limit}; is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that is no text.
    #[error("{} is not a text file: byte {offset} is not UTF-8; is it the right file?", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first bad byte, from 0.
        offset: usize,
    },
    /// A file that cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An argument whose value makes no sense.
    #[error("{argument}: {reason}")]
    Argument {
        /// The argument, such as `--input`.
        argument: &'static str,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A configuration that cannot be used.
    #[error("{}: {reason}", at(path, *place))]
    Config {
        /// The file.
        path: PathBuf,
        /// Where in it, if the mistake has a place.
        place: Option<Place>,
        /// What is wrong; it names the key.
        reason: String,
    },
    /// A code that no diagnostic has.
    #[error(
        "there is no code `{code}`{}; `nasc explain` without a code lists them all",
        .near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    UnknownCode {
        /// What was asked for.
        code: String,
        /// The code that was probably meant.
        near: Option<&'static str>,
    },
    /// The hub or the way to it failed.
    #[error(
        "{what} could not be fetched: {reason}; check the name and the connection, or download the file by other means and pass it with --model FILE.gguf"
    )]
    Hub {
        /// What was asked for.
        what: String,
        /// What the client said.
        reason: String,
    },
    /// No language model where one is needed.
    #[error("there is no language model at {}; fetch it with scripts/fetch-model.sh, or pass another one with --model FILE.gguf", path.display())]
    NoModel {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// This build cannot run language models.
    #[error(
        "this nasc was built without the feature `llama`, so it runs no language model; build it with default features, or give canned answers with --model scripted:FILE"
    )]
    NoLlama,
    /// The result could not be written to the standard output.
    #[error("the output could not be written")]
    Output(#[from] io::Error),
    /// The search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A report of runs.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The language model.
    #[error(transparent)]
    LanguageModel(#[from] LanguageModelError),
    /// The trainer.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The table of a benchmark.
    #[error(transparent)]
    Benchmark(#[from] BenchmarkError),
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl CliError {
    /// Whether only the reader of the output has gone, which is nobody's mistake.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, CliError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// `search.toml:3:1`, as compilers write it.
fn at(path: &Path, place: Option<Place>) -> String {
    let place = place.map(|place| format!(":{}:{}", place.line, place.column));
    format!("{}{}", path.display(), place.unwrap_or_default())
}
