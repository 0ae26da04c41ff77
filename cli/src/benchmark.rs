//! `nasc benchmark`: brings the table of a tabular benchmark into the cache folder and asks it.
//! Deliberately not here: searching with it; see `search`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use nasc_compiler::cell::Cell;
use nasc_compiler::{CompileOptions, source::SourceFile};
use nasc_search::benchmark::nasbench201::{self, Dataset, Score, Table as Nasbench};

use crate::error::{CliError, Exit};
use crate::number::{bytes, grouped, seconds};
use crate::output::{Environment, Output};
use crate::table::{Align, Table};

/// Import the table of a benchmark, and ask it what a network scores.
#[derive(Debug, Args)]
pub struct BenchmarkArgs {
    #[command(subcommand)]
    command: BenchmarkCommand,
}

#[derive(Debug, Subcommand)]
enum BenchmarkCommand {
    /// Turn a table into the compact file of the cache folder; see docs/benchmark.md.
    Import {
        /// The benchmark: nasbench201.
        name: String,
        /// The table as CSV, compressed with gzip or not.
        file: PathBuf,
    },
    /// What a cell scores, and its place among all.
    Query {
        /// The cell's string, such as '|nor_conv_3x3~0|+|none~0|...|', or a Python file.
        cell: String,
        /// On one data set alone: cifar10, cifar100 or imagenet16-120.
        #[arg(long, value_name = "NAME", value_parser = dataset)]
        dataset: Option<Dataset>,
    },
}

pub(crate) fn run(
    args: &BenchmarkArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match &args.command {
        BenchmarkCommand::Import { name, file } => import(name, file, environment, output)?,
        BenchmarkCommand::Query { cell, dataset } => {
            let cell = named(cell)?;
            let table = Nasbench::open(&environment.cache)?;
            let datasets = dataset.as_ref().map_or(&Dataset::ALL[..], std::slice::from_ref);
            query(&table, cell, datasets, output)?;
        }
    }
    Ok(Exit::Success)
}

/// A data set of the benchmark by its name.
pub(crate) fn dataset(name: &str) -> Result<Dataset, String> {
    let known = Dataset::ALL.map(Dataset::name).join(", ");
    Dataset::from_name(name).ok_or_else(|| format!("it is one of {known}"))
}

fn import(
    name: &str,
    file: &Path,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    require_known(name)?;
    let table = Nasbench::import(file)?;
    let path = table.save(&environment.cache)?;
    let size = table.to_bytes().len() as u64;
    let cells = grouped(Cell::COUNT as u64);
    output.line(format!("{}: {cells} cells, {}", path.display(), bytes(size)))?;
    output.remark("use it with: nasc search --benchmark nasbench201 --dataset cifar10")?;
    Ok(())
}

/// Whether there is a benchmark of this name.
pub(crate) fn require_known(name: &str) -> Result<(), CliError> {
    if name == nasbench201::NAME {
        return Ok(());
    }
    let reason = format!("`{name}` is no benchmark that nasc knows; there is nasbench201");
    Err(CliError::Argument { argument: "benchmark", reason })
}

/// The cell of a string, or the one that a file's network is.
fn named(text: &str) -> Result<Cell, CliError> {
    let wrong = |reason| CliError::Argument { argument: "benchmark query", reason };
    if Path::new(text).extension().is_none_or(|extension| extension != "py") {
        return text.parse().map_err(|error| wrong(format!("{error}")));
    }
    let path = PathBuf::from(text);
    let source =
        std::fs::read_to_string(&path).map_err(|source| CliError::Read { path, source })?;
    let compiled =
        nasc_compiler::compile(&SourceFile::new(text, source), &CompileOptions::image(16, 32, 32));
    let cell = compiled.ok().and_then(|compiled| Cell::of_graph(&compiled.graph).ok());
    cell.ok_or_else(|| wrong(format!("{text} is no cell; `nasc check {text} --cell` says why")))
}

fn query(
    table: &Nasbench,
    cell: Cell,
    datasets: &[Dataset],
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    output.line(cell.to_string())?;
    let stands_for = cell.representative();
    if stands_for != cell {
        output.line(format!(
            "computes the same as {stands_for}, which it is taken for in a search"
        ))?;
    }
    output.line("")?;
    let mut rows = Table::new(&[("", Align::Left)]);
    for dataset in datasets {
        rows.column(dataset.name(), Align::Right);
    }
    for (name, score) in [
        ("validation accuracy", Score::Validation),
        ("test accuracy", Score::Test),
        ("validation, 12 epochs", Score::ShortValidation),
        ("test, 12 epochs", Score::ShortTest),
    ] {
        let accuracy = |&dataset| format!("{:.2} %", table.score(cell, dataset, score));
        rows.row(std::iter::once(name.to_owned()).chain(datasets.iter().map(accuracy)));
        let rank = |&dataset| grouped(table.rank(cell, dataset, score) as u64);
        rows.row(std::iter::once("  rank".to_owned()).chain(datasets.iter().map(rank)));
    }
    let mut figure = |name: &str, of: &dyn Fn(Dataset) -> String| {
        rows.row(std::iter::once(name.to_owned()).chain(datasets.iter().map(|&set| of(set))));
    };
    figure("parameters", &|set| grouped(table.params(cell, set)));
    figure("MACs", &|set| grouped(table.macs(cell, set)));
    figure("training, 200 epochs", &|set| seconds(table.score(cell, set, Score::Seconds)));
    rows.print(output)?;
    Ok(())
}
