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
    /// Edits that may make it right, most likely first; `repair` tries them.
    pub remedies: Vec<Remedy>,
    /// The operations that the wrong operands came through, in order; empty where there is none.
    pub trail: Vec<Step>,
}

/// An operation before a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Path of the layer; of a function, of the module that calls it.
    pub path: String,
    /// Class of the layer, or name of the function.
    pub type_name: String,
    /// Shape of the result.
    pub output: String,
    /// The call.
    pub span: Span,
}

/// An edit of the program as data: what to change, not yet where each byte stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Give an argument of a call another value.
    Argument {
        /// The call.
        call: Span,
        /// Name of the parameter.
        name: &'static str,
        /// The value.
        value: i64,
    },
    /// Flatten what a call receives, from dimension 1 on.
    Flatten {
        /// The call in `forward`.
        call: Span,
        /// The layer's constructor; in a container the flattening stands before it.
        declared: Option<Span>,
    },
    /// Take the twin of a layer for inputs of another number of dimensions: `Conv2d` for `Conv1d`.
    Rank {
        /// The constructor.
        call: Span,
        /// Spatial dimensions.
        spatial: usize,
    },
    /// Call a method of another name or, if the name has a dot, another function.
    Callee {
        /// The call.
        call: Span,
        /// The name.
        name: String,
    },
    /// Import a module at the top of the file.
    Import {
        /// The statement.
        statement: String,
    },
    /// Give a keyword argument of a call its right name.
    Keyword {
        /// The call.
        call: Span,
        /// The name as written.
        wrong: String,
        /// The name of the parameter.
        right: String,
    },
    /// Write another name: of a variable, an attribute, a method that is defined.
    Name {
        /// Where the name is used.
        place: Span,
        /// The name as written.
        wrong: String,
        /// The name that is meant.
        right: String,
    },
    /// Give the last size of a reshape another value.
    LastSize {
        /// The call.
        call: Span,
        /// The value.
        value: i64,
    },
    /// Write `transpose(-2, -1)` behind the right operand of a matrix product.
    TransposeRight {
        /// The product.
        call: Span,
    },
    /// Divide without remainder in the arguments of a call.
    FloorDivision {
        /// The call.
        call: Span,
    },
    /// Call `super().__init__()` before the statement at this place.
    SuperInit {
        /// The statement.
        before: Span,
    },
    /// Several of them at once.
    All(Vec<Remedy>),
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
