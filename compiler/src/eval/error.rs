//! Mistakes found while a program is evaluated. A Python exception is data that `except` may
//! catch; what nasc does not know, and spent budgets, are refusals that nothing catches.
//! The one table of codes is [`Mistake`].

use crate::diagnostic::{Diagnostic, Fault, Label, Remedy, Severity};
use crate::source::Span;

use super::value::Value;

/// Result of an evaluation step.
pub(crate) type Eval<T> = Result<T, Box<Stop>>;

/// Why evaluation does not go on.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// A Python exception.
    Raise(Exception),
    /// Operands that do not fit an operation.
    Shape(crate::shape::ShapeError),
    /// What nasc cannot decide, or a spent budget.
    Refuse(Exception),
    /// A value is unknown because of a mistake that was reported already.
    Silent,
}

/// An exception on its way.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    pub mistake: Mistake,
    /// Name of the Python class, e.g. `TypeError`.
    pub class: &'static str,
    pub message: String,
    /// The raised object if the program raised it itself.
    pub value: Option<Value>,
    pub span: Option<Span>,
    pub help: Option<String>,
    /// What would make it right.
    pub fix: Option<Fix>,
    pub notes: Vec<Label>,
}

/// An edit at the place of a mistake.
#[derive(Debug, Clone)]
pub(crate) enum Fix {
    /// Another name for a keyword argument.
    Keyword { wrong: String, right: String },
    /// Another name.
    Name { wrong: String, right: String },
    /// Another value of an argument.
    Argument { name: &'static str, value: u64 },
    /// Division without remainder.
    FloorDivision,
    /// A call of `super().__init__()` before.
    SuperInit,
    /// Another function.
    Callee(String),
    /// An import at the top.
    Import(String),
}

impl Fix {
    fn at(self, place: Span) -> Option<Remedy> {
        Some(match self {
            Fix::Keyword { wrong, right } => Remedy::Keyword { call: place, wrong, right },
            Fix::Name { wrong, right } => Remedy::Name { place, wrong, right },
            Fix::Argument { name, value } => {
                Remedy::Argument { call: place, name, value: i64::try_from(value).ok()? }
            }
            Fix::FloorDivision => Remedy::FloorDivision { call: place },
            Fix::Callee(name) => Remedy::Callee { call: place, name },
            Fix::Import(statement) => Remedy::Import { statement },
            Fix::SuperInit => Remedy::SuperInit { before: place },
        })
    }
}

macro_rules! mistakes {
    ($($variant:ident $code:literal $fault:ident),* $(,)?) => {
        /// Every kind of mistake of evaluation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Mistake { $($variant),* }

        impl Mistake {
            /// The stable code.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Mistake::$variant => concat!("nasc::eval::", $code)),* }
            }

            /// Whether the program is wrong or nasc does not know the construct.
            pub(crate) const fn fault(self) -> Fault {
                match self { $(Mistake::$variant => Fault::$fault),* }
            }
        }

        /// All codes of this stage.
        pub const CODES: &[&str] = &[$(concat!("nasc::eval::", $code)),*];
    };
}

mistakes! {
    UnknownName "unknown_name" Program,
    UnassignedName "unassigned_name" Program,
    UnknownAttribute "unknown_attribute" Program,
    WrongArguments "wrong_arguments" Program,
    BadArgument "bad_argument" Program,
    NotCallable "not_callable" Program,
    TypeMismatch "type_mismatch" Program,
    BadValue "bad_value" Program,
    IndexOutOfRange "index_out_of_range" Program,
    UnknownKey "unknown_key" Program,
    Unpack "unpack" Program,
    DivisionByZero "division_by_zero" Program,
    AssertionFailed "assertion_failed" Program,
    Raised "raised" Program,
    MissingForward "missing_forward" Program,
    MissingSuperInit "missing_super_init" Program,
    NotAModule "not_a_module" Program,
    NoNetwork "no_network" Program,
    BadEntry "bad_entry" Program,
    BadOutput "bad_output" Program,
    OutOfFuel "out_of_fuel" Unsupported,
    TooDeep "too_deep" Unsupported,
    OutOfMemory "out_of_memory" Unsupported,
    IntegerOverflow "integer_overflow" Unsupported,
    UnsupportedLayer "unsupported_layer" Unsupported,
    UnsupportedFunction "unsupported_function" Unsupported,
    UnsupportedMethod "unsupported_method" Unsupported,
    UnsupportedModule "unsupported_module" Unsupported,
    UnsupportedArgument "unsupported_argument" Unsupported,
    UnsupportedSyntax "unsupported_syntax" Unsupported,
    DataDependentControlFlow "data_dependent_control_flow" Unsupported,
    SymbolicArithmetic "symbolic_arithmetic" Unsupported,
    PlainListOfLayers "plain_list_of_layers" Program,
    UnusedLayer "unused_layer" Program,
    SoftmaxBeforeLoss "softmax_before_loss" Program,
    ReluOnLogits "relu_on_logits" Program,
    LayerMadeInForward "layer_made_in_forward" Program,
    SharedParameters "shared_parameters" Program,
    SingleValuePerChannel "single_value_per_channel" Program,
    BatchMerged "batch_merged" Program,
}

impl Exception {
    pub(crate) fn new(mistake: Mistake, class: &'static str, message: impl Into<String>) -> Self {
        Exception {
            mistake,
            class,
            message: message.into(),
            value: None,
            span: None,
            help: None,
            fix: None,
            notes: Vec::new(),
        }
    }

    /// The diagnostic; `fallback` is the place if none was noted.
    pub(crate) fn into_diagnostic(self, fallback: Span) -> Diagnostic {
        let span = self.span.unwrap_or(fallback);
        let mut labels = vec![Label { span, text: String::from("here") }];
        labels.extend(self.notes);
        Diagnostic {
            code: self.mistake.code(),
            severity: Severity::Error,
            fault: self.mistake.fault(),
            message: self.message,
            labels,
            help: self.help,
            remedies: self.fix.and_then(|fix| fix.at(span)).into_iter().collect(),
            trail: Vec::new(),
        }
    }
}

impl Stop {
    /// Notes the place unless an inner one is known.
    pub(crate) fn at(mut self: Box<Self>, span: Span) -> Box<Self> {
        if super::prelude::is_here(span) {
            return self;
        }
        match &mut *self {
            Stop::Raise(exception) | Stop::Refuse(exception) => {
                exception.span.get_or_insert(span);
            }
            Stop::Silent | Stop::Shape(_) => {}
        }
        self
    }

    /// Adds help unless there is some.
    pub(crate) fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        match &mut *self {
            Stop::Raise(exception) | Stop::Refuse(exception) => {
                exception.help.get_or_insert_with(|| help.into());
            }
            Stop::Silent | Stop::Shape(_) => {}
        }
        self
    }
}

impl Stop {
    /// Adds an edit that would make it right.
    pub(crate) fn fix(mut self: Box<Self>, fix: Fix) -> Box<Self> {
        match &mut *self {
            Stop::Raise(exception) | Stop::Refuse(exception) => exception.fix = Some(fix),
            Stop::Silent | Stop::Shape(_) => {}
        }
        self
    }
}

/// A Python exception.
pub(crate) fn raise(
    mistake: Mistake,
    class: &'static str,
    message: impl Into<String>,
) -> Box<Stop> {
    Box::new(Stop::Raise(Exception::new(mistake, class, message)))
}

/// A refusal that no `except` catches.
pub(crate) fn refuse(mistake: Mistake, message: impl Into<String>) -> Box<Stop> {
    Box::new(Stop::Refuse(Exception::new(mistake, "", message)))
}

pub(crate) fn type_error(message: impl Into<String>) -> Box<Stop> {
    raise(Mistake::TypeMismatch, "TypeError", message)
}

pub(crate) fn value_error(message: impl Into<String>) -> Box<Stop> {
    raise(Mistake::BadValue, "ValueError", message)
}

pub(crate) fn bad_argument(message: impl Into<String>) -> Box<Stop> {
    raise(Mistake::BadArgument, "ValueError", message)
}

pub(crate) fn wrong_arguments(message: impl Into<String>) -> Box<Stop> {
    raise(Mistake::WrongArguments, "TypeError", message)
}

pub(crate) fn attribute_error(message: impl Into<String>) -> Box<Stop> {
    raise(Mistake::UnknownAttribute, "AttributeError", message)
}

pub(crate) fn silent() -> Box<Stop> {
    Box::new(Stop::Silent)
}

/// Operands that do not fit an operation.
pub(crate) fn misfit(error: crate::shape::ShapeError) -> Box<Stop> {
    Box::new(Stop::Shape(error))
}
