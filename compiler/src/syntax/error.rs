//! Mistakes of syntax, with all their wording. The first one ends the parse.
//! Deliberately not here: how they are found, how they are laid out.

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Fault, Label, Severity};
use crate::source::Span;

/// One mistake of syntax.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// The file is too large.
    #[error("the file has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
        /// Its beginning.
        span: Span,
    },
    /// The file holds a byte that no text has.
    #[error("the file holds the byte 0x{byte:02x}, so it is no Python text")]
    Binary {
        /// The byte.
        byte: u8,
        /// Where it stands.
        span: Span,
    },
    /// A bracket is never closed.
    #[error("`{open}` is never closed")]
    UnclosedBracket {
        /// The bracket.
        open: char,
        /// Where it stands.
        span: Span,
    },
    /// A closing bracket without an opening one.
    #[error("`{close}` closes nothing")]
    UnopenedBracket {
        /// The bracket.
        close: char,
        /// Where it stands.
        span: Span,
    },
    /// A closing bracket of another kind than the opening one.
    #[error("`{close}` does not close `{open}`")]
    MismatchedBracket {
        /// The opening bracket.
        open: char,
        /// The closing bracket.
        close: char,
        /// Where the opening one stands.
        opened: Span,
        /// Where the closing one stands.
        span: Span,
    },
    /// A string without its closing quote.
    #[error("the string is never closed")]
    UnterminatedString {
        /// The string so far.
        span: Span,
    },
    /// Brackets, lambdas, blocks or operators nest too deeply.
    #[error("the program nests more than {limit} levels deep")]
    NestedTooDeep {
        /// The limit.
        limit: usize,
        /// Where it is passed.
        span: Span,
    },
    /// A line is indented where no block begins, or falls back to no enclosing block.
    #[error("unexpected indentation")]
    Indentation {
        /// The first token of the line.
        span: Span,
    },
    /// A header without an indented block.
    #[error("expected an indented block after this line")]
    MissingBlock {
        /// The end of the header.
        span: Span,
    },
    /// A literal that cannot be read.
    #[error("{reason}")]
    Literal {
        /// What is wrong with it.
        reason: String,
        /// The literal.
        span: Span,
    },
    /// An integer beyond what nasc computes with.
    #[error("the integer has more than 127 bits")]
    IntegerTooLarge {
        /// The literal.
        span: Span,
    },
    /// A statement of Python that nasc does not read.
    #[error("{statement} is not supported")]
    UnsupportedStatement {
        /// Its name in words.
        statement: &'static str,
        /// Its first word.
        span: Span,
    },
    /// Something that cannot be assigned to.
    #[error("cannot assign to {found}")]
    Target {
        /// What it is.
        found: &'static str,
        /// Where it stands.
        span: Span,
    },
    /// Anything else.
    #[error("unexpected {found}; expected {expected}")]
    UnexpectedToken {
        /// What stands there, quoted.
        found: String,
        /// What may stand there, in words.
        expected: String,
        /// What was probably left out.
        help: Option<&'static str>,
        /// Where it stands.
        span: Span,
    },
}

/// All codes of this stage.
pub const CODES: &[&str] = &[
    "nasc::syntax::assignment_target",
    "nasc::syntax::binary_file",
    "nasc::syntax::indentation",
    "nasc::syntax::integer_too_large",
    "nasc::syntax::literal",
    "nasc::syntax::mismatched_bracket",
    "nasc::syntax::missing_block",
    "nasc::syntax::nested_too_deep",
    "nasc::syntax::too_large",
    "nasc::syntax::unclosed_bracket",
    "nasc::syntax::unexpected_token",
    "nasc::syntax::unsupported_statement",
    "nasc::syntax::unterminated_string",
];

impl SyntaxError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            SyntaxError::TooLarge { .. } => "nasc::syntax::too_large",
            SyntaxError::Binary { .. } => "nasc::syntax::binary_file",
            SyntaxError::UnclosedBracket { .. } => "nasc::syntax::unclosed_bracket",
            SyntaxError::UnopenedBracket { .. } | SyntaxError::MismatchedBracket { .. } => {
                "nasc::syntax::mismatched_bracket"
            }
            SyntaxError::UnterminatedString { .. } => "nasc::syntax::unterminated_string",
            SyntaxError::NestedTooDeep { .. } => "nasc::syntax::nested_too_deep",
            SyntaxError::Indentation { .. } => "nasc::syntax::indentation",
            SyntaxError::MissingBlock { .. } => "nasc::syntax::missing_block",
            SyntaxError::Literal { .. } => "nasc::syntax::literal",
            SyntaxError::IntegerTooLarge { .. } => "nasc::syntax::integer_too_large",
            SyntaxError::UnsupportedStatement { .. } => "nasc::syntax::unsupported_statement",
            SyntaxError::Target { .. } => "nasc::syntax::assignment_target",
            SyntaxError::UnexpectedToken { .. } => "nasc::syntax::unexpected_token",
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            SyntaxError::TooLarge { span, .. }
            | SyntaxError::Binary { span, .. }
            | SyntaxError::UnclosedBracket { span, .. }
            | SyntaxError::UnopenedBracket { span, .. }
            | SyntaxError::MismatchedBracket { span, .. }
            | SyntaxError::UnterminatedString { span }
            | SyntaxError::NestedTooDeep { span, .. }
            | SyntaxError::Indentation { span }
            | SyntaxError::MissingBlock { span }
            | SyntaxError::Literal { span, .. }
            | SyntaxError::IntegerTooLarge { span }
            | SyntaxError::UnsupportedStatement { span, .. }
            | SyntaxError::Target { span, .. }
            | SyntaxError::UnexpectedToken { span, .. } => *span,
        }
    }

    /// The mistake as one of a text of which the parsed one is a part, `by` bytes behind its start.
    pub(super) fn moved(mut self, by: usize) -> SyntaxError {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        let shift = |span: &mut Span| {
            span.start = span.start.saturating_add(by);
            span.end = span.end.saturating_add(by);
        };
        if let SyntaxError::MismatchedBracket { opened, .. } = &mut self {
            shift(opened);
        }
        match &mut self {
            SyntaxError::TooLarge { span, .. }
            | SyntaxError::Binary { span, .. }
            | SyntaxError::UnclosedBracket { span, .. }
            | SyntaxError::UnopenedBracket { span, .. }
            | SyntaxError::MismatchedBracket { span, .. }
            | SyntaxError::UnterminatedString { span }
            | SyntaxError::NestedTooDeep { span, .. }
            | SyntaxError::Indentation { span }
            | SyntaxError::MissingBlock { span }
            | SyntaxError::Literal { span, .. }
            | SyntaxError::IntegerTooLarge { span }
            | SyntaxError::UnsupportedStatement { span, .. }
            | SyntaxError::Target { span, .. }
            | SyntaxError::UnexpectedToken { span, .. } => shift(span),
        }
        self
    }

    /// What Python reads and nasc does not is no mistake of the program.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            SyntaxError::TooLarge { .. }
            | SyntaxError::NestedTooDeep { .. }
            | SyntaxError::IntegerTooLarge { .. }
            | SyntaxError::UnsupportedStatement { .. } => Fault::Unsupported,
            SyntaxError::Binary { .. }
            | SyntaxError::UnclosedBracket { .. }
            | SyntaxError::UnopenedBracket { .. }
            | SyntaxError::MismatchedBracket { .. }
            | SyntaxError::UnterminatedString { .. }
            | SyntaxError::Indentation { .. }
            | SyntaxError::MissingBlock { .. }
            | SyntaxError::Literal { .. }
            | SyntaxError::Target { .. }
            | SyntaxError::UnexpectedToken { .. } => Fault::Program,
        }
    }

    const fn help(&self) -> Option<&'static str> {
        match self {
            SyntaxError::TooLarge { .. } => Some("check the file that defines the network alone"),
            SyntaxError::Binary { .. } => Some("pass the Python source of the network"),
            SyntaxError::UnclosedBracket { .. } => Some("add the closing bracket"),
            SyntaxError::UnopenedBracket { .. } | SyntaxError::MismatchedBracket { .. } => {
                Some("make opening and closing brackets match")
            }
            SyntaxError::UnterminatedString { .. } => Some("add the closing quote"),
            SyntaxError::NestedTooDeep { .. } => Some("name the inner parts on lines of their own"),
            SyntaxError::Indentation { .. } => Some("indent the line as the lines of its block"),
            SyntaxError::MissingBlock { .. } => Some("indent the next line, or write `pass`"),
            SyntaxError::IntegerTooLarge { .. } => Some("write a smaller number"),
            SyntaxError::UnsupportedStatement { .. } => {
                Some("write it with if and elif, or with plain assignments")
            }
            SyntaxError::Literal { .. } | SyntaxError::Target { .. } => None,
            SyntaxError::UnexpectedToken { help, .. } => *help,
        }
    }
}

impl From<SyntaxError> for Diagnostic {
    fn from(error: SyntaxError) -> Diagnostic {
        let mut labels = vec![Label { span: error.span(), text: "here".to_owned() }];
        if let SyntaxError::MismatchedBracket { opened, .. } = &error {
            labels.push(Label { span: *opened, text: "opened here".to_owned() });
        }
        Diagnostic {
            code: error.code(),
            severity: Severity::Error,
            fault: error.fault(),
            message: error.to_string(),
            labels,
            help: error.help().map(str::to_owned),
            remedies: Vec::new(),
            trail: Vec::new(),
        }
    }
}
