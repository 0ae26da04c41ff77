//! Networks as C and as executables: emitted, compiled, and compared with nasc's own evaluation
//! before anything is written. Deliberately not here: the C itself, which the compiler crate emits.

mod compiler;
mod proof;

use std::path::Path;

use nasc_compiler::emit::c::{self, CModel, COptions, HostOptions};
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::ir::{CheckedGraph, Op, Producer};
use nasc_runtime::state::{Elements, StateDict, StateTensor};
use nasc_runtime::{checkpoint, replace};

pub(crate) use proof::verify;

use self::compiler::Purpose;
use self::proof::{Comparison, Samples};
use crate::error::CliError;
use crate::number::{bytes, grouped};
use crate::output::{Environment, Output};

/// What is to be written.
pub(crate) struct Job<'a> {
    pub graph: &'a CheckedGraph,
    pub state: &'a StateDict,
    /// Name of the network for the head of the files.
    pub name: &'a str,
    /// The data set of the images to compare on.
    pub data: Option<&'a str>,
    /// What normalising subtracts and divides by: one number, or one for each channel.
    pub mean: &'a [f32],
    pub deviation: &'a [f32],
    pub out: &'a Path,
    /// Whether an executable is made, and not a folder of C.
    pub executable: bool,
}

/// Test vectors that an executable carries.
const CARRIED: usize = 8;

/// Writes the C or the executable; `Err` inside if the network holds an operation without a form.
pub(crate) fn write(
    job: &Job<'_>,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Result<(), EmitError>, CliError> {
    require_place(job)?;
    let options = COptions {
        name: "model".to_owned(),
        comment: format!("{}, written by nasc {}", job.name, env!("CARGO_PKG_VERSION")),
    };
    let model = match c::emit(job.graph, &weights(job.state), &options) {
        Ok(model) => model,
        Err(error) => return Ok(Err(error)),
    };
    let samples = Samples::gather(job, environment, output)?;
    let folder = tempfile::tempdir().map_err(|source| failed(job.out, source))?;
    put(&folder.path().join("model.c"), model.source.as_bytes())?;
    put(&folder.path().join("model.h"), model.header.as_bytes())?;
    put(&folder.path().join("test.c"), c::harness().as_bytes())?;
    let comparison = compared(job, &samples, folder.path(), output)?;
    if job.executable {
        executable(job, &samples, folder.path())?;
    } else {
        sources(job, &model, &samples)?;
    }
    describe(job, &model, output)?;
    if let Some(comparison) = comparison {
        output.line(comparison.line(&samples.origin))?;
    }
    Ok(Ok(()))
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

/// Compares the compiled C with nasc's results; nothing is written where they differ.
fn compared(
    job: &Job<'_>,
    samples: &Samples,
    folder: &Path,
    output: &mut Output<'_>,
) -> Result<Option<Comparison>, CliError> {
    if samples.outputs.is_empty() {
        output.remark(format!("not compared with nasc: {}", samples.problem))?;
        return Ok(None);
    }
    if !compiler::exists() {
        let remark = "not compared with nasc: there is no C compiler `cc` on this machine";
        output.remark(remark)?;
        return Ok(None);
    }
    let program = folder.join("test");
    compiler::compile(folder, &["model.c", "test.c"], &program, Purpose::Test)?;
    let results = compiler::run(&program, &[], &samples.inputs)?;
    let comparison = Comparison::of(&results, &samples.outputs, samples.count);
    if comparison.agrees() {
        Ok(Some(comparison))
    } else {
        let reason = format!(
            "the C does not compute what nasc computes, so nothing was written ({}); \
             please report it with the network {}",
            comparison.line(&samples.origin),
            job.name
        );
        Err(CliError::Argument { argument: "--emit", reason })
    }
}

fn sources(job: &Job<'_>, model: &CModel, samples: &Samples) -> Result<(), CliError> {
    std::fs::create_dir_all(job.out).map_err(|source| failed(job.out, source))?;
    checkpoint::save(&samples.to_state(), &job.out.join(proof::VECTORS))?;
    put(&job.out.join("test.c"), c::harness().as_bytes())?;
    put(&job.out.join("model.h"), model.header.as_bytes())?;
    put(&job.out.join("model.c"), model.source.as_bytes())
}

fn executable(job: &Job<'_>, samples: &Samples, folder: &Path) -> Result<(), CliError> {
    let Some(shape) = samples.image_shape() else {
        let reason =
            "an executable reads images, so the network has to take 1 or 3 channels, rows \
                      and columns and give one row of classes; take --emit c"
                .to_owned();
        return Err(CliError::Argument { argument: "--emit", reason });
    };
    let carried = samples.first(CARRIED);
    let options = HostOptions {
        shape,
        classes: &samples.classes,
        mean: &per_channel(job.mean, shape),
        deviation: &per_channel(job.deviation, shape),
        is_probability: gives_probabilities(job.graph),
        inputs: carried.0,
        outputs: carried.1,
    };
    put(&folder.join("main.c"), c::program(&options).as_bytes())?;
    let program = folder.join("program");
    compiler::compile(folder, &["model.c", "main.c"], &program, Purpose::Speed)?;
    let content = std::fs::read(&program).map_err(|source| failed(job.out, source))?;
    put_executable(job.out, &content)
}

/// A number for each channel.
fn per_channel(numbers: &[f32], [channels, _, _]: [u64; 3]) -> Vec<f32> {
    (0..channels as usize).filter_map(|c| numbers.get(c).or(numbers.last()).copied()).collect()
}

/// Whether the network ends with a softmax.
fn gives_probabilities(graph: &CheckedGraph) -> bool {
    let producer = graph.outputs.first().and_then(|&id| graph.value(id)).map(|v| v.producer);
    let node = match producer {
        Some(Producer::Node(node, _)) => graph.graph().node(node),
        _ => None,
    };
    matches!(node.map(|node| &node.op), Some(Op::Softmax(softmax)) if !softmax.log)
}

fn describe(job: &Job<'_>, model: &CModel, output: &mut Output<'_>) -> Result<(), CliError> {
    let what = if job.executable { "an executable" } else { "model.c, model.h, test.c" };
    output.line(format!("{}: {what}", job.out.display()))?;
    let (arena, flash) = (grouped(model.arena_bytes), bytes(model.flash_bytes));
    output.line(format!("arena: {arena} bytes, flash: {flash}"))?;
    Ok(())
}

/// Long work should not end in a place that cannot be written.
fn require_place(job: &Job<'_>) -> Result<(), CliError> {
    let reason = match (job.executable, job.out.is_dir(), job.out.exists()) {
        (true, true, _) => "it is a folder; name a file in it for the executable",
        (false, false, true) => "it is a file; name a folder for model.c and model.h",
        (true, ..) if !compiler::exists() => {
            let reason = "an executable needs a C compiler, and there is no `cc` on this machine; \
                          install one, or take --emit c"
                .to_owned();
            return Err(CliError::Argument { argument: "--emit", reason });
        }
        _ => return Ok(()),
    };
    let reason = format!("{} cannot be written: {reason}", job.out.display());
    Err(CliError::Argument { argument: "--out", reason })
}

fn failed(path: &Path, source: std::io::Error) -> CliError {
    CliError::Write { path: path.to_owned(), source }
}

/// Writes a file beside `path` and renames it, so that a full disk leaves no half of it.
fn put(path: &Path, content: &[u8]) -> Result<(), CliError> {
    replace::file(path, content).map_err(|source| failed(path, source))
}

fn put_executable(path: &Path, content: &[u8]) -> Result<(), CliError> {
    replace::executable(path, content).map_err(|source| failed(path, source))
}

/// A float tensor of a state dict.
fn tensor(shape: Vec<usize>, elements: Vec<f32>) -> StateTensor {
    StateTensor { shape, elements: Elements::F32(elements) }
}
