//! Names of what an optimiser keeps for each parameter, in checkpoints of both backends.

use crate::error::RuntimeError;
use crate::state::{Elements, StateDict, StateTensor};

/// Prefixes of the two means that an optimiser keeps: SGD's momentum or Adam's mean of gradients, and
/// Adam's mean of squares.
pub(super) const MOMENTS: [&str; 2] = ["first_moment.", "second_moment."];
/// Updates so far.
pub(super) const UPDATES: &str = "updates";
/// Where the random numbers of dropout stand.
pub(super) const DROPOUT: &str = "dropout";

/// Integers as a tensor of a checkpoint.
pub(super) fn integers(values: &[u64]) -> StateTensor {
    let elements = values.iter().map(|&value| value.cast_signed()).collect();
    StateTensor { shape: vec![values.len()], elements: Elements::I64(elements) }
}

/// The `N` integers of this name.
pub(super) fn read_integers<const N: usize>(
    state: &StateDict,
    name: &str,
) -> Result<[u64; N], RuntimeError> {
    let found = state.tensors.get(name).and_then(|tensor| match &tensor.elements {
        Elements::I64(values) => values.as_slice().try_into().ok(),
        Elements::F32(_) => None,
    });
    let found: [i64; N] = found.ok_or_else(|| damaged(name))?;
    Ok(found.map(i64::cast_unsigned))
}

/// For a state that lacks something or belongs to another network.
pub(super) fn damaged(name: &str) -> RuntimeError {
    let reason = format!("the state of the training lacks `{name}`, or it has another shape");
    RuntimeError::Checkpoint { reason }
}
