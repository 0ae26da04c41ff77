//! A check for people: the table of layers, the totals, the descriptors, and how it was counted.

use std::io;

use nasc_compiler::Compiled;
use nasc_compiler::cost::{CostReport, MemoryReport};
use nasc_compiler::ir::TensorType;

use super::figures::{Figures, OptimizerArg};
use crate::number::{bytes, grouped};
use crate::output::Output;
use crate::table::{Align, Table};

/// Writes what is known of a network.
///
/// # Errors
/// If it cannot be written.
pub fn summary(
    compiled: &Compiled,
    figures: &Figures,
    inputs: &[TensorType],
    output: &mut Output<'_>,
) -> io::Result<()> {
    let cost = &figures.cost(&compiled.graph);
    output.line(format!("{} ({})", compiled.entry, compiled.entry_reason))?;
    output.line(format!("input {}, output {}", list(inputs.iter()), outputs(compiled)))?;
    output.line("")?;
    layers(cost).print(output)?;
    output.line("")?;
    totals(cost).print(output)?;
    output.line("")?;
    let samples = if figures.batch == 1 { "sample" } else { "samples" };
    output.line(format!(
        "Memory for {} {samples} and {}:",
        grouped(figures.batch),
        name(figures)
    ))?;
    memory(&figures.memory(&compiled.graph)).print(output)?;
    output.line("")?;
    output.line(format!("Counted: {}.", cost.convention.statement()))
}

fn name(figures: &Figures) -> &'static str {
    match figures.optimizer {
        OptimizerArg::Sgd => "SGD",
        OptimizerArg::Momentum => "SGD with momentum",
        OptimizerArg::Adam => "Adam",
    }
}

/// Bytes by purpose; inference needs the first and the last but one, training all but that.
fn memory(report: &MemoryReport) -> Table {
    let mut table = Table::new(&[("", Align::Left), ("bytes", Align::Right), ("", Align::Left)]);
    let state = report.parameter_bytes.saturating_add(report.buffer_bytes);
    let inference = state.saturating_add(report.inference_activation_bytes);
    let training = state
        .saturating_add(report.gradient_bytes)
        .saturating_add(report.optimizer_bytes)
        .saturating_add(report.training_activation_bytes);
    for (name, figure) in [
        ("parameters", report.parameter_bytes),
        ("buffers", report.buffer_bytes),
        ("gradients", report.gradient_bytes),
        ("optimiser state", report.optimizer_bytes),
        ("peak activations in inference", report.inference_activation_bytes),
        ("peak activations in training", report.training_activation_bytes),
        ("inference in all", inference),
        ("training in all", training),
    ] {
        table.row([name.to_owned(), grouped(figure), bytes(figure)]);
    }
    table
}

fn outputs(compiled: &Compiled) -> String {
    let graph = &compiled.graph;
    list(graph.outputs.iter().filter_map(|&id| graph.tensor_type(id)))
}

fn list<'a>(types: impl Iterator<Item = &'a TensorType>) -> String {
    types.map(ToString::to_string).collect::<Vec<String>>().join(", ")
}

fn layers(cost: &CostReport) -> Table {
    let mut table = Table::new(&[
        ("path", Align::Left),
        ("type", Align::Left),
        ("output", Align::Left),
        ("parameters", Align::Right),
        ("MACs", Align::Right),
    ]);
    for layer in &cost.layers {
        table.row([
            if layer.path.is_empty() { "(network)".to_owned() } else { layer.path.clone() },
            layer.type_name.clone(),
            layer.output.to_string(),
            grouped(layer.params),
            grouped(layer.macs),
        ]);
    }
    table
}

fn totals(cost: &CostReport) -> Table {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Right), ("", Align::Left)]);
    let mut row = |name: &str, figure: String, remark: String| {
        table.row([name.to_owned(), figure, remark]);
    };
    let none = String::new;
    row(
        "parameters",
        grouped(cost.params),
        format!("{} trainable", grouped(cost.trainable_params)),
    );
    row("buffer elements", grouped(cost.buffers), none());
    row("MACs", grouped(cost.macs), none());
    row("FLOPs", grouped(cost.flops), none());
    let peak = cost.peak_activation_bytes;
    row("peak activations", grouped(peak), format!("bytes in inference, {}", bytes(peak)));
    row("depth", grouped(cost.depth), "layers".to_owned());
    row("width", grouped(cost.width), "channels or features".to_owned());
    row("width to depth", format!("{:.2}", cost.width_to_depth), none());
    table
}
