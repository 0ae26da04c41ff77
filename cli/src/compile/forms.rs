//! The forms of a model, each into its file or folder.

use std::path::Path;

use nasc_compiler::emit::json;
use nasc_compiler::emit::onnx::{self, OnnxOptions};
use nasc_compiler::emit::rust::{self, RustOptions, Vector};
use nasc_runtime::backend::Backend as _;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::checkpoint;

use super::model::Model;
use super::{CompileArgs, Form, write};
use crate::error::CliError;

/// What was written.
pub(super) struct Written {
    /// Its size.
    pub bytes: u64,
    /// What else there is to say, to stand behind the size.
    pub remark: String,
}

/// Why nothing was written.
pub(super) enum Refused {
    /// The network has no such form; where and why.
    Program(String),
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
        Form::C | Form::Exe => {
            let reason = "c and exe are written for one network at a time".to_owned();
            Err(CliError::Argument { argument: "--emit", reason }.into())
        }
    }
}

fn onnx(args: &CompileArgs, model: &Model, out: &Path) -> Result<Written, Refused> {
    let graph = &model.compiled.graph;
    let channels = || {
        let input = graph.inputs.first().and_then(|&input| graph.tensor_type(input))?;
        input.shape.0.get(1)?.known()
    };
    let preprocessing =
        args.with_preprocessing.then(|| model.facts.preprocessing(channels().unwrap_or(0)));
    let options = OnnxOptions {
        opset: args.opset,
        name: model.name().to_owned(),
        metadata: model.facts.metadata(&model.compiled),
        fold: !args.no_fold,
        preprocessing,
    };
    let bytes = onnx::emit(graph, &model.weights(), &options)
        .map_err(|error| Refused::Program(model.explain(&error)))?;
    write::file(out, &bytes)?;
    Ok(Written { bytes: bytes.len() as u64, remark: format!(", opset {}", args.opset) })
}

fn json(model: &Model, out: &Path) -> Result<Written, Refused> {
    let metadata = model.facts.metadata(&model.compiled).into_iter().collect();
    let document = json::document(&model.compiled.graph, model.name(), metadata);
    let mut text = serde_json::to_string(&document)
        .map_err(|error| CliError::Output(std::io::Error::other(error)))?;
    text.push('\n');
    write::file(out, text.as_bytes())?;
    Ok(Written { bytes: text.len() as u64, remark: String::new() })
}

/// Samples in the crate's own test.
const VECTORS: usize = 3;

/// Elements between −1 and 1, the same at every call, spread by the golden ratio.
fn sample(elements: usize, number: usize) -> Vec<f32> {
    let place = |index: usize| (number * elements + index + 1) as f64 * 0.618_033_988_749_894_9;
    (0..elements).map(|index| (2.0 * place(index).fract() - 1.0) as f32).collect()
}

/// Samples with the results of the trainer's reference in evaluation mode.
fn vectors(model: &Model) -> Result<Vec<Vector>, CliError> {
    let graph = &model.compiled.graph;
    let input = graph.inputs.first().and_then(|&input| graph.tensor_type(input));
    let elements = input.map_or(0, |input| input.shape.elements_at(1));
    let elements = usize::try_from(elements).unwrap_or(0);
    let mut backend = CandleBackend::cpu(graph, 0)?;
    backend.load(&model.state)?;
    let vector = |number| {
        let input = sample(elements, number);
        let output = backend.predict(&input, 1)?;
        Ok(Vector { input, output })
    };
    (0..VECTORS).map(vector).collect()
}

fn rust(model: &Model, out: &Path) -> Result<Written, Refused> {
    let letters = model.name().chars().take_while(|letter| letter.is_ascii_alphanumeric());
    let name: String = letters.collect::<String>().to_ascii_lowercase();
    let metadata = model.facts.metadata(&model.compiled);
    let options = RustOptions { name: format!("nasc_{name}"), metadata };
    let emit = |vectors: &[Vector]| {
        rust::emit(&model.compiled.graph, &model.weights(), vectors, &options)
            .map_err(|error| Refused::Program(model.explain(&error)))
    };
    // a network without this form is refused before anything is computed
    emit(&[])?;
    let files = emit(&vectors(model)?)?;
    let mut bytes = 0;
    for (path, contents) in &files {
        let path = out.join(path);
        write::folder(path.parent().unwrap_or(out))?;
        write::file(&path, contents)?;
        bytes += contents.len() as u64;
    }
    Ok(Written { bytes, remark: format!(", crate {}", options.name) })
}

/// What a network needs that was written without imports, as those of a search are.
const IMPORTS: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n";

fn pytorch(model: &Model, out: &Path) -> Result<Written, Refused> {
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
    write::folder(out)?;
    write::file(&out.join("net.py"), text.as_bytes())?;
    let weights = checkpoint::to_bytes(&model.state).map_err(CliError::from)?;
    write::file(&out.join("weights.safetensors"), &weights)?;
    let bytes = (text.len() + weights.len()) as u64;
    Ok(Written { bytes, remark: ": net.py, weights.safetensors".to_owned() })
}
