//! The elites' weights: one safetensors file each, complete or absent.

use super::{Store, file_error};
use crate::error::SearchError;
use crate::state::CandidateId;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file of a candidate's weights in a run's folder.
pub(super) fn path(directory: &Path, candidate: CandidateId) -> PathBuf {
    directory.join("weights").join(format!("{:06}.safetensors", candidate.0))
}

/// Whether a file's name is one that this module gives.
fn is_weights(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str());
    stem.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(extension, Some("safetensors" | "partial"))
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    // The new name is on the disk only once its folder is.
    File::open(folder)?.sync_all()
}

impl Store {
    /// Writes a candidate's weights; the file appears under its name only when it is complete.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::File`].
    pub fn keep_weights(
        &mut self,
        candidate: CandidateId,
        safetensors: &[u8],
    ) -> Result<(), SearchError> {
        let path = path(&self.directory, candidate);
        #[cfg(test)]
        crate::tests::fault::before(&mut self.fault, &path)?;
        write_whole(&path, safetensors).map_err(|error| file_error(&path, error))?;
        #[cfg(test)]
        crate::tests::fault::after(&mut self.fault, &path)?;
        Ok(())
    }

    /// A candidate's weights; `None` if none were kept.
    ///
    /// # Errors
    /// [`SearchError::File`] if the file cannot be read.
    pub fn weights(&self, candidate: CandidateId) -> Result<Option<Vec<u8>>, SearchError> {
        let path = path(&self.directory, candidate);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error(&path, error)),
        }
    }

    /// Deletes the weights of all others, and files left incomplete.
    ///
    /// # Errors
    /// [`SearchError::File`] if the folder cannot be read or a file not deleted.
    pub fn keep_only_weights_of(&self, elites: &BTreeSet<CandidateId>) -> Result<(), SearchError> {
        let folder = self.directory.join("weights");
        if !folder.is_dir() {
            return Ok(());
        }
        let kept: BTreeSet<PathBuf> = elites.iter().map(|&id| path(&self.directory, id)).collect();
        for entry in std::fs::read_dir(&folder).map_err(|error| file_error(&folder, error))? {
            let file = entry.map_err(|error| file_error(&folder, error))?.path();
            if is_weights(&file) && !kept.contains(&file) {
                std::fs::remove_file(&file).map_err(|error| file_error(&file, error))?;
            }
        }
        Ok(())
    }
}
