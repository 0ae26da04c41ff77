//! The networks whose texts a page holds: elites of all times and their ancestors, up to a number.

use crate::error::ReportError;
use crate::run::RunData;
use nasc_search::state::CandidateId;
use nasc_search::store::{OverviewRow, RunReader};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Networks that are shown with their texts.
const MOST_NETWORKS: usize = 1_500;

/// Of an epoch its number, loss and accuracy of training, and of validation where it was measured.
type Epoch = (u32, f64, f64, Option<f64>, Option<f64>);

/// What a page tells of a network beyond its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkPage {
    source: String,
    temperature: Option<f64>,
    curve: Vec<Epoch>,
    cell: Option<u32>,
    has_weights: bool,
}

/// The networks of a run: first the elites of the end, then their ancestors, then earlier elites.
pub(super) fn of(run: &RunData) -> Result<BTreeMap<u64, NetworkPage>, ReportError> {
    let reader = RunReader::open(&run.directory)?;
    let rows: BTreeMap<CandidateId, &OverviewRow> =
        run.candidates.iter().map(|row| (row.candidate, row)).collect();
    let last: Vec<CandidateId> = run.elites.iter().map(|elite| elite.candidate.candidate).collect();
    let weights: BTreeSet<CandidateId> = run
        .elites
        .iter()
        .filter(|elite| elite.weights.is_some())
        .map(|elite| elite.candidate.candidate)
        .collect();
    let cells: BTreeMap<CandidateId, u32> =
        run.elites.iter().map(|elite| (elite.candidate.candidate, elite.cell)).collect();
    let ancestors = ancestors(&last, &rows);
    let earlier = run.residents.iter().rev().map(|resident| resident.candidate);
    let mut wanted = BTreeSet::new();
    for candidate in last.iter().copied().chain(ancestors).chain(earlier) {
        if wanted.len() >= MOST_NETWORKS {
            break;
        }
        wanted.insert(candidate);
    }
    let mut pages = BTreeMap::new();
    for candidate in wanted {
        let Some(row) = reader.candidate(candidate)? else { continue };
        let Some(source) = row.source else { continue };
        let curve = row.curve.iter();
        let network = NetworkPage {
            source,
            temperature: row.instruction.map(|_| row.temperature),
            curve: curve
                .map(|one| (one.epoch, one.train_loss, one.train_accuracy, one.loss, one.accuracy))
                .collect(),
            cell: cells.get(&candidate).copied(),
            has_weights: weights.contains(&candidate),
        };
        pages.insert(candidate.0, network);
    }
    Ok(pages)
}

/// Parents, their parents and so on.
fn ancestors(of: &[CandidateId], rows: &BTreeMap<CandidateId, &OverviewRow>) -> Vec<CandidateId> {
    let mut found = BTreeSet::new();
    let mut next: Vec<CandidateId> = of.to_vec();
    while let Some(candidate) = next.pop() {
        let Some(row) = rows.get(&candidate) else { continue };
        next.extend(row.parents.iter().filter(|&&parent| found.insert(parent)));
    }
    found.into_iter().collect()
}
