//! `nasc search`: a search from its defaults or its configuration to an archive of trained
//! networks, and `--resume` of one that was stopped.

pub(crate) mod benchmark;
mod estimate;
mod proposer;
mod resume;
mod setup;
mod watch;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nasc_runtime::data::Dataset;
use nasc_search::benchmark::nasbench201::{self, Table as Nasbench};
use nasc_search::config::{CheckedConfig, DecodingMode, FitnessSplit};
use nasc_search::evaluate::Evaluator;
use nasc_search::evaluate::table::TableEvaluator;
use nasc_search::evaluate::training::TrainingEvaluator;
use nasc_search::extract::extract;
use nasc_search::llm::LanguageModel;
use nasc_search::observer::SearchEvent;
use nasc_search::proposer::ProposerKind;
use nasc_search::run::{Equipment, Run, RunSetup, Space, Task};
use nasc_search::scheduler::{SearchOutcome, Workers};
use nasc_search::store::RunReader;

use crate::error::{CliError, Exit};
use crate::interrupt;
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::{accelerate, data, memory, show, train};
use estimate::Estimate;
use watch::Watch;

/// Search networks for a data set, or the table of a benchmark.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Go on with the run in this folder, with its own configuration, data, model and seed.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
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
    proposer: Option<ProposerKind>,
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
    /// Seed of everything random [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// The run's folder; it must not hold a run. Else runs/1, or the first number that is free.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    match &args.resume {
        Some(directory) => go_on(args, directory, environment, output),
        None => begin(args, environment, output),
    }
}

/// A new run.
fn begin(
    args: &SearchArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut config = setup::config(args)?.into_config();
    let equipment = proposer::equip(args, &mut config, environment, output)?;
    train::set_threads(NonZeroUsize::new(equipment.threads as usize));
    if let Some(name) = &args.benchmark {
        crate::benchmark::require_known(name)?;
        let table = Nasbench::open(&environment.cache)?;
        let dataset = args.dataset.unwrap_or(nasbench201::Dataset::Cifar10);
        let config = setup::checked(config.for_cells(&table, dataset))?;
        let evaluator = TableEvaluator::new(&table, dataset, config.training.fitness_split);
        let about = About::table(evaluator.describe());
        let subject = Subject { config, task: benchmark::task(dataset), about };
        return create(args, subject, equipment, Box::new(evaluator), environment, output);
    }
    let config = setup::checked(config)?;
    let spec = setup::data_spec(args.data.as_deref().unwrap_or("digits"))?;
    let data = setup::dataset(&spec, &config, environment, output)?;
    let evaluator = evaluator(&data, &config);
    let (task, about) = (task(spec, &data), About::data(&data));
    let subject = Subject { config, task, about };
    create(args, subject, equipment, Box::new(evaluator), environment, output)
}

/// What a run searches.
struct Subject {
    config: CheckedConfig,
    task: Task,
    about: About,
}

/// What is said of the data.
struct About {
    line: String,
    /// Images that networks are trained on.
    trained: usize,
    /// Images that fitness comes from.
    scored: usize,
}

impl About {
    fn data(data: &Dataset) -> About {
        let (trained, scored) = (data.train().len(), data.validation().len());
        About { line: data::describe(data), trained, scored }
    }

    /// Of a table nothing is trained.
    fn table(line: String) -> About {
        About { line, trained: 0, scored: 1 }
    }
}

fn create(
    args: &SearchArgs,
    subject: Subject,
    equipment: Equipment,
    evaluator: Box<dyn Evaluator + '_>,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let Subject { config, task, about } = subject;
    let language_model = setup::language_model(&equipment, output)?;
    let (model, describes) = (language_model.describe(), evaluator.describe());
    let seed = args.seed.unwrap_or(1);
    let out = args.out.clone().unwrap_or_else(setup::free_folder);
    let setup = RunSetup { config, seed, task, model, evaluator: describes, equipment };
    let run = Run::create(&out, setup)?;
    work(run, language_model, evaluator, &about, environment, output)
}

/// A run that was begun before.
fn go_on(
    args: &SearchArgs,
    directory: &Path,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let run = Run::resume(directory)?;
    resume::check(args, &run)?;
    let equipment = resume::equipment(args, &run)?;
    let model = setup::language_model(&equipment, output)?;
    resume::check_model(&run, &model.describe())?;
    train::set_threads(NonZeroUsize::new(equipment.threads as usize));
    if let Some(dataset) = benchmark::dataset_of(run.task()) {
        let table = Nasbench::open(&environment.cache)?;
        let evaluator = TableEvaluator::new(&table, dataset, run.config().training.fitness_split);
        let about = About::table(evaluator.describe());
        return work(run, model, Box::new(evaluator), &about, environment, output);
    }
    let spec = resume::data(args, &run)?;
    let data = setup::dataset(&spec, run.config(), environment, output)?;
    resume::check_data(&run, &task(spec, &data))?;
    let evaluator = evaluator(&data, run.config());
    work(run, model, Box::new(evaluator), &About::data(&data), environment, output)
}

fn evaluator<'a>(data: &'a Dataset, config: &CheckedConfig) -> TrainingEvaluator<'a> {
    TrainingEvaluator::new(data, config.training, config.budget).with_memory(memory::available)
}

fn task(data: String, images: &Dataset) -> Task {
    let input = images.shape().dims().map(|extent| extent as u64);
    Task { data, input, classes: images.classes() as u64, space: Space::Networks }
}

/// Searches to the end, and tells what was found.
fn work(
    mut run: Run,
    mut model: Box<dyn LanguageModel>,
    mut evaluator: Box<dyn Evaluator + '_>,
    about: &About,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    output.remark(&about.line)?;
    accelerate::install(environment, output)?;
    if run.config().training.fitness_split == FitnessSplit::Test {
        output.remark("fitness is accuracy on the test split, as in the paper")?;
    }
    let outcome = search(&mut run, model.as_mut(), evaluator.as_mut(), about, output)?;
    let directory = run.directory().to_path_buf();
    drop(run);
    finish(outcome, &directory, environment, output)
}

fn search(
    run: &mut Run,
    model: &mut dyn LanguageModel,
    evaluator: &mut dyn Evaluator,
    about: &About,
    output: &mut Output<'_>,
) -> Result<SearchOutcome, CliError> {
    let estimate = Estimate::new(run.config(), about.trained, about.scored);
    let mut watch = Watch::new(interrupt::watch(), Progress::new(output), estimate);
    let mut observer = |event: SearchEvent<'_>| watch.event(event);
    Ok(run.search(Workers { model, extract, evaluator, observer: &mut observer })?)
}

fn finish(
    outcome: SearchOutcome,
    directory: &Path,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match outcome {
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
