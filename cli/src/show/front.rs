//! The Pareto front of a run: networks that no other beats in accuracy and in all of some costs.

use nasc_report::front::front;
use nasc_report::run::RunData;
use nasc_search::measures::Descriptor;
use nasc_search::store::RunReader;

use crate::error::CliError;
use crate::number::{grouped, percent};
use crate::output::Output;
use crate::table::{Align, Table};

/// A descriptor by its name.
pub(super) fn descriptor(name: &str) -> Result<Descriptor, String> {
    let known = Descriptor::ALL.map(Descriptor::name).join(", ");
    Descriptor::from_name(name).ok_or_else(|| format!("it is one of {known}"))
}

/// Prints the front over accuracy and these costs.
pub(super) fn print(
    reader: &RunReader,
    costs: &[Descriptor],
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let run = reader.snapshot(RunData::read)?;
    let mut table = Table::new(&[("network", Align::Right), ("fitness", Align::Right)]);
    for cost in costs {
        table.column(cost.name(), Align::Right);
    }
    for row in front(&run.candidates, costs) {
        let figures = row.cost.as_ref();
        let written = |cost: &Descriptor| {
            figures.map_or_else(String::new, |figures| number(cost.value(figures)))
        };
        let name = [row.candidate.0.to_string(), row.fitness.map_or_else(String::new, percent)];
        table.row(name.into_iter().chain(costs.iter().map(written)));
    }
    Ok(table.print(output)?)
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { grouped(value as u64) } else { format!("{value:.6}") }
}
