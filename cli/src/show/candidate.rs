//! One candidate of a run: lineage, prompt, verdict and what is wrong, figures, training, source.

use nasc_search::evaluate::{CandidateDiagnostic, EpochRecord, Rejection};
use nasc_search::state::CandidateId;
use nasc_search::store::{CandidateRow, RunReader};

use crate::error::CliError;
use crate::number::{grouped, percent};
use crate::output::Output;
use crate::table::{Align, Table};

/// Ancestors that are listed.
const MOST_ANCESTORS: usize = 30;

/// Prints a candidate.
pub(super) fn show(
    reader: &RunReader,
    number: u64,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let Some(candidate) = reader.candidate(CandidateId(number))? else {
        let reason = format!("the run has no candidate {number}");
        return Err(CliError::Argument { argument: "--candidate", reason });
    };
    output.line(format!(
        "candidate {number}, generation {}, offspring {}",
        candidate.generation, candidate.offspring
    ))?;
    output.line("")?;
    facts(reader, &candidate)?.print(output)?;
    diagnostics(&candidate, output)?;
    curve(&candidate.curve, output)?;
    lineage(reader, &candidate, output)?;
    let text = candidate.source.as_deref().or(candidate.completion.as_deref());
    if let Some(text) = text {
        let what = if candidate.source.is_some() { "source" } else { "completion" };
        output.line(format!("\n{what}:\n"))?;
        output.line(text.trim_end())?;
    }
    Ok(())
}

fn facts(reader: &RunReader, candidate: &CandidateRow) -> Result<Table, CliError> {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row([name.to_owned(), value]);
        }
    };
    row("operator", Some(candidate.operator.clone()));
    row("instruction", instruction(reader, candidate)?);
    let is_prompted = candidate.prompt.is_some();
    row("temperature", is_prompted.then(|| format!("{:.3}", candidate.temperature)));
    row("verdict", Some(verdict(candidate)));
    row("fitness", candidate.fitness.map(percent));
    row("loss", candidate.loss.map(|loss| format!("{loss:.4}")));
    row("test accuracy", candidate.test_accuracy.map(percent));
    row("cell", candidate.cell.map(|cell| format!("{cell}, {}", placed(candidate))));
    let cost = candidate.cost.as_ref();
    row("parameters", cost.map(|cost| grouped(cost.params)));
    row("MACs", cost.map(|cost| grouped(cost.macs)));
    row("depth, width", cost.map(|cost| format!("{}, {}", cost.depth, grouped(cost.width))));
    Ok(table)
}

fn instruction(reader: &RunReader, candidate: &CandidateRow) -> Result<Option<String>, CliError> {
    let Some(index) = candidate.instruction else { return Ok(None) };
    let prompts = reader.record()?.read_prompts().ok();
    let text = prompts.and_then(|prompts| prompts.instructions().get(index as usize).cloned());
    Ok(Some(text.unwrap_or_else(|| format!("number {index}"))))
}

fn verdict(candidate: &CandidateRow) -> String {
    match (&candidate.rejection, &candidate.verdict) {
        (Some(rejection), _) => format!("{}: {rejection}", rejection.name()),
        (None, Some(verdict)) if candidate.curve.is_empty() => format!("{verdict}, not trained"),
        (None, Some(verdict)) => verdict.clone(),
        (None, None) => "not finished".to_owned(),
    }
}

fn placed(candidate: &CandidateRow) -> &'static str {
    use nasc_search::archive::AddStatus;
    match candidate.add_status {
        Some(AddStatus::New) => "the first network of the cell",
        Some(AddStatus::ImproveExisting) => "fitter than the network that was there",
        Some(AddStatus::NotAdded) | None => "not fitter than the network that was there",
    }
}

fn diagnostics(candidate: &CandidateRow, output: &mut Output<'_>) -> Result<(), CliError> {
    let Some(Rejection::Compile { diagnostics, .. }) = &candidate.rejection else { return Ok(()) };
    output.line("")?;
    for CandidateDiagnostic { code, message, line } in diagnostics {
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        output.line(format!("{line}{message} [{code}]"))?;
    }
    Ok(())
}

fn curve(epochs: &[EpochRecord], output: &mut Output<'_>) -> Result<(), CliError> {
    if epochs.is_empty() {
        return Ok(());
    }
    let names = ["epoch", "train loss", "train accuracy", "loss", "accuracy"];
    let mut table = Table::new(&names.map(|name| (name, Align::Right)));
    for epoch in epochs {
        let dash = || "-".to_owned();
        table.row([
            epoch.epoch.to_string(),
            format!("{:.4}", epoch.train_loss),
            percent(epoch.train_accuracy),
            epoch.loss.map_or_else(dash, |loss| format!("{loss:.4}")),
            epoch.accuracy.map_or_else(dash, percent),
        ]);
    }
    output.line("")?;
    Ok(table.print(output)?)
}

/// Parents, their parents and so on, each once, the youngest first.
fn lineage(
    reader: &RunReader,
    candidate: &CandidateRow,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    if candidate.parents.is_empty() {
        return Ok(());
    }
    let columns = [
        ("ancestor", Align::Right),
        ("from", Align::Left),
        ("fitness", Align::Right),
        ("parents", Align::Left),
    ];
    let mut table = Table::new(&columns);
    let mut waiting: std::collections::BTreeSet<CandidateId> =
        candidate.parents.iter().copied().collect();
    for _ in 0..MOST_ANCESTORS {
        let Some(id) = waiting.pop_last() else { break };
        let Some(ancestor) = reader.candidate(id)? else { continue };
        waiting.extend(&ancestor.parents);
        let parents: Vec<String> = ancestor.parents.iter().map(|id| id.0.to_string()).collect();
        table.row([
            id.0.to_string(),
            ancestor.operator.clone(),
            ancestor.fitness.map_or_else(|| "-".to_owned(), percent),
            parents.join(", "),
        ]);
    }
    output.line("")?;
    table.print(output)?;
    if !waiting.is_empty() {
        output.line("and older ones")?;
    }
    Ok(())
}
