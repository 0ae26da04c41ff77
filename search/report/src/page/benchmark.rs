//! Figure 4 on a page: all networks of a table as a density, those that were found, and what was chosen
//! after how many queries. The page holds no line of the table.

use crate::run::RunData;
use nasc_compiler::cell::Cell;
use nasc_search::benchmark::nasbench201::{Dataset, Score, Table};
use nasc_search::store::OverviewRow;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Columns and rows of the density.
const GRID: [usize; 2] = [120, 80];

/// Share of the networks that the density leaves out below.
const LEFT_OUT: f64 = 0.15;

/// After so many queries the best cell so far is told.
const MILESTONES: [usize; 4] = [200, 500, 1_000, 2_000];

/// A benchmark on a page.
#[derive(Debug, Serialize)]
pub struct TablePage {
    dataset: &'static str,
    macs: (f64, f64),
    accuracy: (f64, f64),
    columns: usize,
    rows: usize,
    /// Networks in each place of the grid, row by row from below.
    density: Vec<u32>,
    /// Candidate, multiply-accumulates, test accuracy, whether it is the best of its generation.
    found: Vec<(u64, f64, f64, bool)>,
    milestones: Vec<Milestone>,
}

/// What was chosen after so many queries.
#[derive(Debug, Serialize)]
struct Milestone {
    queries: usize,
    different: usize,
    validation: f64,
    validation_rank: usize,
    test: f64,
    test_rank: usize,
}

fn cell_of(row: &OverviewRow) -> Option<Cell> {
    row.fingerprint.as_deref()?.parse().ok()
}

impl TablePage {
    pub(super) fn new(run: &RunData, table: &Table, dataset: Dataset) -> Self {
        let place = |cell: Cell| {
            (table.macs(cell, dataset) as f64, table.score(cell, dataset, Score::Test))
        };
        let all: Vec<(f64, f64)> = Cell::all().map(place).collect();
        let mut accuracies: Vec<f64> = all.iter().map(|one| one.1).collect();
        accuracies.sort_by(f64::total_cmp);
        let from = (accuracies.len() as f64 * LEFT_OUT) as usize;
        let accuracy = (
            accuracies.get(from).copied().unwrap_or(0.0),
            accuracies.last().copied().unwrap_or(100.0) + 0.3,
        );
        let (least, most) = table.mac_bounds(dataset);
        let macs = (least as f64, most as f64 * 1.01);
        let best = best_of_generations(run);
        let found = |row: &OverviewRow| {
            let (macs, accuracy) = place(cell_of(row)?);
            Some((row.candidate.0, macs, accuracy, best.contains(&row.candidate.0)))
        };
        Self {
            dataset: dataset.name(),
            macs,
            accuracy,
            columns: GRID[0],
            rows: GRID[1],
            density: density(&all, macs, accuracy),
            found: run.candidates.iter().filter_map(found).collect(),
            milestones: milestones(run, table, dataset),
        }
    }
}

fn density(all: &[(f64, f64)], macs: (f64, f64), accuracy: (f64, f64)) -> Vec<u32> {
    let [columns, rows] = GRID;
    let mut counts = vec![0_u32; columns * rows];
    let place = |value: f64, (low, high): (f64, f64), count: usize| {
        (value >= low && value < high)
            .then(|| ((value - low) / (high - low) * count as f64) as usize)
    };
    for &(cost, score) in all {
        let column = place(cost, macs, columns);
        let Some((column, row)) = column.zip(place(score, accuracy, rows)) else { continue };
        if let Some(count) = counts.get_mut(row * columns + column) {
            *count += 1;
        }
    }
    counts
}

/// The fittest candidate of each generation.
fn best_of_generations(run: &RunData) -> BTreeSet<u64> {
    let mut best: BTreeMap<u32, &OverviewRow> = BTreeMap::new();
    for row in run.candidates.iter().filter(|row| row.fitness.is_some()) {
        let known = best.entry(row.generation).or_insert(row);
        if row.fitness > known.fitness {
            *known = row;
        }
    }
    best.into_values().map(|row| row.candidate.0).collect()
}

fn milestones(run: &RunData, table: &Table, dataset: Dataset) -> Vec<Milestone> {
    let queries: Vec<&OverviewRow> =
        run.candidates.iter().filter(|row| row.fitness.is_some()).collect();
    let mut ends: Vec<usize> =
        MILESTONES.into_iter().filter(|&count| count < queries.len()).collect();
    ends.push(queries.len());
    let milestone = |count: usize| {
        let seen = queries.get(..count)?;
        let better = |best: &&OverviewRow, row: &&OverviewRow| row.fitness > best.fitness;
        let best = seen
            .iter()
            .copied()
            .reduce(|best, row| if better(&best, &row) { row } else { best })?;
        let cell = cell_of(best)?;
        let different: BTreeSet<_> =
            seen.iter().filter_map(|row| row.fingerprint.as_deref()).collect();
        Some(Milestone {
            queries: count,
            different: different.len(),
            validation: table.score(cell, dataset, Score::Validation),
            validation_rank: table.rank(cell, dataset, Score::Validation),
            test: table.score(cell, dataset, Score::Test),
            test_rank: table.rank(cell, dataset, Score::Test),
        })
    };
    ends.into_iter().filter_map(milestone).collect()
}
