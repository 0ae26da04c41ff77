//! Folders for PyTorch: what their program and weights compute, by reading them as any other
//! program. Whether PyTorch itself agrees is `python`'s.

use std::path::Path;

use nasc_compiler::ir::{Dim, Shape, TensorType};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::checkpoint;

use super::stored::Vectors;
use super::{read, samples, wrong};
use crate::error::CliError;

/// The file of a folder that says what the network is.
pub(crate) const MODEL: &str = "model.json";

/// The network's expression.
pub(crate) fn entry(folder: &Path) -> Result<String, CliError> {
    let bytes = read(&folder.join(MODEL))?;
    let facts: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("{MODEL} is damaged: {error}")))?;
    let entry = facts.get("nasc.entry").and_then(|entry| entry.as_str());
    entry.map(str::to_owned).ok_or_else(|| wrong(format!("{MODEL} names no network")))
}

/// The results of a folder.
pub(crate) fn outputs_of_folder(folder: &Path, vectors: &Vectors) -> Result<Vec<f32>, CliError> {
    let text = String::from_utf8_lossy(&read(&folder.join("net.py"))?).into_owned();
    let weights = read(&folder.join("weights.safetensors"))?;
    let extents: Vec<usize> = vectors.shape.iter().skip(1).copied().collect();
    outputs(&text, &entry(folder)?, &weights, &extents, &vectors.inputs)
}

/// The results of a program with weights for inputs of these extents.
pub(crate) fn outputs(
    text: &str,
    entry: &str,
    weights: &[u8],
    extents: &[usize],
    inputs: &[f32],
) -> Result<Vec<f32>, CliError> {
    let dims = extents.iter().map(|&extent| Dim::Known(extent as u64));
    let shape = Shape(std::iter::once(Dim::N).chain(dims).collect());
    let mut options = CompileOptions::new(vec![TensorType::f32(shape)]);
    options.entry = Some(entry.to_owned());
    let source = SourceFile::new("net.py", text);
    let compiled = compile(&source, &options).map_err(|diagnostics| {
        let first = diagnostics.as_slice().first().map(|diagnostic| diagnostic.message.clone());
        wrong(format!("net.py does not check: {}", first.unwrap_or_default()))
    })?;
    let state = checkpoint::from_bytes(weights)?;
    state.check(&compiled.graph)?;
    Ok(samples::predict(&compiled.graph, &state, inputs, extents.iter().product())?)
}
