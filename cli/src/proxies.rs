//! `nasc proxies`: how well zero-cost proxies order networks that were trained: those of a run, or cells
//! of a benchmark's table.

mod cells;
mod trained;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use nasc_compiler::ir::CheckedGraph;
use nasc_report::rank::correlation;
use nasc_runtime::data::Dataset;
use nasc_runtime::proxy::Proxy;
use nasc_runtime::train::TrainConfig;
use nasc_search::benchmark::nasbench201;

use crate::error::{CliError, Exit};
use crate::interrupt;
use crate::number::grouped;
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::table::{Align, Table};

/// Measure how well scores of untrained networks agree with what training comes to.
#[derive(Debug, Args)]
pub struct ProxiesArgs {
    /// The folder of a run whose trained networks are scored.
    #[arg(required_unless_present = "benchmark", conflicts_with = "benchmark")]
    directory: Option<PathBuf>,
    /// Score cells of a benchmark's table instead: nasbench201.
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
    /// The benchmark's data set: cifar10, cifar100 or imagenet16-120.
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = crate::benchmark::dataset)]
    dataset: nasbench201::Dataset,
    /// The data set whose images networks are scored on; a run has its own.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Most networks that are scored.
    #[arg(long, default_value_t = 200)]
    networks: usize,
    /// Cells in each stage of the benchmark's network, which has 5.
    #[arg(long, default_value_t = 1)]
    cells: u32,
    /// Images that a network is scored on.
    #[arg(long, default_value = "32")]
    images: NonZeroUsize,
    /// Seed of the first weights, and of which cells are taken.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A network and what training it came to.
struct Known {
    graph: CheckedGraph,
    accuracy: f64,
    params: f64,
    macs: f64,
}

pub(crate) fn run(
    args: &ProxiesArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let (data, networks, what) = match &args.directory {
        Some(directory) => trained::networks(directory, args, environment, output)?,
        None => cells::networks(args, environment, output)?,
    };
    output.line(format!("{} networks {what}, {} images", networks.len(), args.images))?;
    output.line("")?;
    let mut table = Table::new(&[
        ("score", Align::Left),
        ("networks", Align::Right),
        ("Spearman", Align::Right),
        ("Kendall", Align::Right),
        ("seconds each", Align::Right),
    ]);
    for proxy in Proxy::ALL {
        let Some((pairs, seconds)) = scored(proxy, &networks, &data, args, output)? else {
            return Ok(Exit::Interrupted);
        };
        row(&mut table, proxy.name(), &pairs, Some(seconds));
    }
    let figure = |of: fn(&Known) -> f64| -> Vec<(f64, f64)> {
        networks.iter().map(|network| (of(network), network.accuracy)).collect()
    };
    row(&mut table, "parameters", &figure(|network| network.params), None);
    row(&mut table, "MACs", &figure(|network| network.macs), None);
    table.print(output)?;
    Ok(Exit::Success)
}

/// Pairs of a score and an accuracy, and the mean seconds of a score.
type Scored = (Vec<(f64, f64)>, f64);

/// Scores and accuracies of the networks that the proxy has something to say of, and the mean time.
fn scored(
    proxy: Proxy,
    networks: &[Known],
    data: &Dataset,
    args: &ProxiesArgs,
    output: &mut Output<'_>,
) -> Result<Option<Scored>, CliError> {
    let interrupt = interrupt::watch();
    let mut progress = Progress::new(output);
    let config = TrainConfig::sgd(1, args.images, 0.01, 0.0, args.seed);
    let began = Instant::now();
    let mut pairs = Vec::with_capacity(networks.len());
    for (done, network) in networks.iter().enumerate() {
        progress.update(proxy.name(), done as u64, networks.len() as u64, "")?;
        let score = proxy.score(&network.graph, data, &config, args.images)?;
        pairs.extend(score.map(|score| (score, network.accuracy)));
        if interrupt.asked() {
            return Ok(None);
        }
    }
    progress.finish_all();
    let seconds = began.elapsed().as_secs_f64() / networks.len().max(1) as f64;
    Ok(Some((pairs, seconds)))
}

fn row(table: &mut Table, name: &str, pairs: &[(f64, f64)], seconds: Option<f64>) {
    let found = correlation(pairs);
    let written =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |one| format!("{one:.3}"));
    table.row([
        name.to_owned(),
        grouped(pairs.len() as u64),
        written(found.map(|found| found.spearman)),
        written(found.map(|found| found.kendall)),
        seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.4}")),
    ]);
}
