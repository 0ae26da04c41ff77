//! `nasc report`: one HTML file of a run or of an ablation, and on request its figures as pictures and
//! its data as tables.

use std::path::{Path, PathBuf};

use clap::Args;
use nasc_report::ablation::{self, VariantFigures};
use nasc_report::health::health;
use nasc_report::run::RunData;
use nasc_report::table::{self, DataTable, Form};
use nasc_report::{figures, gather, page};
use nasc_search::benchmark::nasbench201::{Dataset, Table as Nasbench};

use crate::error::{CliError, Exit};
use crate::number::bytes;
use crate::output::{Environment, Output};
use crate::search::benchmark::dataset_of;

/// Write one HTML file about a search, or about all runs of an ablation.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The folder of a run, or one with runs below it.
    directory: PathBuf,
    /// The file [default: report.html in the folder].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write candidates, elites and generations as CSV into this folder, too.
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// The same as Parquet.
    #[arg(long, value_name = "DIR")]
    parquet: Option<PathBuf>,
    /// Draw the paper's figures as SVG and PNG into this folder, too.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

pub(crate) fn run(
    args: &ReportArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let table = table_for(&args.directory, environment, output)?;
    let table_of = |run: &RunData| Some((table.as_ref()?, dataset_of(&run.task)?));
    let page = gather::page(&args.directory, &table_of, false)?;
    let html = page::html(&page)?;
    let out = args.out.clone().unwrap_or_else(|| args.directory.join("report.html"));
    std::fs::write(&out, &html).map_err(|source| CliError::Write { path: out.clone(), source })?;
    output.line(format!("wrote {} ({})", out.display(), bytes(html.len() as u64)))?;
    for (folder, form) in [(&args.csv, Form::Csv), (&args.parquet, Form::Parquet)] {
        if let Some(folder) = folder {
            tabulate(&args.directory, folder, form, output)?;
        }
    }
    if let Some(folder) = &args.plots {
        draw(&args.directory, folder, &table_of, output)?;
    }
    Ok(Exit::Success)
}

/// The table of the benchmark that a run below the folder searches, if it is there.
pub(crate) fn table_for(
    directory: &Path,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Option<Nasbench>, CliError> {
    let runs = ablation::runs_below(directory)?;
    let Some(first) = runs.iter().flat_map(|(_, runs)| runs).next() else { return Ok(None) };
    if dataset_of(&RunData::open(first)?.task).is_none() {
        return Ok(None);
    }
    match Nasbench::open(&environment.cache) {
        Ok(table) => Ok(Some(table)),
        Err(error) => {
            output.remark(format!("figure 4 is left out: {error}"))?;
            Ok(None)
        }
    }
}

fn make(folder: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)
}

/// The tables of each run below a folder, in a folder of the run's own if there are several.
fn tabulate(
    directory: &Path,
    folder: &Path,
    form: Form,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    make(folder)?;
    let runs = ablation::runs_below(directory)?;
    let several = runs.iter().map(|(_, runs)| runs.len()).sum::<usize>() > 1;
    let mut outcomes = Vec::new();
    for (variant, run) in
        runs.iter().flat_map(|(name, runs)| runs.iter().map(move |run| (name, run)))
    {
        let run = RunData::open(run)?;
        let own = folder.join(variant).join(run.record.seed.to_string());
        let own = if several { own } else { folder.to_owned() };
        make(&own)?;
        let tables: [(&str, DataTable); 3] = [
            ("candidates", table::candidates(&run)),
            ("elites", table::elites(&run)),
            ("generations", table::generations(&health(&run).0)),
        ];
        for (name, table) in tables {
            table.write(&own.join(name).with_extension(form.ending()), form)?;
        }
        outcomes.push(nasc_report::outcome::outcome(variant, &run));
    }
    let path = folder.join("outcomes").with_extension(form.ending());
    table::outcomes(&outcomes).write(&path, form)?;
    Ok(output.line(format!("wrote the tables in {}", folder.display()))?)
}

/// Figures 1 to 4.
fn draw<'a>(
    directory: &Path,
    folder: &Path,
    table_of: &dyn Fn(&RunData) -> Option<(&'a Nasbench, Dataset)>,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    make(folder)?;
    let (mut variants, mut written): (Vec<VariantFigures>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    let runs = ablation::runs_below(directory)?;
    let is_one = runs.len() == 1;
    for (variant, folders) in &runs {
        let read = folders.iter().map(|folder| RunData::open(folder));
        let read = read.collect::<Result<Vec<RunData>, _>>()?;
        variants.push(ablation::figures(variant, &read));
        let Some(first) = read.first() else { continue };
        let name = |figure: &str| {
            if is_one { figure.to_owned() } else { format!("{figure}-{variant}") }
        };
        written.extend(figures::of_archives(first, folder, &name("figure3"))?);
        if let Some((table, dataset)) = table_of(first) {
            written.extend(figures::of_table(first, table, dataset, folder, &name("figure4"))?);
        }
    }
    written.extend(figures::of_variants(&variants, folder)?);
    written.sort();
    written.iter().try_for_each(|path| output.line(format!("wrote {}", path.display())))?;
    Ok(())
}
