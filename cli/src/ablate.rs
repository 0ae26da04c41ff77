//! `nasc ablate`: a search beside its ablations and other proposers, over several seeds. Each is an
//! ordinary run; those that are finished are skipped, so the same command goes on where it was stopped.

mod plan;
mod table;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use nasc_report::ablation::{self, VariantFigures};
use nasc_report::figures;
use nasc_report::run::RunData;
use nasc_report::table::{Form, outcomes};
use nasc_search::scheduler::SearchOutcome;

use crate::error::{CliError, Exit};
use crate::output::{Environment, Output};
use crate::search::SubjectArgs;
use crate::search::job::{self, Ended, Job};
use plan::State;

/// Compare a search with its ablations and with other proposers, over several seeds.
#[derive(Debug, Args)]
pub struct AblateArgs {
    /// The folder of all runs, as VARIANT/SEED.
    out: PathBuf,
    /// all (the search and the paper's ablations), proposers, or names with commas between: full,
    /// network-archive, prompt-archive, mutation-only, crossover-only, random, even-operators,
    /// mostly-crossover, proposer-model, proposer-random, proposer-evolution, proposer-mutate.
    #[arg(long, default_value = "all")]
    variants: String,
    /// Seeds of each variant: 1 and so on.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    #[command(flatten)]
    subject: SubjectArgs,
}

pub(crate) fn run(
    args: &AblateArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let jobs = plan::jobs(args, environment, output)?;
    let count = jobs.len();
    for (place, job) in jobs.iter().enumerate() {
        let name = format!("{}, seed {}", job.variant.name(), job.seed);
        if !settle(job, &format!("[{}/{count}] {name}", place + 1), environment, output)? {
            output.remark("stopped; nothing is lost. The same command goes on")?;
            return Ok(Exit::Interrupted);
        }
    }
    let variants = read(&args.out, &jobs)?;
    table::print(&variants, output)?;
    let mut written = draw(&args.out, &variants, &jobs)?;
    written.push(tabulate(&args.out, &variants)?);
    output.line("")?;
    written.iter().try_for_each(|path| output.line(format!("wrote {}", path.display())))?;
    output.line(format!("next: nasc report {}", args.out.display()))?;
    Ok(Exit::Success)
}

/// Brings a run to its end; whether it came there.
fn settle(
    job: &Job,
    name: &str,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<bool, CliError> {
    let ended = match plan::state(job, environment, output)? {
        State::Finished => {
            output.line(format!("{name}: finished before"))?;
            return Ok(true);
        }
        State::Begun => quietly(output, |output| {
            job::go_on(&job::resuming(&job.out), &job.out, environment, output)
        })?,
        State::New => quietly(output, |output| job::begin(job, environment, output))?,
    };
    match ended.outcome {
        SearchOutcome::Interrupted => Ok(false),
        SearchOutcome::Finished => {
            let run = RunData::open(&ended.directory)?;
            output.line(format!("{name}: {}", table::line(&run)))?;
            output.stdout.flush()?;
            Ok(true)
        }
    }
}

/// Works without the lines of a single search.
fn quietly(
    output: &mut Output<'_>,
    work: impl FnOnce(&mut Output<'_>) -> Result<Ended, CliError>,
) -> Result<Ended, CliError> {
    let (mut lines, mut remarks) = (io::sink(), io::sink());
    let Output { stderr, color, width, terminal, .. } = output;
    let (color, width, terminal) = (*color, *width, *terminal);
    // bars are drawn on a terminal alone
    let stderr: &mut (dyn io::Write + Send) = if terminal { &mut **stderr } else { &mut remarks };
    work(&mut Output { stdout: &mut lines, stderr, color, width, terminal })
}

/// The figures of all variants, in the order of the jobs.
fn read(folder: &Path, jobs: &[Job]) -> Result<Vec<VariantFigures>, CliError> {
    let mut names: Vec<String> = jobs.iter().map(|job| job.variant.name()).collect();
    names.dedup();
    let mut all = Vec::new();
    for name in names {
        let runs = ablation::runs_below(&folder.join(&name))?;
        let runs = runs.iter().flat_map(|(_, runs)| runs).map(|run| RunData::open(run));
        all.push(ablation::figures(&name, &runs.collect::<Result<Vec<RunData>, _>>()?));
    }
    Ok(all)
}

/// Figures 1 and 2 of all, Figure 3 of each variant's first seed.
fn draw(
    folder: &Path,
    variants: &[VariantFigures],
    jobs: &[Job],
) -> Result<Vec<PathBuf>, CliError> {
    let mut written = figures::of_variants(variants, folder)?;
    for job in jobs.iter().filter(|job| job.seed == 1) {
        let name = format!("figure3-{}", job.variant.name());
        written.extend(figures::of_archives(&RunData::open(&job.out)?, folder, &name)?);
    }
    Ok(written)
}

fn tabulate(folder: &Path, variants: &[VariantFigures]) -> Result<PathBuf, CliError> {
    let path = folder.join("outcomes.csv");
    let all: Vec<_> = variants.iter().flat_map(|variant| variant.outcomes.clone()).collect();
    outcomes(&all).write(&path, Form::Csv)?;
    Ok(path)
}
