//! From a folder to a page: one run, or the runs below it beside each other.

use crate::ablation::{self, Runs};
use crate::error::ReportError;
use crate::page::{Page, RunPage};
use crate::run::RunData;
use nasc_search::benchmark::nasbench201::{Dataset, Table};
use std::path::Path;

/// The data set of a task on the table of a benchmark, and the table.
pub type TableOf<'a> = &'a dyn Fn(&RunData) -> Option<(&'a Table, Dataset)>;

/// The page of a folder. Of several runs the first of each variant can be looked into.
///
/// # Errors
/// [`ReportError::NoRun`] if there is no run, and what reading runs gives.
pub fn page(directory: &Path, table_of: TableOf<'_>, live: bool) -> Result<Page, ReportError> {
    let runs = ablation::runs_below(directory)?;
    let compares = runs.iter().map(|(_, runs)| runs.len()).sum::<usize>() > 1;
    let (mut variants, mut pages) = (Vec::new(), Vec::new());
    for (variant, folders) in &runs {
        let read = folders.iter().map(|folder| RunData::open(folder));
        let read = read.collect::<Result<Vec<RunData>, _>>()?;
        variants.push(ablation::figures(variant, &read));
        if let Some(run) = read.first() {
            let name = if compares { named(variant, run, folders.len()) } else { variant.clone() };
            pages.push(RunPage::new(&name, run, table_of(run))?);
        }
    }
    Ok(Page { title: title(directory, &runs), compares, live, variants, runs: pages })
}

fn named(variant: &str, run: &RunData, of: usize) -> String {
    if of > 1 { format!("{variant}, seed {}", run.record.seed) } else { variant.to_owned() }
}

fn title(directory: &Path, runs: &Runs) -> String {
    let name = std::path::absolute(directory).ok();
    let name = name.as_deref().unwrap_or(directory).file_name();
    let name = name.map_or_else(
        || directory.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let several = runs.iter().map(|(_, runs)| runs.len()).sum::<usize>() > 1;
    format!("{} {name}", if several { "Comparison" } else { "Search" })
}
