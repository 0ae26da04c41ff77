//! Which runs an ablation has, and how far each has come.

use nasc_report::run::RunData;
use nasc_search::config::{Preset, Variant};
use nasc_search::proposer::ProposerKind;
use nasc_search::store::DATABASE;

use super::AblateArgs;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::search::job::{self, Job};

/// How far a run has come.
pub(super) enum State {
    /// It is to be begun.
    New,
    /// It was cut off.
    Begun,
    /// Nothing is left to do.
    Finished,
}

/// All runs, variant by variant.
pub(super) fn jobs(
    args: &AblateArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Vec<Job>, CliError> {
    if args.seeds == 0 {
        let reason = "a variant needs one seed at least".to_owned();
        return Err(CliError::Argument { argument: "--seeds", reason });
    }
    let job = |variant: Variant, seed: u64| Job {
        subject: args.subject.clone(),
        variant,
        seed,
        out: args.out.join(variant.name()).join(seed.to_string()),
    };
    let base = job::prepare(&job(Variant::Full, 1), environment, output)?.config;
    let kind = base.proposer.kind;
    let variants = variants(&args.variants, kind, output)?;
    let of_variant = |variant: Variant| {
        (1..=args.seeds).map(move |seed| {
            let mut job = job(variant, seed);
            // said once, not for every run
            job.subject.proposer = job.subject.proposer.or(Some(base_kind(variant, kind)));
            job
        })
    };
    Ok(variants.into_iter().flat_map(of_variant).collect())
}

fn base_kind(variant: Variant, base: ProposerKind) -> ProposerKind {
    match variant {
        Variant::Proposer(kind) => kind,
        Variant::Full | Variant::Ablation(_) => base,
    }
}

/// The variants of a list. Without a language model there are no prompts, so the ablation of their
/// archive is left out of `all`.
fn variants(
    list: &str,
    base: ProposerKind,
    output: &mut Output<'_>,
) -> Result<Vec<Variant>, CliError> {
    let mut found: Vec<Variant> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let named: Vec<Variant> = match name {
            "all" if base == ProposerKind::Model => Variant::of_paper().collect(),
            "all" => {
                let without = Variant::Ablation(Preset::NetworkArchive);
                output.remark(format!(
                    "the proposer {} has no prompts, so {} is left out: it would be the same as full",
                    base.name(),
                    without.name()
                ))?;
                Variant::of_paper().filter(|variant| *variant != without).collect()
            }
            "proposers" => ProposerKind::ALL.into_iter().map(Variant::Proposer).collect(),
            name => vec![Variant::from_name(name).ok_or_else(|| unknown(name))?],
        };
        let new: Vec<Variant> = named.into_iter().filter(|one| !found.contains(one)).collect();
        found.extend(new);
    }
    if found.is_empty() { Err(unknown(list)) } else { Ok(found) }
}

fn unknown(name: &str) -> CliError {
    let known: Vec<String> = Variant::all().map(Variant::name).collect();
    let reason = format!("`{name}` is no variant; they are all, proposers, {}", known.join(", "));
    CliError::Argument { argument: "--variants", reason }
}

/// How far a run has come. One of another configuration or data set is refused.
pub(super) fn state(
    job: &Job,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<State, CliError> {
    if !job.out.join(DATABASE).is_file() {
        return Ok(State::New);
    }
    let wanted = job::prepare(job, environment, output)?;
    let run = RunData::open(&job.out)?;
    let refuse = |what: String| {
        let reason = format!(
            "{} holds a run of another kind ({what}); name another folder, or give the same \
             arguments as before",
            job.out.display()
        );
        Err(CliError::Argument { argument: "OUT", reason })
    };
    if let Some(difference) = wanted.config.difference(&run.config) {
        let (key, own, other) = (difference.key, difference.own, difference.other);
        return refuse(format!("`{key}` is {other} there and {own} here"));
    }
    if run.task.data != wanted.data {
        return refuse(format!("its data is {}, not {}", run.task.data, wanted.data));
    }
    Ok(if run.is_finished() { State::Finished } else { State::Begun })
}
