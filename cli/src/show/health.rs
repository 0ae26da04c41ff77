//! The archives' health by generation, and a warning when one collapses.

use nasc_report::health::{Health, health};
use nasc_report::run::RunData;
use nasc_search::store::RunReader;

use crate::error::CliError;
use crate::number::percent;
use crate::output::Output;
use crate::table::{Align, Table};

/// Generations that a summary shows.
const LAST: usize = 6;

/// Prints the last generations, or all of them, and what is wrong.
pub(super) fn print(
    reader: &RunReader,
    all: bool,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let (rows, wrong) = health(&reader.snapshot(RunData::read)?);
    let from = if all { 0 } else { rows.len().saturating_sub(LAST) };
    if rows.is_empty() {
        return Ok(());
    }
    table(rows.get(from..).unwrap_or(&rows)).print(output)?;
    output.line("")?;
    for collapse in wrong {
        output.remark(format!("warning: {collapse}"))?;
    }
    Ok(())
}

fn table(rows: &[Health]) -> Table {
    let mut table = Table::new(&[
        ("generation", Align::Right),
        ("operator", Align::Left),
        ("evaluated", Align::Right),
        ("entered", Align::Right),
        ("coverage", Align::Right),
        ("QD score", Align::Right),
        ("cells in effect", Align::Right),
        ("clipped", Align::Right),
    ]);
    for row in rows {
        table.row([
            row.generation.to_string(),
            row.operator.clone(),
            row.evaluated.to_string(),
            row.entered.to_string(),
            percent(row.coverage),
            format!("{:.2}", row.qd_score),
            format!("{:.1}", row.effective_cells),
            percent(row.clipped_share),
        ]);
    }
    table
}
