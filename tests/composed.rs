//! Functions that are composed of others in nasc: shape and elements are those that PyTorch computes
//! (`composed.py` writes them to `composed.jsonl`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::init::initialize;
use serde_json::Value;

const CASES: &str = include_str!("composed.jsonl");

/// The network that computes an expression of the tensors that `composed.py` has; the batch takes no part.
fn source(expression: &str) -> String {
    format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
         class Net(nn.Module):\n    def forward(self, x):\n        \
         zero = x.flatten(1)[:, :1] * 0\n        x = x[0].reshape(2, 4, 6, 6)\n        \
         y = x.flip(-1) * 0.7 + 0.1\n        m = x[0, 0]\n        v = x[0, 0, 0]\n        \
         result = {expression}\n        return zero + result.float().reshape(1, -1)\n"
    )
}

/// All elements of the result, or why there is none.
fn elements(expression: &str) -> Result<Vec<f32>, String> {
    let file = SourceFile::new("net.py", source(expression));
    let compiled = compile(&file, &CompileOptions::image(8, 6, 6)).map_err(|found| {
        let messages = found.as_slice().iter().map(|one| one.message.clone());
        messages.collect::<Vec<_>>().join("; ")
    })?;
    let state = initialize(&compiled.graph, 1);
    let mut backend = CandleBackend::cpu(&compiled.graph, 1).map_err(|error| error.to_string())?;
    backend.load(&state).map_err(|error| error.to_string())?;
    let images: Vec<f32> = (0..288).map(|index| (index as f32 * 0.37).sin()).collect();
    backend.predict(&images, 1).map_err(|error| error.to_string())
}

/// What is wrong with a case, if anything.
fn mistake(case: &Value) -> Option<String> {
    let expression = case["expression"].as_str().unwrap();
    let found = match elements(expression) {
        Ok(found) => found,
        Err(reason) => return Some(format!("{expression}: {reason}")),
    };
    let extents = case["shape"].as_array().unwrap().iter().map(|extent| extent.as_u64().unwrap());
    let count = usize::try_from(extents.product::<u64>()).unwrap();
    if found.len() != count {
        return Some(format!("{expression}: {} elements, not {count}", found.len()));
    }
    let step = usize::try_from(case["step"].as_u64().unwrap()).unwrap();
    let wanted = case["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
    let differs = wanted
        .zip(found.iter().step_by(step))
        .find(|(wanted, found)| (wanted - f64::from(**found)).abs() > 1e-4 * wanted.abs().max(1.0));
    differs.map(|(wanted, found)| format!("{expression}: {found}, not {wanted}"))
}

#[test]
fn composed_functions_compute_what_pytorch_computes() {
    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 140);
    let mistakes: Vec<String> = cases.iter().filter_map(mistake).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
