//! What a resumed search reads back: the run's record, and how far each candidate of the
//! generation in progress has come.

use super::rows::candidate_row;
use super::{RunRecord, Store};
use crate::archive::{AddStatus, Centroids, Objective};
use crate::emitter::Proposal;
use crate::error::SearchError;
use crate::evaluate::{EpochRecord, Evaluation, Rejection, Verdict};
use crate::measures::CostFigures;
use crate::state::CandidateId;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A candidate's result, as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredResult {
    /// It was evaluated and offered to the network archive.
    Evaluated {
        /// Its fitness.
        objective: Objective,
        /// Its figures.
        cost: CostFigures,
        /// Its cell and what the archive answered.
        placed: (usize, AddStatus),
    },
    /// It was rejected.
    Rejected(Rejection),
}

/// How far a candidate has come.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCandidate {
    /// Its number.
    pub candidate: CandidateId,
    /// The prompt it was proposed with.
    pub prompt: Option<String>,
    /// Whether the language model is done with it.
    pub generated: bool,
    /// The source found in the completion.
    pub source: Option<String>,
    /// Times an evaluation of it was begun and has not come to an end.
    pub attempts: u32,
    /// What equal networks share, if it is finished and known.
    pub fingerprint: Option<String>,
    /// Why the language model wrote nothing.
    pub refused: Option<Rejection>,
    /// Its training curve, if it was trained itself.
    pub curve: Vec<EpochRecord>,
    /// What it promised before it was trained.
    pub proxy_score: Option<f64>,
    /// Its result, if it is finished.
    pub result: Option<StoredResult>,
}

impl StoredCandidate {
    /// One that was just written down.
    #[must_use]
    pub fn proposed(proposal: &Proposal) -> Self {
        Self {
            candidate: proposal.candidate,
            prompt: proposal.draft.prompt().map(str::to_owned),
            generated: proposal.draft.source().is_some(),
            source: proposal.draft.source().map(str::to_owned),
            attempts: 0,
            fingerprint: None,
            refused: None,
            curve: Vec::new(),
            proxy_score: None,
            result: None,
        }
    }

    /// Whether it is what is proposed now.
    #[must_use]
    pub fn is_of(&self, proposal: &Proposal) -> bool {
        let same_source = || self.source.as_deref() == proposal.draft.source();
        self.candidate == proposal.candidate
            && self.prompt.as_deref() == proposal.draft.prompt()
            && (self.prompt.is_some() || same_source())
    }
}

/// A stored value that cannot be what was written.
pub(super) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, what.to_string().into())
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(damaged)
}

/// A unit variant from its name.
pub(super) fn from_name<T: DeserializeOwned>(name: String) -> rusqlite::Result<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(damaged)
}

/// An unsigned column.
pub(super) fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(damaged)
}

pub(super) fn run_record(connection: &Connection) -> rusqlite::Result<RunRecord> {
    let network_centroids = centroids(connection, "network")?;
    let prompt_centroids = centroids(connection, "prompt")?;
    connection.query_row("SELECT * FROM run", [], |row| {
        Ok(RunRecord {
            seed: unsigned(row, "seed")?,
            config: row.get("config")?,
            task: row.get("task")?,
            prompts: row.get("prompts")?,
            first_network: row.get("first_network")?,
            model: row.get("model")?,
            evaluator: row.get("evaluator")?,
            equipment: row.get("equipment")?,
            network_centroids,
            prompt_centroids,
        })
    })
}

pub(super) fn centroids(connection: &Connection, archive: &str) -> rusqlite::Result<Centroids> {
    let mut select = connection
        .prepare("SELECT cell, coordinate FROM centroids WHERE archive = ?1 ORDER BY cell, axis")?;
    let mut points: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let mut rows = select.query([archive])?;
    while let Some(row) = rows.next()? {
        points.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Centroids::from_points(points.into_values().collect())
        .ok_or_else(|| damaged(format!("the centroids of the {archive} archive are incomplete")))
}

pub(super) fn cost(row: &Row<'_>) -> rusqlite::Result<CostFigures> {
    Ok(CostFigures {
        params: unsigned(row, "params")?,
        macs: unsigned(row, "macs")?,
        depth: unsigned(row, "depth")?,
        width: unsigned(row, "width")?,
        width_to_depth: row.get("width_to_depth")?,
        peak_activation_bytes: unsigned(row, "peak_activation_bytes")?,
        latency_seconds: late(row, "latency_seconds")?,
    })
}

pub(super) fn objective(row: &Row<'_>) -> rusqlite::Result<Objective> {
    Objective::new(row.get("fitness")?, row.get("loss")?).map_err(damaged)
}

fn rejection(row: &Row<'_>) -> rusqlite::Result<Option<Rejection>> {
    row.get::<_, Option<String>>("rejection")?.map(|text| from_json(&text)).transpose()
}

fn result(row: &Row<'_>) -> rusqlite::Result<Option<StoredResult>> {
    if row.get::<_, Option<String>>("verdict")?.is_none() {
        return Ok(None);
    }
    if let Some(rejection) = rejection(row)? {
        return Ok(Some(StoredResult::Rejected(rejection)));
    }
    let cell = usize::try_from(unsigned(row, "cell")?).map_err(damaged)?;
    let placed = (cell, from_name(row.get("add_status")?)?);
    Ok(Some(StoredResult::Evaluated { objective: objective(row)?, cost: cost(row)?, placed }))
}

/// The curve of a candidate that was trained itself; empty if its result is that of another.
pub(super) fn own_curve(row: &Row<'_>) -> rusqlite::Result<Vec<EpochRecord>> {
    if row.get::<_, Option<i64>>("repeats")?.is_some() {
        return Ok(Vec::new());
    }
    let curve = row.get::<_, Option<String>>("curve")?.map(|text| from_json(&text)).transpose()?;
    Ok(curve.unwrap_or_default())
}

/// A column that databases of earlier versions lack.
pub(super) fn late(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<f64>> {
    match row.get(column) {
        Err(Error::InvalidColumnName(_)) => Ok(None),
        value => value,
    }
}

fn stored_candidate(row: &Row<'_>) -> rusqlite::Result<(u32, StoredCandidate)> {
    let stored = StoredCandidate {
        candidate: CandidateId(unsigned(row, "candidate")?),
        prompt: row.get("prompt")?,
        generated: row.get::<_, Option<i64>>("generated_ms")?.is_some(),
        source: row.get("source")?,
        attempts: row.get("attempts")?,
        fingerprint: row.get("fingerprint")?,
        refused: rejection(row)?,
        curve: own_curve(row)?,
        proxy_score: late(row, "proxy_score")?,
        result: result(row)?,
    };
    Ok((row.get("offspring")?, stored))
}

impl Store {
    /// The verdict on a finished candidate, without weights: that of every equal network.
    ///
    /// # Errors
    /// [`SearchError::Database`] and, if there is none, [`SearchError::Corrupt`].
    pub fn verdict_on(&self, candidate: CandidateId) -> Result<Verdict, SearchError> {
        let read = || -> rusqlite::Result<_> {
            let select = "SELECT * FROM candidates WHERE candidate = ?1";
            let number = i64::try_from(candidate.0).map_err(damaged)?;
            self.connection.query_row(select, [number], candidate_row)
        };
        let row = read().map_err(|error| self.error(error))?;
        let missing = || self.corrupt(format!("candidate {} has no verdict", candidate.0));
        if let Some(rejection) = row.rejection {
            return Ok(Verdict::Rejected(rejection));
        }
        let objective =
            row.fitness.zip(row.loss).and_then(|(value, loss)| Objective::new(value, loss).ok());
        let (objective, cost) = objective.zip(row.cost).ok_or_else(missing)?;
        let (curve, fingerprint) = (row.curve, row.fingerprint);
        let evaluation = Evaluation { objective, cost, curve, fingerprint, weights: None };
        Ok(Verdict::Evaluated(Box::new(evaluation)))
    }

    /// The candidates of a generation, by offspring; empty if it has not begun.
    ///
    /// # Errors
    /// [`SearchError::Database`] if the database cannot be read or holds what was never written.
    pub fn candidates_of(
        &self,
        generation: u32,
    ) -> Result<BTreeMap<u32, StoredCandidate>, SearchError> {
        let read = || -> rusqlite::Result<_> {
            let mut select =
                self.connection.prepare("SELECT * FROM candidates WHERE generation = ?1")?;
            select.query_map([generation], stored_candidate)?.collect()
        };
        read().map_err(|error| self.error(error))
    }
}
