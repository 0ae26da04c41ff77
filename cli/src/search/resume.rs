//! What `--resume` takes from the run, and arguments beside it that say otherwise: those are errors,
//! since they would be ignored.

use std::fmt::Display;
use std::path::Path;

use nasc_search::benchmark::nasbench201::Dataset;
use nasc_search::config::SearchConfig;
use nasc_search::proposer::ProposerKind;
use nasc_search::run::{Equipment, Run, Task};

use super::SearchArgs;
use super::setup::{self, absolute};
use crate::error::CliError;

/// Refuses arguments that contradict the run.
pub(super) fn check(args: &SearchArgs, run: &Run) -> Result<(), CliError> {
    let (config, equipment) = (run.config(), run.equipment());
    let subject = &args.subject;
    same("--preset", subject.preset.as_deref(), config.preset.name())?;
    if let Some(path) = &subject.config {
        same_config(path, config)?;
    }
    let decoding = subject.decoding.map(|decoding| decoding.mode().name());
    same("--decoding", decoding, config.language_model.decoding.name())?;
    same("--seed", args.seed, run.seed().root())?;
    same(
        "--select-by",
        subject.select_by.map(|by| by.split().name()),
        config.training.fitness_split.name(),
    )?;
    same("--proposer", subject.proposer.map(ProposerKind::name), config.proposer.kind.name())?;
    same("--population", subject.population, config.proposer.population)?;
    same("--sample", subject.sample, config.proposer.sample)?;
    let table = subject.benchmark.as_ref().map(|name| {
        let dataset = subject.dataset.unwrap_or(Dataset::Cifar10);
        format!("{name}/{}", dataset.name())
    });
    same("--benchmark", table.as_ref(), &run.task().data)?;
    same("--gpu-layers", subject.gpu_layers, equipment.gpu_layers)?;
    let threads = subject.threads.map(|threads| setup::threads(Some(threads)));
    same("--threads", threads, equipment.threads)?;
    match args.out.as_deref() {
        Some(out) if absolute(out)? != absolute(run.directory())? => {
            conflict("--out", run.directory().display())
        }
        Some(_) | None => Ok(()),
    }
}

/// The run's equipment; `--model` may name another place of the same model.
pub(super) fn equipment(args: &SearchArgs, run: &Run) -> Result<Equipment, CliError> {
    let stored = run.equipment().clone();
    match args.subject.model.as_deref() {
        Some(model) => Ok(Equipment { model: setup::model_spec(model)?, ..stored }),
        None => Ok(stored),
    }
}

/// Refuses another model than the run was begun with.
pub(super) fn check_model(run: &Run, found: &str) -> Result<(), CliError> {
    if run.model() == found {
        return Ok(());
    }
    let reason = format!(
        "the run was begun with {} ({}), and this is {found}; give the former, or begin a new run",
        run.model(),
        run.equipment().model
    );
    Err(CliError::Argument { argument: "--model", reason })
}

/// The run's data set; `--data` may name its new place if the old one is gone.
pub(super) fn data(args: &SearchArgs, run: &Run) -> Result<String, CliError> {
    let stored = &run.task().data;
    let Some(given) = args.subject.data.as_deref() else { return Ok(stored.clone()) };
    let given = setup::data_spec(given)?;
    let is_gone = Path::new(stored).is_absolute() && !Path::new(stored).exists();
    if given == *stored || is_gone { Ok(given) } else { conflict("--data", stored) }
}

/// Refuses images that the run's networks were not made for.
pub(super) fn check_data(run: &Run, found: &Task) -> Result<(), CliError> {
    let stored = run.task();
    if (stored.input, stored.classes) == (found.input, found.classes) {
        return Ok(());
    }
    let reason = format!(
        "the run was begun with images of {:?} in {} classes, and {} has {:?} in {}; give the data \
         set that the run was begun with ({})",
        stored.input, stored.classes, found.data, found.input, found.classes, stored.data
    );
    Err(CliError::Argument { argument: "--data", reason })
}

fn same<T: PartialEq + Display>(
    argument: &'static str,
    given: Option<T>,
    stored: T,
) -> Result<(), CliError> {
    match given {
        Some(given) if given != stored => conflict(argument, stored),
        Some(_) | None => Ok(()),
    }
}

fn conflict<T>(argument: &'static str, stored: impl Display) -> Result<T, CliError> {
    let reason = format!(
        "the run was begun with {stored}; leave {argument} out, or begin a new run without --resume"
    );
    Err(CliError::Argument { argument, reason })
}

/// A file of the same configuration says nothing new.
fn same_config(path: &Path, stored: &SearchConfig) -> Result<(), CliError> {
    let Some(difference) = setup::read_config(path)?.difference(stored) else { return Ok(()) };
    let reason = format!(
        "`{}` is {} in {} and {} in the run; leave --config out, or begin a new run without --resume",
        difference.key,
        difference.own,
        path.display(),
        difference.other
    );
    Err(CliError::Argument { argument: "--config", reason })
}
