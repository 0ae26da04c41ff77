//! `nasc train`: trains a network on a data set and writes its weights.

mod options;
mod refuse;
mod saved;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::{CompileOptions, Compiled};
use nasc_runtime::data::{Dataset, ImageTask, SplitKind};
use nasc_runtime::train::{
    EpochReport, Evaluation, StopReason, TrainConfig, TrainEvent, TrainReport, Trainer,
};
use nasc_runtime::{Workload, checkpoint};

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
use options::MethodArgs;
use saved::Saved;

/// Train a network on a data set and write its weights.
///
/// Ctrl-C and --max-time end a training with a checkpoint beside --out; the same command with --resume
/// goes on from there, and ends with the weights that it would have had without the stop.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The Python file.
    file: PathBuf,
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md.
    #[arg(long, default_value = "digits")]
    data: String,
    #[command(flatten)]
    size: data::SizeArgs,
    /// Where the weights go, with the names of PyTorch's state dict.
    #[arg(long, default_value = "weights.safetensors")]
    out: PathBuf,
    /// Go on from the checkpoint beside --out, with the same data and options.
    #[arg(long, conflicts_with = "weights")]
    resume: bool,
    /// Weights to begin with, as --out writes them; else they are drawn from the seed.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The network as an expression; else the last class that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    entry: Option<String>,
    /// Threads; all cores if it is left out. The same number gives the same result.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    method: MethodArgs,
}

pub(crate) fn run(
    args: &TrainArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    set_threads(args.threads);
    let mut saved = Saved::new(&args.out)?;
    let program = Program::read(&args.file, None)?;
    args.method.check()?;
    let initial = args.weights.as_deref().map(checkpoint::load).transpose()?;
    let options = args.size.options(environment);
    let data = data::open(&args.data, &options, &mut Progress::new(output))?;
    let config = TrainConfig { initial, ..args.method.config(&data)? };
    // what memory a training takes depends on it
    accelerate::find(environment);
    let work = Workload::new(&config, &data);
    let Some(compiled) = compile(args, &program, &data, &work, output)? else {
        return Ok(Exit::Program);
    };
    output.line(data::describe(&data))?;
    accelerate::install(environment, output)?;
    train(args, &compiled.graph, &data, &config, &mut saved, output)
}

/// Sizes the pool that kernels run on, once in a process.
pub(crate) fn set_threads(threads: Option<NonZeroUsize>) {
    let Some(threads) = threads else { return };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
    if let Err(error) = pool.build_global() {
        tracing::warn!(%error, "the number of threads stays as it is");
    }
}

/// The network, if it is a trainable classifier of the data set's images; else the reports are
/// printed.
fn compile(
    args: &TrainArgs,
    program: &Program,
    data: &Dataset,
    work: &Workload,
    output: &mut Output<'_>,
) -> Result<Option<Compiled>, CliError> {
    let [channels, height, width] = data.shape().dims().map(|extent| extent as u64);
    let mut options = CompileOptions::image(channels, height, width);
    options.entry = args.entry.clone();
    options.training = true;
    let compiled = check::compile(program, &options, Some(data.classes() as u64))
        .and_then(|compiled| refuse::untrainable(compiled, work));
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
    saved: &mut Saved,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut trainer = Trainer::new(graph, data, config)?;
    if args.resume {
        saved.resume(&mut trainer)?;
        let done = trainer.report();
        let (epochs, steps) = (done.epochs.len(), grouped(done.steps as u64));
        output.line(format!("resumed after {epochs} epochs and {steps} steps"))?;
    }
    let interrupt = interrupt::watch();
    let report = watch(&mut trainer, config.epochs, interrupt, saved, output)?;
    if let StopReason::Diverged { step } = report.stop {
        output.remark(format!(
            "error: training diverged at step {step}: the loss or a weight is not a finite number; \
             try a smaller --lr (it was {}), or --clip-norm 1",
            config.optimizer.learning_rate()
        ))?;
        return Ok(Exit::Program);
    }
    let task = ImageTask::of(data, config.normalization);
    finish(args, &mut trainer, &report, &task, interrupt, saved, output)
}

/// Tests and writes what was trained; a training that can go on leaves its checkpoint.
fn finish(
    args: &TrainArgs,
    trainer: &mut Trainer<'_>,
    report: &TrainReport,
    task: &ImageTask,
    interrupt: Interrupt,
    saved: &mut Saved,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let steps = grouped(report.steps as u64);
    let interrupted = report.stop == StopReason::Interrupted;
    match report.stop {
        StopReason::Interrupted | StopReason::TimeBudget | StopReason::StepBudget => {
            saved.stop(trainer)?;
            let path = saved.checkpoint().display();
            output.line(format!("stopped after {steps} steps; {path} is for --resume"))?;
            trainer.restore_best()?;
        }
        StopReason::EarlyStop => {
            output.line("stopped early: validation did not get better")?;
            saved.finish()?;
        }
        StopReason::Completed | StopReason::Diverged { .. } => saved.finish()?,
    }
    let test = if interrupted { None } else { test(trainer, interrupt, output)? };
    let interrupted = interrupted || interrupt.asked();
    if let Some(test) = test {
        output.line(format!("test loss {:.4}, accuracy {}", test.loss, percent(test.accuracy)))?;
    }
    saved.weights(trainer, task)?;
    output.line(format!("wrote {} ({steps} steps)", args.out.display()))?;
    Ok(if interrupted { Exit::Interrupted } else { Exit::Success })
}

/// The test split's figures; nothing if Ctrl-C was pressed over them.
fn test(
    trainer: &mut Trainer<'_>,
    interrupt: Interrupt,
    output: &mut Output<'_>,
) -> Result<Option<Evaluation>, CliError> {
    let (mut progress, mut written) = (Progress::new(output), Ok(()));
    let evaluation = trainer.evaluate_watched(SplitKind::Test, None, |event| {
        if let TrainEvent::Evaluation { images, total, .. } = event {
            written = progress.update("testing", images as u64, total as u64, "");
        }
        if written.is_err() { ControlFlow::Break(()) } else { interrupt.flow() }
    })?;
    written?;
    Ok(evaluation)
}

/// Trains with a bar for the whole training and a line for each epoch, and writes a checkpoint now and
/// then.
fn watch(
    trainer: &mut Trainer<'_>,
    epochs: usize,
    interrupt: Interrupt,
    saved: &mut Saved,
    output: &mut Output<'_>,
) -> Result<TrainReport, CliError> {
    let mut progress = Progress::new(output);
    loop {
        let mut written = Ok(());
        let report = trainer.run(|event| {
            let (told, due) = match event {
                TrainEvent::Step { step, per_epoch, loss, .. } => {
                    let (done, total) = ((step + 1) as u64, (per_epoch * epochs) as u64);
                    let note = format!("loss {loss:.4}");
                    (progress.update("training", done, total, &note), false)
                }
                TrainEvent::Evaluation { images, total, .. } => {
                    (progress.update("validating", images as u64, total as u64, ""), false)
                }
                TrainEvent::Epoch { epoch, report } => {
                    progress.finish("validating");
                    let line = epoch_line(epoch + 1, epochs, report);
                    (progress.line(&line), saved.is_due())
                }
            };
            if told.is_err() {
                written = told;
                return ControlFlow::Break(());
            }
            if due { ControlFlow::Break(()) } else { interrupt.flow() }
        })?;
        written?;
        if report.stop != StopReason::Interrupted || interrupt.asked() {
            return Ok(report);
        }
        saved.stop(trainer)?;
    }
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
