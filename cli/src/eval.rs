//! `nasc eval`: how well weights do on a split of a data set.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use clap::{Args, ValueEnum};
use nasc_runtime::data::{Dataset, SplitKind};
use nasc_runtime::predict::SplitScore;

use crate::accelerate;
use crate::data;
use crate::error::{CliError, Exit};
use crate::interrupt;
use crate::number::{grouped, percent};
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::train::set_threads;
use crate::weights::WeightsArgs;

/// Measure loss and accuracy of weights on a data set.
#[derive(Debug, Args)]
pub struct EvalArgs {
    #[command(flatten)]
    weights: WeightsArgs,
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md.
    #[arg(long, default_value = "digits")]
    data: String,
    #[command(flatten)]
    size: data::SizeArgs,
    /// Which images.
    #[arg(long, value_enum, default_value_t = SplitArg::Test)]
    split: SplitArg,
    /// Images at a time.
    #[arg(long, default_value = "256")]
    batch_size: NonZeroUsize,
    /// Print one JSON object: split, images, loss, accuracy, and images and correct of each class.
    #[arg(long)]
    json: bool,
    /// Threads; all cores if it is left out.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArg {
    /// The images that weights are fitted to.
    Train,
    /// The images that choices come from.
    Validation,
    /// The images that are looked at last.
    Test,
}

impl SplitArg {
    fn kind(self) -> SplitKind {
        match self {
            SplitArg::Train => SplitKind::Train,
            SplitArg::Validation => SplitKind::Validation,
            SplitArg::Test => SplitKind::Test,
        }
    }
}

pub(crate) fn run(
    args: &EvalArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    set_threads(args.threads);
    let weights = args.weights.read()?;
    let options = args.size.options(environment);
    let data = data::open(&args.data, &options, &mut Progress::new(output))?;
    accelerate::install(environment, output)?;
    let Some((mut predictor, _)) = weights.predictor(&args.weights, Some(&data), output)? else {
        return Ok(Exit::Program);
    };
    let kind = args.split.kind();
    let images = data.split(kind).len();
    let (mut progress, mut written) = (Progress::new(output), Ok(()));
    let interrupt = interrupt::watch();
    let score = predictor.score(&data, kind, args.batch_size.get(), |done| {
        written = progress.update("evaluating", done as u64, images as u64, "");
        if written.is_err() { ControlFlow::Break(()) } else { interrupt.flow() }
    })?;
    drop(progress);
    written?;
    let Some(score) = score else { return Ok(Exit::Interrupted) };
    if args.json {
        output.line(json(&data, kind, &score).to_string())?;
        return Ok(Exit::Success);
    }
    let (loss, accuracy) = (score.overall.loss, percent(score.overall.accuracy));
    let images = grouped(images as u64);
    output.line(format!("{kind} loss {loss:.4}, accuracy {accuracy} of {images} images"))?;
    Ok(Exit::Success)
}

fn json(data: &Dataset, kind: SplitKind, score: &SplitScore) -> serde_json::Value {
    let classes = data.class_names().iter().zip(score.images.iter().zip(&score.correct));
    let classes: Vec<serde_json::Value> = classes
        .map(|(name, (images, correct))| {
            serde_json::json!({"class": name, "images": images, "correct": correct})
        })
        .collect();
    serde_json::json!({
        "data": data.name(),
        "split": kind.to_string(),
        "images": data.split(kind).len(),
        "loss": score.overall.loss,
        "accuracy": score.overall.accuracy,
        "classes": classes,
    })
}
