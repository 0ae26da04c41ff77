//! Cells of a table, each in a network like the benchmark's.

use nasc_compiler::cell::Cell;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, cost};
use nasc_runtime::data::Dataset;
use nasc_search::benchmark::nasbench201::{Score, Table as Nasbench, network};
use nasc_search::seed::{Purpose, Seed};

use super::{Known, ProxiesArgs};
use crate::data as data_command;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// The images, and different cells drawn by the seed with their test accuracies.
pub(super) fn networks(
    args: &ProxiesArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(Dataset, Vec<Known>, String), CliError> {
    crate::benchmark::require_known(args.benchmark.as_deref().unwrap_or_default())?;
    let table = Nasbench::open(&environment.cache)?;
    let spec = args.data.as_deref().unwrap_or(args.dataset.name());
    let options = data_command::options(environment);
    let data = data_command::open(spec, &options, &mut Progress::new(output))?;
    let [channels, height, width] = data.shape().dims().map(|extent| extent as u64);
    let options = CompileOptions::image(channels, height, width);
    let mut networks = Vec::new();
    for cell in drawn(args) {
        let text = network(cell, args.cells, data.classes() as u64);
        let compiled = compile(&SourceFile::new("network.py", text), &options).map_err(|_| {
            let reason = format!("{spec} has images that the benchmark's network does not take");
            CliError::Argument { argument: "--data", reason }
        })?;
        let report = cost::analyze(&compiled.graph);
        networks.push(Known {
            graph: compiled.graph,
            accuracy: table.score(cell, args.dataset, Score::Test),
            params: report.trainable_params as f64,
            macs: report.macs as f64,
        });
    }
    let what = format!("of {} with {} cells a stage", args.dataset.name(), args.cells);
    Ok((data, networks, what))
}

/// Cells that stand for themselves, in an order that the seed gives.
fn drawn(args: &ProxiesArgs) -> Vec<Cell> {
    let seed = Seed::new(args.seed);
    let mut cells: Vec<(u64, Cell)> = Cell::all()
        .filter(|cell| cell.representative() == *cell)
        .map(|cell| (seed.derive(Purpose::Edit, &[cell.number() as u64]), cell))
        .collect();
    cells.sort_by_key(|(order, _)| *order);
    cells.into_iter().map(|(_, cell)| cell).take(args.networks).collect()
}
