//! The filetest runner: a `.py` file says in its first lines what is tested, marks the lines where
//! mistakes are expected, and has the full output beside it (`NASC_BLESS=1` writes it anew).

pub mod directive;
pub mod find;
pub mod run;
pub mod subtest;

use std::path::PathBuf;

/// The folder of the filetests.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("filetests")
}

/// The folder with data and reference figures beside the repository, if there is one; tests that
/// want it say so and pass where there is none. `NASC_SHARED` names another place.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("NASC_SHARED").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no folder {}", folder.display());
    None
}
