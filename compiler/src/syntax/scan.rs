//! A pass over the raw text before the grammar: finds strings, brackets and comments, refuses
//! what the grammar should never see (bytes that are no text, unclosed brackets, deep nesting),
//! and cooks the text, byte for byte, so that line breaks within brackets, comments and line
//! continuations are blanks. Deliberately not here: the meaning of any token.

use super::error::SyntaxError;
use crate::source::{FileId, Span};

/// What a source text may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLimits {
    /// Bytes of a file.
    pub max_bytes: usize,
    /// Brackets within brackets.
    pub max_nesting: usize,
    /// Operators, or members of one chain, in one expression.
    pub max_chain: usize,
}

impl SourceLimits {
    /// Limits that no handwritten file meets and that a thread of 8 MiB stack can hold.
    #[must_use]
    pub const fn standard() -> SourceLimits {
        SourceLimits { max_bytes: 4 << 20, max_nesting: 100, max_chain: 400 }
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    cooked: Vec<u8>,
    position: usize,
    brackets: Vec<Bracket>,
    file: FileId,
    limits: &'a SourceLimits,
    lambdas: Lambdas,
}

/// An open bracket: which, where, and the lambdas around it.
struct Bracket {
    open: u8,
    at: usize,
    around: Lambdas,
}

/// Lambdas nest without brackets; those that stand side by side, between commas, do not.
#[derive(Debug, Clone, Copy, Default)]
struct Lambdas {
    /// All that are open here.
    open: usize,
    /// Those of them that were open before the innermost bracket.
    outside: usize,
    /// Those whose colon has not come, so that a comma separates parameters.
    without_body: usize,
}

impl Lambdas {
    /// Those of what stands within a bracket.
    const fn within(self) -> Lambdas {
        Lambdas { open: self.open, outside: self.open, without_body: 0 }
    }

    /// The sign after a word or bracket.
    const fn sign(&mut self, byte: u8) {
        match byte {
            b':' => self.without_body = self.without_body.saturating_sub(1),
            b',' | b';' if self.without_body == 0 => self.open = self.outside,
            _ => {}
        }
    }
}

/// Cooks a text; the result has the same offsets, and one line break more at its end.
pub(super) fn cook(text: &str, file: FileId, limits: &SourceLimits) -> Result<String, SyntaxError> {
    if text.len() > limits.max_bytes {
        let span = Span { file, start: 0, end: 0 };
        return Err(SyntaxError::TooLarge { bytes: text.len(), limit: limits.max_bytes, span });
    }
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        cooked: text.as_bytes().to_vec(),
        position: 0,
        brackets: Vec::new(),
        file,
        limits,
        lambdas: Lambdas::default(),
    };
    scanner.run()?;
    scanner.cooked.push(b'\n');
    String::from_utf8(scanner.cooked)
        .map_err(|_| SyntaxError::Binary { byte: 0, span: Span { file, start: 0, end: 0 } })
}

impl Scanner<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: narrow(start), end: narrow(end) }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.position + ahead).copied()
    }

    fn blank(&mut self, length: usize) {
        for _ in 0..length {
            if let Some(byte) = self.cooked.get_mut(self.position) {
                *byte = b' ';
            }
            self.position += 1;
        }
    }

    fn run(&mut self) -> Result<(), SyntaxError> {
        while let Some(byte) = self.peek(0) {
            self.step(byte)?;
        }
        match self.brackets.pop() {
            Some(Bracket { open, at, .. }) => Err(SyntaxError::UnclosedBracket {
                open: char::from(open),
                span: self.span(at, at + 1),
            }),
            None => Ok(()),
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), SyntaxError> {
        match byte {
            b'#' => self.comment(),
            b'"' | b'\'' => self.string(byte)?,
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => self.close(byte)?,
            b'\\' => self.continuation(),
            b'\n' => self.line_break(),
            b'\r' if self.peek(1) == Some(b'\n') => self.blank(1),
            b'\r' => self.lone_carriage_return(),
            b'\x0c' => self.form_feed(),
            b'\t' => self.position += 1,
            byte if byte < b' ' || byte == 0x7f => {
                let span = self.span(self.position, self.position + 1);
                return Err(SyntaxError::Binary { byte, span });
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => self.word()?,
            byte => {
                self.lambdas.sign(byte);
                self.position += 1;
            }
        }
        Ok(())
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|byte| byte != b'\n' && byte != b'\r') {
            self.blank(1);
        }
    }

    fn line_break(&mut self) {
        if self.brackets.is_empty() {
            self.lambdas = Lambdas::default();
            self.position += 1;
        } else {
            self.blank(1);
        }
    }

    /// A line end of old systems.
    fn lone_carriage_return(&mut self) {
        if let Some(byte) = self.cooked.get_mut(self.position) {
            *byte = b'\n';
        }
        self.line_break();
    }

    /// A form feed is blank; at a line's beginning it is an empty line of its own.
    fn form_feed(&mut self) {
        let at_line_start = self
            .position
            .checked_sub(1)
            .is_none_or(|before| self.bytes.get(before) == Some(&b'\n'));
        if at_line_start && self.brackets.is_empty() {
            if let Some(byte) = self.cooked.get_mut(self.position) {
                *byte = b'\n';
            }
            self.position += 1;
        } else {
            self.blank(1);
        }
    }

    fn continuation(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some(b'\n'), _) => self.blank(2),
            (Some(b'\r'), Some(b'\n')) => self.blank(3),
            _ => self.position += 1,
        }
    }

    /// A name or keyword; nested lambdas are counted, since they nest without brackets.
    fn word(&mut self) -> Result<(), SyntaxError> {
        let start = self.position;
        while self.peek(0).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.position += 1;
        }
        if self.bytes.get(start..self.position) == Some(b"lambda") {
            self.lambdas.open += 1;
            self.lambdas.without_body += 1;
            if self.lambdas.open > self.limits.max_nesting {
                return Err(self.too_deep(start));
            }
        }
        Ok(())
    }

    fn too_deep(&self, at: usize) -> SyntaxError {
        SyntaxError::NestedTooDeep { limit: self.limits.max_nesting, span: self.span(at, at + 1) }
    }

    fn open(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if self.brackets.len() >= self.limits.max_nesting {
            return Err(self.too_deep(self.position));
        }
        self.brackets.push(Bracket { open: byte, at: self.position, around: self.lambdas });
        self.lambdas = self.lambdas.within();
        self.position += 1;
        Ok(())
    }

    fn close(&mut self, byte: u8) -> Result<(), SyntaxError> {
        let wanted = match byte {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        let span = self.span(self.position, self.position + 1);
        match self.brackets.pop() {
            Some(Bracket { open, around, .. }) if open == wanted => {
                self.lambdas = around;
                self.position += 1;
                Ok(())
            }
            Some(Bracket { open, at, .. }) => Err(SyntaxError::MismatchedBracket {
                open: char::from(open),
                close: char::from(byte),
                opened: self.span(at, at + 1),
                span,
            }),
            None => Err(SyntaxError::UnopenedBracket { close: char::from(byte), span }),
        }
    }

    fn string(&mut self, quote: u8) -> Result<(), SyntaxError> {
        let start = self.position;
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        self.position += if triple { 3 } else { 1 };
        loop {
            match self.peek(0) {
                Some(b'\\') if self.peek(1) == Some(b'\r') => self.position += 3,
                Some(b'\\') => self.position += 2,
                Some(b'\n') if !triple => break,
                Some(byte) if byte == quote && !triple => {
                    self.position += 1;
                    return Ok(());
                }
                Some(byte)
                    if byte == quote
                        && self.peek(1) == Some(quote)
                        && self.peek(2) == Some(quote) =>
                {
                    self.position += 3;
                    return Ok(());
                }
                Some(0) => {
                    let span = self.span(self.position, self.position + 1);
                    return Err(SyntaxError::Binary { byte: 0, span });
                }
                Some(_) => self.position += 1,
                None => break,
            }
        }
        let end = self.position.min(self.bytes.len());
        Err(SyntaxError::UnterminatedString { span: self.span(start, end) })
    }
}
