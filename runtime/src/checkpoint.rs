//! Safetensors in and out, with PyTorch's state-dict names. Files are replaced atomically. Not here:
//! whether a state dict fits a network (`StateDict::check`).

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::data::ImageTask;
use crate::error::RuntimeError;
use crate::replace;
use crate::state::{Elements, StateDict, StateTensor};

/// Key of the task among a file's metadata.
const TASK: &str = "nasc.task";

/// A state dict as the bytes of a safetensors file.
///
/// # Errors
/// [`RuntimeError::Checkpoint`] if a shape and its elements disagree.
pub fn to_bytes(state: &StateDict) -> Result<Vec<u8>, RuntimeError> {
    bytes(state, None)
}

fn bytes(
    state: &StateDict,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, RuntimeError> {
    let bytes: Vec<Vec<u8>> = state.tensors.values().map(little_endian).collect();
    let views = state.tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let dtype = match tensor.elements {
            Elements::F32(_) => Dtype::F32,
            Elements::I64(_) => Dtype::I64,
        };
        Ok((name, TensorView::new(dtype, tensor.shape.clone(), bytes).map_err(damaged)?))
    });
    let views = views.collect::<Result<Vec<_>, RuntimeError>>()?;
    serialize(views, metadata).map_err(damaged)
}

/// The state dict in the bytes of a safetensors file. Bytes and 16-bit or 64-bit floats are not
/// accepted: nasc stores none.
///
/// # Errors
/// [`RuntimeError::Checkpoint`] for anything that is no safetensors file of f32 and i64.
pub fn from_bytes(bytes: &[u8]) -> Result<StateDict, RuntimeError> {
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let tensors = file.iter().map(|(name, view)| {
        let elements = match view.dtype() {
            Dtype::F32 => Elements::F32(numbers(view.data(), f32::from_le_bytes)),
            Dtype::I64 => Elements::I64(numbers(view.data(), i64::from_le_bytes)),
            other => {
                let reason = format!("tensor {name} is of type {other:?}");
                return Err(RuntimeError::Checkpoint { reason });
            }
        };
        Ok((name.to_owned(), StateTensor { shape: view.shape().to_vec(), elements }))
    });
    Ok(StateDict { tensors: tensors.collect::<Result<_, RuntimeError>>()? })
}

/// Writes a checkpoint beside `path` and renames it, so that a reader finds the old one or the new.
///
/// # Errors
/// [`RuntimeError::CheckpointFile`] if the folder cannot be written; an old file then stays.
pub fn save(state: &StateDict, path: &Path) -> Result<(), RuntimeError> {
    write(&bytes(state, None)?, path)
}

/// As [`save`], with what the weights are for in the file's metadata, which other readers of the format
/// pass over.
///
/// # Errors
/// As [`save`].
pub fn save_with_task(
    state: &StateDict,
    task: &ImageTask,
    path: &Path,
) -> Result<(), RuntimeError> {
    let text = serde_json::to_string(task)
        .map_err(|error| RuntimeError::Checkpoint { reason: error.to_string() })?;
    write(&bytes(state, Some(HashMap::from([(TASK.to_owned(), text)])))?, path)
}

fn write(bytes: &[u8], path: &Path) -> Result<(), RuntimeError> {
    replace::file(path, bytes)
        .map_err(|source| RuntimeError::CheckpointFile { path: path.to_owned(), source })
}

/// Reads a checkpoint.
///
/// # Errors
/// [`RuntimeError::CheckpointFile`] or [`RuntimeError::Checkpoint`].
pub fn load(path: &Path) -> Result<StateDict, RuntimeError> {
    from_bytes(&read(path)?)
}

/// Reads a checkpoint, and what it is for if [`save_with_task`] wrote it.
///
/// # Errors
/// As [`load`].
pub fn load_with_task(path: &Path) -> Result<(StateDict, Option<ImageTask>), RuntimeError> {
    let bytes = read(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let text = header.metadata().as_ref().and_then(|entries| entries.get(TASK));
    let task = text.map(|text| serde_json::from_str(text)).transpose();
    let task = task.map_err(|error| RuntimeError::Checkpoint { reason: error.to_string() })?;
    Ok((from_bytes(&bytes)?, task))
}

fn read(path: &Path) -> Result<Vec<u8>, RuntimeError> {
    std::fs::read(path)
        .map_err(|source| RuntimeError::CheckpointFile { path: path.to_owned(), source })
}

fn little_endian(tensor: &StateTensor) -> Vec<u8> {
    match &tensor.elements {
        Elements::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Elements::I64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn numbers<T, const BYTES: usize>(data: &[u8], decode: fn([u8; BYTES]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|&bytes| decode(bytes)).collect()
}

fn damaged(error: safetensors::SafeTensorError) -> RuntimeError {
    RuntimeError::Checkpoint { reason: error.to_string() }
}
