//! What a page shows, as the script wants it. Written into each page, so it is no format to keep.

use super::benchmark::TablePage;
use super::networks::{self, NetworkPage};
use crate::ablation::VariantFigures;
use crate::error::ReportError;
use crate::health::{Health, health};
use crate::passive;
use crate::run::RunData;
use crate::series::{Step, steps};
use crate::ticks::{self, Tick};
use crate::voronoi;
use nasc_search::archive::{Axis, Scale};
use nasc_search::benchmark::nasbench201::{Dataset, Table};
use nasc_search::proposer::ProposerKind;
use nasc_search::run::Space;
use nasc_search::store::{DiagnosticCount, OverviewRow, RunSummary};
use serde::Serialize;
use std::collections::BTreeMap;

/// Candidates that a page holds of a run, in figures.
const MOST_CANDIDATES: usize = 20_000;

/// A page.
#[derive(Debug, Serialize)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Whether several runs are compared.
    pub compares: bool,
    /// Whether a server has newer data.
    pub live: bool,
    /// What the variants came to.
    pub variants: Vec<VariantFigures>,
    /// The runs that can be looked into.
    pub runs: Vec<RunPage>,
}

/// A run on a page.
#[derive(Debug, Serialize)]
pub struct RunPage {
    name: String,
    directory: String,
    seed: u64,
    preset: &'static str,
    proposer: &'static str,
    prompts_used: bool,
    model: String,
    data: String,
    data_spec: String,
    cells_searched: bool,
    evaluator: String,
    split: &'static str,
    finished: bool,
    evolved: u32,
    generations: u32,
    config: String,
    summary: RunSummary,
    best: Option<u64>,
    archives: &'static str,
    axes: Vec<AxisPage>,
    cells: Vec<Vec<[f64; 2]>>,
    cell_count: usize,
    history: Vec<GenerationPage>,
    prompt_cells: Vec<Vec<[f64; 2]>>,
    prompt_history: Vec<PromptGenerationPage>,
    instructions: Vec<String>,
    candidates: Vec<CandidatePage>,
    left_out: usize,
    networks: BTreeMap<u64, NetworkPage>,
    steps: Vec<Step>,
    health: Vec<Health>,
    warnings: Vec<String>,
    diagnostics: Vec<DiagnosticCount>,
    table: Option<TablePage>,
}

#[derive(Debug, Serialize)]
struct AxisPage {
    name: String,
    logarithmic: bool,
    min: f64,
    max: f64,
    ticks: Vec<Tick>,
}

/// The network archive at the end of a generation: cell and candidate.
#[derive(Debug, Serialize)]
struct GenerationPage {
    generation: u32,
    residents: Vec<(u32, u64)>,
}

/// The prompt archive at the end of a generation: cell, instruction, temperature, curiosity, fitness.
#[derive(Debug, Serialize)]
struct PromptGenerationPage {
    generation: u32,
    residents: Vec<(u32, u32, f64, f64, f64)>,
}

/// A candidate in figures, as a list to be short.
#[derive(Debug, Serialize)]
struct CandidatePage(
    u64,                      // number
    u32,                      // generation
    String,                   // operator
    Option<String>,           // verdict
    Option<f64>,              // fitness
    Option<f64>,              // loss
    Option<f64>,              // test accuracy
    Option<[Option<f64>; 7]>, // params, macs, peak bytes, depth, width, ratio, latency
    Option<u32>,              // instruction
    bool,                     // entered the archive
    Vec<u64>,                 // parents
    Option<u64>,              // repeats
    Option<Vec<f64>>,         // coordinates on the archive's axes
);

impl RunPage {
    /// A run under a name. The table of its benchmark, if it searches one and the table is there, makes
    /// Figure 4.
    ///
    /// # Errors
    /// [`ReportError::Search`] if the texts of its networks cannot be read.
    pub fn new(
        name: &str,
        run: &RunData,
        table: Option<(&Table, Dataset)>,
    ) -> Result<Self, ReportError> {
        let (health, wrong) = health(run);
        let kind = run.config.proposer.kind;
        let kept = kept(run);
        Ok(Self {
            name: name.to_owned(),
            directory: run.directory.display().to_string(),
            seed: run.record.seed,
            preset: run.config.preset.name(),
            proposer: kind.name(),
            prompts_used: kind == ProposerKind::Model,
            model: run.record.model.clone(),
            data: run.task.data_name().to_owned(),
            data_spec: run.task.data.clone(),
            cells_searched: run.task.space == Space::Cells,
            evaluator: run.record.evaluator.clone(),
            split: run.config.training.fitness_split.name(),
            finished: run.is_finished(),
            evolved: run.evolved,
            generations: run.config.generations,
            config: run.record.config.clone(),
            summary: run.summary.clone(),
            best: run.best().map(|best| best.candidate.candidate.0),
            archives: run.config.archives.name(),
            axes: run.axes().iter().map(axis).collect(),
            cells: rounded(voronoi::cells(run.centroids())),
            cell_count: run.centroids().points().len(),
            history: history(run),
            prompt_cells: prompt_cells(run),
            prompt_history: prompt_history(run),
            instructions: run.instructions.clone(),
            left_out: run.candidates.len() - kept.len(),
            candidates: kept.into_iter().map(|row| candidate(run, row)).collect(),
            networks: networks::of(run)?,
            steps: steps(run),
            health,
            warnings: wrong.iter().map(ToString::to_string).collect(),
            diagnostics: run.diagnostics.clone(),
            table: table.map(|(table, dataset)| TablePage::new(run, table, dataset)),
        })
    }
}

fn axis(axis: &Axis) -> AxisPage {
    let (min, max) = axis.range();
    AxisPage {
        name: axis.name().to_owned(),
        logarithmic: axis.scale() == Scale::Logarithmic,
        min,
        max,
        ticks: ticks::of_axis(axis),
    }
}

/// Four digits are a tenth of a pixel.
fn rounded(cells: Vec<Vec<[f64; 2]>>) -> Vec<Vec<[f64; 2]>> {
    let round = |corner: [f64; 2]| corner.map(|value| (value * 1e4).round() / 1e4);
    cells.into_iter().map(|cell| cell.into_iter().map(round).collect()).collect()
}

/// The archive by generation; where a population stands in its place, what the networks would have
/// filled at the end.
fn history(run: &RunData) -> Vec<GenerationPage> {
    if !run.config.archives.has_networks() {
        let residents = passive::at_end(run).into_iter().flat_map(|archive| {
            archive.residents().map(|(cell, one)| (cell as u32, one.0)).collect::<Vec<_>>()
        });
        let generation = run.generations.last().map_or(0, |row| row.generation);
        return vec![GenerationPage { generation, residents: residents.collect() }];
    }
    let mut pages: Vec<GenerationPage> = Vec::new();
    for resident in &run.residents {
        let entry = (resident.cell, resident.candidate.0);
        match pages.last_mut().filter(|page| page.generation == resident.generation) {
            Some(page) => page.residents.push(entry),
            None => pages
                .push(GenerationPage { generation: resident.generation, residents: vec![entry] }),
        }
    }
    pages
}

fn prompt_cells(run: &RunData) -> Vec<Vec<[f64; 2]>> {
    let has = run.config.archives.has_prompts() && !run.prompt_history.is_empty();
    if has { rounded(voronoi::cells(&run.record.prompt_centroids)) } else { Vec::new() }
}

fn prompt_history(run: &RunData) -> Vec<PromptGenerationPage> {
    let mut pages: Vec<PromptGenerationPage> = Vec::new();
    for (generation, elite) in &run.prompt_history {
        let entry =
            (elite.cell, elite.instruction, elite.temperature, elite.curiosity, elite.fitness);
        match pages.last_mut().filter(|page| page.generation == *generation) {
            Some(page) => page.residents.push(entry),
            None => {
                pages.push(PromptGenerationPage { generation: *generation, residents: vec![entry] })
            }
        }
    }
    pages
}

/// All candidates or, of a long run, evenly spaced ones and every elite that there ever was.
fn kept(run: &RunData) -> Vec<&OverviewRow> {
    let every = run.candidates.len().div_ceil(MOST_CANDIDATES).max(1);
    let elites: std::collections::BTreeSet<_> =
        run.residents.iter().map(|resident| resident.candidate).collect();
    let wanted = |(place, row): &(usize, &OverviewRow)| {
        place % every == 0 || elites.contains(&row.candidate)
    };
    run.candidates.iter().enumerate().filter(wanted).map(|(_, row)| row).collect()
}

fn candidate(run: &RunData, row: &OverviewRow) -> CandidatePage {
    let figures = row.cost.as_ref().map(|cost| {
        [
            Some(cost.params as f64),
            Some(cost.macs as f64),
            Some(cost.peak_activation_bytes as f64),
            Some(cost.depth as f64),
            Some(cost.width as f64),
            Some(cost.width_to_depth),
            cost.latency_seconds,
        ]
    });
    let coordinates = row.cost.as_ref().filter(|_| row.fitness.is_some()).map(|cost| {
        let descriptors = run.config.descriptors();
        let at = |(axis, descriptor): (&Axis, nasc_search::measures::Descriptor)| {
            (axis.coordinate(descriptor.value(cost)).coordinate * 1e4).round() / 1e4
        };
        run.axes().iter().zip(descriptors).map(at).collect()
    });
    CandidatePage(
        row.candidate.0,
        row.generation,
        row.operator.clone(),
        row.verdict.clone(),
        row.fitness,
        row.loss,
        row.test_accuracy,
        figures,
        row.instruction,
        row.add_status.is_some_and(nasc_search::archive::AddStatus::entered),
        row.parents.iter().map(|parent| parent.0).collect(),
        row.repeats.map(|earlier| earlier.0),
        coordinates,
    )
}
