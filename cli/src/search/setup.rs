//! From the arguments of `nasc search` to what a run is made of: configuration, data set, language
//! model. Paths become absolute, so that a run can be resumed from anywhere.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nasc_runtime::data::{self, Dataset, SplitLimits};
use nasc_search::config::{
    CheckedConfig, ConfigError, FitnessSplit, Place, Preset, SearchConfig, TrainingConfig,
};
use nasc_search::error::SearchError;
use nasc_search::llm::LanguageModel;
use nasc_search::llm::absent::NoLanguageModel;
use nasc_search::llm::scripted::{AtEnd, ScriptedModel};
use nasc_search::run::Equipment;

use super::{SubjectArgs, proposer};
use crate::data as data_command;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::presets;
use crate::progress::Progress;

/// File of the default language model in the models folder.
pub(super) const DEFAULT_MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// Tokens that the language model holds at once.
const CONTEXT_TOKENS: u32 = 16_384;

/// What a model that is a file of answers begins with.
const SCRIPTED: &str = "scripted:";

/// The configuration of a new run.
pub(super) fn config(args: &SubjectArgs) -> Result<CheckedConfig, CliError> {
    let mut config = match &args.config {
        Some(path) => read_config(path)?.into_config(),
        None => match &args.preset {
            Some(name) => presets::named(name, "--preset")?.config(),
            None => default_preset(args).config(),
        },
    };
    if let Some(split) = args.select_by {
        config.training.fitness_split = split.split();
    }
    proposer::configure(args, &mut config);
    if let Some(decoding) = args.decoding {
        config.language_model.decoding = decoding.mode();
    }
    checked(config)
}

/// Small where networks are trained; a query of a table costs nothing.
const fn default_preset(args: &SubjectArgs) -> Preset {
    if args.benchmark.is_some() { Preset::Nasc } else { Preset::Quick }
}

/// The form of a configuration that a run takes.
pub(super) fn checked(config: SearchConfig) -> Result<CheckedConfig, CliError> {
    Ok(config.check().map_err(SearchError::from)?)
}

/// A configuration from a file. Mistakes are told with their place in it.
pub(super) fn read_config(path: &Path) -> Result<CheckedConfig, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    SearchConfig::from_toml(&text).and_then(SearchConfig::check).map_err(|error| {
        let (place, reason) = match &error {
            ConfigError::Text { place, reason } => (*place, reason.clone()),
            ConfigError::Value { key, .. } => (Place::of_key(&text, key), error.to_string()),
        };
        CliError::Config { path: path.to_owned(), place, reason }
    })
}

/// The first of runs/1, runs/2 and so on that is not there.
pub(super) fn free_folder() -> PathBuf {
    let folder = |number: u32| Path::new("runs").join(number.to_string());
    (1..).map(folder).find(|folder| !folder.exists()).unwrap_or_else(|| folder(0))
}

/// The path from the root of the file system, links as they are.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|source| CliError::Read { path: path.to_owned(), source })
}

/// A data set as a run keeps it: a name, or an absolute path.
pub(super) fn data_spec(spec: &str) -> Result<String, CliError> {
    if data::NAMES.contains(&spec) {
        return Ok(spec.to_owned());
    }
    Ok(absolute(Path::new(spec))?.display().to_string())
}

/// A model as a run keeps it: `scripted:` and an absolute path, or an absolute path.
pub(super) fn model_spec(model: &str) -> Result<String, CliError> {
    let (kind, path) = match model.strip_prefix(SCRIPTED) {
        Some(path) => (SCRIPTED, path),
        None => ("", model),
    };
    Ok(format!("{kind}{}", absolute(Path::new(path))?.display()))
}

/// Threads to work with; all cores if no number was given.
pub(super) fn threads(asked: Option<NonZeroUsize>) -> u32 {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    u32::try_from(asked.unwrap_or_else(cores).get()).unwrap_or(u32::MAX)
}

/// Loads the language model.
pub(super) fn language_model(
    equipment: &Equipment,
    output: &mut Output<'_>,
) -> Result<Box<dyn LanguageModel>, CliError> {
    if equipment.model == proposer::NO_MODEL {
        return Ok(Box::new(NoLanguageModel));
    }
    match equipment.model.strip_prefix(SCRIPTED) {
        Some(script) => Ok(Box::new(ScriptedModel::from_file(Path::new(script), AtEnd::BySeed)?)),
        None => llama(Path::new(&equipment.model), equipment, output),
    }
}

#[cfg(feature = "llama")]
fn llama(
    path: &Path,
    equipment: &Equipment,
    output: &mut Output<'_>,
) -> Result<Box<dyn LanguageModel>, CliError> {
    use nasc_search::llm::llama::{LlamaModel, LlamaOptions};
    let options = LlamaOptions {
        threads: equipment.threads,
        context_tokens: CONTEXT_TOKENS,
        gpu_layers: equipment.gpu_layers,
        batch_sequences: 16,
    };
    let (mut progress, mut written) = (Progress::new(output), Ok(()));
    let mut told = |done: u64, total: u64| {
        if written.is_ok() {
            written = progress.update("reading", done, total, &equipment.model);
        }
    };
    let model = LlamaModel::load(path, &options, &mut told)?;
    written?;
    Ok(Box::new(model))
}

#[cfg(not(feature = "llama"))]
fn llama(_: &Path, _: &Equipment, _: &mut Output<'_>) -> Result<Box<dyn LanguageModel>, CliError> {
    let _ = CONTEXT_TOKENS;
    Err(CliError::NoLlama)
}

/// The data set as the configuration wants it: its splits and how many images of each.
pub(super) fn dataset(
    spec: &str,
    config: &CheckedConfig,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Dataset, CliError> {
    let TrainingConfig { fitness_split, max_train_examples, max_fitness_examples, .. } =
        config.training;
    let mut options = data_command::options(environment);
    if fitness_split == FitnessSplit::Test {
        options.validation = data::ValidationSource::TestSplit;
    }
    let limit = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
    options.limits = SplitLimits {
        train: limit(max_train_examples),
        validation: limit(max_fitness_examples),
        ..SplitLimits::unlimited()
    };
    data_command::open(spec, &options, &mut Progress::new(output))
}
