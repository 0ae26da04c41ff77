//! Files and folders that appear whole or not at all.

use std::path::{Path, PathBuf};

use nasc_runtime::replace;

use crate::error::CliError;

/// Writes a file beside its place and renames it, so that a full disk leaves nothing half written.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    require_file(path)?;
    replace::file(path, bytes).map_err(|source| CliError::Write { path: path.to_owned(), source })
}

/// That a file can have this name; long work should not end in a place that cannot be written.
pub(crate) fn require_file(path: &Path) -> Result<(), CliError> {
    refuse_if(path.is_dir(), path, "it is a folder; name a file in it")
}

/// That a folder can have this name.
pub(crate) fn require_folder(path: &Path) -> Result<(), CliError> {
    refuse_if(path.exists() && !path.is_dir(), path, "it is a file; name a folder")
}

fn refuse_if(condition: bool, path: &Path, why: &str) -> Result<(), CliError> {
    let reason = || format!("{} cannot be written: {why}", path.display());
    match condition {
        true => Err(CliError::Argument { argument: "--out", reason: reason() }),
        false => Ok(()),
    }
}

/// Makes a folder, and those above it.
pub(crate) fn folder(path: &Path) -> Result<(), CliError> {
    require_folder(path)?;
    std::fs::create_dir_all(path)
        .map_err(|source| CliError::Write { path: path.to_owned(), source })
}

/// Puts files into a folder, and gives their size. All are written beside the folder first: a full
/// disk leaves neither a new folder nor half of an old one.
pub(crate) fn files(out: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<u64, CliError> {
    let failed = |source| CliError::Write { path: out.to_owned(), source };
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    folder(parent)?;
    let stage = tempfile::Builder::new().prefix(".nasc-").tempdir_in(parent).map_err(failed)?;
    // the stage itself is for its owner alone, which the folder is not
    let whole = stage.path().join("whole");
    for (path, bytes) in files {
        let path = whole.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&whole)).map_err(failed)?;
        replace::file(&path, bytes).map_err(failed)?;
    }
    if !out.exists() {
        std::fs::rename(&whole, out).map_err(failed)?;
    } else {
        for (path, _) in files {
            let place = out.join(path);
            folder(place.parent().unwrap_or(out))?;
            std::fs::rename(whole.join(path), place).map_err(failed)?;
        }
    }
    Ok(files.iter().map(|(_, bytes)| bytes.len() as u64).sum())
}
