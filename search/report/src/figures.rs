//! Which figures there are of runs, as files: `figure1` to `figure4` of the paper.

use crate::ablation::VariantFigures;
use crate::error::ReportError;
use crate::passive;
use crate::plot::{Cloud, Lines, Map, Maps, save};
use crate::run::RunData;
use crate::ticks;
use crate::voronoi;
use nasc_compiler::cell::Cell;
use nasc_search::archive::{Axis, Scale};
use nasc_search::benchmark::nasbench201::{Dataset, Score, Table};
use nasc_search::state::CandidateId;
use nasc_search::store::OverviewRow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Share of a table's networks that Figure 4 leaves out below.
const LEFT_OUT: f64 = 0.15;

/// Writes Figures 1 and 2 of variants into a folder.
///
/// # Errors
/// Those of [`save`].
pub fn of_variants(
    variants: &[VariantFigures],
    folder: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    written.extend(save(&Lines::accuracy_and_loss(variants), &folder.join("figure1"))?);
    written.extend(save(&Lines::trainable(variants), &folder.join("figure2"))?);
    Ok(written)
}

/// Writes Figure 3 of a run into a folder; nothing if its archives have no two axes.
///
/// # Errors
/// Those of [`save`].
pub fn of_archives(run: &RunData, folder: &Path, name: &str) -> Result<Vec<PathBuf>, ReportError> {
    let maps: Vec<Map> = network_map(run).into_iter().chain(prompt_map(run)).collect();
    if maps.is_empty() {
        return Ok(Vec::new());
    }
    Ok(save(&Maps { maps }, &folder.join(name))?.to_vec())
}

/// Writes Figure 4 of a run on a table into a folder.
///
/// # Errors
/// Those of [`save`].
pub fn of_table(
    run: &RunData,
    table: &Table,
    dataset: Dataset,
    folder: &Path,
    name: &str,
) -> Result<Vec<PathBuf>, ReportError> {
    Ok(save(&cloud(run, table, dataset), &folder.join(name))?.to_vec())
}

/// The network archive, or the one that the run's networks would have filled.
fn network_map(run: &RunData) -> Option<Map> {
    let cells = voronoi::cells(run.centroids());
    let [first, second] = run.axes() else { return None };
    let fitness: BTreeMap<CandidateId, f64> =
        run.candidates.iter().filter_map(|row| Some((row.candidate, row.fitness?))).collect();
    let residents = passive::at_end(run)?;
    let of_cell = |(cell, candidate)| Some((cell, *fitness.get(&candidate)?));
    Some(Map {
        title: "Networks by accuracy".to_owned(),
        names: [axis_name(first), axis_name(second)],
        ticks: [ticks::of_axis(first), ticks::of_axis(second)],
        cells,
        fitness: residents.residents().filter_map(of_cell).collect(),
        is_share: true,
    })
}

/// `macs, logarithmic`.
fn axis_name(axis: &Axis) -> String {
    let name = axis.name().replace('_', " ");
    match axis.scale() {
        Scale::Linear => name,
        Scale::Logarithmic => format!("{name}, logarithmic"),
    }
}

/// The prompt archive, if the run has one and a language model that uses it.
fn prompt_map(run: &RunData) -> Option<Map> {
    let last = run.prompt_history.last()?.0;
    let elites = run.prompt_history.iter().filter(|(generation, _)| *generation == last);
    if !run.config.archives.has_prompts() {
        return None;
    }
    let unit = || ticks::linear(0.0, 1.0, 5);
    Some(Map {
        title: "Prompts by collective fitness".to_owned(),
        names: ["instruction".to_owned(), "temperature".to_owned()],
        ticks: [unit(), unit()],
        cells: voronoi::cells(&run.record.prompt_centroids),
        fitness: elites.map(|(_, elite)| (elite.cell as usize, elite.fitness)).collect(),
        is_share: false,
    })
}

fn cloud(run: &RunData, table: &Table, dataset: Dataset) -> Cloud {
    let place =
        |cell: Cell| (table.macs(cell, dataset) as f64, table.score(cell, dataset, Score::Test));
    let all: Vec<(f64, f64)> = Cell::all().map(place).collect();
    let mut accuracies: Vec<f64> = all.iter().map(|&(_, accuracy)| accuracy).collect();
    accuracies.sort_by(f64::total_cmp);
    let left_out = (accuracies.len() as f64 * LEFT_OUT) as usize;
    let cell_of = |row: &OverviewRow| row.fingerprint.as_deref()?.parse::<Cell>().ok();
    let mut best: BTreeMap<u32, &OverviewRow> = BTreeMap::new();
    for row in run.candidates.iter().filter(|row| row.fitness.is_some()) {
        let known = best.entry(row.generation).or_insert(row);
        if row.fitness > known.fitness {
            *known = row;
        }
    }
    Cloud {
        title: format!("NAS-Bench-201 on {}", dataset.name()),
        all,
        found: run.candidates.iter().filter_map(cell_of).map(place).collect(),
        best: best.into_values().filter_map(cell_of).map(place).collect(),
        from: accuracies.get(left_out).copied().unwrap_or(0.0),
    }
}
