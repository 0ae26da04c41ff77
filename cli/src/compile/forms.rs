//! The forms of a model, each into its file or folder. What is written was compared with nasc's own
//! results before; a form that disagrees is refused.

use std::path::{Path, PathBuf};

use nasc_compiler::emit::onnx::{self, OnnxOptions};
use nasc_compiler::emit::rust::{self, RustOptions, Vector};
use nasc_compiler::emit::{EmitError, json};
use nasc_runtime::checkpoint;

use super::model::Model;
use super::{CompileArgs, Form, write};
use crate::error::CliError;
use crate::native::{self, Job};
use crate::number::grouped;
use crate::verify::comparison::Comparison;
use crate::verify::samples::Samples;
use crate::verify::{self, crates, graph, stored, torch};

/// What was written, and what there is to say about it.
pub(super) struct Written {
    pub bytes: u64,
    pub lines: Vec<String>,
    pub remarks: Vec<String>,
}

/// Why nothing was written.
pub(super) enum Refused {
    /// The network has no such form.
    Program(EmitError),
    /// The form does not compute what nasc computes.
    Disagrees(String),
    /// Arguments or the machine.
    Machine(CliError),
}

impl From<CliError> for Refused {
    fn from(error: CliError) -> Refused {
        Refused::Machine(error)
    }
}

/// Writes a model in the form that is asked for.
pub(super) fn write(args: &CompileArgs, model: &Model, out: &Path) -> Result<Written, Refused> {
    match args.emit {
        Form::Onnx => onnx(args, model, out),
        Form::Pytorch => pytorch(model, out),
        Form::Json => json(model, out),
        Form::Rust => rust(model, out),
        Form::C | Form::Exe => native(args, model, out),
    }
}

fn native(args: &CompileArgs, model: &Model, out: &Path) -> Result<Written, Refused> {
    let job = Job {
        subject: model.subject(),
        name: model.name(),
        out,
        executable: args.emit == Form::Exe,
    };
    match native::write(&job) {
        Ok(native::Written { bytes, lines, remarks }) => Ok(Written { bytes, lines, remarks }),
        Err(native::Refused::Form(error)) => Err(Refused::Program(error)),
        Err(native::Refused::Disagrees(line)) => Err(disagrees(model, &line)),
        Err(native::Refused::Machine(error)) => Err(error.into()),
    }
}

fn disagrees(model: &Model, line: &str) -> Refused {
    Refused::Disagrees(format!(
        "the model does not compute what nasc computes, so nothing was written ({line}); \
         please report it with the network {}",
        model.name()
    ))
}

/// Compares a form's results with nasc's; where there are none to compare, the reason is a remark.
fn proven(
    model: &Model,
    samples: &Samples,
    compute: impl FnOnce() -> Result<Vec<f32>, String>,
) -> Result<Written, Refused> {
    let nothing = Written { bytes: 0, lines: Vec::new(), remarks: Vec::new() };
    let found = match samples.is_comparable() {
        true => compute(),
        false => Err(samples.problem.clone()),
    };
    match found {
        Err(reason) => {
            let remarks = vec![format!("not compared with nasc: {reason}")];
            Ok(Written { remarks, ..nothing })
        }
        Ok(found) => {
            let comparison = Comparison::of(&found, &samples.outputs, samples.count);
            let line = comparison.line(&samples.origin);
            if comparison.agrees() {
                Ok(Written { lines: vec![line], ..nothing })
            } else {
                Err(disagrees(model, &line))
            }
        }
    }
}

impl Written {
    /// With the place and the size, which come first.
    fn at(mut self, out: &Path, bytes: u64, remark: &str) -> Written {
        self.bytes = bytes;
        self.lines.insert(0, format!("{}: {} bytes{remark}", out.display(), grouped(bytes)));
        self
    }
}

fn onnx(args: &CompileArgs, model: &Model, out: &Path) -> Result<Written, Refused> {
    write::require_file(out)?;
    let graph = &model.compiled.graph;
    let channels = || {
        let input = graph.inputs.first().and_then(|&input| graph.tensor_type(input))?;
        input.shape.0.get(1)?.known()
    };
    let preprocessing =
        args.with_preprocessing.then(|| model.facts.preprocessing(channels().unwrap_or(0)));
    let mut options = OnnxOptions {
        opset: args.opset,
        name: model.name().to_owned(),
        metadata: model.facts.metadata(&model.compiled),
        fold: !args.no_fold,
        preprocessing,
    };
    let emit = |options: &OnnxOptions| {
        onnx::emit(graph, &model.weights(), options).map_err(Refused::Program)
    };
    // a network without this form is refused before anything is computed
    emit(&options)?;
    let mut subject = model.subject();
    subject.digits = !args.with_preprocessing;
    let samples = Samples::gather(&subject)?;
    options.metadata.extend(stored::metadata(&samples, args.with_preprocessing));
    let bytes = emit(&options)?;
    let written = proven(model, &samples, || {
        let file = verify::onnx::File::of(&bytes).map_err(|error| error.to_string())?;
        let inputs = file.inputs(&samples.inputs, samples.images.as_ref());
        file.outputs(&inputs).map_err(|error| error.to_string())
    })?;
    write::file(out, &bytes)?;
    Ok(written.at(out, bytes.len() as u64, &format!(", opset {}", args.opset)))
}

fn json(model: &Model, out: &Path) -> Result<Written, Refused> {
    write::require_file(out)?;
    let samples = Samples::gather(&model.subject())?;
    let mut metadata = model.facts.metadata(&model.compiled);
    metadata.extend(stored::metadata(&samples, false));
    let metadata = metadata.into_iter().collect();
    let document = json::document(&model.compiled.graph, model.name(), metadata);
    let mut text = serde_json::to_vec(&document)
        .map_err(|error| CliError::Output(std::io::Error::other(error)))?;
    text.push(b'\n');
    let written = proven(model, &samples, || {
        graph::outputs(&text, &model.state, &samples.inputs, samples.length())
            .map_err(|error| error.to_string())
    })?;
    write::file(out, &text)?;
    Ok(written.at(out, text.len() as u64, ""))
}

/// Samples in the crate's own test.
const VECTORS: usize = 3;

/// The first samples with their results.
fn vectors(samples: &Samples) -> Vec<Vector> {
    let (inputs, outputs, _) = samples.first(VECTORS);
    let inputs = inputs.chunks(samples.length().max(1));
    let pairs = inputs.zip(outputs.chunks(samples.width.max(1)));
    pairs.map(|(input, output)| Vector { input: input.to_vec(), output: output.to_vec() }).collect()
}

fn rust(model: &Model, out: &Path) -> Result<Written, Refused> {
    write::require_folder(out)?;
    let letters = model.name().chars().take_while(|letter| letter.is_ascii_alphanumeric());
    let name: String = letters.collect::<String>().to_ascii_lowercase();
    let metadata = model.facts.metadata(&model.compiled);
    let options = RustOptions { name: format!("nasc_{name}"), metadata };
    let emit = |vectors: &[Vector]| {
        rust::emit(&model.compiled.graph, &model.weights(), vectors, &options)
            .map_err(Refused::Program)
    };
    // a network without this form is refused before anything is computed
    emit(&[])?;
    let samples = Samples::gather(&model.subject())?;
    let files = emit(&vectors(&samples))?.into_iter();
    let mut files: Vec<(PathBuf, Vec<u8>)> =
        files.map(|(path, contents)| (path.into(), contents)).collect();
    let written = proven(model, &samples, || {
        if !crates::has_compiler() {
            return Err("there is no Rust compiler `rustc` on this machine".to_owned());
        }
        let compute = || -> Result<Vec<f32>, CliError> {
            let place = tempfile::tempdir()
                .map_err(|source| CliError::Write { path: out.to_owned(), source })?;
            write::files(&place.path().join("crate"), &files)?;
            crates::outputs(&place.path().join("crate"), &samples.inputs)
        };
        compute().map_err(|error| error.to_string())
    })?;
    files.extend(vectors_file(&samples)?);
    let bytes = write::files(out, &files)?;
    Ok(written.at(out, bytes, &format!(", crate {}", options.name)))
}

/// The test vectors of a folder, if there are results.
fn vectors_file(samples: &Samples) -> Result<Option<(PathBuf, Vec<u8>)>, CliError> {
    let file = samples.is_comparable().then(|| stored::file_of(samples)).transpose()?;
    Ok(file.map(|bytes| (stored::VECTORS.into(), bytes)))
}

/// What a network needs that was written without imports, as those of a search are.
const IMPORTS: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n";

fn pytorch(model: &Model, out: &Path) -> Result<Written, Refused> {
    write::require_folder(out)?;
    let [file] = model.files.as_slice() else {
        let reason = "the network is spread over several files; --emit pytorch copies one";
        let reason = reason.to_owned();
        return Err(CliError::Argument { argument: "--emit", reason }.into());
    };
    let has_imports =
        file.text().lines().any(|line| line.starts_with("import ") || line.starts_with("from "));
    let text = match has_imports {
        true => file.text().to_owned(),
        false => format!("{IMPORTS}\n\n{}", file.text()),
    };
    let weights = checkpoint::to_bytes(&model.state).map_err(CliError::from)?;
    let samples = Samples::gather(&model.subject())?;
    let entry = &model.compiled.entry;
    let written = proven(model, &samples, || {
        torch::outputs(&text, entry, &weights, &samples.extents, &samples.inputs)
            .map_err(|error| error.to_string())
    })?;
    let mut files: Vec<(PathBuf, Vec<u8>)> = vec![
        ("net.py".into(), text.into_bytes()),
        ("weights.safetensors".into(), weights),
        (torch::MODEL.into(), facts(model)?),
    ];
    files.extend(vectors_file(&samples)?);
    let bytes = write::files(out, &files)?;
    Ok(written.at(out, bytes, ": net.py, weights.safetensors"))
}

/// What is known of a network as JSON.
fn facts(model: &Model) -> Result<Vec<u8>, CliError> {
    let metadata = model.facts.metadata(&model.compiled).into_iter();
    let facts: std::collections::BTreeMap<String, String> = metadata.collect();
    let mut text = serde_json::to_string_pretty(&facts)
        .map_err(|error| CliError::Output(std::io::Error::other(error)))?;
    text.push('\n');
    Ok(text.into_bytes())
}
