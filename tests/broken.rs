//! Programs with one mistake each, and programs that only look wrong, against what PyTorch does.
//! They lie beside the repository; without them the test says that it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

use nasc_cli::check;
use nasc_cli::source::Program;
use nasc_compiler::CompileOptions;
use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::ir::{Dim, Shape, TensorType};
use nasc_compiler::source::SourceFile;
use serde_json::Value;

fn folder() -> PathBuf {
    let shared = std::env::var_os("NASC_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    shared.unwrap_or_else(beside).join("oracle/broken")
}

/// What nasc says of a program: the lines of its errors and warnings, or that there are none.
fn lines(source: &SourceFile, found: &Diagnostics) -> Vec<u64> {
    let places = found.as_slice().iter().filter_map(|diagnostic| diagnostic.span());
    places.map(|span| u64::from(source.line_column(span.start).line)).collect()
}

fn complaint(expected: &Value, source: &SourceFile) -> Option<String> {
    let dims = expected["input"].as_array()?.iter().skip(1);
    let dims = dims.map(|extent| Dim::Known(extent.as_u64().unwrap()));
    let shape = Shape(std::iter::once(Dim::N).chain(dims).collect());
    let mut options = CompileOptions::new(vec![TensorType::f32(shape)]);
    options.entry = expected["class"].as_str().map(|class| format!("{class}()"));
    let result = check::compile(&Program::alone(source.clone()), &options, None);
    let found = match &result {
        Ok(compiled) => lines(source, &compiled.warnings),
        Err(diagnostics) => lines(source, diagnostics),
    };
    let wanted = [expected["line"].as_u64(), expected["root_line"].as_u64()];
    let is_placed = wanted.iter().flatten().any(|line| found.contains(line));
    let right = match expected["kind"].as_str()? {
        "error" => result.is_err() && is_placed,
        "silent" => !found.is_empty(),
        _ => result.is_ok(),
    };
    (!right).then(|| format!("{}: expected {wanted:?}, found {found:?}", expected["name"]))
}

#[test]
fn broken_programs_are_refused_where_pytorch_fails_and_odd_ones_accepted() {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        println!("skipped: {} is not there", folder().display());
        return;
    };
    let mut complaints = Vec::new();
    let mut count = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let Some(stem) = path.to_str().and_then(|path| path.strip_suffix(".expect.json")) else {
            continue;
        };
        let expected = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let text = std::fs::read_to_string(format!("{stem}.py")).unwrap();
        complaints.extend(complaint(&expected, &SourceFile::new("net.py", text)));
        count += 1;
    }
    assert!(count > 40, "{count} programs");
    assert!(complaints.is_empty(), "{complaints:#?}");
}
