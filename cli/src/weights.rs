//! What `nasc eval` and `nasc predict` have in common: a network, its weights, and what the weights are
//! for.

use std::path::PathBuf;

use clap::Args;
use nasc_compiler::CompileOptions;
use nasc_runtime::checkpoint;
use nasc_runtime::data::{Dataset, ImageTask, Normalization};
use nasc_runtime::predict::Predictor;
use nasc_runtime::state::StateDict;

use crate::check;
use crate::error::CliError;
use crate::output::Output;
use crate::source::Program;

// A network with weights. No doc comment: it would become the text of the commands.
#[derive(Debug, Args)]
pub(crate) struct WeightsArgs {
    /// The Python file.
    file: PathBuf,
    /// The weights: a safetensors file with the names of PyTorch's state dict, as `nasc train` writes it.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network as an expression; else the last class that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    entry: Option<String>,
    /// For weights of another program: pixels were scaled by mean and deviation of the training images,
    /// not to -1 to 1. Weights of `nasc train` know it.
    #[arg(long)]
    normalize_by_data: bool,
}

/// Weights, and the task if the file knows it.
pub(crate) struct Weights {
    program: Program,
    state: StateDict,
    task: Option<ImageTask>,
}

impl WeightsArgs {
    /// Reads both files.
    pub(crate) fn read(&self) -> Result<Weights, CliError> {
        let program = Program::read(&self.file, None)?;
        let (state, task) = checkpoint::load_with_task(&self.weights)?;
        Ok(Weights { program, state, task })
    }
}

impl Weights {
    /// What the weights are for, if the file says it.
    pub(crate) fn knows_task(&self) -> bool {
        self.task.is_some()
    }

    /// The network ready to answer; `None` if it is wrong, which is printed then. Weights without a task
    /// are taken for those of `data`.
    pub(crate) fn predictor(
        self,
        args: &WeightsArgs,
        data: Option<&Dataset>,
        output: &mut Output<'_>,
    ) -> Result<Option<(Predictor, ImageTask)>, CliError> {
        let normalization = if args.normalize_by_data {
            Normalization::DataStatistics
        } else {
            Normalization::Symmetric
        };
        let task = self.task.or_else(|| Some(ImageTask::of(data?, normalization)));
        let task = task.ok_or_else(|| CliError::Argument {
            argument: "--weights",
            reason: format!(
                "{} does not say what images and classes it is for; name the data set of its training \
                 with --data",
                args.weights.display()
            ),
        })?;
        let [channels, height, width] = task.image.map(|extent| extent as u64);
        let mut options = CompileOptions::image(channels, height, width);
        options.entry = args.entry.clone();
        let compiled = check::compile(&self.program, &options, Some(task.class_names.len() as u64));
        let files = self.program.folder.files();
        match compiled {
            Ok(compiled) => {
                check::print_reports(&files, &compiled.warnings, output)?;
                let predictor = Predictor::new(&compiled.graph, &self.state, task.clone())?;
                Ok(Some((predictor, task)))
            }
            Err(diagnostics) => {
                check::print_reports(&files, &diagnostics, output)?;
                Ok(None)
            }
        }
    }
}
