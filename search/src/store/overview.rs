//! Reading a whole run in figures, for reports and exports: every candidate without its texts, both
//! archives at the end of every generation, the mistakes that were made.

use super::read::{cost, damaged, from_json, from_name, unsigned};
use super::rows::PromptEliteRow;
use super::view::RunReader;
use crate::archive::AddStatus;
use crate::measures::CostFigures;
use crate::state::CandidateId;
use rusqlite::{OptionalExtension as _, Row};

/// A candidate in figures, without its texts and its curve.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OverviewRow {
    /// Its number.
    pub candidate: CandidateId,
    /// Its generation.
    pub generation: u32,
    /// How it came about.
    pub operator: String,
    /// The networks it grew from.
    pub parents: Vec<CandidateId>,
    /// Index of its instruction.
    pub instruction: Option<u32>,
    /// Sampling temperature.
    pub temperature: f64,
    /// `evaluated`, or the kind of its rejection; `None` while it is not finished.
    pub verdict: Option<String>,
    /// Its figures.
    pub cost: Option<CostFigures>,
    /// Its fitness.
    pub fitness: Option<f64>,
    /// Its loss, which breaks ties.
    pub loss: Option<f64>,
    /// The cell it was offered to.
    pub cell: Option<u32>,
    /// What the archive answered.
    pub add_status: Option<AddStatus>,
    /// Accuracy on the test split, for elites of a finished search.
    pub test_accuracy: Option<f64>,
    /// What equal networks share, where it is known.
    pub fingerprint: Option<String>,
    /// The earlier candidate whose result this is, if its network is the same.
    pub repeats: Option<CandidateId>,
    /// Its part of the language model's time.
    pub llm_seconds: Option<f64>,
    /// What its training took.
    pub train_seconds: Option<f64>,
}

/// The resident of a cell of the network archive at the end of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Resident {
    /// The generation.
    pub generation: u32,
    /// The cell.
    pub cell: u32,
    /// The candidate.
    pub candidate: CandidateId,
}

/// How often a mistake was made in candidates.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DiagnosticCount {
    /// The diagnostic's code.
    pub code: String,
    /// Times it was given.
    pub count: u64,
}

impl RunReader {
    /// Reads several things as they were at one moment, also while another process writes.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`], and what the work gives.
    pub fn snapshot<T, E: From<crate::error::SearchError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read(|connection| connection.execute_batch("BEGIN"))?;
        let answer = work(self);
        self.read(|connection| connection.execute_batch("COMMIT"))?;
        answer
    }

    /// Every candidate, in the order of their proposal.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn overview(&self) -> Result<Vec<OverviewRow>, crate::error::SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                // columns that are not asked for are not read
                "SELECT * FROM candidates ORDER BY candidate",
            )?;
            select.query_map([], overview_row)?.collect()
        })
    }

    /// The network archive at the end of every complete generation.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn residents(&self) -> Result<Vec<Resident>, crate::error::SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT generation, cell, candidate FROM network_cells ORDER BY generation, cell",
            )?;
            let resident = |row: &Row<'_>| {
                Ok(Resident {
                    generation: row.get("generation")?,
                    cell: row.get("cell")?,
                    candidate: CandidateId(unsigned(row, "candidate")?),
                })
            };
            select.query_map([], resident)?.collect()
        })
    }

    /// The prompt archive at the end of every complete generation, with the generation.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn prompt_history(&self) -> Result<Vec<(u32, PromptEliteRow)>, crate::error::SearchError> {
        self.read(|connection| {
            let mut select =
                connection.prepare("SELECT * FROM prompt_cells ORDER BY generation, cell")?;
            let elite = |row: &Row<'_>| {
                let elite = PromptEliteRow {
                    cell: row.get("cell")?,
                    instruction: row.get("instruction")?,
                    temperature: row.get("temperature")?,
                    curiosity: row.get("curiosity")?,
                    fitness: row.get("fitness")?,
                };
                Ok((row.get("generation")?, elite))
            };
            select.query_map([], elite)?.collect()
        })
    }

    /// The mistakes in candidates that did not compile, the most frequent first.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn diagnostic_counts(&self) -> Result<Vec<DiagnosticCount>, crate::error::SearchError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT json_extract(d.value, '$.code') AS code, count(*) AS count
                 FROM candidates, json_each(candidates.rejection, '$.diagnostics') AS d
                 GROUP BY code ORDER BY count DESC, code",
            )?;
            let count = |row: &Row<'_>| {
                Ok(DiagnosticCount { code: row.get("code")?, count: unsigned(row, "count")? })
            };
            select.query_map([], count)?.collect()
        })
    }

    /// Epochs that were trained, and networks that they were spent on.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn epochs(&self) -> Result<(u64, u64), crate::error::SearchError> {
        self.read(|connection| {
            let spent = "SELECT coalesce(sum(json_array_length(curve)), 0) AS epochs, count(*) AS networks
                         FROM candidates WHERE repeats IS NULL AND curve IS NOT NULL AND curve <> '[]'";
            let row = |row: &Row<'_>| Ok((unsigned(row, "epochs")?, unsigned(row, "networks")?));
            connection.query_row(spent, [], row)
        })
    }

    /// Candidates that were refused for this reason.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn refused(&self, verdict: &str) -> Result<u64, crate::error::SearchError> {
        self.read(|connection| {
            let count = "SELECT count(*) AS count FROM candidates WHERE verdict = ?1";
            connection.query_row(count, [verdict], |row| unsigned(row, "count"))
        })
    }

    /// Generations of evolution that are complete.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn evolved(&self) -> Result<u32, crate::error::SearchError> {
        self.read(|connection| {
            let last = "SELECT json_extract(counters, '$.evolved') FROM generations
                        WHERE counters IS NOT NULL ORDER BY generation DESC LIMIT 1";
            Ok(connection.query_row(last, [], |row| row.get(0)).optional()?.unwrap_or(0))
        })
    }

    /// A number that grows with everything that is written to the run.
    ///
    /// # Errors
    /// [`crate::error::SearchError::Database`].
    pub fn version(&self) -> Result<i64, crate::error::SearchError> {
        self.read(|connection| {
            let written = "SELECT coalesce(max(seen_ms), 0) FROM sessions";
            connection.query_row(written, [], |row| row.get(0))
        })
    }
}

fn overview_row(row: &Row<'_>) -> rusqlite::Result<OverviewRow> {
    let has_cost = row.get::<_, Option<i64>>("macs")?.is_some();
    let status = row.get::<_, Option<String>>("add_status")?;
    let repeats = row.get::<_, Option<i64>>("repeats")?;
    Ok(OverviewRow {
        candidate: CandidateId(unsigned(row, "candidate")?),
        generation: row.get("generation")?,
        operator: row.get("operator")?,
        parents: from_json(&row.get::<_, String>("parents")?)?,
        instruction: row.get("instruction")?,
        temperature: row.get("temperature")?,
        verdict: row.get("verdict")?,
        cost: has_cost.then(|| cost(row)).transpose()?,
        fitness: row.get("fitness")?,
        loss: row.get("loss")?,
        cell: row.get("cell")?,
        add_status: status.map(from_name).transpose()?,
        test_accuracy: row.get("test_accuracy")?,
        fingerprint: row.get("fingerprint")?,
        repeats: repeats
            .map(|earlier| u64::try_from(earlier).map(CandidateId))
            .transpose()
            .map_err(damaged)?,
        llm_seconds: row.get("llm_seconds")?,
        train_seconds: row.get("train_seconds")?,
    })
}
