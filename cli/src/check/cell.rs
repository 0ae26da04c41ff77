//! Whether a network is a cell of NAS-Bench-201, and which.

use nasc_compiler::Compiled;
use nasc_compiler::cell::{Cell, CellError};
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Fault, Label, Severity};

use super::expect::output_place;

/// The cell, or why it is none. Warnings of the compiler stay.
pub(super) fn require(compiled: &Compiled) -> Result<Cell, Diagnostics> {
    Cell::of_graph(&compiled.graph).map_err(|error| {
        let mut all = compiled.warnings.as_slice().to_vec();
        all.push(diagnostic(&error, compiled));
        Diagnostics::new(all)
    })
}

fn diagnostic(error: &CellError, compiled: &Compiled) -> Diagnostic {
    let (span, text) = match error.span() {
        Some(span) => (span, "no cell has this"),
        None => (output_place(&compiled.graph), "this is the output"),
    };
    Diagnostic {
        code: "nasc::check::no_cell",
        severity: Severity::Error,
        fault: Fault::Program,
        message: error.to_string(),
        labels: vec![Label { span, text: text.to_owned() }],
        help: Some(help(error).to_owned()),
        remedies: Vec::new(),
        trail: Vec::new(),
    }
}

/// What to write instead.
const fn help(error: &CellError) -> &'static str {
    match error {
        CellError::Signature { .. } => {
            "let forward take one tensor [N, C, H, W] and return one of the same shape; --input says what it is, such as --input 16x32x32"
        }
        CellError::Operation { .. } => {
            "let each edge be zeros, the input itself, nn.Sequential(nn.ReLU(), nn.Conv2d(C, C, 3, padding=1), nn.BatchNorm2d(C)), the same with a 1x1 convolution, or nn.AvgPool2d(3, 1, 1)"
        }
        CellError::SharedWeights { .. } => {
            "give each edge a layer of its own in __init__, and call each once"
        }
        CellError::Factor { .. } => "add the edges as they are",
        CellError::NotFourNodes { .. } => {
            "let node 1 be one edge from the input, node 2 the sum of edges from the input and node 1, and the output the sum of edges from the input, node 1 and node 2"
        }
    }
}
