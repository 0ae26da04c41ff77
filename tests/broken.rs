//! Small programs with one mistake each, as PyTorch judges them: every broken one is refused at
//! PyTorch's line for PyTorch's reason, what goes wrong silently is warned about, and what only
//! looks wrong is accepted with PyTorch's figures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use nasc_compiler::diagnostic::{Diagnostic, Fault, Severity};
use nasc_compiler::ir::{Dim, Shape, TensorType};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, cost};
use serde_json::Value;

/// What kind of mistake the codes of a category of programs may name.
const CATEGORIES: &[(&str, &[&str])] = &[
    ("attribute", &["eval::unknown_attribute"]),
    (
        "bad-argument",
        &["eval::bad_argument", "eval::type_mismatch", "shape::indivisible", "shape::pool_padding"],
    ),
    ("bad-dim", &["shape::dim_out_of_range"]),
    ("call-arity", &["eval::wrong_arguments"]),
    ("cat-dim", &["shape::concat_mismatch"]),
    ("conv-channels", &["shape::channel_mismatch"]),
    ("conv-rank", &["shape::rank_mismatch"]),
    ("forward-missing", &["eval::missing_forward"]),
    ("forward-return", &["eval::type_mismatch"]),
    ("groups", &["eval::bad_argument"]),
    ("kernel-too-large", &["shape::empty_spatial_dim"]),
    ("linear-in-features", &["shape::feature_mismatch"]),
    ("lstm-input", &["shape::feature_mismatch"]),
    ("lstm-output", &["eval::type_mismatch"]),
    ("matmul", &["shape::matmul_mismatch"]),
    ("norm-features", &["shape::num_features_mismatch"]),
    ("norm-rank", &["shape::rank_mismatch"]),
    ("not-callable", &["eval::missing_forward", "eval::not_a_module", "eval::not_callable"]),
    ("plain-list", &["eval::plain_list_of_layers"]),
    ("pool-too-small", &["shape::empty_spatial_dim"]),
    ("python-error", &["eval::index_out_of_range", "eval::raised", "eval::unassigned_name"]),
    ("residual-add", &["shape::broadcast_mismatch"]),
    ("super-init", &["eval::missing_super_init"]),
    ("syntax", &["syntax::unclosed_bracket"]),
    ("train-mode", &["eval::single_value_per_channel"]),
    ("unknown-name", &["eval::unknown_name", "eval::unknown_attribute"]),
    ("unpack", &["eval::unpack"]),
    ("view-size", &["shape::reshape_size", "eval::batch_merged"]),
    ("view-stride", &["shape::not_viewable"]),
];

#[test]
fn broken_programs_are_judged_as_pytorch_judges_them() {
    let Some(shared) = nasc_tests::shared() else { return };
    let mut problems = Vec::new();
    let mut programs = 0;
    for entry in fs::read_dir(shared.join("oracle/broken")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            programs += 1;
            if let Err(problem) = judge(&path) {
                problems.push(format!("{}: {problem}", path.display()));
            }
        }
    }
    assert!(programs >= 46, "only {programs} programs");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn judge(path: &Path) -> Result<(), String> {
    let expected = fs::read_to_string(path.with_extension("expect.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let source = SourceFile::new("net.py", fs::read_to_string(path).unwrap());
    let mut options = CompileOptions::new(vec![input(&expected)]);
    options.entry = Some("Net()".to_owned());
    let result = compile(&source, &options);
    match (expected["kind"].as_str().unwrap(), &result) {
        ("error", Err(found)) => mistake(&expected, &source, found.as_slice(), Severity::Error),
        ("silent", Ok(found)) => {
            mistake(&expected, &source, found.warnings.as_slice(), Severity::Warning)
        }
        ("ok", Ok(found)) => {
            let params = cost::analyze(&found.graph).params;
            let output = found.graph.tensor_type(*found.graph.outputs.first().unwrap()).unwrap();
            let at_one: Vec<u64> = output.shape.0.iter().map(|dim| dim.at_batch(1)).collect();
            let wanted: Vec<u64> = serde_json::from_value(expected["output"].clone()).unwrap();
            if expected["params_total"] == params && at_one == wanted {
                return Ok(());
            }
            Err(format!("{params} parameters, output {at_one:?}"))
        }
        (_, Ok(_)) => Err("accepted".to_owned()),
        (_, Err(found)) => Err(format!("refused: {found:?}")),
    }
}

fn mistake(
    expected: &Value,
    source: &SourceFile,
    found: &[Diagnostic],
    severity: Severity,
) -> Result<(), String> {
    let first = found.first().ok_or("nothing is reported")?;
    let line = first.span().map(|span| source.line_column(span.start).line).unwrap();
    let lines = ["line", "root_line"].map(|name| expected[name].as_u64());
    let train_line = expected["train_mode"]["line"].as_u64();
    let wanted = lines.into_iter().chain([train_line]).flatten().next();
    if wanted != Some(u64::from(line)) {
        return Err(format!("line {line} instead of {wanted:?}: {first:?}"));
    }
    let category = expected["category"].as_str().unwrap();
    let codes = CATEGORIES.iter().find(|(name, _)| *name == category).unwrap().1;
    if !codes.contains(&first.code.trim_start_matches("nasc::")) {
        return Err(format!("{} is no code for {category}", first.code));
    }
    if first.severity != severity || first.fault != Fault::Program {
        return Err(format!("{:?} {:?}", first.severity, first.fault));
    }
    Ok(())
}

/// The first dimension becomes the batch.
fn input(expected: &Value) -> TensorType {
    let dims: Vec<u64> = serde_json::from_value(expected["input"].clone()).unwrap();
    let rest = dims.iter().skip(1).map(|&extent| Dim::Known(extent));
    TensorType::f32(Shape([Dim::N].into_iter().chain(rest).collect()))
}
