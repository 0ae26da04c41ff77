//! Where a command writes and what it knows of its surroundings, both given by the caller, so that
//! tests run commands without a process.

use std::io::{self, Write};
use std::path::PathBuf;

/// Where a command writes.
pub struct Output<'a> {
    /// Results.
    pub stdout: &'a mut (dyn Write + Send),
    /// Reports, progress, errors.
    pub stderr: &'a mut (dyn Write + Send),
    /// Whether text may be colored.
    pub color: bool,
    /// Columns of a line.
    pub width: usize,
    /// Whether `stderr` is a terminal on which bars can move.
    pub terminal: bool,
}

impl Output<'_> {
    /// Writes a line of the result.
    ///
    /// # Errors
    /// If the reader has gone or the disk is full.
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.stdout, "{}", text.as_ref())
    }

    /// Writes a remark beside the result.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn remark(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.stderr, "{}", text.as_ref())
    }
}

/// What the environment decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Folder for models, data sets and what was decoded of them.
    pub cache: PathBuf,
    /// Address of the model hub; `None` is the public one.
    pub hub: Option<String>,
}

impl Environment {
    /// `$NASC_CACHE`, else `$XDG_CACHE_HOME/nasc`, else `~/.cache/nasc`; `$HF_ENDPOINT`.
    /// `scripts/fetch-model.sh` looks in the same places.
    #[must_use]
    pub fn of_process() -> Environment {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = variable("NASC_CACHE").map(PathBuf::from).unwrap_or_else(|| {
            let home = || PathBuf::from(variable("HOME").unwrap_or_else(|| ".".into()));
            let base = variable("XDG_CACHE_HOME").map(PathBuf::from);
            base.unwrap_or_else(|| home().join(".cache")).join("nasc")
        });
        Environment { cache, hub: std::env::var("HF_ENDPOINT").ok() }
    }

    /// Folder of the language models.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.cache.join("models")
    }
}
