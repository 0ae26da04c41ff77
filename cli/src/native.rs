//! Networks as C and as executables: emitted, compiled, and compared with nasc's own evaluation
//! before anything is written. Deliberately not here: the C itself, which the compiler crate emits.

mod compiler;

use std::path::{Path, PathBuf};

use nasc_compiler::emit::c::{self, CModel, COptions, HostOptions};
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::ir::{CheckedGraph, Op, Producer};
use nasc_runtime::replace;
use nasc_runtime::state::StateDict;

pub(crate) use self::compiler::{run as run_program, run_on_bytes};

use self::compiler::Purpose;
use crate::compile::write;
use crate::error::CliError;
use crate::number::{bytes, grouped};
use crate::verify::comparison::Comparison;
use crate::verify::samples::{Samples, Subject};
use crate::verify::stored;

/// What is to be written.
pub(crate) struct Job<'a> {
    pub subject: Subject<'a>,
    /// Name of the network for the head of the files.
    pub name: &'a str,
    pub out: &'a Path,
    /// Whether an executable is made, and not a folder of C.
    pub executable: bool,
}

/// What was written, and what there is to say about it.
pub(crate) struct Written {
    pub bytes: u64,
    pub lines: Vec<String>,
    pub remarks: Vec<String>,
}

/// Why nothing was written.
pub(crate) enum Refused {
    /// The network holds an operation without a form.
    Form(EmitError),
    /// The C does not compute what nasc computes.
    Disagrees(String),
    /// Arguments or the machine.
    Machine(CliError),
}

impl From<CliError> for Refused {
    fn from(error: CliError) -> Refused {
        Refused::Machine(error)
    }
}

/// Test vectors that an executable carries.
const CARRIED: usize = 8;

/// Writes the C or the executable.
pub(crate) fn write(job: &Job<'_>) -> Result<Written, Refused> {
    require_place(job)?;
    let options = COptions {
        name: "model".to_owned(),
        comment: format!("{}, written by nasc {}", job.name, env!("CARGO_PKG_VERSION")),
    };
    let model =
        c::emit(job.subject.graph, &weights(job.subject.state), &options).map_err(Refused::Form)?;
    require_one_input(job.subject.graph)?;
    let samples = Samples::gather(&job.subject)?;
    let folder = tempfile::tempdir().map_err(|source| failed(job.out, source))?;
    put(&folder.path().join("model.c"), model.source.as_bytes())?;
    put(&folder.path().join("model.h"), model.header.as_bytes())?;
    put(&folder.path().join("test.c"), c::harness().as_bytes())?;
    let mut written = Written { bytes: 0, lines: describe(job, &model), remarks: Vec::new() };
    match compared(&samples, folder.path())? {
        Ok(comparison) if comparison.agrees() => {
            written.lines.push(comparison.line(&samples.origin));
        }
        Ok(comparison) => return Err(Refused::Disagrees(comparison.line(&samples.origin))),
        Err(reason) => written.remarks.push(format!("not compared with nasc: {reason}")),
    }
    written.bytes = match job.executable {
        true => executable(job, &samples, folder.path())?,
        false => sources(job, &model, &samples)?,
    };
    Ok(written)
}

fn require_one_input(graph: &CheckedGraph) -> Result<(), CliError> {
    if graph.inputs.len() == 1 && graph.outputs.len() == 1 {
        return Ok(());
    }
    let reason = "nasc writes C for networks with one input and one result".to_owned();
    Err(CliError::Argument { argument: "--emit", reason })
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

/// Compares the compiled C with nasc's results; `Err` inside says why that is not possible.
fn compared(samples: &Samples, folder: &Path) -> Result<Result<Comparison, String>, CliError> {
    if !samples.is_comparable() {
        return Ok(Err(samples.problem.clone()));
    }
    if !compiler::exists() {
        return Ok(Err("there is no C compiler `cc` on this machine".to_owned()));
    }
    let results = outputs_of_sources(folder, &samples.inputs)?;
    Ok(Ok(Comparison::of(&results, &samples.outputs, samples.count)))
}

/// The results of a folder with C, compiled here.
pub(crate) fn outputs_of_sources(folder: &Path, inputs: &[f32]) -> Result<Vec<f32>, CliError> {
    let place = tempfile::tempdir().map_err(|source| failed(folder, source))?;
    let program = place.path().join("test");
    compiler::compile(folder, &["model.c", "test.c"], &program, Purpose::Test)?;
    compiler::run(&program, &[], inputs)
}

/// How the results of an executable differ from those that it carries.
pub(crate) fn compare_executable(path: &Path) -> Result<Comparison, CliError> {
    let sizes = compiler::run(path, &["--sizes"], &[])?;
    let [count, inputs, _] = sizes.as_slice() else {
        let reason = format!("{} is no executable of `nasc compile --emit exe`", path.display());
        return Err(CliError::Argument { argument: "verify", reason });
    };
    let vectors = compiler::run(path, &["--vectors"], &[])?;
    let cut = (*count as usize * *inputs as usize).min(vectors.len());
    let (inputs, expected) = vectors.split_at(cut);
    let found = compiler::run(path, &["--raw"], inputs)?;
    Ok(Comparison::of(&found, expected, *count as usize))
}

fn sources(job: &Job<'_>, model: &CModel, samples: &Samples) -> Result<u64, CliError> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = vec![
        ("model.c".into(), model.source.clone().into_bytes()),
        ("model.h".into(), model.header.clone().into_bytes()),
        ("test.c".into(), c::harness().into_bytes()),
    ];
    if samples.is_comparable() {
        files.push((stored::VECTORS.into(), stored::file_of(samples)?));
    }
    write::files(job.out, &files)
}

fn executable(job: &Job<'_>, samples: &Samples, folder: &Path) -> Result<u64, CliError> {
    let Some(shape) = samples.image_shape() else {
        let reason =
            "an executable reads images, so the network has to take 1 or 3 channels, rows \
                      and columns and give one row of classes; take --emit c"
                .to_owned();
        return Err(CliError::Argument { argument: "--emit", reason });
    };
    let (inputs, outputs, _) = samples.first(CARRIED);
    let scaling = job.subject.scaling;
    let options = HostOptions {
        shape,
        classes: &samples.classes,
        mean: &per_channel(&scaling.mean, shape),
        deviation: &per_channel(&scaling.deviation, shape),
        is_probability: gives_probabilities(job.subject.graph),
        inputs,
        outputs,
    };
    put(&folder.join("main.c"), c::program(&options).as_bytes())?;
    let program = folder.join("program");
    compiler::compile(folder, &["model.c", "main.c"], &program, Purpose::Speed)?;
    let content = std::fs::read(&program).map_err(|source| failed(job.out, source))?;
    put_executable(job.out, &content)?;
    Ok(content.len() as u64)
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

fn describe(job: &Job<'_>, model: &CModel) -> Vec<String> {
    let what = if job.executable { "an executable" } else { "model.c, model.h, test.c" };
    let (arena, flash) = (grouped(model.arena_bytes), bytes(model.flash_bytes));
    vec![format!("{}: {what}", job.out.display()), format!("arena: {arena} bytes, flash: {flash}")]
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
