//! Graphs as JSON: read anew and run with the weights, which lie in a file of their own.

use std::path::Path;

use nasc_compiler::emit::json::{self, Document};
use nasc_runtime::checkpoint;
use nasc_runtime::state::StateDict;

use super::comparison::Comparison;
use super::{read, samples, stored, wrong};
use crate::error::CliError;

/// The results of the graph in a text for inputs of `length` elements each.
pub(crate) fn outputs(
    text: &[u8],
    state: &StateDict,
    inputs: &[f32],
    length: usize,
) -> Result<Vec<f32>, CliError> {
    let graph = json::read(&document(text)?).map_err(|error| wrong(error.to_string()))?;
    state.check(&graph)?;
    Ok(samples::predict(&graph, state, inputs, length)?)
}

fn document(text: &[u8]) -> Result<Document, CliError> {
    serde_json::from_slice(text).map_err(|error| wrong(format!("it is no graph of nasc: {error}")))
}

/// How the results of a graph differ from those that it carries.
pub(super) fn compare(path: &Path, weights: Option<&Path>) -> Result<Comparison, CliError> {
    let Some(weights) = weights else {
        let reason = "the weights of a graph lie in a file of their own; name it".to_owned();
        return Err(CliError::Argument { argument: "--weights", reason });
    };
    let text = read(path)?;
    let (inputs, expected, count) = stored::vectors_of(&document(&text)?.metadata)?;
    let inputs = stored::floats(&inputs);
    let found = outputs(&text, &checkpoint::load(weights)?, &inputs, inputs.len() / count.max(1))?;
    Ok(Comparison::of(&found, &expected, count))
}
