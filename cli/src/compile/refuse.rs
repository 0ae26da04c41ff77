//! Networks that check and yet have no form: an operation that a back end does not write. Reported at
//! the place in the program.

use nasc_compiler::diagnostic::{Diagnostic, Fault, Label, Severity};
use nasc_compiler::emit::EmitError;

/// The codes of this command.
pub const CODES: &[&str] = &["nasc::compile::unsupported"];

/// What is reported about an operation without a form; `None` for errors that are not about the program.
pub(super) fn diagnostic(error: &EmitError) -> Option<Diagnostic> {
    let EmitError::Unsupported { call, .. } = error else { return None };
    Some(Diagnostic {
        code: "nasc::compile::unsupported",
        severity: Severity::Error,
        fault: Fault::Unsupported,
        message: error.to_string(),
        labels: vec![Label { span: *call, text: "used here".to_owned() }],
        help: Some(
            "docs/ops.md lists the forms of every operation; pytorch and json hold all".to_owned(),
        ),
        remedies: Vec::new(),
        trail: Vec::new(),
    })
}
