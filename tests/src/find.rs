//! Finds the filetests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// All `.py` files below a folder, sorted.
///
/// # Errors
/// If a folder cannot be read.
pub fn programs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    found.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    found.sort();
    Ok(found)
}

/// All files below a folder that are no programs: expected outputs.
///
/// # Errors
/// If a folder cannot be read.
pub fn outputs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    found.retain(|path| path.extension().is_none_or(|extension| extension != "py"));
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, found)? } else { found.push(path) }
    }
    Ok(())
}
