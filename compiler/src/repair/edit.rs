//! Replacing parts of a text.

use crate::source::{SourceFile, Span};

/// A replacement of some bytes; an insertion if the span is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// The text after edits that do not overlap; `None` if they do, or if they change nothing.
#[must_use]
pub fn apply(source: &SourceFile, edits: &[Edit]) -> Option<SourceFile> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut text = String::with_capacity(source.text().len() + 64);
    let mut position = 0;
    for edit in sorted {
        text.push_str(source.text().get(position..edit.span.start as usize)?);
        text.push_str(&edit.text);
        position = edit.span.end as usize;
    }
    text.push_str(source.text().get(position..)?);
    (text != source.text()).then(|| SourceFile::new(source.name(), text))
}
