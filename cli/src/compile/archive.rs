//! Networks of a run: one cell, or the whole archive with an index.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::data::Dataset;
use nasc_search::run::Task;
use nasc_search::store::{EliteRow, RunReader};
use serde::Serialize;

use super::facts::{self, Facts};
use super::forms::{self, Refused};
use super::model::Model;
use super::{CompileArgs, write};
use crate::error::{CliError, Exit};
use crate::kept::{self, Kept};
use crate::number::grouped;
use crate::output::{Environment, Output};

/// A run that networks are taken from.
pub(super) struct Run<'a> {
    args: &'a CompileArgs,
    directory: PathBuf,
    task: Task,
    data: Option<Arc<Dataset>>,
}

impl<'a> Run<'a> {
    /// Reads what the run was for. Where its data set cannot be opened here, models go without labels.
    pub fn open(
        reader: &RunReader,
        args: &'a CompileArgs,
        environment: &Environment,
        output: &mut Output<'_>,
    ) -> Result<Run<'a>, CliError> {
        let task: Task = serde_json::from_str(&reader.record()?.task).map_err(|error| {
            CliError::Argument { argument: "RUN", reason: format!("its task is damaged: {error}") }
        })?;
        let spec = args.data.as_deref().unwrap_or(&task.data);
        let data = match facts::open(spec, environment, output) {
            Ok(data) => Some(data),
            Err(error) if args.data.is_none() => {
                output.remark(format!("labels are left out: {error}"))?;
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Run { args, directory: reader.directory().to_owned(), task, data })
    }

    /// What became of the weights of an elite.
    pub fn weights(&self, elite: &EliteRow) -> Kept {
        kept::weights(&self.directory, &self.task.data, elite)
    }

    /// The network of an elite with its weights.
    pub fn model(&self, elite: &EliteRow) -> Result<Model, CliError> {
        let candidate = elite.candidate.candidate.0;
        let missing = |what: &str| CliError::Argument {
            argument: "RUN/CELL",
            reason: format!("the run has no {what} of candidate {candidate} (cell {})", elite.cell),
        };
        let source = elite.candidate.source.as_deref().ok_or_else(|| missing("source"))?;
        let state = match self.weights(elite) {
            Kept::Usable(state) => state,
            Kept::Untrained => return Err(unusable(NO_WEIGHTS.to_owned())),
            Kept::Lost(reason) => return Err(unusable(reason)),
        };
        let file = SourceFile::new(format!("candidate {candidate}"), source);
        let [channels, height, width] = self.task.input;
        let options = CompileOptions::image(channels, height, width);
        let compiled = compile(&file, &options).map_err(|_| missing("network that checks"))?;
        state.check(&compiled.graph).map_err(|error| {
            let what = format!("are those of another network ({error})");
            unusable(kept::lost(&self.directory, &self.task.data, elite, &what))
        })?;
        let mut facts = Facts::new(self.args, self.data.clone(), None, source);
        facts.of_run = self.facts(elite);
        Ok(Model { compiled, state, facts, files: vec![file] })
    }

    fn facts(&self, elite: &EliteRow) -> Vec<(&'static str, String)> {
        let row = &elite.candidate;
        let parents: Vec<String> = row.parents.iter().map(|parent| parent.0.to_string()).collect();
        let mut facts = vec![
            ("nasc.run_data", self.task.data_name().to_owned()),
            ("nasc.candidate", row.candidate.0.to_string()),
            ("nasc.cell", elite.cell.to_string()),
            ("nasc.operator", row.operator.clone()),
            ("nasc.parents", parents.join(",")),
        ];
        let accuracies =
            [("nasc.accuracy", row.fitness), ("nasc.test_accuracy", row.test_accuracy)];
        facts.extend(
            accuracies.into_iter().filter_map(|(key, value)| Some((key, value?.to_string()))),
        );
        facts
    }
}

fn unusable(reason: String) -> CliError {
    CliError::Argument { argument: "RUN/CELL", reason }
}

/// Why an elite of a search may have no file.
pub(super) const NO_WEIGHTS: &str = "the search kept no weights of it, since it never trained it";

/// One line of the index.
#[derive(Debug, Serialize)]
struct Entry {
    cell: u32,
    candidate: u64,
    parents: Vec<u64>,
    /// The file or folder; null if the network was refused.
    file: Option<PathBuf>,
    /// Why it was refused.
    refused: Option<String>,
    accuracy: Option<f64>,
    test_accuracy: Option<f64>,
    macs: Option<u64>,
    params: Option<u64>,
    peak_activation_bytes: Option<u64>,
    bytes: Option<u64>,
}

/// The whole archive.
#[derive(Debug, Serialize)]
struct Index {
    format: &'static str,
    version: u32,
    nasc: &'static str,
    data: String,
    networks: Vec<Entry>,
}

/// Exports all networks of a run, and `index.json` that says what they are.
pub(super) fn all(
    args: &CompileArgs,
    reader: &RunReader,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let run = Run::open(reader, args, environment, output)?;
    write::folder(&args.out)?;
    let elites = reader.elites()?;
    let mut networks = Vec::with_capacity(elites.len());
    for elite in &elites {
        networks.push(entry(args, &run, elite)?);
    }
    let refused: Vec<&Entry> = networks.iter().filter(|entry| entry.file.is_none()).collect();
    for entry in &refused {
        let reason = entry.refused.as_deref().unwrap_or_default();
        output.remark(format!("cell {}: {reason}", entry.cell))?;
    }
    let without_form = refused.iter().any(|entry| entry.refused.as_deref() != Some(NO_WEIGHTS));
    let exit = if without_form { Exit::Program } else { Exit::Success };
    let written = (networks.len() - refused.len()) as u64;
    let version = env!("CARGO_PKG_VERSION");
    let data = run.task.data_name().to_owned();
    let index = Index { format: "nasc-archive", version: 1, nasc: version, data, networks };
    index_file(&args.out, &index)?;
    let out = args.out.display();
    output.line(format!("{out}: {} networks, index.json", grouped(written)))?;
    Ok(exit)
}

fn index_file(folder: &Path, index: &Index) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(index)
        .map_err(|error| CliError::Output(std::io::Error::other(error)))?;
    write::file(&folder.join("index.json"), format!("{text}\n").as_bytes())
}

fn entry(args: &CompileArgs, run: &Run<'_>, elite: &EliteRow) -> Result<Entry, CliError> {
    let row = &elite.candidate;
    let mut entry = Entry {
        cell: elite.cell,
        candidate: row.candidate.0,
        parents: row.parents.iter().map(|parent| parent.0).collect(),
        file: None,
        refused: None,
        accuracy: row.fitness,
        test_accuracy: row.test_accuracy,
        macs: row.cost.as_ref().map(|cost| cost.macs),
        params: row.cost.as_ref().map(|cost| cost.params),
        peak_activation_bytes: row.cost.as_ref().map(|cost| cost.peak_activation_bytes),
        bytes: None,
    };
    match run.weights(elite) {
        Kept::Usable(_) => {}
        Kept::Untrained => {
            entry.refused = Some(NO_WEIGHTS.to_owned());
            return Ok(entry);
        }
        Kept::Lost(reason) => {
            entry.refused = Some(reason);
            return Ok(entry);
        }
    }
    let name = PathBuf::from(format!("cell-{:05}{}", elite.cell, args.emit.ending()));
    let model = run.model(elite)?;
    match forms::write(args, &model, &args.out.join(&name)) {
        Ok(written) => (entry.file, entry.bytes) = (Some(name), Some(written.bytes)),
        Err(Refused::Program(error)) => entry.refused = Some(model.explain(&error)),
        Err(Refused::Disagrees(reason)) => entry.refused = Some(reason),
        Err(Refused::Machine(error)) => return Err(error),
    }
    Ok(entry)
}
