//! A run: its folder, its record, and the way from one to a search that goes on.

use crate::archive::Archive as _;
use crate::config::{CheckedConfig, ConfigError, SearchConfig};
use crate::error::SearchError;
use crate::prompt::PromptLibrary;
use crate::proposer::cells;
use crate::seed::Seed;
use crate::state::{self, SearchState};
use crate::store::{RunRecord, Store};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the networks are for. Part of the run format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Name or absolute path of the data set.
    pub data: String,
    /// Channels, height and width of one image.
    pub input: [u64; 3],
    /// Number of classes: a network's output is `[N, classes]`.
    pub classes: u64,
    /// What a network is.
    #[serde(default)]
    pub space: Space,
}

/// What the networks of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// Classifiers of images.
    #[default]
    Networks,
    /// Cells of NAS-Bench-201.
    Cells,
}

impl Task {
    /// The data set without the folders above it.
    #[must_use]
    pub fn data_name(&self) -> &str {
        let name = Path::new(&self.data).file_name().and_then(|name| name.to_str());
        name.unwrap_or(&self.data)
    }
}

/// What a run is worked on with: enough to go on with it without asking. Part of the run format.
///
/// The number of threads is part of it, since it decides in which order sums over a batch are made:
/// another number gives other last digits, and in time other networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equipment {
    /// Where the language model is found, as a command line names it; paths are absolute.
    pub model: String,
    /// Its layers on a GPU.
    pub gpu_layers: u32,
    /// Threads of the language model and of training.
    pub threads: u32,
}

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct RunSetup {
    /// The configuration.
    pub config: CheckedConfig,
    /// The root seed, below 2⁶³.
    pub seed: u64,
    /// What the networks are for.
    pub task: Task,
    /// [`crate::llm::LanguageModel::describe`] of the model.
    pub model: String,
    /// [`crate::evaluate::Evaluator::describe`] of the evaluator.
    pub evaluator: String,
    /// What the run is worked on with.
    pub equipment: Equipment,
}

/// A run that this process may go on with: it holds the folder's lock.
///
/// ```no_run
/// use nasc_search::config::SearchConfig;
/// use nasc_search::error::SearchError;
/// use nasc_search::evaluate::Evaluator;
/// use nasc_search::llm::LanguageModel;
/// use nasc_search::run::{Equipment, Run, RunSetup, Space, Task};
/// use nasc_search::scheduler::{SearchOutcome, Workers};
/// use std::ops::ControlFlow;
/// use std::path::Path;
///
/// fn search(
///     directory: &Path,
///     model: &mut dyn LanguageModel,
///     evaluator: &mut dyn Evaluator,
///     extract: fn(&str) -> Option<String>,
/// ) -> Result<SearchOutcome, SearchError> {
///     let setup = RunSetup {
///         config: SearchConfig::quick().check()?,
///         seed: 0,
///         task: Task {
///             data: "digits".to_owned(),
///             input: [1, 8, 8],
///             classes: 10,
///             space: Space::Networks,
///         },
///         model: model.describe(),
///         evaluator: evaluator.describe(),
///         equipment: Equipment { model: "scripted:a.txt".to_owned(), gpu_layers: 0, threads: 1 },
///     };
///     let mut run = Run::create(directory, setup)?; // or Run::resume(directory)
///     let observer = &mut |_: nasc_search::observer::SearchEvent<'_>| ControlFlow::Continue(());
///     run.search(Workers { model, extract, evaluator, observer })
/// }
/// ```
#[derive(Debug)]
pub struct Run {
    pub(crate) store: Store,
    pub(crate) config: CheckedConfig,
    pub(crate) prompts: PromptLibrary,
    pub(crate) record: RunRecord,
    task: Task,
    equipment: Equipment,
}

impl Run {
    /// Begins a run in a folder: draws the centroids and writes the record down.
    ///
    /// # Errors
    /// [`SearchError::RunExists`] if the folder holds a run; prompt texts that cannot be used;
    /// the errors of the file system and the database.
    pub fn create(directory: &Path, setup: RunSetup) -> Result<Self, SearchError> {
        let RunSetup { config, seed, task, model, evaluator, equipment } = setup;
        require_storable(seed)?;
        let prompts =
            PromptLibrary::load(config.prompts.instructions, config.prompts.directory.as_deref())?;
        let [network_centroids, prompt_centroids] = state::centroids(&config, Seed::new(seed));
        let text =
            |value: serde_json::Result<String>| value.map_err(|error| unwritable(directory, error));
        let record = RunRecord {
            seed,
            config: config.to_toml()?,
            task: text(serde_json::to_string(&task))?,
            prompts: text(serde_json::to_string(&prompts))?,
            first_network: match task.space {
                Space::Networks => prompts.first_network(task.input, task.classes),
                Space::Cells => cells::source(cells::FIRST),
            },
            model,
            evaluator,
            equipment: text(serde_json::to_string(&equipment))?,
            network_centroids,
            prompt_centroids,
        };
        let store = Store::create(directory, &record)?;
        Ok(Self { store, config, prompts, record, task, equipment })
    }

    /// Opens the run of a folder, to go on with it.
    ///
    /// # Errors
    /// [`SearchError::NotARun`], [`SearchError::Format`], [`SearchError::Locked`], and
    /// [`SearchError::Corrupt`] for a record that cannot be read.
    pub fn resume(directory: &Path) -> Result<Self, SearchError> {
        let (store, record) = Store::resume(directory)?;
        let text = |error| unwritable(directory, error);
        let (config, task) = (record.read_config()?, record.read_task().map_err(text)?);
        let prompts = record.read_prompts().map_err(text)?;
        let equipment = record.read_equipment().map_err(text)?;
        Ok(Self { store, config, prompts, record, task, equipment })
    }

    /// The run's folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.store.directory()
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &CheckedConfig {
        &self.config
    }

    /// What the networks are for.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// What the run is worked on with.
    #[must_use]
    pub const fn equipment(&self) -> &Equipment {
        &self.equipment
    }

    /// The root seed.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        Seed::new(self.record.seed)
    }

    /// What the language model said of itself when the run began.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.record.model
    }

    /// The state at the end of the last complete generation.
    ///
    /// # Errors
    /// [`SearchError::Corrupt`] if the stored archives contradict the record.
    pub fn state(&self) -> Result<SearchState, SearchError> {
        let centroids =
            [self.record.network_centroids.clone(), self.record.prompt_centroids.clone()];
        let state = SearchState::new(&self.config, &self.prompts, centroids);
        let mut state = state.ok_or_else(|| SearchError::Corrupt {
            path: self.directory().to_owned(),
            what: "the centroids do not have one coordinate for each axis".to_owned(),
        })?;
        let instructions = self.prompts.instructions().len();
        state.populate_prompts(&self.config, instructions, self.seed());
        self.store.restore(&self.config, &mut state)?;
        Ok(state)
    }

    /// The candidates in the network archive.
    pub(crate) fn elites(state: &SearchState) -> std::collections::BTreeSet<state::CandidateId> {
        state.networks.elites().map(|(_, elite)| elite.solution.candidate).collect()
    }
}

impl RunRecord {
    /// The configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if it was not written by this format.
    pub fn read_config(&self) -> Result<CheckedConfig, ConfigError> {
        SearchConfig::from_toml(&self.config)?.check()
    }

    /// The task.
    ///
    /// # Errors
    /// If it was not written by this format.
    pub fn read_task(&self) -> serde_json::Result<Task> {
        serde_json::from_str(&self.task)
    }

    /// What the run is worked on with.
    ///
    /// # Errors
    /// If it was not written by this format.
    pub fn read_equipment(&self) -> serde_json::Result<Equipment> {
        serde_json::from_str(&self.equipment)
    }

    /// The prompt texts; a prompt elite's instruction is an index into them.
    ///
    /// # Errors
    /// If they were not written by this format.
    pub fn read_prompts(&self) -> serde_json::Result<PromptLibrary> {
        serde_json::from_str(&self.prompts)
    }
}

/// TOML and SQLite hold signed integers.
fn require_storable(seed: u64) -> Result<(), ConfigError> {
    if i64::try_from(seed).is_ok() {
        return Ok(());
    }
    let requirement = "it must be below 2^63".to_owned();
    Err(ConfigError::Value { key: "seed".to_owned(), value: seed.to_string(), requirement })
}

fn unwritable(directory: &Path, error: serde_json::Error) -> SearchError {
    SearchError::Corrupt { path: directory.to_owned(), what: error.to_string() }
}
