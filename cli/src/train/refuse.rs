//! Networks that check and yet cannot be trained: operations without an implementation, and
//! networks that do not fit in memory. Both are reported at the place in the program.

use std::num::NonZeroUsize;

use nasc_compiler::Compiled;
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Fault, Label, Severity};
use nasc_compiler::ir::{CheckedGraph, Param};
use nasc_compiler::source::{FileId, Span};
use nasc_runtime::{RuntimeError, estimate_memory, trainable};

use crate::number::{bytes, grouped};

/// The codes of this check.
pub const CODES: &[&str] = &["nasc::train::unsupported", "nasc::train::out_of_memory"];

/// The network again, or why it cannot be trained with batches of this size.
pub(super) fn untrainable(
    compiled: Compiled,
    batch: NonZeroUsize,
) -> Result<Compiled, Diagnostics> {
    let memory = memory_of_machine();
    let found = unsupported(&compiled.graph).or_else(|| too_large(&compiled.graph, batch, memory));
    match found {
        None => Ok(compiled),
        Some(diagnostic) => {
            let mut all = compiled.warnings.as_slice().to_vec();
            all.push(diagnostic);
            Err(Diagnostics::new(all))
        }
    }
}

fn unsupported(graph: &CheckedGraph) -> Option<Diagnostic> {
    let error = trainable(graph).err()?;
    let span = match &error {
        RuntimeError::Unsupported { span, .. } => *span,
        _ => START,
    };
    Some(Diagnostic {
        code: "nasc::train::unsupported",
        severity: Severity::Error,
        fault: Fault::Unsupported,
        message: error.to_string(),
        labels: vec![Label { span, text: "used here".to_owned() }],
        help: None,
        remedies: Vec::new(),
        trail: Vec::new(),
    })
}

const START: Span = Span { file: FileId(0), start: 0, end: 0 };

fn too_large(graph: &CheckedGraph, batch: NonZeroUsize, memory: u64) -> Option<Diagnostic> {
    let needed = estimate_memory(graph, batch.get() as u64);
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
            "training needs about {} and this machine has {}",
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

/// Memory of this machine, where Linux tells it; else no more than most machines have.
fn memory_of_machine() -> u64 {
    const FALLBACK: u64 = 16 << 30;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = available.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
    kibibytes.map_or(FALLBACK, |kibibytes: u64| kibibytes.saturating_mul(1024))
}
