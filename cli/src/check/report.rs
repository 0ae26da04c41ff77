//! The JSON form of a check. It is stable: docs/cli.md documents every field; fields may be added,
//! none is renamed or removed.

use nasc_compiler::Compiled;
use nasc_compiler::cost::{Convention, CostReport, LayerCost, MemoryReport};
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Severity, Step};
use nasc_compiler::ir::{Dim, Shape, TensorType};
use nasc_compiler::source::{SourceFile, Span};
use serde::Serialize;

use super::figures::Figures;

use crate::render::file_of;

/// A check as one JSON object. Figures are `None` if there is no network to have them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// Whether the network is right.
    pub ok: bool,
    /// The file, as it was named.
    pub file: Option<String>,
    /// What was checked, such as `Net`.
    pub entry: Option<String>,
    /// Shape of each input.
    pub input: Vec<Vec<DimReport>>,
    /// Shape of each output.
    pub output: Option<Vec<Vec<DimReport>>>,
    /// Elements of all parameters.
    pub params: Option<u64>,
    /// Those that training updates.
    pub trainable_params: Option<u64>,
    /// Elements of all buffers.
    pub buffers: Option<u64>,
    /// Multiply-accumulates for one sample.
    pub macs: Option<u64>,
    /// Floating-point operations for one sample.
    pub flops: Option<u64>,
    /// Whose rules MACs and FLOPs were counted by.
    pub convention: Option<Convention>,
    /// Bytes by purpose, for the batch and optimiser that were asked for.
    pub memory: Option<MemoryReport>,
    /// Registered layers.
    pub depth: Option<u64>,
    /// Largest number of output channels or features.
    pub width: Option<u64>,
    /// Width divided by depth.
    pub width_to_depth: Option<f64>,
    /// Most bytes of activations alive at once in inference, one sample.
    pub peak_activation_bytes: Option<u64>,
    /// The cell of NAS-Bench-201, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Layers in execution order.
    pub layers: Vec<LayerReport>,
    /// Mistakes and warnings by place.
    pub diagnostics: Vec<DiagnosticReport>,
    /// A unified diff after which the file checks, if one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A dimension: a number, or `N`, `2N`, ... for multiples of the batch size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DimReport {
    /// A known extent.
    Known(u64),
    /// A multiple of the batch size.
    Batch(String),
}

/// One call of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerReport {
    /// Path as in a state dict.
    pub path: String,
    /// Class or function.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Shape of the result.
    pub output: Vec<DimReport>,
    /// Elements of the parameters that no earlier layer counted.
    pub params: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// Line of the declaration or, where there is none, of the call.
    pub line: u32,
    /// The file of the line, if it is not the one asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One mistake or warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagnosticReport {
    /// Stable code.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Line from 1, if the place is known.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// The file of the place, if it is not the one asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// One proposed edit.
    pub help: Option<String>,
    /// The operations that the wrong operands came through; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<StepReport>,
}

/// One operation before a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Path as in a state dict.
    pub path: String,
    /// Class or function.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Shape of the result, in words.
    pub output: String,
    /// Line of the call.
    pub line: u32,
    /// The file of the call, if it is not the one asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl CheckReport {
    /// The report of a finished compilation.
    #[must_use]
    pub fn new(
        files: &[SourceFile],
        inputs: &[TensorType],
        result: &Result<Compiled, Diagnostics>,
        figures: &Figures,
    ) -> CheckReport {
        let input = inputs.iter().map(|input| dims(&input.shape)).collect();
        let file = files.first().map(|file| file.name().to_owned());
        match result {
            Ok(compiled) => CheckReport {
                file,
                entry: Some(compiled.entry.trim_end_matches("()").to_owned()),
                output: Some(outputs(compiled)),
                diagnostics: diagnostics(files, &compiled.warnings),
                memory: Some(figures.memory(&compiled.graph)),
                ..CheckReport::figures(files, input, &figures.cost(&compiled.graph))
            },
            Err(mistakes) => CheckReport {
                file,
                diagnostics: diagnostics(files, mistakes),
                ..CheckReport::empty(input)
            },
        }
    }

    fn figures(files: &[SourceFile], input: Vec<Vec<DimReport>>, cost: &CostReport) -> CheckReport {
        CheckReport {
            ok: true,
            params: Some(cost.params),
            trainable_params: Some(cost.trainable_params),
            buffers: Some(cost.buffers),
            macs: Some(cost.macs),
            flops: Some(cost.flops),
            convention: Some(cost.convention),
            depth: Some(cost.depth),
            width: Some(cost.width),
            width_to_depth: Some(cost.width_to_depth),
            peak_activation_bytes: Some(cost.peak_activation_bytes),
            layers: cost.layers.iter().map(|layer| layer_report(files, layer)).collect(),
            ..CheckReport::empty(input)
        }
    }

    fn empty(input: Vec<Vec<DimReport>>) -> CheckReport {
        CheckReport {
            ok: false,
            file: None,
            entry: None,
            input,
            output: None,
            params: None,
            trainable_params: None,
            buffers: None,
            macs: None,
            flops: None,
            convention: None,
            memory: None,
            depth: None,
            width: None,
            width_to_depth: None,
            peak_activation_bytes: None,
            cell: None,
            layers: Vec::new(),
            diagnostics: Vec::new(),
            fix: None,
        }
    }
}

fn dims(shape: &Shape) -> Vec<DimReport> {
    shape
        .0
        .iter()
        .map(|&dim| match dim {
            Dim::Known(extent) => DimReport::Known(extent),
            batch @ Dim::Batch { .. } => DimReport::Batch(batch.to_string()),
        })
        .collect()
}

fn line(files: &[SourceFile], span: Span) -> u32 {
    file_of(files, Some(span)).map_or(0, |file| file.line_column(span.start).line)
}

/// The name of a place's file unless it is the first.
fn other_file(files: &[SourceFile], span: Option<Span>) -> Option<String> {
    let span = span.filter(|span| span.file.0 != 0)?;
    file_of(files, Some(span)).map(|file| file.name().to_owned())
}

fn outputs(compiled: &Compiled) -> Vec<Vec<DimReport>> {
    let graph = &compiled.graph;
    graph.outputs.iter().filter_map(|&id| graph.tensor_type(id)).map(|t| dims(&t.shape)).collect()
}

fn layer_report(files: &[SourceFile], layer: &LayerCost) -> LayerReport {
    let place = layer.declared.unwrap_or(layer.call);
    LayerReport {
        path: layer.path.clone(),
        type_name: layer.type_name.clone(),
        output: dims(&layer.output),
        params: layer.params,
        macs: layer.macs,
        line: line(files, place),
        file: other_file(files, Some(place)),
    }
}

fn diagnostics(files: &[SourceFile], diagnostics: &Diagnostics) -> Vec<DiagnosticReport> {
    diagnostics.as_slice().iter().map(|diagnostic| diagnostic_report(files, diagnostic)).collect()
}

fn diagnostic_report(files: &[SourceFile], diagnostic: &Diagnostic) -> DiagnosticReport {
    let span = diagnostic.span();
    let file = file_of(files, span);
    let place = span.zip(file).map(|(span, file)| file.line_column(span.start));
    DiagnosticReport {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        file: other_file(files, span),
        help: diagnostic.help.clone(),
        trail: diagnostic.trail.iter().map(|step| step_report(files, step)).collect(),
    }
}

fn step_report(files: &[SourceFile], step: &Step) -> StepReport {
    StepReport {
        path: step.path.clone(),
        type_name: step.type_name.clone(),
        output: step.output.clone(),
        line: line(files, step.span),
        file: other_file(files, Some(step.span)),
    }
}
