//! `nasc train`: trains a network on a data set and writes its weights.

mod refuse;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::{CompileOptions, Compiled};
use nasc_runtime::checkpoint;
use nasc_runtime::data::{Dataset, SplitKind};
use nasc_runtime::train::{EpochReport, StopReason, TrainConfig, TrainEvent, TrainReport, Trainer};

pub use refuse::CODES;

use crate::accelerate;
use crate::check;
use crate::data;
use crate::error::{CliError, Exit};
use crate::interrupt::{self, Interrupt};
use crate::number::{grouped, percent, seconds};
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::source::Program;

/// SGD's learning rate for one image a step (Nasir et al., LLMatic, arXiv 2306.01102, section 4),
/// scaled linearly with the batch (Goyal et al., arXiv 1706.02677).
const LEARNING_RATE_PER_IMAGE: f64 = 0.001;

/// Train a network on a data set and write its weights.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The Python file.
    file: PathBuf,
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md.
    #[arg(long, default_value = "digits")]
    data: String,
    /// Passes over the training images.
    #[arg(long, default_value_t = 10)]
    epochs: usize,
    /// Images of a step.
    #[arg(long, default_value = "32")]
    batch_size: NonZeroUsize,
    /// Learning rate of SGD; 0.001 times the batch size if it is left out.
    #[arg(long)]
    lr: Option<f64>,
    /// Momentum of SGD.
    #[arg(long, default_value_t = 0.9)]
    momentum: f64,
    /// Seed of the first weights, the order of the images and dropout.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where the weights go, with the names of PyTorch's state dict.
    #[arg(long, default_value = "weights.safetensors")]
    out: PathBuf,
    /// Weights to begin with, as --out writes them; else they are drawn from the seed.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The network as an expression; else the last class that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    entry: Option<String>,
    /// Threads; all cores if it is left out. The same number gives the same result.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

pub(crate) fn run(
    args: &TrainArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    set_threads(args.threads);
    require_writable(&args.out)?;
    let program = Program::read(&args.file, None)?;
    let config = config(args)?;
    let options = data::options(environment);
    let data = data::open(&args.data, &options, &mut Progress::new(output))?;
    let Some(compiled) = compile(args, &program, &data, output)? else {
        return Ok(Exit::Program);
    };
    output.line(data::describe(&data))?;
    accelerate::install(environment, output)?;
    train(args, &compiled.graph, &data, &config, output)
}

/// Sizes the pool that kernels run on, once in a process.
pub(crate) fn set_threads(threads: Option<NonZeroUsize>) {
    let Some(threads) = threads else { return };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
    if let Err(error) = pool.build_global() {
        tracing::warn!(%error, "the number of threads stays as it is");
    }
}

/// Long work should not end in a file that cannot be written.
fn require_writable(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let problem = if path.is_dir() {
        "it is a folder; name a file in it"
    } else if folder.is_some_and(|folder| !folder.is_dir()) {
        "its folder does not exist; make it first"
    } else {
        return Ok(());
    };
    let reason = format!("{} cannot be written: {problem}", path.display());
    Err(CliError::Argument { argument: "--out", reason })
}

fn config(args: &TrainArgs) -> Result<TrainConfig, CliError> {
    let batch = args.batch_size;
    let learning_rate = args.lr.unwrap_or(LEARNING_RATE_PER_IMAGE * batch.get() as f64);
    let config = TrainConfig::sgd(args.epochs, batch, learning_rate, args.momentum, args.seed);
    config.validate()?;
    let initial = args.weights.as_deref().map(checkpoint::load).transpose()?;
    Ok(TrainConfig { initial, ..config })
}

/// The network, if it is a trainable classifier of the data set's images; else the reports are
/// printed.
fn compile(
    args: &TrainArgs,
    program: &Program,
    data: &Dataset,
    output: &mut Output<'_>,
) -> Result<Option<Compiled>, CliError> {
    let [channels, height, width] = data.shape().dims().map(|extent| extent as u64);
    let mut options = CompileOptions::image(channels, height, width);
    options.entry = args.entry.clone();
    options.training = true;
    let compiled = check::compile(program, &options, Some(data.classes() as u64))
        .and_then(|compiled| refuse::untrainable(compiled, args.batch_size));
    let (compiled, diagnostics) = match compiled {
        Ok(compiled) => (Some(compiled.clone()), compiled.warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    check::print_reports(&program.folder.files(), &diagnostics, output)?;
    Ok(compiled)
}

fn train(
    args: &TrainArgs,
    graph: &CheckedGraph,
    data: &Dataset,
    config: &TrainConfig,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut trainer = Trainer::new(graph, data, config)?;
    let report = watch(&mut trainer, args.epochs, interrupt::watch(), output)?;
    let exit = match report.stop {
        StopReason::Completed => Exit::Success,
        StopReason::Interrupted => Exit::Interrupted,
        StopReason::Diverged { step } => {
            output.remark(format!(
                "error: training diverged at step {step}: the loss is not a finite number; \
                 try a smaller --lr (it was {})",
                config.optimizer.learning_rate()
            ))?;
            return Ok(Exit::Program);
        }
        // No limit is set by this command.
        StopReason::TimeBudget | StopReason::StepBudget | StopReason::EarlyStop => Exit::Success,
    };
    let test = trainer.evaluate(SplitKind::Test)?;
    output.line(format!("test loss {:.4}, accuracy {}", test.loss, percent(test.accuracy)))?;
    checkpoint::save(&trainer.state()?, &args.out)?;
    output.line(format!(
        "wrote {} ({} steps)",
        args.out.display(),
        grouped(report.steps as u64)
    ))?;
    Ok(exit)
}

/// Trains with a bar for the whole training and a line for each epoch.
fn watch(
    trainer: &mut Trainer<'_>,
    epochs: usize,
    interrupt: Interrupt,
    output: &mut Output<'_>,
) -> Result<TrainReport, CliError> {
    let mut progress = Progress::new(output);
    let mut written = Ok(());
    let report = trainer.run(|event| {
        let told = match event {
            TrainEvent::Step { step, per_epoch, loss, .. } => {
                let (done, total) = ((step + 1) as u64, (per_epoch * epochs) as u64);
                progress.update("training", done, total, &format!("loss {loss:.4}"))
            }
            TrainEvent::Epoch { epoch, report } => {
                progress.line(&epoch_line(epoch + 1, epochs, report))
            }
        };
        match told {
            Ok(()) => interrupt.flow(),
            Err(error) => {
                written = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    written?;
    Ok(report)
}

fn epoch_line(epoch: usize, epochs: usize, report: &EpochReport) -> String {
    let width = epochs.to_string().len();
    format!(
        "epoch {epoch:>width$}/{epochs}  train loss {:.4}, accuracy {:>6}  \
         validation loss {:.4}, accuracy {:>6}  {}",
        report.train_loss,
        percent(report.train_accuracy),
        report.validation_loss,
        percent(report.validation_accuracy),
        seconds(report.seconds)
    )
}
