//! The trained networks of a run.

use std::path::Path;

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_report::run::RunData;
use nasc_runtime::data::{self, Dataset};
use nasc_search::run::Space;
use nasc_search::store::RunReader;

use super::{Known, ProxiesArgs};
use crate::data as data_command;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// The run's data, and its trained networks, each once, evenly spaced if there are too many.
pub(super) fn networks(
    directory: &Path,
    args: &ProxiesArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(Dataset, Vec<Known>, String), CliError> {
    let (reader, run) = (RunReader::open(directory)?, RunData::open(directory)?);
    if run.task.space == Space::Cells {
        let reason = "the run searched a table; use --benchmark nasbench201 instead".to_owned();
        return Err(CliError::Argument { argument: "DIRECTORY", reason });
    }
    let mut options = data_command::options(environment);
    options.validation = data::ValidationSource::TestSplit;
    let spec = args.data.as_deref().unwrap_or(&run.task.data);
    let data = data_command::open(spec, &options, &mut Progress::new(output))?;
    let trained: Vec<_> = run
        .candidates
        .iter()
        .filter(|row| row.fitness.is_some() && row.repeats.is_none())
        .filter(|row| !matches!(row.operator.as_str(), "first" | "random"))
        .collect();
    let every = trained.len().div_ceil(args.networks.max(1)).max(1);
    let [channels, height, width] = run.task.input;
    let mut networks = Vec::new();
    for row in trained.into_iter().step_by(every) {
        let Some(source) = reader.candidate(row.candidate)?.and_then(|row| row.source) else {
            continue;
        };
        let file = SourceFile::new("candidate.py", source);
        let compiled = compile(&file, &CompileOptions::image(channels, height, width));
        if let (Ok(compiled), Some(accuracy), Some(cost)) = (compiled, row.fitness, &row.cost) {
            let (params, macs) = (cost.params as f64, cost.macs as f64);
            networks.push(Known { graph: compiled.graph, accuracy, params, macs });
        }
    }
    Ok((data, networks, format!("of {}", directory.display())))
}
