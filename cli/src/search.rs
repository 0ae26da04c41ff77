//! `nasc search`: a search from its defaults or its configuration to an archive of trained
//! networks, and `--resume` of one that was stopped.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nasc_runtime::data::{Dataset, SplitLimits};
use nasc_search::config::{
    CheckedConfig, DecodingMode, FitnessSplit, Preset, SearchConfig, TrainingConfig,
};
use nasc_search::error::SearchError;
use nasc_search::evaluate::Evaluator as _;
use nasc_search::evaluate::training::TrainingEvaluator;
use nasc_search::extract::extract;
use nasc_search::llm::LanguageModel;
use nasc_search::llm::scripted::{AtEnd, ScriptedModel};
use nasc_search::observer::SearchEvent;
use nasc_search::run::{Run, RunSetup, Task};
use nasc_search::scheduler::{SearchOutcome, Workers};
use nasc_search::store::RunReader;

use crate::error::{CliError, Exit};
use crate::interrupt::{self, Interrupt};
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::{accelerate, data, show};

/// File of the default language model in the models folder.
const DEFAULT_MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// Tokens that the language model holds at once.
const CONTEXT_TOKENS: u32 = 16_384;

/// Search networks for a data set with a language model.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Go on with the run in this folder; its configuration and seed are kept.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// quick (minutes), nasc or paper; see docs/search.md.
    #[arg(long, default_value = "quick")]
    preset: String,
    /// A TOML file that names a preset and what differs from it.
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// digits, cifar10, cifar100, or the path of a folder or archive; see docs/data.md.
    #[arg(long, default_value = "digits")]
    data: String,
    /// A GGUF file, or scripted:FILE for canned answers; else the default model.
    #[arg(long)]
    model: Option<String>,
    /// What restricts the model's text; else as the preset says.
    #[arg(long, value_enum)]
    decoding: Option<DecodingArg>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The run's folder; it must not hold a run. Else runs/1, or the first number that is free.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Layers of the language model on a GPU.
    #[arg(long, default_value_t = 0)]
    gpu_layers: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DecodingArg {
    /// Whatever the model writes, as in the paper.
    Free,
    /// Only programs that can still become a network for the data set.
    Shape,
}

pub(crate) fn run(
    args: &SearchArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut model = language_model(args, environment)?;
    let resumed = args.resume.as_deref().map(Run::resume).transpose()?;
    let config = match &resumed {
        Some(run) => run.config().clone(),
        None => config(args)?,
    };
    let spec = resumed.as_ref().map_or(args.data.as_str(), |run| run.task().data.as_str());
    let data = dataset(spec, &config, environment, output)?;
    let mut evaluator = TrainingEvaluator::new(&data, config.training, config.budget);
    let mut run = match resumed {
        Some(run) => run,
        None => create(args, config, &data, &evaluator, model.as_ref())?,
    };
    output.remark(data::describe(&data))?;
    accelerate::install(environment, output)?;
    if run.config().training.fitness_split == FitnessSplit::Test {
        output.remark("fitness is accuracy on the test split, as in the paper")?;
    }
    let outcome = search(&mut run, model.as_mut(), &mut evaluator, output)?;
    let directory = run.directory().to_path_buf();
    drop(run);
    finish(outcome, &directory, output)
}

fn search(
    run: &mut Run,
    model: &mut dyn LanguageModel,
    evaluator: &mut TrainingEvaluator<'_>,
    output: &mut Output<'_>,
) -> Result<SearchOutcome, CliError> {
    let interrupt = interrupt::watch();
    let mut progress = Progress::new(output);
    let mut observer = |event: SearchEvent<'_>| watch(event, interrupt, &mut progress);
    Ok(run.search(Workers { model, extract, evaluator, observer: &mut observer })?)
}

fn finish(
    outcome: SearchOutcome,
    directory: &Path,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match outcome {
        SearchOutcome::Finished => {
            show::summary(directory, &RunReader::open(directory)?, 5, output)?;
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

/// The configuration of a new run.
fn config(args: &SearchArgs) -> Result<CheckedConfig, CliError> {
    let mut config = match &args.config {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| CliError::Read { path: path.clone(), source })?;
            SearchConfig::from_toml(&text).map_err(SearchError::from)?
        }
        None => preset(&args.preset)?.config(),
    };
    match args.decoding {
        Some(DecodingArg::Free) => config.language_model.decoding = DecodingMode::Free,
        Some(DecodingArg::Shape) => config.language_model.decoding = DecodingMode::Shape,
        None => {}
    }
    Ok(config.check().map_err(SearchError::from)?)
}

fn preset(name: &str) -> Result<Preset, CliError> {
    Preset::from_name(name).ok_or_else(|| CliError::Argument {
        argument: "--preset",
        reason: format!("`{name}` is no preset; there are quick, nasc and paper"),
    })
}

fn create(
    args: &SearchArgs,
    config: CheckedConfig,
    data: &Dataset,
    evaluator: &TrainingEvaluator<'_>,
    model: &dyn LanguageModel,
) -> Result<Run, CliError> {
    let task = Task {
        data: args.data.clone(),
        input: data.shape().dims().map(|extent| extent as u64),
        classes: data.classes() as u64,
    };
    let (model, evaluator) = (model.describe(), evaluator.describe());
    let out = args.out.clone().unwrap_or_else(free_folder);
    Ok(Run::create(&out, RunSetup { config, seed: args.seed, task, model, evaluator })?)
}

/// The first of runs/1, runs/2 and so on that is not there.
fn free_folder() -> PathBuf {
    let folder = |number: u32| Path::new("runs").join(number.to_string());
    (1..).map(folder).find(|folder| !folder.exists()).unwrap_or_else(|| folder(0))
}

/// The data set as the configuration wants it: its splits and how many images of each.
fn dataset(
    spec: &str,
    config: &CheckedConfig,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Dataset, CliError> {
    let TrainingConfig { fitness_split, max_train_examples, max_fitness_examples, .. } =
        config.training;
    let mut options = data::options(environment);
    if fitness_split == FitnessSplit::Test {
        options.validation = nasc_runtime::data::ValidationSource::TestSplit;
    }
    let limit = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
    options.limits = SplitLimits {
        train: limit(max_train_examples),
        validation: limit(max_fitness_examples),
        ..SplitLimits::unlimited()
    };
    data::open(spec, &options, &mut Progress::new(output))
}

fn language_model(
    args: &SearchArgs,
    environment: &Environment,
) -> Result<Box<dyn LanguageModel>, CliError> {
    if let Some(script) = args.model.as_deref().and_then(|model| model.strip_prefix("scripted:")) {
        return Ok(Box::new(ScriptedModel::from_file(Path::new(script), AtEnd::BySeed)?));
    }
    let path = match &args.model {
        Some(path) => PathBuf::from(path),
        None => environment.models().join(DEFAULT_MODEL),
    };
    if args.model.is_none() && !path.is_file() {
        return Err(CliError::NoModel { path });
    }
    llama(&path, args.gpu_layers)
}

#[cfg(feature = "llama")]
fn llama(path: &Path, gpu_layers: u32) -> Result<Box<dyn LanguageModel>, CliError> {
    use nasc_search::llm::llama::{LlamaModel, LlamaOptions};
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let options = LlamaOptions {
        threads: u32::try_from(threads).unwrap_or(1),
        context_tokens: CONTEXT_TOKENS,
        gpu_layers,
        batch_sequences: 16,
    };
    Ok(Box::new(LlamaModel::load(path, &options)?))
}

#[cfg(not(feature = "llama"))]
fn llama(_: &Path, _: u32) -> Result<Box<dyn LanguageModel>, CliError> {
    let _ = CONTEXT_TOKENS;
    Err(CliError::NoLlama)
}

/// Bars for generation, training and the whole run; a line for each generation.
fn watch(
    event: SearchEvent<'_>,
    interrupt: Interrupt,
    progress: &mut Progress<'_, '_>,
) -> ControlFlow<()> {
    let told = match event {
        SearchEvent::GenerationStarted { evolved, generations, operator, .. } => {
            let note = format!("{operator:?}").to_lowercase();
            progress.update("run", u64::from(evolved), u64::from(generations), &note)
        }
        SearchEvent::Generating { batch, before, offspring } => {
            let done = (before + batch.finished) as u64;
            let note = format!("{} tokens", batch.tokens);
            progress.update("generating", done, offspring as u64, &note)
        }
        SearchEvent::CandidateStarted { index, offspring, .. } => {
            progress.finish("generating");
            progress.update("candidates", u64::from(index), offspring as u64, "")
        }
        SearchEvent::Training { progress: training, .. } => {
            let note = format!("loss {:.4}", training.loss);
            progress.update("training", training.step, training.steps, &note)
        }
        SearchEvent::CandidateFinished { .. } => {
            progress.finish("training");
            Ok(())
        }
        SearchEvent::GenerationFinished { generation, networks, prompts, .. } => {
            progress.finish("candidates");
            progress.line(&format!(
                "generation {:>3}  networks {:>3} cells, best {:.4}  prompts {:>3} cells",
                generation + 1,
                networks.num_elites,
                networks.obj_max.unwrap_or(0.0),
                prompts.num_elites
            ))
        }
        SearchEvent::Testing { done, total, .. } => {
            progress.update("testing", done as u64, total as u64, "")
        }
    };
    if told.is_err() { ControlFlow::Break(()) } else { interrupt.flow() }
}
