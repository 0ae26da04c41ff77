//! Text to syntax tree: the scanner cooks the text, pest matches `grammar/python.pest`, and a
//! builder turns pest's pairs into [`ast`](crate::ast) nodes with the spans of the source.
//! Deliberately not here: meaning. Syntax stops at the first mistake.

mod error;
mod expression;
mod grammar;
mod operation;
mod outline;
mod report;
mod scan;
mod statement;
mod string;

pub use error::{CODES, SyntaxError};
pub use outline::{Block, outline};
pub use scan::SourceLimits;

use self::grammar::{Grammar, Rule};
use crate::ast::Module;
use crate::source::{FileId, SourceFile, Span};
use pest::Parser as _;
use pest::iterators::Pair;

/// Parses a source text.
///
/// # Errors
/// The first mistake of syntax, or the limit that the text passes.
pub fn parse(
    source: &SourceFile,
    file: FileId,
    limits: &SourceLimits,
) -> Result<Module, SyntaxError> {
    parse_block(source, file, limits, 0..source.text().len())
}

/// Parses some of the top-level statements of a file; spans are those of the whole file.
///
/// # Errors
/// As [`parse`].
pub fn parse_block(
    source: &SourceFile,
    file: FileId,
    limits: &SourceLimits,
    range: std::ops::Range<usize>,
) -> Result<Module, SyntaxError> {
    let offset = range.start;
    let text = source.text().get(range).unwrap_or("");
    let cooked = scan::cook(text, file, limits).map_err(|error| error.moved(offset))?;
    let mut pairs = Grammar::parse(Rule::file, &cooked)
        .map_err(|error| report::syntax_error(&error, &cooked, file).moved(offset))?;
    let mut builder = Builder { file, offset, limits, generators: Vec::new(), depth: 0 };
    let body = match pairs.next() {
        Some(file) => builder.statements(file.into_inner())?,
        None => Vec::new(),
    };
    Ok(Module { body })
}

/// Turns pairs into nodes.
struct Builder<'a> {
    file: FileId,
    /// Where the parsed text begins in the file; not 0 within an f-string.
    offset: usize,
    limits: &'a SourceLimits,
    /// One flag per function that is being built: whether a `yield` was seen in it.
    generators: Vec<bool>,
    /// Blocks around the statement that is being built.
    depth: usize,
}

type Result<T, E = SyntaxError> = std::result::Result<T, E>;

impl Builder<'_> {
    /// The range of a pair without the blanks behind it.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.offset + pair.as_span().start();
        let length = pair.as_str().trim_end().len();
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: narrow(start), end: narrow(start + length) }
    }

    fn too_deep(&self, limit: usize, pair: &Pair<'_, Rule>) -> SyntaxError {
        SyntaxError::NestedTooDeep { limit, span: self.span(pair) }
    }
}
