//! `nasc compile`: a network and its weights become a model that stands alone.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nasc_compiler::emit::onnx::{self, OnnxOptions};
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::ir::TensorType;
use nasc_compiler::{CompileOptions, Compiled, cost};
use nasc_runtime::checkpoint;
use nasc_runtime::state::StateDict;

use crate::check;
use crate::error::{CliError, Exit};
use crate::input::parse_input;
use crate::number::grouped;
use crate::output::Output;
use crate::source::Program;

/// Turn a network and its weights into a model that stands alone.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// The Python file.
    file: PathBuf,
    /// Weights with the names of PyTorch's state dict, as `nasc train` writes them.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The form of the model.
    #[arg(long, value_enum, default_value_t = Form::Onnx)]
    emit: Form,
    /// Where it goes: a file for onnx, a folder for pytorch.
    #[arg(short, long)]
    out: PathBuf,
    /// One sample of an input, such as 3x32x32; once for each input of `forward`.
    #[arg(long, value_name = "DIMS[:TYPE]", default_value = "3x32x32", value_parser = parse_input)]
    input: Vec<TensorType>,
    /// The network as an expression; else the last class that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    entry: Option<String>,
    /// ONNX's operator set, 13 to 21.
    #[arg(long, default_value_t = 17)]
    opset: i64,
}

/// What a model is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One ONNX file with the weights inside and any batch size.
    Onnx,
    /// net.py and weights.safetensors for `load_state_dict`.
    Pytorch,
}

pub(crate) fn run(args: &CompileArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    let program = Program::read(&args.file, None)?;
    let mut options = CompileOptions::new(args.input.clone());
    options.entry = args.entry.clone();
    let compiled = match check::compile(&program, &options, None) {
        Ok(compiled) => compiled,
        Err(diagnostics) => {
            check::print_reports(&program.folder.files(), &diagnostics, output)?;
            return Ok(Exit::Program);
        }
    };
    let state = checkpoint::load(&args.weights)?;
    state.check(&compiled.graph)?;
    match args.emit {
        Form::Onnx => write_onnx(args, &program, &compiled, &state, output),
        Form::Pytorch => write_pytorch(args, &program, &state, output),
    }
}

fn write_onnx(
    args: &CompileArgs,
    program: &Program,
    compiled: &Compiled,
    state: &StateDict,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut weights = Weights::new();
    for name in state.tensors.keys() {
        if let Some(elements) = state.floats(name) {
            weights.insert(name, elements);
        }
    }
    let options = OnnxOptions {
        opset: args.opset,
        name: compiled.entry.trim_end_matches("()").to_owned(),
        metadata: metadata(compiled),
    };
    let bytes = match onnx::emit(&compiled.graph, &weights, &options) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(&error, program, output),
    };
    write(&args.out, &bytes)?;
    let size = grouped(bytes.len() as u64);
    output.line(format!("{}: {size} bytes, opset {}", args.out.display(), args.opset))?;
    Ok(Exit::Success)
}

/// What the file says of itself.
fn metadata(compiled: &Compiled) -> Vec<(String, String)> {
    let cost = cost::analyze(&compiled.graph);
    let entry = |key: &str, value: String| (key.to_owned(), value);
    vec![
        entry("nasc.entry", compiled.entry.clone()),
        entry("nasc.version", env!("CARGO_PKG_VERSION").to_owned()),
        entry("nasc.params", cost.params.to_string()),
        entry("nasc.macs", cost.macs.to_string()),
    ]
}

/// An operation without a form is about the program; weights that do not fit are not.
fn refuse(error: &EmitError, program: &Program, output: &mut Output<'_>) -> Result<Exit, CliError> {
    let EmitError::Unsupported { call, .. } = error else {
        return Err(CliError::Argument { argument: "--weights", reason: error.to_string() });
    };
    let files = program.folder.files();
    let file = crate::render::file_of(&files, Some(*call));
    let place = file.map(|file| format!("{}:{}", file.name(), file.line_column(call.start).line));
    output.remark(format!("{}: {error}", place.unwrap_or_default()))?;
    Ok(Exit::Program)
}

fn write_pytorch(
    args: &CompileArgs,
    program: &Program,
    state: &StateDict,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let files = program.folder.files();
    if files.len() > 1 {
        let reason =
            "the network is spread over several files; --emit pytorch copies one".to_owned();
        return Err(CliError::Argument { argument: "--emit", reason });
    }
    let failed = |source| CliError::Write { path: args.out.clone(), source };
    std::fs::create_dir_all(&args.out).map_err(failed)?;
    write(&args.out.join("net.py"), program.folder.main().text().as_bytes())?;
    checkpoint::save(state, &args.out.join("weights.safetensors"))?;
    output.line(format!("{}: net.py, weights.safetensors", args.out.display()))?;
    Ok(Exit::Success)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|source| CliError::Write { path: path.to_owned(), source })
}
