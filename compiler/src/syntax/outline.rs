//! The top-level blocks of a file, without parsing them: where each begins, and what it defines.
//! A module of which a network needs one class is then parsed for that class alone.

use std::ops::Range;

use super::scan;
use super::{Result, SourceLimits};
use crate::source::{FileId, SourceFile};

/// A top-level statement, or several that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The function or class that it defines, if it is one definition.
    pub defines: Option<String>,
    /// Its bytes in the file.
    pub range: Range<usize>,
}

/// Words that go on with the statement before.
const CONTINUATIONS: [&str; 4] = ["else", "elif", "except", "finally"];

/// Splits a file into blocks.
///
/// # Errors
/// What the scanner refuses: unclosed brackets, bytes that are no text, a file that is too large.
pub fn outline(source: &SourceFile, file: FileId, limits: &SourceLimits) -> Result<Vec<Block>> {
    let cooked = scan::cook(source.text(), file, limits)?;
    let mut blocks: Vec<Block> = Vec::new();
    let mut decorated = false;
    for start in line_starts(&cooked) {
        let line = cooked.get(start..).unwrap_or("");
        let word = first_word(line);
        if CONTINUATIONS.contains(&word) {
            continue;
        }
        let defines = defined_name(line);
        if let Some(last) = blocks.last_mut() {
            if decorated {
                decorated = line.starts_with('@');
                last.defines = defines;
                continue;
            }
            last.range.end = start;
        }
        decorated = line.starts_with('@');
        blocks.push(Block { defines, range: start..source.text().len() });
    }
    Ok(blocks)
}

/// Offsets of the lines that begin a statement at column 0, outside of strings.
fn line_starts(cooked: &str) -> Vec<usize> {
    let bytes = cooked.as_bytes();
    let mut starts = Vec::new();
    let mut position = 0;
    let mut at_line_start = true;
    while let Some(&byte) = bytes.get(position) {
        if at_line_start && !byte.is_ascii_whitespace() {
            starts.push(position);
        }
        at_line_start = byte == b'\n';
        position = match byte {
            b'"' | b'\'' => string_end(bytes, position),
            _ => position + 1,
        };
    }
    starts
}

/// One past the string that begins at a quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes.get(start).copied().unwrap_or(b'"');
    let is_quote = |at: usize| bytes.get(at) == Some(&quote);
    let width = if is_quote(start + 1) && is_quote(start + 2) { 3 } else { 1 };
    let mut position = start + width;
    while let Some(&byte) = bytes.get(position) {
        match byte {
            b'\\' => position += 2,
            b'\n' if width == 1 => return position,
            _ if (0..width).all(|ahead| is_quote(position + ahead)) => return position + width,
            _ => position += 1,
        }
    }
    bytes.len()
}

fn first_word(line: &str) -> &str {
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
    line.get(..end).unwrap_or("")
}

/// The name after `def` or `class`.
fn defined_name(line: &str) -> Option<String> {
    let rest = line.strip_prefix("async ").unwrap_or(line);
    let rest = rest.strip_prefix("def ").or_else(|| rest.strip_prefix("class "))?;
    let name = first_word(rest.trim_start());
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{Block, outline};
    use crate::source::{FileId, SourceFile};
    use crate::syntax::SourceLimits;

    fn blocks(text: &str) -> Vec<(Option<String>, String)> {
        let source = SourceFile::new("m.py", text);
        let found = outline(&source, FileId(1), &SourceLimits::standard()).unwrap();
        let text = |Block { defines, range }: Block| (defines, text[range].to_owned());
        found.into_iter().map(text).collect()
    }

    #[test]
    fn definitions_stand_alone_with_their_decorators_and_bodies() {
        let found = blocks(
            "import a\nX = (1,\n2)\n@d\n@e(1)\ndef f(x):\n    '''text\ndef g():\n'''\n    return 1\n\
             # note\nclass C(B):\n    y = 1\nif X:\n    pass\nelse:\n    pass\n",
        );
        let names: Vec<Option<&str>> = found.iter().map(|(name, _)| name.as_deref()).collect();
        assert_eq!(names, [None, None, Some("f"), Some("C"), None]);
        assert!(found[2].1.starts_with("@d\n@e(1)\ndef f") && found[2].1.contains("return 1"));
        assert!(found[4].1.ends_with("else:\n    pass\n"));
    }
}
