//! Searches on the table of a tabular benchmark: what the arguments make of the configuration, and
//! what was found with how many queries.

use nasc_compiler::cell::Cell;
use nasc_search::benchmark::nasbench201::{Dataset, NAME, Score, Table as Nasbench};
use nasc_search::proposer::cells;
use nasc_search::run::{Space, Task};
use nasc_search::store::{EvaluationRow, RunReader};

use crate::error::CliError;
use crate::number::grouped;
use crate::output::{Environment, Output};
use crate::table::{Align, Table};

/// After so many queries the best cell so far is told.
const MILESTONES: [usize; 4] = [200, 500, 1_000, 2_000];

/// The task of searching a data set of the benchmark.
pub(super) fn task(dataset: Dataset) -> Task {
    Task {
        data: format!("{NAME}/{}", dataset.name()),
        input: cells::INPUT,
        classes: dataset.classes(),
        space: Space::Cells,
    }
}

/// The benchmark's data set that a task names.
pub(crate) fn dataset_of(task: &Task) -> Option<Dataset> {
    Dataset::from_name(task.data.strip_prefix(NAME)?.strip_prefix('/')?)
}

/// What a search found in the table, if it searched one and the table is there.
pub(crate) fn summary(
    reader: &RunReader,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let task = reader.record()?.read_task().ok();
    let Some(dataset) = task.as_ref().and_then(dataset_of) else { return Ok(()) };
    match Nasbench::open(&environment.cache) {
        Ok(table) => found(&reader.evaluations()?, &table, dataset, output),
        Err(error) => {
            output.remark(format!("ranks are not shown: {error}"))?;
            Ok(())
        }
    }
}

/// The best cell by fitness after the milestones and at the end.
fn found(
    rows: &[EvaluationRow],
    table: &Nasbench,
    dataset: Dataset,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let mut milestones: Vec<usize> =
        MILESTONES.into_iter().filter(|&queries| queries < rows.len()).collect();
    milestones.push(rows.len());
    let names = ["queries", "different", "validation", "rank", "test", "rank"];
    let mut lines = Table::new(&names.map(|name| (name, Align::Right)));
    let mut chosen = None;
    for queries in milestones {
        let seen = rows.get(..queries).unwrap_or(rows);
        chosen = best(seen).or(chosen);
        lines.row(milestone(seen, chosen, table, dataset));
    }
    lines.print(output)?;
    if let Some(cell) = chosen {
        output.line("")?;
        output.line(format!("chosen cell: {cell}"))?;
    }
    output.line("")?;
    Ok(())
}

/// The cell with the highest fitness; of several the first.
fn best(rows: &[EvaluationRow]) -> Option<Cell> {
    let better = |best: &EvaluationRow, row: &EvaluationRow| row.fitness > best.fitness;
    let best = rows.iter().reduce(|best, row| if better(best, row) { row } else { best })?;
    best.fingerprint.as_deref()?.parse().ok()
}

fn milestone(
    rows: &[EvaluationRow],
    chosen: Option<Cell>,
    table: &Nasbench,
    dataset: Dataset,
) -> Vec<String> {
    let different: std::collections::BTreeSet<_> =
        rows.iter().filter_map(|row| row.fingerprint.as_deref()).collect();
    let mut line = vec![grouped(rows.len() as u64), grouped(different.len() as u64)];
    for score in [Score::Validation, Score::Test] {
        let figure = |cell| format!("{:.2} %", table.score(cell, dataset, score));
        let rank = |cell| grouped(table.rank(cell, dataset, score) as u64);
        line.push(chosen.map_or_else(|| "-".to_owned(), figure));
        line.push(chosen.map_or_else(|| "-".to_owned(), rank));
    }
    line
}
