//! `nasc predict`: what a trained network sees in pictures.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use nasc_runtime::data::{ImageTask, read_image};
use nasc_runtime::predict::Predictor;

use crate::accelerate;
use crate::data;
use crate::error::{CliError, Exit};
use crate::number::percent;
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::weights::WeightsArgs;

/// Say what a trained network sees in pictures.
///
/// Pictures of another size are cut to the network's proportions and resized.
#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    weights: WeightsArgs,
    /// PNG or JPEG files.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The data set that the weights were trained on; only needed for weights of another program.
    #[arg(long)]
    data: Option<String>,
    /// Classes to print for each picture, the most probable first.
    #[arg(long, default_value = "5")]
    top: NonZeroUsize,
    /// Print one JSON object a picture: image, class, and the probabilities of the --top classes.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    args: &PredictArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let weights = args.weights.read()?;
    let spec = args.data.as_deref().filter(|_| !weights.knows_task());
    let options = data::options(environment);
    let data =
        spec.map(|spec| data::open(spec, &options, &mut Progress::new(output))).transpose()?;
    accelerate::install(environment, output)?;
    let found = weights.predictor(&args.weights, data.as_ref(), output)?;
    let Some((mut predictor, task)) = found else { return Ok(Exit::Program) };
    for path in &args.images {
        let ranked = ranked(path, &mut predictor, &task)?;
        let shown = ranked.get(..args.top.get().min(ranked.len())).unwrap_or_default();
        output.line(if args.json { json(path, shown) } else { text(path, shown) })?;
    }
    Ok(Exit::Success)
}

/// Classes with their probabilities, the most probable first.
fn ranked<'t>(
    path: &Path,
    predictor: &mut Predictor,
    task: &'t ImageTask,
) -> Result<Vec<(&'t str, f64)>, CliError> {
    let image = read_image(path, task.shape())?;
    let probabilities = predictor.probabilities(&image)?;
    let names = task.class_names.iter().map(String::as_str);
    let mut ranked: Vec<(&str, f64)> = names.zip(probabilities).collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(ranked)
}

/// `cat.png: cat 93.1 %, dog 4.0 %`
fn text(path: &Path, ranked: &[(&str, f64)]) -> String {
    let classes = ranked.iter().map(|(name, share)| format!("{name} {}", percent(*share)));
    format!("{}: {}", path.display(), classes.collect::<Vec<String>>().join(", "))
}

fn json(path: &Path, ranked: &[(&str, f64)]) -> String {
    let probabilities: Vec<serde_json::Value> = ranked
        .iter()
        .map(|(name, share)| serde_json::json!({"class": name, "probability": share}))
        .collect();
    serde_json::json!({
        "image": path.display().to_string(),
        "class": ranked.first().map(|(name, _)| name),
        "probabilities": probabilities,
    })
    .to_string()
}
