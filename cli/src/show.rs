//! `nasc show`: the summary of a search's folder, also while the search runs, or one of its candidates.

mod candidate;
mod front;
mod health;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use clap::Args;
use nasc_search::archive::ArchiveStats;
use nasc_search::config::{FitnessSplit, SearchConfig};
use nasc_search::error::SearchError;
use nasc_search::measures::Descriptor;
use nasc_search::run::{Space, Task};
use nasc_search::store::{EliteRow, RunReader, RunRecord, RunSummary, Seconds};

use crate::error::{CliError, Exit};
use crate::kept::{self, Kept};
use crate::number::{grouped, percent, ratio, seconds};
use crate::output::{Environment, Output};
use crate::search;
use crate::table::{Align, Table};

/// Show the summary of a search and its best networks.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run's folder.
    directory: PathBuf,
    /// Networks to list.
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Print the source of one candidate instead.
    #[arg(long, value_name = "NUMBER")]
    source: Option<u64>,
    /// Print everything that is known of one candidate instead: where it comes from, its verdict, what
    /// is wrong with it, its figures, its source.
    #[arg(long, value_name = "NUMBER", conflicts_with = "source")]
    candidate: Option<u64>,
    /// Print the archives' health of every generation instead.
    #[arg(long, conflicts_with_all = ["source", "candidate"])]
    generations: bool,
    /// Print the networks that no other beats in fitness and in these costs instead: macs, params,
    /// peak_activation_bytes, latency, depth, width, width_to_depth.
    #[arg(long, value_name = "COSTS", value_delimiter = ',', value_parser = front::descriptor, conflicts_with_all = ["source", "candidate", "generations"])]
    front: Vec<Descriptor>,
}

pub(crate) fn run(
    args: &ShowArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let reader = RunReader::open(&args.directory)?;
    match (args.source, args.candidate) {
        (Some(number), _) => source(&reader, number, output)?,
        (None, Some(number)) => candidate::show(&reader, number, output)?,
        (None, None) if args.generations => health::print(&reader, true, output)?,
        (None, None) if !args.front.is_empty() => front::print(&reader, &args.front, output)?,
        (None, None) => summary(&args.directory, &reader, args.top, environment, output)?,
    }
    Ok(Exit::Success)
}

fn source(reader: &RunReader, number: u64, output: &mut Output<'_>) -> Result<(), CliError> {
    let candidate = reader.candidate(nasc_search::state::CandidateId(number))?;
    let found = candidate.and_then(|candidate| candidate.source);
    let source = found.ok_or_else(|| {
        let reason = format!("candidate {number} does not exist or has no source");
        CliError::Argument { argument: "--source", reason }
    })?;
    output.line(source.trim_end())?;
    Ok(())
}

/// The summary table, the best networks, and what to type next.
pub(crate) fn summary(
    directory: &Path,
    reader: &RunReader,
    top: usize,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let record = reader.record()?;
    let config = record.read_config().map_err(SearchError::from)?;
    let mut elites = reader.elites()?;
    elites.sort_by(better_first);
    output.line(format!("run {}, seed {}, {}", directory.display(), record.seed, record.model))?;
    output.line(equipment(directory, &record, &config)?)?;
    output.line("")?;
    let task = record.read_task().map_err(|error| corrupt(directory, &error))?;
    let mut table = totals(&reader.summary()?, &config, task.space, elites.first());
    shortcuts(reader, &config, &mut table)?;
    table.print(output)?;
    output.line("")?;
    networks(&elites, top).print(output)?;
    output.line("")?;
    health::print(reader, false, output)?;
    search::benchmark::summary(reader, environment, output)?;
    lost_weights(directory, &task, &elites, output)?;
    next_command(directory, elites.first(), output)
}

/// `decoding shape, 2 threads, no layer on a GPU`.
fn equipment(
    directory: &Path,
    record: &RunRecord,
    config: &SearchConfig,
) -> Result<String, CliError> {
    let equipment = record.read_equipment().map_err(|error| corrupt(directory, &error))?;
    let decoding = config.language_model.decoding.name();
    let gpu = match equipment.gpu_layers {
        0 => "no layer on a GPU".to_owned(),
        layers => format!("{layers} layers on a GPU"),
    };
    Ok(format!("decoding {decoding}, {} threads, {gpu}", equipment.threads))
}

fn corrupt(directory: &Path, what: &impl ToString) -> CliError {
    SearchError::Corrupt { path: directory.to_owned(), what: what.to_string() }.into()
}

/// A line for each network whose weights cannot be used. In a search that is not over they may be on
/// their way.
fn lost_weights(
    directory: &Path,
    task: &Task,
    elites: &[EliteRow],
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    if task.space == Space::Cells {
        return Ok(());
    }
    for elite in elites {
        if let Kept::Lost(reason) = kept::weights(directory, &task.data, elite) {
            output.remark(reason)?;
        }
    }
    Ok(())
}

/// By fitness; of equally fit ones the one with the lower loss, as in the archive.
fn better_first(one: &EliteRow, other: &EliteRow) -> Ordering {
    let fitness = |elite: &EliteRow| elite.candidate.fitness.unwrap_or(f64::NEG_INFINITY);
    let loss = |elite: &EliteRow| elite.candidate.loss.unwrap_or(f64::INFINITY);
    let by_fitness = fitness(other).total_cmp(&fitness(one));
    by_fitness.then(loss(one).total_cmp(&loss(other))).then(one.cell.cmp(&other.cell))
}

fn totals(
    summary: &RunSummary,
    config: &SearchConfig,
    space: Space,
    best: Option<&EliteRow>,
) -> Table {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Right), ("", Align::Left)]);
    let mut row = |name: &str, figure: String, remark: String| {
        table.row([name.to_owned(), figure, remark]);
    };
    let candidates = summary.candidates;
    let share = |part: u64| ratio(part, candidates);
    row("candidates", grouped(candidates), format!("in {} generations", summary.generations));
    row("parsed", grouped(summary.parsed), share(summary.parsed));
    row("checked", grouped(summary.checked), share(summary.checked));
    match space {
        Space::Networks => {
            row("trained", grouped(summary.trained), share(summary.trained));
            let untrained = summary.evaluated - summary.trained;
            row("scored untrained", grouped(untrained), "by the random phase".to_owned());
        }
        Space::Cells => row("looked up", grouped(summary.evaluated), share(summary.evaluated)),
    }
    if summary.repeated > 0 {
        row("known already", grouped(summary.repeated), share(summary.repeated));
    }
    row("distinct networks", grouped(summary.distinct), share(summary.distinct));
    let network_cells = config.network_archive.cells;
    row("network archive", cells(summary.networks), format!("of {network_cells} cells"));
    let prompt_cells = config.prompt_archive.cells;
    row("prompt archive", cells(summary.prompts), format!("of {prompt_cells} cells"));
    if let Some(stats) = summary.networks {
        row("QD score", format!("{:.2}", stats.qd_score), String::new());
    }
    row("clipped", percent(summary.clipped_share), "outside of an axis".to_owned());
    accuracies(config, best, &mut row);
    times(&summary.seconds, &mut row);
    table
}

/// What successive halving and the filter before training saved.
fn shortcuts(reader: &RunReader, config: &SearchConfig, table: &mut Table) -> Result<(), CliError> {
    if config.training.filter.is_some() {
        let count = grouped(reader.refused("unpromising")?);
        table.row(["unpromising".to_owned(), count, "not trained".to_owned()]);
    }
    if config.training.halving.is_some() {
        let (epochs, networks) = reader.epochs()?;
        let share = ratio(epochs, networks * u64::from(config.training.epochs));
        table.row(["epochs trained".to_owned(), grouped(epochs), format!("{share} of all")]);
    }
    Ok(())
}

fn cells(stats: Option<ArchiveStats>) -> String {
    stats.map_or_else(|| "-".to_owned(), |stats| grouped(stats.num_elites as u64))
}

type RowSink<'a> = &'a mut dyn FnMut(&str, String, String);

fn accuracies(config: &SearchConfig, best: Option<&EliteRow>, row: RowSink<'_>) {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
    let of =
        best.map_or_else(String::new, |elite| format!("network {}", elite.candidate.candidate.0));
    let fitness = best.and_then(|elite| elite.candidate.fitness);
    let test = best.and_then(|elite| elite.candidate.test_accuracy);
    match config.training.fitness_split {
        FitnessSplit::Validation => {
            row("best validation accuracy", share(fitness), of);
            row("its test accuracy", share(test), String::new());
        }
        FitnessSplit::Test => {
            let remark = format!("{of}, chosen by it, as in the paper");
            row("best test accuracy", share(fitness), remark);
        }
    }
}

fn times(spent: &Seconds, row: RowSink<'_>) {
    row("wall time", seconds(spent.total), String::new());
    let parts = [
        ("  language model", spent.llm),
        ("  compile", spent.compile),
        ("  training", spent.train),
        ("  test", spent.test),
        ("  other", spent.other),
    ];
    for (name, part) in parts {
        let share = if spent.total > 0.0 { percent(part / spent.total) } else { String::new() };
        row(name, seconds(part), share);
    }
}

fn networks(elites: &[EliteRow], top: usize) -> Table {
    let mut table = Table::new(&[
        ("network", Align::Right),
        ("cell", Align::Right),
        ("fitness", Align::Right),
        ("test", Align::Right),
        ("parameters", Align::Right),
        ("MACs", Align::Right),
        ("width/depth", Align::Right),
        ("from", Align::Left),
    ]);
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
    for EliteRow { cell, candidate, .. } in elites.iter().take(top) {
        let cost = candidate.cost.as_ref();
        let figure = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), grouped);
        table.row([
            candidate.candidate.0.to_string(),
            cell.to_string(),
            share(candidate.fitness),
            share(candidate.test_accuracy),
            figure(cost.map(|cost| cost.params)),
            figure(cost.map(|cost| cost.macs)),
            cost.map_or_else(|| "-".to_owned(), |cost| format!("{:.2}", cost.width_to_depth)),
            candidate.operator.clone(),
        ]);
    }
    table
}

fn next_command(
    directory: &Path,
    best: Option<&EliteRow>,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let directory = directory.display();
    if let Some(best) = best {
        let number = best.candidate.candidate.0;
        output.line(format!("next: nasc show {directory} --source {number} > best.py"))?;
    } else {
        output.line(format!("next: nasc search --resume {directory}"))?;
    }
    Ok(())
}
