//! A child's first weights: its parent's where a name, a shape and a type agree, else its own.

use nasc_runtime::checkpoint;
use nasc_runtime::state::{Elements, StateDict};

/// The child's weights, over which the parent's are laid; as they are if the parent's cannot be read.
pub(super) fn over(own: StateDict, parent: &[u8]) -> StateDict {
    let Ok(parent) = checkpoint::from_bytes(parent) else { return own };
    let mut state = own;
    for (name, tensor) in &mut state.tensors {
        let Some(inherited) = parent.tensors.get(name) else { continue };
        let is_alike = inherited.shape == tensor.shape
            && matches!(
                (&inherited.elements, &tensor.elements),
                (Elements::F32(_), Elements::F32(_)) | (Elements::I64(_), Elements::I64(_))
            );
        if is_alike {
            tensor.clone_from(inherited);
        }
    }
    state
}
