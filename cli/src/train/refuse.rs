//! Networks that check and yet cannot be trained: operations without an implementation, and
//! networks that do not fit in memory. Both are reported at the place in the program.

use nasc_compiler::Compiled;
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Fault, Label, Severity};
use nasc_compiler::ir::{CheckedGraph, Param};
use nasc_compiler::source::{FileId, Span};
use nasc_runtime::{RuntimeError, Workload, estimate_memory, fits_batches, trainable};

use crate::memory;
use crate::number::{bytes, grouped};

/// The codes of this check.
pub const CODES: &[&str] = &[
    "nasc::train::unsupported",
    "nasc::train::out_of_memory",
    "nasc::train::single_value_per_channel",
];

/// The network again, or why it cannot be trained with these batches.
pub(super) fn untrainable(compiled: Compiled, work: &Workload) -> Result<Compiled, Diagnostics> {
    let graph = &compiled.graph;
    let found = trainable(graph).err().map(|error| unsupported(&error));
    let found = found.or_else(|| single_value(graph, work));
    let found = found.or_else(|| too_large(graph, work, memory::available()));
    match found {
        None => Ok(compiled),
        Some(diagnostic) => {
            let mut all = compiled.warnings.as_slice().to_vec();
            all.push(diagnostic);
            Err(Diagnostics::new(all))
        }
    }
}

fn unsupported(error: &RuntimeError) -> Diagnostic {
    let span = match error {
        RuntimeError::Unsupported { span, .. } => *span,
        _ => START,
    };
    Diagnostic {
        code: "nasc::train::unsupported",
        severity: Severity::Error,
        fault: Fault::Unsupported,
        message: error.to_string(),
        labels: vec![Label { span, text: "used here".to_owned() }],
        help: None,
        remedies: Vec::new(),
        trail: Vec::new(),
    }
}

fn single_value(graph: &CheckedGraph, work: &Workload) -> Option<Diagnostic> {
    let error = fits_batches(graph, work).err()?;
    let RuntimeError::SingleValue { span, .. } = &error else { return None };
    let sizes = (work.batch + 1..=work.train.max(work.batch + 1)).take(64);
    let fitting = sizes.into_iter().find(|size| work.train % size != 1);
    let help = fitting.map_or_else(
        || "train with larger batches".to_owned(),
        |size| format!("train with another --batch-size, such as {size}"),
    );
    Some(Diagnostic {
        code: "nasc::train::single_value_per_channel",
        severity: Severity::Error,
        fault: Fault::Program,
        message: error.to_string(),
        labels: vec![Label { span: *span, text: "used here".to_owned() }],
        help: Some(help),
        remedies: Vec::new(),
        trail: Vec::new(),
    })
}

const START: Span = Span { file: FileId(0), start: 0, end: 0 };

fn too_large(graph: &CheckedGraph, work: &Workload, memory: u64) -> Option<Diagnostic> {
    let needed = estimate_memory(graph, work);
    if needed <= memory {
        return None;
    }
    let largest = graph.params.iter().max_by_key(|param| param.elements());
    let mut label = Label { span: START, text: "the network begins in this file".to_owned() };
    if let Some(param) = largest {
        label.text = format!("{} holds {} numbers", param.path, grouped(param.elements()));
        label.span = declared(graph, param).unwrap_or(START);
    }
    Some(Diagnostic {
        code: "nasc::train::out_of_memory",
        severity: Severity::Error,
        fault: Fault::Program,
        message: format!(
            "training needs about {} and this machine has {} left",
            bytes(needed),
            bytes(memory)
        ),
        labels: vec![label],
        help: Some("make the largest layer smaller, or train with a smaller --batch-size".into()),
        remedies: Vec::new(),
        trail: Vec::new(),
    })
}

fn declared(graph: &CheckedGraph, param: &Param) -> Option<Span> {
    graph.module(param.module).and_then(|module| module.declared)
}
