//! The tables of runs: candidates, elites, generations, and the outcomes of an ablation.

use super::DataTable;
use crate::health::Health;
use crate::outcome::Outcome;
use crate::run::RunData;
use nasc_search::measures::CostFigures;
use nasc_search::state::CandidateId;
use nasc_search::store::EliteRow;

/// Every candidate in figures.
#[must_use]
pub fn candidates(run: &RunData) -> DataTable {
    let rows = &run.candidates;
    let cost = |of: fn(&CostFigures) -> u64| {
        move |row: &nasc_search::store::OverviewRow| row.cost.as_ref().map(of)
    };
    DataTable::default()
        .integers("candidate", rows, |row| Some(row.candidate.0))
        .integers("generation", rows, |row| Some(u64::from(row.generation)))
        .texts("operator", rows, |row| Some(row.operator.clone()))
        .texts("parents", rows, |row| Some(numbers(&row.parents)))
        .texts("instruction", rows, |row| instruction(run, row.instruction))
        .numbers("temperature", rows, |row| Some(row.temperature))
        .texts("verdict", rows, |row| row.verdict.clone())
        .integers("params", rows, cost(|cost| cost.params))
        .integers("macs", rows, cost(|cost| cost.macs))
        .integers("depth", rows, cost(|cost| cost.depth))
        .integers("width", rows, cost(|cost| cost.width))
        .numbers("width_to_depth", rows, |row| row.cost.as_ref().map(|cost| cost.width_to_depth))
        .integers("peak_activation_bytes", rows, cost(|cost| cost.peak_activation_bytes))
        .numbers("latency_seconds", rows, |row| row.cost.as_ref()?.latency_seconds)
        .numbers("fitness", rows, |row| row.fitness)
        .numbers("loss", rows, |row| row.loss)
        .numbers("test_accuracy", rows, |row| row.test_accuracy)
        .integers("cell", rows, |row| row.cell.map(u64::from))
        .texts("add_status", rows, |row| row.add_status.map(|status| status.name().to_owned()))
        .texts("fingerprint", rows, |row| row.fingerprint.clone())
        .integers("repeats", rows, |row| row.repeats.map(|earlier| earlier.0))
        .numbers("llm_seconds", rows, |row| row.llm_seconds)
        .numbers("train_seconds", rows, |row| row.train_seconds)
}

/// The network archive at the end, with sources.
#[must_use]
pub fn elites(run: &RunData) -> DataTable {
    let rows = &run.elites;
    let cost =
        |of: fn(&CostFigures) -> u64| move |row: &EliteRow| row.candidate.cost.as_ref().map(of);
    DataTable::default()
        .integers("cell", rows, |row| Some(u64::from(row.cell)))
        .integers("candidate", rows, |row| Some(row.candidate.candidate.0))
        .integers("generation", rows, |row| Some(u64::from(row.candidate.generation)))
        .texts("operator", rows, |row| Some(row.candidate.operator.clone()))
        .texts("parents", rows, |row| Some(numbers(&row.candidate.parents)))
        .integers("params", rows, cost(|cost| cost.params))
        .integers("macs", rows, cost(|cost| cost.macs))
        .integers("depth", rows, cost(|cost| cost.depth))
        .integers("width", rows, cost(|cost| cost.width))
        .integers("peak_activation_bytes", rows, cost(|cost| cost.peak_activation_bytes))
        .numbers("fitness", rows, |row| row.candidate.fitness)
        .numbers("loss", rows, |row| row.candidate.loss)
        .numbers("test_accuracy", rows, |row| row.candidate.test_accuracy)
        .texts("source", rows, |row| row.candidate.source.clone())
}

/// The archives' health by generation.
#[must_use]
pub fn generations(rows: &[Health]) -> DataTable {
    let count = |count: usize| Some(count as u64);
    DataTable::default()
        .integers("generation", rows, |row| Some(u64::from(row.generation)))
        .texts("operator", rows, |row| Some(row.operator.clone()))
        .integers("evaluated", rows, |row| count(row.evaluated))
        .integers("entered", rows, |row| count(row.entered))
        .integers("repeated", rows, |row| count(row.repeated))
        .numbers("coverage", rows, |row| Some(row.coverage))
        .numbers("qd_score", rows, |row| Some(row.qd_score))
        .numbers("entropy", rows, |row| Some(row.entropy))
        .numbers("effective_cells", rows, |row| Some(row.effective_cells))
        .numbers("clipped_share", rows, |row| Some(row.clipped_share))
        .integers("instructions", rows, |row| count(row.instructions))
        .integers("individuals", rows, |row| count(row.individuals))
}

/// What runs came to.
#[must_use]
pub fn outcomes(rows: &[Outcome]) -> DataTable {
    DataTable::default()
        .texts("variant", rows, |row| Some(row.variant.clone()))
        .integers("seed", rows, |row| Some(row.seed))
        .texts("finished", rows, |row| Some(row.finished.to_string()))
        .integers("candidates", rows, |row| Some(row.candidates))
        .numbers("qd_score", rows, |row| Some(row.qd_score))
        .numbers("coverage", rows, |row| Some(row.coverage))
        .numbers("best_fitness", rows, |row| row.best)
        .numbers("test_accuracy", rows, |row| row.test)
        .numbers("trainable_share", rows, |row| Some(row.trainable_share))
        .numbers("distinct_share", rows, |row| Some(row.distinct_share))
        .numbers("seconds", rows, |row| Some(row.seconds))
        .numbers("llm_seconds", rows, |row| Some(row.llm_seconds))
        .numbers("train_seconds", rows, |row| Some(row.train_seconds))
}

/// `4 17`.
fn numbers(candidates: &[CandidateId]) -> String {
    candidates.iter().map(|one| one.0.to_string()).collect::<Vec<_>>().join(" ")
}

fn instruction(run: &RunData, index: Option<u32>) -> Option<String> {
    run.instructions.get(index? as usize).cloned()
}
