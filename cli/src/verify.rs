//! `nasc verify`: runs the test vectors that an artefact of `nasc compile` carries. Here: what an
//! artefact is, and what is said about it; how each form computes its results is in the modules.

pub(crate) mod comparison;
pub(crate) mod crates;
pub(crate) mod graph;
pub(crate) mod onnx;
mod python;
pub(crate) mod samples;
pub(crate) mod stored;
pub(crate) mod torch;

use std::path::{Path, PathBuf};

use clap::Args;
use nasc_runtime::data::Dataset;

use self::comparison::Comparison;
use self::samples::Scaling;
use self::stored::Vectors;
use crate::data;
use crate::error::{CliError, Exit};
use crate::native;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// Run the test vectors of a model that `nasc compile` wrote.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file of --emit onnx, json or exe, or the folder of --emit c, rust or pytorch.
    artefact: PathBuf,
    /// The data set that the model was compiled with, for the classes of 1,000 images of an ONNX file.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// The weights of a graph that was written with --emit json.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Let this Python run the model: with onnxruntime an ONNX file, with PyTorch a folder of
    /// --emit pytorch.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
}

/// The form of an artefact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    C,
    Crate,
    PyTorch,
    Onnx,
    Json,
    Executable,
}

impl Kind {
    fn of(path: &Path) -> Result<Kind, CliError> {
        let has = |name: &str| path.join(name).is_file();
        if has("model.c") {
            return Ok(Kind::C);
        }
        if has("Cargo.toml") {
            return Ok(Kind::Crate);
        }
        if has("net.py") {
            return Ok(Kind::PyTorch);
        }
        if path.is_dir() {
            let reason = "holds no model.c, no Cargo.toml and no net.py of `nasc compile`";
            return Err(wrong(format!("{} {reason}", path.display())));
        }
        let bytes = read(path)?;
        Ok(match bytes.first() {
            // an ONNX file begins with its version, field 1
            Some(0x08) => Kind::Onnx,
            Some(b'{') => Kind::Json,
            _ => Kind::Executable,
        })
    }
}

pub(crate) fn wrong(reason: String) -> CliError {
    CliError::Argument { argument: "verify", reason }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|source| CliError::Read { path: path.to_owned(), source })
}

pub(crate) fn run(
    args: &VerifyArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let artefact = &args.artefact;
    let python = args.python.as_deref();
    let comparison = match (Kind::of(artefact)?, python) {
        (Kind::Onnx, _) => return of_onnx(args, environment, output),
        (Kind::PyTorch, Some(python)) => {
            let vectors = Vectors::of_folder(artefact)?;
            let entry = torch::entry(artefact)?;
            vectors.compare(&python::torch(python, artefact, &entry, &vectors)?)
        }
        (Kind::PyTorch, None) => {
            let vectors = Vectors::of_folder(artefact)?;
            vectors.compare(&torch::outputs_of_folder(artefact, &vectors)?)
        }
        (_, Some(_)) => return Err(wrong("--python is for ONNX files and PyTorch folders".into())),
        (Kind::Json, None) => graph::compare(artefact, args.weights.as_deref())?,
        (Kind::Crate, None) => {
            let vectors = Vectors::of_folder(artefact)?;
            vectors.compare(&crates::outputs(artefact, &vectors.inputs)?)
        }
        (Kind::C, None) => {
            let vectors = Vectors::of_folder(artefact)?;
            vectors.compare(&native::outputs_of_sources(artefact, &vectors.inputs)?)
        }
        (Kind::Executable, None) => native::compare_executable(artefact)?,
    };
    output.line(comparison.line("test vectors"))?;
    verdict(comparison.agrees(), output)
}

fn verdict(agrees: bool, output: &mut Output<'_>) -> Result<Exit, CliError> {
    if agrees {
        return Ok(Exit::Success);
    }
    output.remark("error: the results are not those that the artefact was made with")?;
    Ok(Exit::Program)
}

fn of_onnx(
    args: &VerifyArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let file = onnx::File::read(&args.artefact)?;
    let compute = |inputs: &onnx::Inputs| match &args.python {
        Some(python) => python::onnx(python, &args.artefact, &file, inputs),
        None => file.outputs(inputs).map_err(|error| wrong(error.to_string())),
    };
    let (inputs, expected, count) = file.vectors()?;
    let comparison = Comparison::of(&compute(&inputs)?, &expected, count);
    output.line(comparison.line("test vectors"))?;
    let Some((name, classes)) = file.classes() else {
        return verdict(comparison.agrees(), output);
    };
    let data = match (&args.data, name.as_str()) {
        (Some(spec), _) => {
            Some(data::open(spec, &data::options(environment), &mut Progress::new(output))?)
        }
        (None, "digits") => Some(nasc_runtime::data::digits()?),
        (None, _) => None,
    };
    let Some(data) = data else {
        let remark = "--data SPEC compares the classes of images, too; the file was compiled with";
        output.remark(format!("{remark} {name}"))?;
        return verdict(comparison.agrees(), output);
    };
    let inputs = images(&file, &data, &name, classes.len())?;
    let same = comparison::same_classes(&compute(&inputs)?, &classes);
    output.line(comparison::line_of_classes(same, classes.len(), &name))?;
    verdict(comparison.agrees() && same == classes.len(), output)
}

/// The first images of a data set as an ONNX file takes them.
fn images(
    file: &onnx::File,
    data: &Dataset,
    name: &str,
    count: usize,
) -> Result<onnx::Inputs, CliError> {
    if data.name() != name {
        let reason = format!("the file was compiled with {name}, and this is {}", data.name());
        return Err(CliError::Argument { argument: "--data", reason });
    }
    let scaling =
        Scaling { mean: file.numbers("nasc.mean"), deviation: file.numbers("nasc.deviation") };
    let images = samples::images(data, count);
    Ok(file.inputs(&images.scaled(&scaling), Some(&images)))
}
