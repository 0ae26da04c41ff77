//! `nasc data`: fetches or reads a data set and says what it is.

use std::num::NonZeroUsize;

use clap::Args;
use nasc_runtime::data::{self, DataOptions, DataProgress, DataStage, Dataset, SplitKind};

use crate::error::{CliError, Exit};
use crate::number::grouped;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// Fetch or read a data set and say what it is.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md.
    #[arg(default_value = "digits")]
    data: String,
    #[command(flatten)]
    size: SizeArgs,
}

// To what size pictures in folders are brought. No doc comment: it would become the command's text.
#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// Side of the pictures of an image folder; without it small pictures of one size stay as they are,
    /// and others become 64 x 64.
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<NonZeroUsize>,
}

impl SizeArgs {
    /// All images, validation carved from the train split.
    pub(crate) fn options(&self, environment: &Environment) -> DataOptions {
        let image_size = self.image_size.map(NonZeroUsize::get);
        DataOptions { image_size, ..options(environment) }
    }
}

pub(crate) fn run(
    args: &DataArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let options = args.size.options(environment);
    let data = open(&args.data, &options, &mut Progress::new(output))?;
    output.line(describe(&data))?;
    output.line(format!("classes: {}", data.class_names().join(", ")))?;
    let list = |values: &[f32]| {
        values.iter().map(|value| format!("{value:.4}")).collect::<Vec<String>>().join(", ")
    };
    let statistics = data.statistics();
    let (mean, deviation) = (list(&statistics.mean), list(&statistics.deviation));
    output.line(format!("training images, white being 1: mean {mean}; deviation {deviation}"))?;
    Ok(Exit::Success)
}

/// All images, validation carved from the train split.
pub(crate) fn options(environment: &Environment) -> DataOptions {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    DataOptions::standard(environment.cache.clone(), threads)
}

/// Opens a data set and shows what is being waited for.
pub(crate) fn open(
    spec: &str,
    options: &DataOptions,
    progress: &mut Progress<'_, '_>,
) -> Result<Dataset, CliError> {
    let mut written = Ok(());
    let mut tell = |event: DataProgress| {
        let name = match event.stage {
            DataStage::Download => "download",
            DataStage::Unpack => "unpack",
            DataStage::Decode => "decode",
        };
        let total = event.total.unwrap_or(event.done);
        if written.is_ok() {
            written = progress.update(name, event.done, total, spec);
        }
    };
    let data = data::open(spec, options, &mut tell)?;
    progress.finish_all();
    written?;
    Ok(data)
}

/// `digits: 1x8x8 images of 10 classes; 1,257 train, 180 validation, 360 test`.
pub(crate) fn describe(data: &Dataset) -> String {
    let splits = [SplitKind::Train, SplitKind::Validation, SplitKind::Test];
    let sizes = splits.map(|kind| format!("{} {kind}", grouped(data.split(kind).len() as u64)));
    let (name, shape, classes) = (data.name(), data.shape(), data.classes());
    format!("{name}: {shape} images of {classes} classes; {}", sizes.join(", "))
}
