//! A fault that strikes at a chosen write: before it, or right after it was acknowledged.

use crate::error::SearchError;
use std::path::Path;

/// When to fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Writes that still succeed.
    pub(crate) writes_left: u32,
    /// Whether the failing write itself reaches the disk.
    pub(crate) after: bool,
}

fn full(path: &Path) -> Result<(), SearchError> {
    Err(SearchError::DiskFull { path: path.to_owned() })
}

pub(crate) fn before(fault: &mut Option<Fault>, path: &Path) -> Result<(), SearchError> {
    match fault {
        Some(Fault { writes_left: 0, after: false }) => full(path),
        _ => Ok(()),
    }
}

pub(crate) fn after(fault: &mut Option<Fault>, path: &Path) -> Result<(), SearchError> {
    match fault {
        Some(Fault { writes_left: 0, after: true }) => full(path),
        Some(fault) => {
            fault.writes_left = fault.writes_left.saturating_sub(1);
            Ok(())
        }
        None => Ok(()),
    }
}
