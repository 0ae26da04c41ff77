//! A run: its folder, its record, and the way from one to a search that goes on.

use crate::archive::Archive as _;
use crate::config::{CheckedConfig, SearchConfig};
use crate::error::SearchError;
use crate::prompt::PromptLibrary;
use crate::seed::Seed;
use crate::state::{self, SearchState};
use crate::store::{RunRecord, Store};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the networks are for. Part of the run format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Name of the data set, for the record.
    pub data: String,
    /// Channels, height and width of one image.
    pub input: [u64; 3],
    /// Number of classes: a network's output is `[N, classes]`.
    pub classes: u64,
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
}

/// A run that this process may go on with: it holds the folder's lock.
#[derive(Debug)]
pub struct Run {
    pub(crate) store: Store,
    pub(crate) config: CheckedConfig,
    pub(crate) prompts: PromptLibrary,
    pub(crate) record: RunRecord,
    task: Task,
}

impl Run {
    /// Begins a run in a folder: draws the centroids and writes the record down.
    ///
    /// # Errors
    /// [`SearchError::RunExists`] if the folder holds a run; prompt texts that cannot be used;
    /// the errors of the file system and the database.
    pub fn create(directory: &Path, setup: RunSetup) -> Result<Self, SearchError> {
        let RunSetup { config, seed, task, model, evaluator } = setup;
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
            first_network: prompts.first_network(task.input, task.classes),
            model,
            evaluator,
            network_centroids,
            prompt_centroids,
        };
        let store = Store::create(directory, &record)?;
        Ok(Self { store, config, prompts, record, task })
    }

    /// Opens the run of a folder, to go on with it.
    ///
    /// # Errors
    /// [`SearchError::NotARun`], [`SearchError::Format`], [`SearchError::Locked`], and
    /// [`SearchError::Corrupt`] for a record that cannot be read.
    pub fn resume(directory: &Path) -> Result<Self, SearchError> {
        let (store, record) = Store::resume(directory)?;
        let config = SearchConfig::from_toml(&record.config)?.check()?;
        let text = |error| unwritable(directory, error);
        let prompts = serde_json::from_str(&record.prompts).map_err(text)?;
        let task = serde_json::from_str(&record.task).map_err(text)?;
        Ok(Self { store, config, prompts, record, task })
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
        self.store.restore(&self.config, &mut state)?;
        Ok(state)
    }

    /// The candidates in the network archive.
    pub(crate) fn elites(state: &SearchState) -> std::collections::BTreeSet<state::CandidateId> {
        state.networks.elites().map(|(_, elite)| elite.solution.candidate).collect()
    }
}

fn unwritable(directory: &Path, error: serde_json::Error) -> SearchError {
    SearchError::Corrupt { path: directory.to_owned(), what: error.to_string() }
}
