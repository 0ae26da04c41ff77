//! `nasc compile`: a network and its weights become a model that stands alone. Here: the arguments
//! and which form a model takes; what a form is written from is `model`, whole runs are `archive`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nasc_compiler::ir::TensorType;

use crate::error::{CliError, Exit};
use crate::input::parse_input;
use crate::output::{Environment, Output};

mod archive;
mod facts;
mod fit;
mod forms;
mod model;
mod refuse;
mod target;
pub(crate) mod write;

use model::Model;
pub use refuse::CODES;
use target::Target;

/// Turn a network and its weights into a model that stands alone.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// The Python file, or a network of a search as RUN/CELL, or with --all a RUN.
    #[arg(value_name = "FILE|RUN/CELL|RUN")]
    file: PathBuf,
    /// Weights with the names of PyTorch's state dict, as `nasc train` writes them; a run has its own.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The form of the model.
    #[arg(long, value_enum, default_value_t = Form::Onnx)]
    emit: Form,
    /// Where it goes: a file for onnx and json, a folder for pytorch, rust and --all.
    #[arg(short, long)]
    out: PathBuf,
    /// Export all networks of a run, with an index.
    #[arg(long)]
    all: bool,
    /// Take the most accurate network of a run whose C needs at most this much RAM (its arena), such as
    /// 256K or 1M.
    #[arg(long, value_name = "SIZE", value_parser = fit::parse_size)]
    fit_ram: Option<u64>,
    /// Take the most accurate network of a run whose C needs at most this much flash (its constants).
    #[arg(long, value_name = "SIZE", value_parser = fit::parse_size)]
    fit_flash: Option<u64>,
    /// One sample of an input, such as 3x32x32; once for each input of `forward`.
    #[arg(long, value_name = "DIMS[:TYPE]", default_value = "3x32x32", value_parser = parse_input)]
    input: Vec<TensorType>,
    /// The network as an expression; else the last class that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    entry: Option<String>,
    /// The folder that absolute imports start at.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// ONNX's operator set, 13 to 21.
    #[arg(long, default_value_t = 17)]
    opset: i64,
    /// Keep batch norms; else they become part of the convolutions before them.
    #[arg(long)]
    no_fold: bool,
    /// Let the ONNX model take images of bytes, uint8[N, height, width, channels], and normalise them.
    #[arg(long)]
    with_preprocessing: bool,
    /// The data set that the network is for: its labels and scale are written into the model; a run
    /// names its own.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// What normalising subtracts, one number or one for each channel, where white is 1; else what
    /// the weights were trained with, if they know it, else 0.5.
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    mean: Option<Vec<f32>>,
    /// What normalising divides by.
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    deviation: Option<Vec<f32>>,
}

/// What a model is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One ONNX file with the weights inside and any batch size.
    Onnx,
    /// net.py and weights.safetensors for `load_state_dict`.
    Pytorch,
    /// The graph for other tools, see docs/graph.md.
    Json,
    /// A crate with a `no_std` core, without dependencies, the weights and a test inside.
    Rust,
    /// model.c and model.h in C99, which need libm alone, with a planned static arena.
    C,
    /// A program that classifies PNG and JPEG files, made with the C compiler of this machine.
    Exe,
}

impl Form {
    /// The ending of its files; empty for folders.
    const fn ending(self) -> &'static str {
        match self {
            Form::Onnx => ".onnx",
            Form::Pytorch | Form::Rust | Form::C | Form::Exe => "",
            Form::Json => ".json",
        }
    }
}

pub(crate) fn run(
    args: &CompileArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let limits = fit::Limits::of(args)?;
    match Target::of(&args.file, args.all || limits.is_some())? {
        Target::File => match Model::of_file(args, environment, output)? {
            Some(model) => one(args, &model, output),
            None => Ok(Exit::Program),
        },
        Target::Cell(reader, cell) => {
            let elite = target::elite(&reader, cell, &args.file)?;
            let run = archive::Run::open(&reader, args, environment, output)?;
            one(args, &run.model(&elite)?, output)
        }
        Target::Run(reader) => match limits {
            Some(limits) => {
                let run = archive::Run::open(&reader, args, environment, output)?;
                one(args, &fit::best(&run, reader.elites()?, limits, output)?, output)
            }
            None => archive::all(args, &reader, environment, output),
        },
    }
}

/// Writes one model and says what it is.
fn one(args: &CompileArgs, model: &Model, output: &mut Output<'_>) -> Result<Exit, CliError> {
    match forms::write(args, model, &args.out) {
        Ok(written) => {
            written.lines.iter().try_for_each(|line| output.line(line))?;
            written.remarks.iter().try_for_each(|remark| output.remark(remark))?;
            Ok(Exit::Success)
        }
        Err(forms::Refused::Machine(error)) => Err(error),
        Err(forms::Refused::Disagrees(reason)) => {
            Err(CliError::Argument { argument: "--emit", reason })
        }
        Err(forms::Refused::Program(error)) => {
            model.report(&error, output)?;
            Ok(Exit::Program)
        }
    }
}
