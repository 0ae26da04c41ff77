//! `docs/ops.md`: which operation is checked, trained and exported by which part, found out by
//! giving each part a network of that operation. `NASC_BLESS=1` writes the page anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nasc_compiler::emit::c::{self, COptions};
use nasc_compiler::emit::json;
use nasc_compiler::emit::onnx::evaluate::{Model, Tensor};
use nasc_compiler::emit::onnx::{self, OnnxOptions};
use nasc_compiler::emit::rust::{self, RustOptions};
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::ir::{CheckedGraph, Node};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::backend::cpu::CpuBackend;
use nasc_runtime::init::initialize;
use nasc_runtime::state::StateDict;
use nasc_runtime::{onednn, trainable};

/// Layers and functions over `x`, an image `[N, 4, 8, 8]`; `v` is the vector `[N, 256]`, `s` the
/// sequence `[N, 16, 16]`, `i` indices from 0 to 3.
const SAMPLES: &str = include_str!("ops.txt");

const PARTS: [&str; 6] = ["check", "train, static plan", "train, candle", "onnx", "c", "rust"];

fn source(expression: &str) -> String {
    let (layer, call) = expression.split_once(" : ").unwrap_or(("nn.Identity()", expression));
    format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
         class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.w = nn.Parameter(torch.randn(4))\n        \
         self.register_buffer('i', torch.tensor([3, 0, 2, 1]))\n        self.layer = {layer}\n    \
         def forward(self, x):\n        layer, w, i = self.layer, self.w, self.i\n        \
         v = x.flatten(1)\n        s = x.reshape(-1, 16, 16)\n        y = {call}\n        \
         return y.flatten(1)\n"
    )
}

/// The network of a sample, if nasc accepts it.
fn network(expression: &str) -> Option<CheckedGraph> {
    let file = SourceFile::new("net.py", source(expression));
    compile(&file, &CompileOptions::image(4, 8, 8)).ok().map(|compiled| compiled.graph)
}

/// Whether the network has a form in ONNX, C and Rust.
fn exports(graph: &CheckedGraph) -> [bool; 3] {
    let state = initialize(graph, 1);
    let weights = weights(&state);
    let c = COptions { name: "net".to_owned(), comment: String::new() };
    let rust = RustOptions { name: "net".to_owned(), metadata: Vec::new() };
    [
        exported(graph, &state, 17).is_ok(),
        c::emit(graph, &weights, &c).is_ok(),
        rust::emit(graph, &weights, &[], &rust).is_ok(),
    ]
}

fn weights(state: &StateDict) -> Weights<'_> {
    let mut weights = Weights::new();
    for name in state.tensors.keys() {
        if let Some(elements) = state.floats(name) {
            weights.insert(name, elements);
        }
    }
    weights
}

fn exported(graph: &CheckedGraph, state: &StateDict, opset: i64) -> Result<Vec<u8>, EmitError> {
    let (name, metadata) = ("net".to_owned(), Vec::new());
    let options = OnnxOptions { opset, name, metadata, fold: true, preprocessing: None };
    onnx::emit(graph, &weights(state), &options)
}

fn plans(graph: &CheckedGraph) -> bool {
    CpuBackend::new(graph, 1, NonZeroUsize::MIN).unwrap().is_some()
}

fn library() -> bool {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or(home.join(".cache"), PathBuf::from);
    let cache = std::env::var_os("NASC_CACHE").map_or(cache.join("nasc"), PathBuf::from);
    onednn::install(&cache.join("onednn/libdnnl.so.3")).is_ok()
}

/// What each operation's sample is accepted by.
fn table() -> BTreeMap<&'static str, [bool; 6]> {
    let mut rows = BTreeMap::new();
    for line in SAMPLES.lines().filter(|line| !line.is_empty()) {
        let (name, expression) = line.split_once(" = ").unwrap();
        let row = network(expression).map_or([false; 6], |graph| {
            let [onnx, c, rust] = exports(&graph);
            [true, plans(&graph), trainable(&graph).is_ok(), onnx, c, rust]
        });
        assert!(rows.insert(name, row).is_none(), "{name} has two samples");
    }
    rows
}

fn page(rows: &BTreeMap<&str, [bool; 6]>) -> String {
    let mut text = String::from(
        "# Operations\n\nWhat each part of nasc accepts, by a small network of each operation \
         (`tests/ops.txt`); `NASC_BLESS=1 cargo nextest run -p\nnasc-tests ops` writes this page. \
         What has no kernel in the static plan trains through candle. An empty cell is a refusal \
         with\nthe line of the network; single forms of an operation that is accepted may be \
         refused, too. The PyTorch and JSON forms\nhold every operation.\n\n",
    );
    let _ = writeln!(text, "| operation | {} |", PARTS.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(PARTS.len()));
    for (name, row) in rows {
        let cells = row.map(|accepted| if accepted { "yes" } else { "" });
        let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
    }
    text
}

#[test]
fn the_page_of_operations_is_current() {
    if !library() {
        eprintln!("skipped: the static plan needs oneDNN, see scripts/fetch-onednn.sh");
        return;
    }
    let found = page(&table());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ops.md");
    if std::env::var_os("NASC_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, kept, "docs/ops.md is stale; NASC_BLESS=1 writes it");
}

#[test]
fn every_operation_has_a_sample() {
    let sampled: BTreeSet<&str> =
        SAMPLES.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    // the names in the table of `Op::name` and of the element-wise operations, read off the code
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/src/ir");
    let mut named = BTreeSet::new();
    for file in ["op.rs", "op/elementwise.rs", "op/tensor.rs"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let lines = text.lines().map(str::trim).filter(|line| line.contains("=> \""));
        named.extend(lines.filter_map(|line| line.split('"').nth(1).map(str::to_owned)));
    }
    let missing: Vec<&String> =
        named.iter().filter(|name| !sampled.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no sample in tests/ops.txt for {missing:?}");
}

/// Two images of numbers between -1 and 1, spread by the golden ratio.
fn images() -> Vec<f32> {
    let place = |index: u32| (f64::from(index + 1) * 0.618_033_988_749_894_9).fract();
    (0..2 * 4 * 8 * 8).map(|index| (2.0 * place(index) - 1.0) as f32).collect()
}

/// What the runtime computes, if it has the operation.
fn computed(graph: &CheckedGraph, state: &StateDict) -> Option<Vec<f32>> {
    let mut backend = CandleBackend::cpu(graph, 0).ok()?;
    backend.load(state).ok()?;
    backend.predict(&images(), 2).ok()
}

#[test]
fn exported_operations_compute_what_the_runtime_computes() {
    let mut compared = 0;
    for line in SAMPLES.lines().filter(|line| !line.is_empty()) {
        let (name, expression) = line.split_once(" = ").unwrap();
        let Some(graph) = network(expression) else { continue };
        let state = initialize(&graph, 1);
        let Some(expected) = computed(&graph, &state) else { continue };
        // circular padding has an operator from 19 on
        for opset in [13, 17, 21] {
            let Ok(bytes) = exported(&graph, &state, opset) else { continue };
            let model = Model::read(&bytes).unwrap();
            let image = Tensor::of_floats(vec![2, 4, 8, 8], images());
            let found = match model.run(vec![image]) {
                Ok(found) => found[0].floats().map(<[f32]>::to_vec),
                Err(error) => panic!("{name}, opset {opset}: {error}"),
            };
            let found = found.unwrap_or_default();
            let scale = expected.iter().fold(1e-6_f32, |scale, x| scale.max(x.abs()));
            let pairs = found.iter().zip(&expected);
            let near = |(a, b): (&f32, &f32)| {
                (a - b).abs() <= 1e-4 * scale || a == b || (a.is_nan() && b.is_nan())
            };
            let agrees = found.len() == expected.len() && pairs.clone().all(near);
            let wrong = pairs.clone().position(|pair| !near(pair));
            assert!(agrees, "{name}, opset {opset}: {wrong:?} {found:?} {expected:?}");
            compared += 1;
        }
    }
    assert!(compared >= 300, "only {compared} comparisons");
}

#[test]
fn documents_of_operations_are_read_back_as_the_same_graphs() {
    let attention = "F.scaled_dot_product_attention(s, s, s, is_causal=True).masked_fill(s > 0, \
                     float('-inf')).clamp(min=-2)";
    let more = ["y = torch.einsum('nij,nkj->nik', s, s) + torch.tril(torch.ones(16, 16))"];
    let samples = SAMPLES.lines().filter_map(|line| line.split_once(" = "));
    let samples = samples.chain([("masked", attention)]).chain(more.map(|x| ("mask", &x[4..])));
    for (name, expression) in samples {
        let Some(graph) = network(expression) else { continue };
        let document = json::document(&graph, "Net", BTreeMap::new());
        let text = serde_json::to_string(&document).unwrap();
        let again: json::Document = serde_json::from_str(&text).unwrap();
        let read = json::read(&again).unwrap_or_else(|error| panic!("{name}: {error}"));
        let operations = |graph: &CheckedGraph| -> Vec<_> {
            let types = |node: &Node| -> Vec<_> {
                let all = node.inputs.iter().chain(&node.outputs);
                all.map(|&id| graph.tensor_type(id).cloned()).collect()
            };
            graph.nodes.iter().map(|node| (node.op.clone(), types(node))).collect()
        };
        assert_eq!(operations(&graph), operations(&read), "{name}: {text}");
    }
}

#[test]
fn broken_documents_are_refused_with_their_place() {
    let graph = network("F.max_pool2d(x, 2)").unwrap();
    let text = serde_json::to_string(&json::document(&graph, "Net", BTreeMap::new())).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let document: json::Document = serde_json::from_str(&text.replace(from, to)).unwrap();
        json::read(&document).unwrap_err().to_string()
    };
    assert!(refused("nasc-graph", "other").contains("but other of version 1"));
    assert!(refused("max_pool", "man_pool").contains("(man_pool): there is no operation"));
    assert!(refused("\"kernel_size\":[2,2]", "\"kernel_size\":[3,3]").contains("does not check"));
    assert!(refused("\"kernel_size\"", "\"size\"").contains("kernel_size is missing"));
    assert!(refused("\"inputs\":[0]", "\"inputs\":[99]").contains("nothing before it makes value"));
}
