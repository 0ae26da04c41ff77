//! Diagnostics: what is wrong with the user's program, as data. Each stage has its own enum of
//! mistakes that converts to [`Diagnostic`]; wording lives with the variant, layout with the
//! printer. Deliberately not here: errors of the machine, and any printing.

use crate::source::Span;

/// How serious a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The program is refused.
    Error,
    /// The program runs, but probably not as meant.
    Warning,
}

/// Who is at fault: the program, or nasc which does not know the construct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// PyTorch would refuse it, too.
    Program,
    /// PyTorch may accept it; nasc cannot decide.
    Unsupported,
}

/// A place with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark, lower case, no full stop.
    pub text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code such as `nasc::shape::channel_mismatch`.
    pub code: &'static str,
    /// How serious.
    pub severity: Severity,
    /// Who is at fault.
    pub fault: Fault,
    /// One sentence, no full stop.
    pub message: String,
    /// Primary label first: the call in `forward`.
    pub labels: Vec<Label>,
    /// One proposed edit.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The primary place.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// All diagnostics of a compilation, sorted by place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Sorts the list by place.
    #[must_use]
    pub fn new(mut list: Vec<Diagnostic>) -> Diagnostics {
        list.sort_by_key(Diagnostic::span);
        Diagnostics { list }
    }

    /// The diagnostics in order of place.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}
