//! Results of ONNX files and PyTorch folders by onnxruntime and PyTorch, for machines that have
//! them: the proof by another program.

use std::path::Path;

use super::stored::Vectors;
use super::{onnx, stored};
use crate::error::CliError;
use crate::native::run_on_bytes;

const SCRIPT: &str = include_str!("python/run.py");

/// The results of an ONNX file in onnxruntime.
pub(super) fn onnx(
    python: &Path,
    path: &Path,
    file: &onnx::File,
    inputs: &onnx::Inputs,
) -> Result<Vec<f32>, CliError> {
    let (kind, bytes) = match inputs {
        onnx::Inputs::Floats(floats) => ("float32", stored::float_bytes(floats)),
        onnx::Inputs::Bytes(bytes) => ("uint8", bytes.clone()),
    };
    let path = path.display().to_string();
    let shape = extents(&file.extents);
    run_on_bytes(python, &["-c", SCRIPT, "onnx", &path, "", kind, &shape], &bytes)
}

/// The results of a folder in PyTorch.
pub(super) fn torch(
    python: &Path,
    folder: &Path,
    entry: &str,
    vectors: &Vectors,
) -> Result<Vec<f32>, CliError> {
    let folder = folder.display().to_string();
    let shape = extents(vectors.shape.get(1..).unwrap_or_default());
    let bytes = stored::float_bytes(&vectors.inputs);
    run_on_bytes(python, &["-c", SCRIPT, "torch", &folder, entry, "float32", &shape], &bytes)
}

fn extents(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<String>>().join(",")
}
