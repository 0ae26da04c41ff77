//! Files that appear whole or not at all.

use std::path::Path;

use nasc_runtime::replace;

use crate::error::CliError;

/// Writes a file beside its place and renames it, so that a full disk leaves nothing half written.
pub(super) fn file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    if path.is_dir() {
        let reason = format!("{} is a folder; name a file in it", path.display());
        return Err(CliError::Argument { argument: "--out", reason });
    }
    replace::file(path, bytes).map_err(failed)
}

/// Makes a folder, and those above it.
pub(super) fn folder(path: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)
}
