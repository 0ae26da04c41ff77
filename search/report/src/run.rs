//! One run, read whole from its database. What is made of it lies in the modules beside this one.

use crate::error::ReportError;
use nasc_search::archive::{Axis, Centroids};
use nasc_search::config::{CheckedConfig, FitnessSplit};
use nasc_search::error::SearchError;
use nasc_search::run::{Equipment, Space, Task};
use nasc_search::store::{
    DiagnosticCount, EliteRow, GenerationRow, OverviewRow, PromptEliteRow, Resident, RunReader,
    RunRecord, RunSummary,
};
use std::path::{Path, PathBuf};

/// Operators of evolution: generations of these are what figures over generations show.
const EVOLUTION: [&str; 3] = ["mutation", "crossover", "fresh"];

/// A run as it is on the disk.
#[derive(Debug)]
pub struct RunData {
    /// Its folder.
    pub directory: PathBuf,
    /// What it is.
    pub record: RunRecord,
    /// Its configuration.
    pub config: CheckedConfig,
    /// What its networks are for.
    pub task: Task,
    /// What it is worked on with.
    pub equipment: Option<Equipment>,
    /// The instructions of its prompts.
    pub instructions: Vec<String>,
    /// The run in figures.
    pub summary: RunSummary,
    /// Its generations.
    pub generations: Vec<GenerationRow>,
    /// Its candidates, the first network at the beginning.
    pub candidates: Vec<OverviewRow>,
    /// The network archive, or the population in its place.
    pub elites: Vec<EliteRow>,
    /// The network archive at the end of every generation.
    pub residents: Vec<Resident>,
    /// The prompt archive at the end of every generation.
    pub prompt_history: Vec<(u32, PromptEliteRow)>,
    /// Mistakes in candidates that did not compile.
    pub diagnostics: Vec<DiagnosticCount>,
    /// Generations of evolution that are complete.
    pub evolved: u32,
    /// Grows with everything that is written to the run.
    pub version: i64,
}

impl RunData {
    /// Reads the run of a folder.
    ///
    /// # Errors
    /// [`ReportError::Search`] if there is none, or if it cannot be read.
    pub fn open(directory: &Path) -> Result<Self, ReportError> {
        RunReader::open(directory)?.snapshot(Self::read)
    }

    /// Reads a run that is open.
    ///
    /// # Errors
    /// [`ReportError::Search`] if its database cannot be read.
    pub fn read(reader: &RunReader) -> Result<Self, ReportError> {
        let directory = reader.directory().to_owned();
        let version = reader.version()?;
        let record = reader.record()?;
        let corrupt = |error: serde_json::Error| SearchError::Corrupt {
            path: directory.clone(),
            what: error.to_string(),
        };
        let config = record.read_config().map_err(SearchError::from)?;
        let task = record.read_task().map_err(corrupt)?;
        let prompts = record.read_prompts().map_err(corrupt)?;
        Ok(Self {
            config,
            task,
            equipment: record.read_equipment().ok(),
            instructions: prompts.instructions().to_vec(),
            summary: reader.summary()?,
            generations: reader.generations()?,
            candidates: reader.overview()?,
            elites: reader.elites()?,
            residents: reader.residents()?,
            prompt_history: reader.prompt_history()?,
            diagnostics: reader.diagnostic_counts()?,
            evolved: reader.evolved()?,
            version,
            record,
            directory,
        })
    }

    /// Whether nothing is left to do: evolution is over, and elites with weights are tested.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // networks that were never trained have no weights, and cells of a table need none
        let has_none =
            |elite: &EliteRow| elite.weights.is_none() && self.task.space == Space::Networks;
        let is_tested =
            |elite: &EliteRow| has_none(elite) || elite.candidate.test_accuracy.is_some();
        let needs_test = self.config.training.fitness_split == FitnessSplit::Validation;
        self.evolved >= self.config.generations
            && (!needs_test || self.elites.iter().all(is_tested))
    }

    /// The axes of the network archive.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        self.config.network_axes()
    }

    /// The centroids of the network archive.
    #[must_use]
    pub const fn centroids(&self) -> &Centroids {
        &self.record.network_centroids
    }

    /// The numbers of the generations of evolution, in order.
    #[must_use]
    pub fn evolution(&self) -> Vec<u32> {
        let of_evolution = |row: &&GenerationRow| EVOLUTION.contains(&row.operator.as_str());
        self.generations.iter().filter(of_evolution).map(|row| row.generation).collect()
    }

    /// The fittest elite; of equally fit ones the one with the lower loss.
    #[must_use]
    pub fn best(&self) -> Option<&EliteRow> {
        let order = |elite: &&EliteRow| {
            let fitness = elite.candidate.fitness.unwrap_or(f64::NEG_INFINITY);
            (fitness, -elite.candidate.loss.unwrap_or(f64::INFINITY))
        };
        self.elites.iter().reduce(|best, elite| {
            let (one, other) = (order(&elite), order(&best));
            let fitter = one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1));
            if fitter.is_gt() { elite } else { best }
        })
    }

    /// The test accuracy of the fittest elite, once it is known.
    #[must_use]
    pub fn test_of_best(&self) -> Option<f64> {
        let best = &self.best()?.candidate;
        match self.config.training.fitness_split {
            FitnessSplit::Validation => best.test_accuracy,
            FitnessSplit::Test => best.fitness,
        }
    }
}
