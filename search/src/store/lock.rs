//! One writer for each run: an advisory lock on a file in its folder, freed by the system when
//! the process ends, however it ends.

use super::file_error;
use crate::error::SearchError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A held lock.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    pub(super) fn take(directory: &Path) -> Result<Self, SearchError> {
        let path = directory.join("run.lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|error| file_error(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(SearchError::Locked { path: directory.to_owned() })
            }
            Err(TryLockError::Error(error)) => Err(file_error(&path, error)),
        }
    }
}
