//! What a reader of a run gets: summary, generations, candidates, elites, made from their rows.

use super::read::{cost, damaged, from_json, from_name, unsigned};
use crate::archive::{AddStatus, ArchiveStats};
use crate::evaluate::{EpochRecord, Rejection};
use crate::measures::CostFigures;
use crate::state::CandidateId;
use rusqlite::{Connection, Row};
use std::path::PathBuf;

/// Where the time went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Seconds {
    /// The language model.
    pub llm: f64,
    /// Parsing, checking, costing.
    pub compile: f64,
    /// Training and validation.
    pub train: f64,
    /// Scoring elites on the test split.
    pub test: f64,
    /// Everything else, loading included.
    pub other: f64,
    /// All sessions together, each from its start to its last write.
    pub total: f64,
}

/// A run in figures. Candidates are those that were generated; the first network is not counted.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RunSummary {
    /// Candidates that the language model is done with.
    pub candidates: u64,
    /// Those whose text is syntactically right.
    pub parsed: u64,
    /// Those that are networks of the right signature.
    pub checked: u64,
    /// Those that have a fitness, trained or not.
    pub evaluated: u64,
    /// Those of them that were trained: not the random phase's, which are scored as they are.
    pub trained: u64,
    /// Those whose result is that of an equal network before them.
    pub repeated: u64,
    /// Different networks among these: by fingerprint, or by source where there is none.
    pub distinct: u64,
    /// Those that entered the network archive.
    pub entered: u64,
    /// Tokens drawn.
    pub tokens: u64,
    /// Tokens where the decoder overruled the model.
    pub overruled: u64,
    /// Complete generations, the first network and random rounds included.
    pub generations: u32,
    /// Times the run was begun or resumed.
    pub sessions: u32,
    /// Figures of the network archive at the end of the last generation.
    pub networks: Option<ArchiveStats>,
    /// Figures of the prompt archive at the end of the last generation.
    pub prompts: Option<ArchiveStats>,
    /// Share of the networks offered that had a descriptor outside of its axis.
    pub clipped_share: f64,
    /// Where the time went.
    pub seconds: Seconds,
}

/// A generation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct GenerationRow {
    /// Its number, from 0.
    pub generation: u32,
    /// How its candidates came about.
    pub operator: String,
    /// Its candidates.
    pub offspring: u32,
    /// Those that have a fitness.
    pub evaluated: u32,
    /// The best fitness among them.
    pub best_fitness: Option<f64>,
    /// Figures of the network archive at its end; `None` while it is not complete.
    pub networks: Option<ArchiveStats>,
    /// Figures of the prompt archive at its end.
    pub prompts: Option<ArchiveStats>,
    /// Share of the networks offered until then that had a descriptor outside of its axis.
    pub clipped_share: Option<f64>,
}

/// A candidate, with everything that is known of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CandidateRow {
    /// Its number.
    pub candidate: CandidateId,
    /// Its generation.
    pub generation: u32,
    /// Its place in the generation.
    pub offspring: u32,
    /// How it came about.
    pub operator: String,
    /// The networks it grew from.
    pub parents: Vec<CandidateId>,
    /// Index of its instruction.
    pub instruction: Option<u32>,
    /// Sampling temperature.
    pub temperature: f64,
    /// The prompt.
    pub prompt: Option<String>,
    /// What the model wrote.
    pub completion: Option<String>,
    /// The network's source.
    pub source: Option<String>,
    /// `evaluated`, or the kind of its rejection; `None` while it is not finished.
    pub verdict: Option<String>,
    /// Why it was rejected.
    pub rejection: Option<Rejection>,
    /// Its figures.
    pub cost: Option<CostFigures>,
    /// Its training curve.
    pub curve: Vec<EpochRecord>,
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
}

/// A candidate that has a fitness, in short.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EvaluationRow {
    /// Its number.
    pub candidate: CandidateId,
    /// Its generation.
    pub generation: u32,
    /// How it came about.
    pub operator: String,
    /// Its fitness.
    pub fitness: f64,
    /// What networks that are equal share, where it is known.
    pub fingerprint: Option<String>,
}

/// An elite of the network archive.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EliteRow {
    /// Its cell.
    pub cell: u32,
    /// The candidate.
    #[serde(flatten)]
    pub candidate: CandidateRow,
    /// The file of its weights, if they were kept.
    pub weights: Option<PathBuf>,
}

/// An elite of the prompt archive.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PromptEliteRow {
    /// Its cell.
    pub cell: u32,
    /// Index of its instruction.
    pub instruction: u32,
    /// Its temperature.
    pub temperature: f64,
    /// Its curiosity.
    pub curiosity: f64,
    /// Collective fitness of its instruction.
    pub fitness: f64,
}

/// A text that is no code or no syntax was not parsed; one that is no network was not checked.
pub(super) const SUMMARY: &str = "
SELECT count(*) AS candidates,
    count(*) FILTER (WHERE verdict IS NOT NULL AND verdict NOT IN ('prompt_too_long', 'no_code', 'crashed') AND NOT
        (verdict = 'compile' AND json_extract(rejection, '$.parsed') = 0)) AS parsed,
    count(*) FILTER (WHERE verdict NOT IN
        ('prompt_too_long', 'no_code', 'crashed', 'compile', 'wrong_output')) AS checked,
    count(fitness) AS evaluated,
    count(*) FILTER (WHERE fitness IS NOT NULL AND operator <> 'random') AS trained,
    count(repeats) AS repeated,
    count(DISTINCT CASE WHEN fitness IS NOT NULL THEN coalesce(fingerprint, source) END)
        AS distinct_networks,
    count(*) FILTER (WHERE add_status IN ('new', 'improve_existing')) AS entered,
    coalesce(sum(tokens), 0) AS tokens,
    coalesce(sum(overruled), 0) AS overruled
FROM candidates WHERE operator <> 'first' AND generated_ms IS NOT NULL";

/// The counted part of a summary; the caller fills in the rest.
pub(super) fn counts(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let none = Seconds { llm: 0.0, compile: 0.0, train: 0.0, test: 0.0, other: 0.0, total: 0.0 };
    Ok(RunSummary {
        candidates: unsigned(row, "candidates")?,
        parsed: unsigned(row, "parsed")?,
        checked: unsigned(row, "checked")?,
        evaluated: unsigned(row, "evaluated")?,
        trained: unsigned(row, "trained")?,
        repeated: unsigned(row, "repeated")?,
        distinct: unsigned(row, "distinct_networks")?,
        entered: unsigned(row, "entered")?,
        tokens: unsigned(row, "tokens")?,
        overruled: unsigned(row, "overruled")?,
        generations: 0,
        sessions: 0,
        networks: None,
        prompts: None,
        clipped_share: 0.0,
        seconds: none,
    })
}

pub(super) fn seconds(connection: &Connection) -> rusqlite::Result<Seconds> {
    let total: f64 = connection.query_row(
        "SELECT coalesce(sum(seen_ms - started_ms), 0) / 1000.0 FROM sessions",
        [],
        |row| row.get(0),
    )?;
    connection.query_row(
        "SELECT total(llm_seconds), total(compile_seconds), total(train_seconds),
            total(test_seconds) FROM candidates",
        [],
        |row| {
            let (llm, compile, train, test): (f64, f64, f64, f64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let other = (total - llm - compile - train - test).max(0.0);
            Ok(Seconds { llm, compile, train, test, other, total })
        },
    )
}

fn optional_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| from_json(&text)).transpose()
}

pub(super) fn generation_row(row: &Row<'_>) -> rusqlite::Result<GenerationRow> {
    Ok(GenerationRow {
        generation: row.get("generation")?,
        operator: row.get("operator")?,
        offspring: row.get("offspring")?,
        evaluated: row.get("evaluated")?,
        best_fitness: row.get("best_fitness")?,
        networks: optional_json(row, "network_stats")?,
        prompts: optional_json(row, "prompt_stats")?,
        clipped_share: row.get("clipped_share")?,
    })
}

pub(super) fn candidate_row(row: &Row<'_>) -> rusqlite::Result<CandidateRow> {
    let has_cost = row.get::<_, Option<i64>>("macs")?.is_some();
    let status = row.get::<_, Option<String>>("add_status")?;
    let curve: Option<Vec<EpochRecord>> = optional_json(row, "curve")?;
    Ok(CandidateRow {
        candidate: CandidateId(unsigned(row, "candidate")?),
        generation: row.get("generation")?,
        offspring: row.get("offspring")?,
        operator: row.get("operator")?,
        parents: optional_json(row, "parents")?.ok_or_else(|| damaged("parents are missing"))?,
        instruction: row.get("instruction")?,
        temperature: row.get("temperature")?,
        prompt: row.get("prompt")?,
        completion: row.get("completion")?,
        source: row.get("source")?,
        verdict: row.get("verdict")?,
        rejection: optional_json(row, "rejection")?,
        cost: has_cost.then(|| cost(row)).transpose()?,
        curve: curve.unwrap_or_default(),
        fitness: row.get("fitness")?,
        loss: row.get("loss")?,
        cell: row.get("cell")?,
        add_status: status.map(from_name).transpose()?,
        test_accuracy: row.get("test_accuracy")?,
        fingerprint: row.get("fingerprint")?,
        repeats: row
            .get::<_, Option<i64>>("repeats")?
            .map(|earlier| CandidateId(earlier.unsigned_abs())),
    })
}
