//! nasc's figures of a network against PyTorch's.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nasc_cli::folder::Folder;
use nasc_compiler::diagnostic::{Diagnostics, Fault, Severity};
use nasc_compiler::ir::{Dim, Op, Shape, TensorType, ValueId};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Compiled, compile_with, cost};

use crate::network::Network;

/// What came of a network.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// All figures agree.
    Equal,
    /// nasc says that it does not know something.
    Unsupported(Reason),
    /// nasc gives another figure, or calls a network wrong that PyTorch runs.
    Wrong(String),
}

/// Why a network is refused.
#[derive(Debug, Clone)]
pub struct Reason {
    pub code: &'static str,
    pub message: String,
    /// File and line.
    pub place: String,
}

/// A verdict with the time it took.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub verdict: Verdict,
    pub time: Duration,
}

/// Compiles a network from the sources below `sources` and compares.
#[must_use]
pub fn judge(network: &Network, sources: &Path) -> Outcome {
    let began = Instant::now();
    let folder = folder(network, sources);
    let result = compile_in(network, &folder);
    let verdict = match &result {
        Ok(compiled) => compare(network, compiled),
        Err(diagnostics) => refused(diagnostics, &folder),
    };
    Outcome { verdict, time: began.elapsed() }
}

/// Compiles a network from the sources below `sources`.
///
/// # Errors
/// What nasc finds wrong or does not know.
pub fn compile(network: &Network, sources: &Path) -> Result<Compiled, Diagnostics> {
    compile_in(network, &folder(network, sources))
}

fn folder(network: &Network, sources: &Path) -> Folder {
    let main = SourceFile::new("oracle.py", format!("{}\n", network.run.import));
    Folder::new(main, roots(network, sources))
}

fn compile_in(network: &Network, folder: &Folder) -> Result<Compiled, Diagnostics> {
    let mut options = CompileOptions::new(vec![input(network)]);
    options.entry = Some(network.expr.clone());
    compile_with(&folder.main(), &options, folder)
}

/// The folder of its package, and torchvision's, which some packages import.
fn roots(network: &Network, sources: &Path) -> Vec<PathBuf> {
    vec![sources.join(network.folder()), sources.join("torchvision")]
}

/// The input with a batch of any size.
fn input(network: &Network) -> TensorType {
    let dims = network.input.iter().skip(1).map(|&extent| Dim::Known(extent));
    TensorType::f32(Shape(std::iter::once(Dim::N).chain(dims).collect()))
}

fn compare(network: &Network, compiled: &Compiled) -> Verdict {
    let cost = cost::analyze(&compiled.graph);
    let figures = [
        ("params", cost.params, network.params_total),
        ("trainable", cost.trainable_params, network.params_trainable),
        ("buffers", cost.buffers, network.buffer_elements),
        ("macs", cost.macs - recurrent_macs(compiled), network.macs_aten_total),
    ];
    let mut wrong: Vec<String> = figures
        .into_iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(name, found, expected)| format!("{name} {found}, PyTorch {expected}"))
        .collect();
    let (found, expected) = (outputs(compiled), network.outputs());
    if found != expected {
        wrong.push(format!("output {found:?}, PyTorch {expected:?}"));
    }
    if wrong.is_empty() { Verdict::Equal } else { Verdict::Wrong(wrong.join("; ")) }
}

/// MACs of LSTM, GRU and RNN layers: nasc counts them, PyTorch's flop counter does not see into
/// their kernel.
fn recurrent_macs(compiled: &Compiled) -> u64 {
    let graph = &compiled.graph;
    let types = |ids: &[ValueId]| -> Vec<&TensorType> {
        ids.iter().filter_map(|&id| graph.tensor_type(id)).collect()
    };
    let recurrent = graph.nodes.iter().filter(|node| matches!(node.op, Op::Recurrent(_)));
    recurrent.map(|node| cost::macs(&node.op, &types(&node.inputs), &types(&node.outputs))).sum()
}

/// Shapes of the results for one sample.
fn outputs(compiled: &Compiled) -> Vec<Vec<u64>> {
    let graph = &compiled.graph;
    let types = graph.outputs.iter().filter_map(|&output| graph.tensor_type(output));
    types.map(|found| found.shape.0.iter().map(|&dim| at_one(dim)).collect()).collect()
}

fn at_one(dim: Dim) -> u64 {
    match dim {
        Dim::Known(extent) => extent,
        Dim::Batch { factor } => factor,
    }
}

fn refused(diagnostics: &Diagnostics, folder: &Folder) -> Verdict {
    let files = folder.files();
    let errors = diagnostics.as_slice().iter().filter(|d| d.severity == Severity::Error);
    let mut reasons = errors.map(|diagnostic| {
        let place = diagnostic.span().and_then(|span| {
            let file = files.get(span.file.0 as usize)?;
            Some(format!("{}:{}", short(file.name()), file.line_column(span.start).line))
        });
        let place = place.unwrap_or_default();
        let message = diagnostic.message.clone();
        (diagnostic.fault, Reason { code: diagnostic.code, message, place })
    });
    match reasons.next() {
        Some((Fault::Unsupported, reason)) => Verdict::Unsupported(reason),
        Some((Fault::Program, reason)) => {
            Verdict::Wrong(format!("{} at {}: {}", reason.code, reason.place, reason.message))
        }
        None => Verdict::Wrong(String::from("refused without a reason")),
    }
}

/// The last parts of a path.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.rsplit('/').take(3).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}
