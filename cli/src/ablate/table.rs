//! What is printed of an ablation: a line for each run, and a table of means and deviations.

use nasc_report::ablation::VariantFigures;
use nasc_report::outcome::{Outcome, outcome};
use nasc_report::run::RunData;
use nasc_report::spread::Spread;

use crate::error::CliError;
use crate::number::{percent, seconds};
use crate::output::Output;
use crate::table::{Align, Table};

/// One run in a line.
pub(super) fn line(run: &RunData) -> String {
    let outcome = outcome("", run);
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    format!(
        "QD score {:.2}, coverage {}, best {} (test {}), trainable {}, {}",
        outcome.qd_score,
        percent(outcome.coverage),
        share(outcome.best),
        share(outcome.test),
        percent(outcome.trainable_share),
        seconds(outcome.seconds)
    )
}

/// Mean ± deviation over the seeds, a line for each variant.
pub(super) fn print(variants: &[VariantFigures], output: &mut Output<'_>) -> Result<(), CliError> {
    let mut table = Table::new(&[
        ("variant", Align::Left),
        ("seeds", Align::Right),
        ("QD score", Align::Right),
        ("coverage, %", Align::Right),
        ("best, %", Align::Right),
        ("its test, %", Align::Right),
        ("trainable, %", Align::Right),
        ("seconds", Align::Right),
    ]);
    for variant in variants {
        let figure = |of: fn(&Outcome) -> Option<f64>, factor: f64, digits: usize| {
            written(variant.spread(of), factor, digits)
        };
        table.row([
            variant.name.clone(),
            variant.outcomes.len().to_string(),
            figure(|one| Some(one.qd_score), 1.0, 2),
            figure(|one| Some(one.coverage), 100.0, 1),
            figure(|one| one.best, 100.0, 2),
            figure(|one| one.test, 100.0, 2),
            figure(|one| Some(one.trainable_share), 100.0, 1),
            figure(|one| Some(one.seconds), 1.0, 1),
        ]);
    }
    output.line("")?;
    Ok(table.print(output)?)
}

fn written(spread: Option<Spread>, factor: f64, digits: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |spread| {
            let (mean, deviation) = (spread.mean * factor, spread.deviation * factor);
            format!("{mean:.digits$} ± {deviation:.digits$}")
        },
    )
}
