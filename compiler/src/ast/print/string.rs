//! Literals as text. Within the braces of an f-string a string takes another kind of quotes and
//! spells quotes and braces as escapes, so that whoever looks for the end of the outer string or
//! of the braces cannot mistake them.

use super::Printer;
use crate::ast::visit::expressions_of;
use crate::ast::{Expr, ExprKind, FStringPart};

/// Quotes from the outermost string inwards, by how deep strings nest.
const QUOTES: [&[&str]; 4] =
    [&["\""], &["\"", "'"], &["\"\"\"", "'", "\""], &["\"\"\"", "'''", "\"", "'"]];

/// How deep strings nest in an expression; 0 without any.
fn nesting(expr: &Expr) -> usize {
    match &*expr.kind {
        ExprKind::Str(_) | ExprKind::Bytes(_) => 1,
        ExprKind::FString(parts) => 1 + nesting_of(parts),
        _ => expressions_of(expr).into_iter().map(nesting).max().unwrap_or(0),
    }
}

fn nesting_of(parts: &[FStringPart]) -> usize {
    let of_part = |part: &FStringPart| match part {
        FStringPart::Literal(_) => 0,
        FStringPart::Value { value, spec, .. } => nesting(value).max(nesting_of(spec)),
    };
    parts.iter().map(of_part).max().unwrap_or(0)
}

impl Printer {
    /// The quotes of a string that is written now; `within` strings nest in it.
    fn quote(&self, within: usize) -> (&'static str, &'static [&'static str]) {
        let quotes = match self.quotes {
            [] => QUOTES.get(within).or(QUOTES.last()).copied().unwrap_or(&["\""]),
            inner => inner,
        };
        quotes.split_first().map_or(("\"", &[]), |(first, rest)| (*first, rest))
    }

    pub(super) fn text_literal(&mut self, text: &str) {
        let (quote, _) = self.quote(0);
        self.push(quote);
        text.chars().for_each(|character| self.character(character));
        self.push(quote);
    }

    pub(super) fn bytes_literal(&mut self, bytes: &[u8]) {
        let (quote, _) = self.quote(0);
        self.push("b");
        self.push(quote);
        for &byte in bytes {
            match byte {
                0x80.. => self.push(&format!("\\x{byte:02x}")),
                _ => self.character(char::from(byte)),
            }
        }
        self.push(quote);
    }

    fn character(&mut self, character: char) {
        let within = !self.quotes.is_empty();
        match character {
            '\\' => self.push("\\\\"),
            '\n' => self.push("\\n"),
            '\r' => self.push("\\r"),
            '\t' => self.push("\\t"),
            '"' if !within => self.push("\\\""),
            '"' | '\'' | '{' | '}' if within => self.escape(character),
            control if control < ' ' || control == '\x7f' => self.escape(control),
            other => self.text.push(other),
        }
    }

    fn escape(&mut self, character: char) {
        self.push(&format!("\\x{:02x}", u32::from(character)));
    }

    pub(super) fn f_string(&mut self, parts: &[FStringPart]) {
        let (quote, inner) = self.quote(nesting_of(parts));
        self.push("f");
        self.push(quote);
        for part in parts {
            match part {
                FStringPart::Literal(text) => self.f_string_text(text),
                FStringPart::Value { value, conversion, spec } => {
                    self.field(value, *conversion, spec, inner);
                }
            }
        }
        self.push(quote);
    }

    /// Text between fields; its braces are doubled.
    fn f_string_text(&mut self, text: &str) {
        let within = !self.quotes.is_empty();
        for character in text.chars() {
            match character {
                '{' if !within => self.push("{{"),
                '}' if !within => self.push("}}"),
                other => self.character(other),
            }
        }
    }

    fn field(
        &mut self,
        value: &Expr,
        conversion: Option<char>,
        spec: &[FStringPart],
        inner: &'static [&'static str],
    ) {
        // Even a field without strings is within one.
        let inner = if inner.is_empty() { &["'"] } else { inner };
        let outer = std::mem::replace(&mut self.quotes, inner);
        self.push("{");
        self.field_value(value);
        if let Some(conversion) = conversion {
            self.push("!");
            self.text.push(conversion);
        }
        if !spec.is_empty() {
            self.push(":");
            for part in spec {
                match part {
                    FStringPart::Literal(text) => text.chars().for_each(|c| self.character(c)),
                    FStringPart::Value { value, conversion, spec } => {
                        self.field(value, *conversion, spec, inner);
                    }
                }
            }
        }
        self.push("}");
        self.quotes = outer;
    }

    /// A value that begins with a brace stands apart from the field's own; colons are the field's
    /// too, so that a lambda stands in parentheses.
    fn field_value(&mut self, value: &Expr) {
        let start = self.text.len();
        match &*value.kind {
            ExprKind::Lambda(_) => self.in_parentheses(value),
            _ => self.test(value),
        }
        if self.text.get(start..).is_some_and(|text| text.starts_with('{')) {
            self.text.insert(start, ' ');
        }
    }
}
