//! The files of a training: weights for others, and the checkpoint that `--resume` takes up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nasc_runtime::checkpoint;
use nasc_runtime::data::ImageTask;
use nasc_runtime::train::Trainer;

use crate::error::CliError;

/// Time between two checkpoints of a training that nobody stops: what a power cut may cost.
const INTERVAL: Duration = Duration::from_secs(60);

/// Where a training is written.
pub(super) struct Saved {
    weights: PathBuf,
    checkpoint: PathBuf,
    written: Instant,
}

impl Saved {
    /// Weights in `out`, the checkpoint beside it.
    pub(super) fn new(out: &Path) -> Result<Saved, CliError> {
        require_writable(out)?;
        let (weights, checkpoint) = (out.to_owned(), out.with_extension("checkpoint"));
        Ok(Saved { weights, checkpoint, written: Instant::now() })
    }

    /// Where the checkpoint lies.
    pub(super) fn checkpoint(&self) -> &Path {
        &self.checkpoint
    }

    /// Takes up the checkpoint.
    pub(super) fn resume(&self, trainer: &mut Trainer<'_>) -> Result<(), CliError> {
        if !self.checkpoint.is_file() {
            let reason = format!(
                "there is no {}; a training that was stopped leaves it beside its --out",
                self.checkpoint.display()
            );
            return Err(CliError::Argument { argument: "--resume", reason });
        }
        Ok(trainer.resume(&checkpoint::load(&self.checkpoint)?)?)
    }

    /// Whether the last checkpoint is old.
    pub(super) fn is_due(&self) -> bool {
        self.written.elapsed() >= INTERVAL
    }

    /// Writes a checkpoint.
    pub(super) fn stop(&mut self, trainer: &Trainer<'_>) -> Result<(), CliError> {
        checkpoint::save(&trainer.checkpoint()?, &self.checkpoint)?;
        self.written = Instant::now();
        Ok(())
    }

    /// Removes the checkpoint of a training that has ended.
    pub(super) fn finish(&self) -> Result<(), CliError> {
        match fs::remove_file(&self.checkpoint) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(CliError::Write { path: self.checkpoint.clone(), source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes the weights as they are, with what they are for.
    pub(super) fn weights(&self, trainer: &Trainer<'_>, task: &ImageTask) -> Result<(), CliError> {
        Ok(checkpoint::save_with_task(&trainer.state()?, task, &self.weights)?)
    }
}

/// Long work should not end in a file that cannot be written.
fn require_writable(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let problem = if path.is_dir() {
        "it is a folder; name a file in it"
    } else if folder.is_some_and(|folder| !folder.is_dir()) {
        "its folder does not exist; make it first"
    } else if path.extension().is_some_and(|extension| extension == "checkpoint") {
        "this ending is that of the checkpoint beside it; take .safetensors"
    } else {
        return Ok(());
    };
    let reason = format!("{} cannot be written: {problem}", path.display());
    Err(CliError::Argument { argument: "--out", reason })
}
