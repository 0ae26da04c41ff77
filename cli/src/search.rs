//! `nasc search`: a search from its defaults or its configuration to an archive of trained
//! networks, and `--resume` of one that was stopped. How a run is begun or gone on with is in `job`.

pub(crate) mod benchmark;
mod estimate;
pub(crate) mod job;
pub(crate) mod proposer;
mod resume;
mod setup;
mod watch;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nasc_search::benchmark::nasbench201;
use nasc_search::config::{DecodingMode, FitnessSplit, Variant};
use nasc_search::proposer::ProposerKind;
use nasc_search::scheduler::SearchOutcome;
use nasc_search::store::RunReader;

use crate::error::{CliError, Exit};
use crate::output::{Environment, Output};
use crate::show;
use job::{Ended, Job};

/// Search networks for a data set, or the table of a benchmark.
#[derive(Debug, Args, Default)]
pub struct SearchArgs {
    /// Go on with the run in this folder, with its own configuration, data, model and seed.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Seed of everything random [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// The run's folder; it must not hold a run. Else runs/1, or the first number that is free.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What is searched, and with what.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct SubjectArgs {
    /// quick (minutes), nasc, paper or one that `nasc presets` lists [default: quick; nasc on a benchmark].
    #[arg(long)]
    preset: Option<String>,
    /// A TOML file that names a preset and what differs from it.
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md [default: digits].
    #[arg(long)]
    data: Option<String>,
    /// Search the table of a benchmark instead of training: nasbench201; see docs/benchmark.md.
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    benchmark: Option<String>,
    /// The benchmark's data set: cifar10, cifar100 or imagenet16-120 [default: cifar10].
    #[arg(long, value_name = "NAME", requires = "benchmark", value_parser = crate::benchmark::dataset)]
    dataset: Option<nasbench201::Dataset>,
    /// The split that fitness comes from; else as the preset says.
    #[arg(long, value_enum)]
    select_by: Option<SplitArg>,
    /// What proposes networks: model, random, evolution or mutate; else the language model if there
    /// is one, and mutate if not.
    #[arg(long, value_name = "NAME", value_parser = proposer::kind)]
    pub(crate) proposer: Option<ProposerKind>,
    /// Members of the population of evolution [default: 100].
    #[arg(long, value_name = "NUMBER")]
    population: Option<u32>,
    /// Members of its tournaments [default: 10].
    #[arg(long, value_name = "NUMBER")]
    sample: Option<u32>,
    /// A GGUF file, or scripted:FILE for canned answers; else the default model.
    #[arg(long)]
    model: Option<String>,
    /// What restricts the model's text; else as the preset says.
    #[arg(long, value_enum)]
    decoding: Option<DecodingArg>,
    /// Layers of the language model on a GPU [default: 0].
    #[arg(long)]
    gpu_layers: Option<u32>,
    /// Threads; all cores if it is left out. The same number gives the same run.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArg {
    /// Examples held out of training; the test split is looked at when the search is over.
    Validation,
    /// The test split, as in the paper: what is found is fitted to it.
    Test,
}

impl SplitArg {
    const fn split(self) -> FitnessSplit {
        match self {
            SplitArg::Validation => FitnessSplit::Validation,
            SplitArg::Test => FitnessSplit::Test,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DecodingArg {
    /// Whatever the model writes, as in the paper.
    Free,
    /// Only programs that can still become a network for the data set.
    Shape,
}

impl DecodingArg {
    const fn mode(self) -> DecodingMode {
        match self {
            DecodingArg::Free => DecodingMode::Free,
            DecodingArg::Shape => DecodingMode::Shape,
        }
    }
}

pub(crate) fn run(
    args: &SearchArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let ended = match &args.resume {
        Some(directory) => job::go_on(args, directory, environment, output)?,
        None => {
            let job = Job {
                subject: args.subject.clone(),
                variant: Variant::Full,
                seed: args.seed.unwrap_or(1),
                out: args.out.clone().unwrap_or_else(setup::free_folder),
            };
            job::begin(&job, environment, output)?
        }
    };
    finish(&ended, environment, output)
}

fn finish(
    ended: &Ended,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let directory = &ended.directory;
    match ended.outcome {
        SearchOutcome::Finished => {
            show::summary(directory, &RunReader::open(directory)?, 5, environment, output)?;
            Ok(Exit::Success)
        }
        SearchOutcome::Interrupted => {
            output.remark(format!(
                "stopped; nothing is lost. Go on with: nasc search --resume {}",
                directory.display()
            ))?;
            Ok(Exit::Interrupted)
        }
    }
}
