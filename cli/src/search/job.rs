//! One run, from its arguments to its end: a new one, or one that was begun before. Deliberately not
//! here: what is printed of it when it has ended.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nasc_runtime::data::Dataset;
use nasc_search::benchmark::nasbench201::{self, Table as Nasbench};
use nasc_search::config::{CheckedConfig, FitnessSplit, Variant};
use nasc_search::evaluate::Evaluator;
use nasc_search::evaluate::table::TableEvaluator;
use nasc_search::evaluate::training::TrainingEvaluator;
use nasc_search::extract::extract;
use nasc_search::llm::LanguageModel;
use nasc_search::measures::Descriptor;
use nasc_search::observer::SearchEvent;
use nasc_search::run::{Equipment, Run, RunSetup, Space, Task};
use nasc_search::scheduler::{SearchOutcome, Workers};

use super::estimate::Estimate;
use super::watch::Watch;
use super::{SearchArgs, SubjectArgs, benchmark, proposer, resume, setup};
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::{accelerate, data, memory, train};

/// A run to be begun.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// What is searched, and with what.
    pub(crate) subject: SubjectArgs,
    /// What is changed of the configuration.
    pub(crate) variant: Variant,
    /// The root seed.
    pub(crate) seed: u64,
    /// The run's folder.
    pub(crate) out: PathBuf,
}

/// A run that was worked on.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How that ended.
    pub(crate) outcome: SearchOutcome,
    /// Its folder.
    pub(crate) directory: PathBuf,
}

/// The arguments that go on with a run as it is.
pub(crate) fn resuming(directory: &Path) -> SearchArgs {
    SearchArgs { resume: Some(directory.to_owned()), ..SearchArgs::default() }
}

/// What a job comes to before anything large is read.
pub(crate) struct Prepared {
    /// The configuration.
    pub(crate) config: CheckedConfig,
    /// The data set, as a run names it.
    pub(crate) data: String,
    equipment: Equipment,
    table: Option<(Nasbench, nasbench201::Dataset)>,
}

/// Configuration, equipment and data of a job.
pub(crate) fn prepare(
    job: &Job,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Prepared, CliError> {
    let args = &job.subject;
    let mut config = job.variant.of(setup::config(args)?.into_config());
    let equipment = proposer::equip(job, &mut config, environment, output)?;
    if let Some(name) = &args.benchmark {
        crate::benchmark::require_known(name)?;
        let table = Nasbench::open(&environment.cache)?;
        let dataset = args.dataset.unwrap_or(nasbench201::Dataset::Cifar10);
        let config = setup::checked(config.for_cells(&table, dataset))?;
        let data = benchmark::task(dataset).data;
        return Ok(Prepared { config, data, equipment, table: Some((table, dataset)) });
    }
    let data = setup::data_spec(args.data.as_deref().unwrap_or("digits"))?;
    Ok(Prepared { config: setup::checked(config)?, data, equipment, table: None })
}

/// A new run.
pub(crate) fn begin(
    job: &Job,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Ended, CliError> {
    let Prepared { config, data, equipment, table } = prepare(job, environment, output)?;
    train::set_threads(NonZeroUsize::new(equipment.threads as usize));
    if let Some((table, dataset)) = &table {
        let evaluator = TableEvaluator::new(table, *dataset, config.training.fitness_split);
        let about = About::table(evaluator.describe());
        let subject = Subject { config, task: benchmark::task(*dataset), about };
        return create(job, subject, equipment, Box::new(evaluator), environment, output);
    }
    let images = setup::dataset(&data, &config, environment, output)?;
    let evaluator = evaluator(&images, &config);
    let (task, about) = (task(data, &images), About::data(&images));
    let subject = Subject { config, task, about };
    create(job, subject, equipment, Box::new(evaluator), environment, output)
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
    job: &Job,
    subject: Subject,
    equipment: Equipment,
    evaluator: Box<dyn Evaluator + '_>,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Ended, CliError> {
    let Subject { config, task, about } = subject;
    let language_model = setup::language_model(&equipment, output)?;
    let (model, describes) = (language_model.describe(), evaluator.describe());
    let seed = job.seed;
    let setup = RunSetup { config, seed, task, model, evaluator: describes, equipment };
    let run = Run::create(&job.out, setup)?;
    work(run, language_model, evaluator, &about, environment, output)
}

/// A run that was begun before.
pub(crate) fn go_on(
    args: &SearchArgs,
    directory: &Path,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Ended, CliError> {
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
    TrainingEvaluator::new(data, config.training, config.budget)
        .with_memory(memory::available)
        .with_latency(config.descriptors().contains(&Descriptor::Latency))
}

fn task(data: String, images: &Dataset) -> Task {
    let input = images.shape().dims().map(|extent| extent as u64);
    Task { data, input, classes: images.classes() as u64, space: Space::Networks }
}

/// Searches to the end.
fn work(
    mut run: Run,
    mut model: Box<dyn LanguageModel>,
    mut evaluator: Box<dyn Evaluator + '_>,
    about: &About,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Ended, CliError> {
    output.remark(&about.line)?;
    accelerate::install(environment, output)?;
    if run.config().training.fitness_split == FitnessSplit::Test {
        output.remark("fitness is accuracy on the test split, as in the paper")?;
    }
    let outcome = search(&mut run, model.as_mut(), evaluator.as_mut(), about, output)?;
    Ok(Ended { outcome, directory: run.directory().to_path_buf() })
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
