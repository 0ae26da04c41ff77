//! Who proposes the candidates of a run, and the language model if that is one.

use std::path::Path;

use nasc_search::config::{SearchConfig, Variant};
use nasc_search::proposer::ProposerKind;
use nasc_search::run::Equipment;

use super::SubjectArgs;
use super::job::Job;
use super::setup::{self, DEFAULT_MODEL, absolute};
use crate::error::CliError;
use crate::output::{Environment, Output};

/// What stands for the model of a run without one.
pub(super) const NO_MODEL: &str = "none";

/// A proposer by its name.
pub(super) fn kind(name: &str) -> Result<ProposerKind, String> {
    let known = ProposerKind::ALL.map(ProposerKind::name).join(", ");
    ProposerKind::from_name(name).ok_or_else(|| format!("it is one of {known}"))
}

/// What the arguments say of the proposer.
pub(super) fn configure(args: &SubjectArgs, config: &mut SearchConfig) {
    let proposer = &mut config.proposer;
    proposer.kind = args.proposer.unwrap_or(proposer.kind);
    proposer.population = args.population.unwrap_or(proposer.population);
    proposer.sample = args.sample.unwrap_or(proposer.sample);
}

/// What a new run is worked on with. Where no model was asked for and none is there, the networks are
/// edited without one, and a line says so.
pub(super) fn equip(
    job: &Job,
    config: &mut SearchConfig,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Equipment, CliError> {
    let default = absolute(&environment.models().join(DEFAULT_MODEL))?;
    let args = &job.subject;
    let is_variant = matches!(job.variant, Variant::Proposer(_));
    let is_asked_for = args.model.is_some() || args.proposer.is_some() || is_variant;
    if config.proposer.kind == ProposerKind::Model && !is_asked_for && !default.is_file() {
        config.proposer.kind = ProposerKind::Mutate;
        output.remark(without(&default))?;
    }
    let model = match (config.proposer.kind, &args.model) {
        (ProposerKind::Model, Some(model)) => setup::model_spec(model)?,
        (ProposerKind::Model, None) if default.is_file() => default.display().to_string(),
        (ProposerKind::Model, None) => return Err(CliError::NoModel { path: default }),
        (_, None) => NO_MODEL.to_owned(),
        // beside others that use it
        (_, Some(_)) if is_variant => NO_MODEL.to_owned(),
        (other, Some(_)) => {
            let reason = format!(
                "the proposer {} uses no language model; leave --model out, or say --proposer model",
                other.name()
            );
            return Err(CliError::Argument { argument: "--model", reason });
        }
    };
    let gpu_layers = args.gpu_layers.unwrap_or(0);
    Ok(Equipment { model, gpu_layers, threads: setup::threads(args.threads) })
}

fn without(default: &Path) -> String {
    format!(
        "there is no language model at {}: networks are edited without one (--proposer mutate); \
         fetch it with scripts/fetch-model.sh, or pass one with --model FILE.gguf",
        default.display()
    )
}
