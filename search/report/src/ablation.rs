//! Several runs beside each other: which there are below a folder, what was changed in each, and what
//! came of it, mean and deviation over the seeds.

use crate::error::ReportError;
use crate::outcome::{Outcome, outcome};
use crate::run::RunData;
use crate::series::{Step, steps};
use crate::spread::Spread;
use nasc_search::config::Variant;
use nasc_search::store::DATABASE;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The runs of a folder by variant, in the order of [`order`], each by seed.
pub type Runs = Vec<(String, Vec<PathBuf>)>;

/// A variant in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariantFigures {
    /// What was changed.
    pub name: String,
    /// Its runs.
    pub outcomes: Vec<Outcome>,
    /// Its generations over all runs.
    pub steps: Vec<StepSpread>,
}

/// A generation of evolution over several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSpread {
    /// Its number, from 1.
    pub number: u32,
    /// The best fitness of its networks.
    pub best: Option<Spread>,
    /// The best fitness until then.
    pub best_so_far: Option<Spread>,
    /// The lowest loss of its networks.
    pub loss: Option<Spread>,
    /// Its networks that have a fitness.
    pub trainable: Option<Spread>,
}

/// Finds the runs below a folder: the folder itself, folders in it, and folders in those.
///
/// # Errors
/// [`ReportError::NoRun`] if there is none; [`ReportError::File`] if a folder cannot be listed.
pub fn runs_below(directory: &Path) -> Result<Runs, ReportError> {
    if is_run(directory) {
        return Ok(vec![(name(directory), vec![directory.to_owned()])]);
    }
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in folders(directory)? {
        if is_run(&folder) {
            found.entry(name(&folder)).or_default().push(folder);
            continue;
        }
        let runs = folders(&folder)?.into_iter().filter(|folder| is_run(folder));
        let runs: Vec<PathBuf> = runs.collect();
        if !runs.is_empty() {
            found.entry(name(&folder)).or_default().extend(runs);
        }
    }
    if found.is_empty() {
        return Err(ReportError::NoRun { path: directory.to_owned() });
    }
    let mut runs: Runs = found.into_iter().collect();
    for (_, runs) in &mut runs {
        runs.sort_by_key(|run| (name(run).parse().unwrap_or(u64::MAX), run.clone()));
    }
    runs.sort_by_key(|(variant, _)| order(variant));
    Ok(runs)
}

/// Where a variant stands among others.
fn order(variant: &str) -> (usize, u64) {
    let known = Variant::all().position(|known| known.name() == variant);
    (known.unwrap_or(usize::MAX), variant.parse().unwrap_or(u64::MAX))
}

fn is_run(directory: &Path) -> bool {
    directory.join(DATABASE).is_file()
}

fn name(directory: &Path) -> String {
    let own = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    own.unwrap_or_else(|| directory.display().to_string())
}

fn folders(directory: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let failed = |source| ReportError::File { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What a variant's runs came to.
#[must_use]
pub fn figures(variant: &str, runs: &[RunData]) -> VariantFigures {
    let series: Vec<Vec<Step>> = runs.iter().map(steps).collect();
    VariantFigures {
        name: variant.to_owned(),
        outcomes: runs.iter().map(|run| outcome(variant, run)).collect(),
        steps: over_runs(&series),
    }
}

fn over_runs(series: &[Vec<Step>]) -> Vec<StepSpread> {
    let length = series.iter().map(Vec::len).max().unwrap_or(0);
    let at = |place: usize| series.iter().filter_map(move |steps| steps.get(place));
    let spread = |place: usize, figure: fn(&Step) -> Option<f64>| {
        Spread::of(&at(place).filter_map(figure).collect::<Vec<f64>>())
    };
    (0..length)
        .zip(1..)
        .map(|(place, number)| StepSpread {
            number,
            best: spread(place, |step| step.best),
            best_so_far: spread(place, |step| step.best_so_far),
            loss: spread(place, |step| step.loss),
            trainable: spread(place, |step| Some(f64::from(step.trainable))),
        })
        .collect()
}

impl VariantFigures {
    /// Mean and deviation of a figure over the runs that have it.
    #[must_use]
    pub fn spread(&self, figure: impl Fn(&Outcome) -> Option<f64>) -> Option<Spread> {
        Spread::of(&self.outcomes.iter().filter_map(figure).collect::<Vec<f64>>())
    }
}
