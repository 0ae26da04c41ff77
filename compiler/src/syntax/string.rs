//! Literals: numbers, strings with their prefixes and escapes, f-strings with the expressions in
//! their braces.

use pest::Parser as _;
use pest::iterators::Pair;
use std::num::IntErrorKind;

use super::grammar::{Grammar, Rule};
use super::{Builder, Result, SyntaxError, report};
use crate::ast::{Expr, ExprKind, FStringPart};
use crate::source::Span;

/// One literal, taken apart.
struct Literal<'i> {
    raw: bool,
    bytes: bool,
    formatted: bool,
    /// Between the quotes.
    content: &'i str,
    /// Where the content begins in the parsed text.
    start: usize,
    span: Span,
}

impl Builder<'_> {
    /// An integer, float or imaginary literal.
    pub(super) fn number(&self, pair: &Pair<'_, Rule>) -> Result<ExprKind> {
        let digits = pair.as_str().trim_end().replace('_', "").to_ascii_lowercase();
        let invalid = |reason: &str| SyntaxError::Literal {
            reason: format!("`{}` {reason}", pair.as_str().trim_end()),
            span: self.span(pair),
        };
        let too_large = || SyntaxError::IntegerTooLarge { span: self.span(pair) };
        let radix = match digits.get(..2) {
            Some("0x") => Some(16),
            Some("0o") => Some(8),
            Some("0b") => Some(2),
            _ => None,
        };
        if let Some(radix) = radix {
            let digits = digits.get(2..).unwrap_or("");
            return i128::from_str_radix(digits, radix).map(ExprKind::Int).map_err(|error| {
                match error.kind() {
                    IntErrorKind::PosOverflow => too_large(),
                    _ => invalid("is no number"),
                }
            });
        }
        if let Some(imaginary) = digits.strip_suffix('j') {
            return imaginary.parse().map(ExprKind::Imaginary).map_err(|_| invalid("is no number"));
        }
        if digits.contains(['.', 'e']) {
            return digits.parse().map(ExprKind::Float).map_err(|_| invalid("is no number"));
        }
        let significant = digits.trim_start_matches('0');
        if !significant.is_empty() && significant.len() < digits.len() {
            return Err(invalid("has leading zeros"));
        }
        digits.parse().map(ExprKind::Int).map_err(|_| too_large())
    }

    /// Adjacent literals joined to one.
    pub(super) fn strings(&mut self, pair: Pair<'_, Rule>) -> Result<ExprKind> {
        let literals: Vec<Literal<'_>> =
            pair.into_inner().map(|literal| self.literal(literal)).collect();
        if literals.iter().any(|literal| literal.formatted) {
            let mut parts = Vec::new();
            for literal in &literals {
                self.append_parts(literal, &mut parts)?;
            }
            return Ok(ExprKind::FString(joined(parts)));
        }
        let mut text = String::new();
        let mut bytes = Vec::new();
        for literal in &literals {
            if literal.bytes {
                bytes.extend(unescape(literal)?.chars().map(|character| character as u8));
            } else {
                text.push_str(&unescape(literal)?);
            }
        }
        Ok(if literals.iter().any(|literal| literal.bytes) {
            ExprKind::Bytes(bytes.into())
        } else {
            ExprKind::Str(text.into())
        })
    }

    fn literal<'i>(&self, pair: Pair<'i, Rule>) -> Literal<'i> {
        let span = self.span(&pair);
        let mut literal =
            Literal { raw: false, bytes: false, formatted: false, content: "", start: 0, span };
        for part in pair.into_inner() {
            let text = part.as_str();
            if part.as_rule() == Rule::string_prefix {
                let prefix = text.to_ascii_lowercase();
                literal.raw = prefix.contains('r');
                literal.bytes = prefix.contains('b');
                literal.formatted = prefix.contains('f');
                continue;
            }
            let quotes = match part.as_rule() {
                Rule::triple_double | Rule::triple_single => 3,
                _ => 1,
            };
            literal.start = part.as_span().start() + quotes;
            literal.content =
                text.get(quotes..text.len().saturating_sub(quotes)).unwrap_or_default();
        }
        literal
    }

    fn append_parts(&mut self, literal: &Literal<'_>, parts: &mut Vec<FStringPart>) -> Result<()> {
        if !literal.formatted {
            parts.push(FStringPart::Literal(unescape(literal)?.into()));
            return Ok(());
        }
        parts.extend(self.replacement_fields(literal, literal.content, literal.start, 0)?);
        Ok(())
    }

    /// Text and replacement fields of an f-string, or of a format specification within one.
    fn replacement_fields(
        &mut self,
        literal: &Literal<'_>,
        content: &str,
        start: usize,
        nesting: usize,
    ) -> Result<Vec<FStringPart>> {
        let mut parts = Vec::new();
        let mut text_from = 0;
        let mut text = String::new();
        let mut position = 0;
        while let Some(found) = content.get(position..).and_then(|rest| rest.find(['{', '}'])) {
            let at = position + found;
            let brace = content.get(at..=at).unwrap_or("");
            text.push_str(content.get(text_from..at).unwrap_or(""));
            if content.get(at + 1..at + 2) == Some(brace) && nesting == 0 {
                text.push_str(brace);
                position = at + 2;
                text_from = position;
                continue;
            }
            if brace == "}" {
                return Err(self.bad_field("a single `}` in an f-string", start + at));
            }
            push_text(literal, &mut text, &mut parts)?;
            let (part, end) = self.field(literal, content, at + 1, start, nesting)?;
            parts.extend(part);
            position = end;
            text_from = end;
        }
        text.push_str(content.get(text_from..).unwrap_or(""));
        push_text(literal, &mut text, &mut parts)?;
        Ok(joined(parts))
    }

    /// One replacement field that begins at `from`; the offset behind its closing brace.
    fn field(
        &mut self,
        literal: &Literal<'_>,
        content: &str,
        from: usize,
        start: usize,
        nesting: usize,
    ) -> Result<(Vec<FStringPart>, usize)> {
        if nesting > 2 {
            return Err(self.bad_field("replacement fields nest too deeply", start + from));
        }
        let unclosed = || self.bad_field("a `{` in an f-string is never closed", start + from);
        let end = expression_end(content, from).ok_or_else(unclosed)?;
        let text = content.get(from..end).unwrap_or("");
        let trimmed = text.trim_end();
        let (text, shown) = match trimmed.strip_suffix('=') {
            Some(before) if !before.ends_with(['=', '!', '<', '>']) => (before, Some(text)),
            _ => (text, None),
        };
        let value = self.braced(text, start + from)?;
        let mut parts: Vec<FStringPart> =
            shown.map(|shown| FStringPart::Literal(shown.into())).into_iter().collect();
        let rest = content.get(end..).unwrap_or("");
        let (conversion, rest_from) = match rest.strip_prefix('!') {
            Some(after) => (after.chars().next(), end + 2),
            None => (shown.map(|_| 'r'), end),
        };
        let (spec, close) = self.format_spec(literal, content, rest_from, start, nesting)?;
        parts.push(FStringPart::Value { value, conversion, spec });
        Ok((parts, close))
    }

    fn format_spec(
        &mut self,
        literal: &Literal<'_>,
        content: &str,
        from: usize,
        start: usize,
        nesting: usize,
    ) -> Result<(Vec<FStringPart>, usize)> {
        let rest = content.get(from..).unwrap_or("");
        if rest.starts_with('}') {
            return Ok((Vec::new(), from + 1));
        }
        let unclosed = || self.bad_field("a `{` in an f-string is never closed", start + from);
        if !rest.starts_with(':') {
            return Err(unclosed());
        }
        let close = closing_brace(content, from + 1).ok_or_else(unclosed)?;
        let spec = content.get(from + 1..close).unwrap_or("");
        let parts = self.replacement_fields(literal, spec, start + from + 1, nesting + 1)?;
        Ok((parts, close + 1))
    }

    /// Parses the expression of a replacement field; `start` is its offset in the parsed text.
    fn braced(&mut self, text: &str, start: usize) -> Result<Expr> {
        if self.depth > 20 {
            return Err(self.bad_field("f-strings nest too deeply", start));
        }
        // Blanks in front keep no offset: they are part of the text, and trimmed by the grammar.
        let cooked = text.replace('\n', " ");
        let offset = self.offset + start;
        let mut pairs = Grammar::parse(Rule::braced, &cooked)
            .map_err(|error| report::syntax_error(&error, &cooked, self.file).moved(offset))?;
        let outer = std::mem::replace(&mut self.offset, offset);
        self.depth += 1;
        let inner = pairs.next().and_then(|braced| braced.into_inner().next());
        let value = match inner {
            Some(inner) => self.expr(inner),
            None => Err(self.bad_field("an f-string's braces are empty", 0)),
        };
        self.depth -= 1;
        self.offset = outer;
        value
    }

    fn bad_field(&self, reason: &str, at: usize) -> SyntaxError {
        let start = u32::try_from(self.offset + at).unwrap_or(u32::MAX);
        let span = Span { file: self.file, start, end: start.saturating_add(1) };
        SyntaxError::Literal { reason: reason.to_owned(), span }
    }
}

/// Texts that stand side by side as one; empty ones are left out.
fn joined(parts: Vec<FStringPart>) -> Vec<FStringPart> {
    let mut all: Vec<FStringPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (all.last_mut(), part) {
            (_, FStringPart::Literal(text)) if text.is_empty() => {}
            (Some(FStringPart::Literal(before)), FStringPart::Literal(text)) => {
                *before = format!("{before}{text}").into();
            }
            (_, part) => all.push(part),
        }
    }
    all
}

fn push_text(literal: &Literal<'_>, text: &mut String, parts: &mut Vec<FStringPart>) -> Result<()> {
    if !text.is_empty() {
        let text = std::mem::take(text);
        parts.push(FStringPart::Literal(decode(&text, literal)?.into()));
    }
    Ok(())
}

/// Where the expression of a field ends: at `!`, `:` or `}` outside of brackets and strings.
fn expression_end(content: &str, from: usize) -> Option<usize> {
    let bytes = content.as_bytes();
    let (mut depth, mut quote, mut position) = (0usize, None, from);
    while let Some(&byte) = bytes.get(position) {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') => return Some(position),
            (None, b':') if depth == 0 => return Some(position),
            (None, b'!') if depth == 0 && bytes.get(position + 1) != Some(&b'=') => {
                return Some(position);
            }
            (None, _) => {}
        }
        position += 1;
    }
    None
}

/// The brace that closes a field whose format specification begins at `from`.
fn closing_brace(content: &str, from: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (position, byte) in content.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(position),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn unescape(literal: &Literal<'_>) -> Result<String> {
    decode(literal.content, literal)
}

/// Resolves the escapes of a literal's text; unknown ones stay as they are, as in Python.
fn decode(text: &str, literal: &Literal<'_>) -> Result<String> {
    if literal.raw || !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        decoded.push_str(rest.get(..at).unwrap_or(""));
        rest = rest.get(at + 1..).unwrap_or("");
        let (character, length) = escape(rest, literal)?;
        decoded.extend(character);
        rest = rest.get(length..).unwrap_or("");
    }
    decoded.push_str(rest);
    Ok(decoded)
}

/// The characters of one escape and the bytes it takes behind the backslash.
fn escape(rest: &str, literal: &Literal<'_>) -> Result<(Vec<char>, usize)> {
    let Some(first) = rest.chars().next() else { return Ok((vec!['\\'], 0)) };
    let one = |character: char| Ok((vec![character], 1));
    match first {
        '\n' => Ok((Vec::new(), 1)),
        '\\' | '\'' | '"' => one(first),
        'a' => one('\x07'),
        'b' => one('\x08'),
        'f' => one('\x0c'),
        'n' => one('\n'),
        'r' => one('\r'),
        't' => one('\t'),
        'v' => one('\x0b'),
        '0'..='7' => Ok(octal(rest)),
        'x' => code_point(rest, 2, literal),
        'u' if !literal.bytes => code_point(rest, 4, literal),
        'U' if !literal.bytes => code_point(rest, 8, literal),
        // A character by its Unicode name: kept as one replacement character.
        'N' if !literal.bytes && rest.starts_with("N{") => match rest.find('}') {
            Some(close) => Ok((vec!['\u{fffd}'], close + 1)),
            None => Err(bad_escape(literal, "\\N is never closed")),
        },
        other => Ok((vec!['\\', other], other.len_utf8())),
    }
}

fn octal(rest: &str) -> (Vec<char>, usize) {
    let length = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let code = rest.get(..length).and_then(|digits| u32::from_str_radix(digits, 8).ok());
    (code.and_then(char::from_u32).into_iter().collect(), length)
}

fn code_point(rest: &str, digits: usize, literal: &Literal<'_>) -> Result<(Vec<char>, usize)> {
    let code = rest
        .get(1..=digits)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| bad_escape(literal, "an escape lacks hexadecimal digits"))?;
    let character = char::from_u32(code).unwrap_or('\u{fffd}');
    Ok((vec![character], digits + 1))
}

fn bad_escape(literal: &Literal<'_>, reason: &str) -> SyntaxError {
    SyntaxError::Literal { reason: reason.to_owned(), span: literal.span }
}
