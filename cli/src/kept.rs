//! The weights that a run kept of a network: whether they can be used, and what to do if not.

use std::path::Path;

use nasc_runtime::checkpoint;
use nasc_runtime::state::StateDict;
use nasc_search::store::EliteRow;

/// What a run has of a network's weights.
pub(crate) enum Kept {
    /// The weights.
    Usable(StateDict),
    /// None, since it was never trained.
    Untrained,
    /// They are missing or damaged; the text says what to do.
    Lost(String),
}

/// Reads the weights of an elite of the run in `directory`, which searched `data`.
pub(crate) fn weights(directory: &Path, data: &str, elite: &EliteRow) -> Kept {
    let lost = |what: &str| Kept::Lost(lost(directory, data, elite, what));
    match &elite.weights {
        None if elite.candidate.curve.is_empty() => Kept::Untrained,
        None => lost("are missing"),
        Some(path) => match checkpoint::load(path) {
            Ok(state) => Kept::Usable(state),
            Err(error) => lost(&format!("in {} are damaged ({error})", path.display())),
        },
    }
}

/// That weights cannot be used, and how to get others.
pub(crate) fn lost(directory: &Path, data: &str, elite: &EliteRow, what: &str) -> String {
    let (number, directory) = (elite.candidate.candidate.0, directory.display());
    format!(
        "the weights of network {number} {what}; train it again: \
         nasc show {directory} --source {number} > net.py && nasc train net.py --data {data}"
    )
}
