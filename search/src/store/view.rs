//! Reading a run for summaries and reports, also while another process writes it.

use super::rows::{
    CandidateRow, EliteRow, EvaluationRow, GenerationRow, PromptEliteRow, RunSummary, SUMMARY,
    candidate_row, counts, generation_row, seconds,
};
use super::{DATABASE, RunRecord, database_error, read, schema, weights};
use crate::error::SearchError;
use crate::state::CandidateId;
use rusqlite::{Connection, OptionalExtension as _};
use std::path::{Path, PathBuf};

/// A run's folder, open for reading.
#[derive(Debug)]
pub struct RunReader {
    directory: PathBuf,
    database: PathBuf,
    connection: Connection,
}

impl RunReader {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// [`SearchError::NotARun`] and [`SearchError::Format`].
    pub fn open(directory: &Path) -> Result<Self, SearchError> {
        let not_a_run = || SearchError::NotARun { path: directory.to_owned() };
        let database = directory.join(DATABASE);
        if !database.is_file() {
            return Err(not_a_run());
        }
        let failed = |error| database_error(&database, error);
        let connection = schema::open_for_reading(&database).map_err(failed)?;
        let (format, writer) =
            schema::format(&connection).map_err(failed)?.ok_or_else(not_a_run)?;
        schema::require_format(directory, format, writer)?;
        Ok(Self { directory: directory.to_owned(), database, connection })
    }

    /// The run's folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the run is: configuration, seed, task, collaborators, centroids.
    ///
    /// # Errors
    /// [`SearchError::Database`], as every reading function.
    pub fn record(&self) -> Result<RunRecord, SearchError> {
        self.read(read::run_record)
    }

    /// The run in figures.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn summary(&self) -> Result<RunSummary, SearchError> {
        let last = self.generations()?.into_iter().rfind(|row| row.networks.is_some());
        let counts = self.read(|connection| connection.query_row(SUMMARY, [], counts))?;
        let seconds = self.read(seconds)?;
        let sessions = self.read(|connection| {
            connection.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
        })?;
        Ok(RunSummary {
            generations: last.as_ref().map_or(0, |row| row.generation + 1),
            sessions,
            networks: last.as_ref().and_then(|row| row.networks),
            prompts: last.as_ref().and_then(|row| row.prompts),
            clipped_share: last.and_then(|row| row.clipped_share).unwrap_or(0.0),
            seconds,
            ..counts
        })
    }

    /// The generations that were begun, in order.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn generations(&self) -> Result<Vec<GenerationRow>, SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT generations.*, count(fitness) AS evaluated, max(fitness) AS best_fitness
                 FROM generations LEFT JOIN candidates USING (generation)
                 GROUP BY generation ORDER BY generation",
            )?;
            select.query_map([], generation_row)?.collect()
        })
    }

    /// The candidates that have a fitness, in the order of their proposal.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn evaluations(&self) -> Result<Vec<EvaluationRow>, SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT candidate, generation, operator, fitness, fingerprint FROM candidates
                 WHERE fitness IS NOT NULL ORDER BY candidate",
            )?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(EvaluationRow {
                    candidate: CandidateId(read::unsigned(row, "candidate")?),
                    generation: row.get("generation")?,
                    operator: row.get("operator")?,
                    fitness: row.get("fitness")?,
                    fingerprint: row.get("fingerprint")?,
                })
            };
            select.query_map([], row)?.collect()
        })
    }

    /// The network archive at the end of the last complete generation, by cell.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn elites(&self) -> Result<Vec<EliteRow>, SearchError> {
        let last = "SELECT max(generation) FROM network_cells";
        match self.read(|connection| connection.query_row(last, [], |row| row.get(0)))? {
            Some(generation) => self.elites_of(generation),
            None => Ok(Vec::new()),
        }
    }

    /// The network archive at the end of a generation, by cell; empty if it is not complete.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn elites_of(&self, generation: u32) -> Result<Vec<EliteRow>, SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT network_cells.cell AS resident_of, candidates.* FROM network_cells
                 JOIN candidates USING (candidate)
                 WHERE network_cells.generation = ?1 ORDER BY network_cells.cell",
            )?;
            let elites = select.query_map([generation], |row| {
                let candidate = candidate_row(row)?;
                let weights = weights::path(&self.directory, candidate.candidate);
                let weights = weights.is_file().then_some(weights);
                Ok(EliteRow { cell: row.get("resident_of")?, candidate, weights })
            })?;
            elites.collect()
        })
    }

    /// The prompt archive at the end of the last complete generation, by cell.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn prompt_elites(&self) -> Result<Vec<PromptEliteRow>, SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT * FROM prompt_cells
                 WHERE generation = (SELECT max(generation) FROM prompt_cells) ORDER BY cell",
            )?;
            let elites = select.query_map([], |row| {
                Ok(PromptEliteRow {
                    cell: row.get("cell")?,
                    instruction: row.get("instruction")?,
                    temperature: row.get("temperature")?,
                    curiosity: row.get("curiosity")?,
                    fitness: row.get("fitness")?,
                })
            })?;
            elites.collect()
        })
    }

    /// One candidate; `None` if there is none of this number.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn candidate(&self, candidate: CandidateId) -> Result<Option<CandidateRow>, SearchError> {
        let Ok(number) = i64::try_from(candidate.0) else { return Ok(None) };
        self.read(|connection| {
            let select = "SELECT * FROM candidates WHERE candidate = ?1";
            connection.query_row(select, [number], candidate_row).optional()
        })
    }

    /// The candidates of a generation, in their order.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn candidates_of(&self, generation: u32) -> Result<Vec<CandidateRow>, SearchError> {
        self.read(|connection| {
            let mut select = connection
                .prepare("SELECT * FROM candidates WHERE generation = ?1 ORDER BY offspring")?;
            select.query_map([generation], candidate_row)?.collect()
        })
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SearchError> {
        work(&self.connection).map_err(|error| database_error(&self.database, error))
    }
}
