//! Turns pest's report of a failed match into one mistake in words.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::error::SyntaxError;
use super::grammar::Rule;
use crate::source::{FileId, Span};

/// The mistake behind a failed match.
pub(super) fn syntax_error(error: &Error<Rule>, cooked: &str, file: FileId) -> SyntaxError {
    let position = match error.location {
        InputLocation::Pos(position) | InputLocation::Span((position, _)) => position,
    };
    let position = skip_blanks(cooked, position);
    let token = token_at(cooked, position);
    let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let span =
        Span { file, start: narrow(position), end: narrow(position + token.trim_end().len()) };
    let before = cooked.get(..position).unwrap_or("");
    if let Some(error) = unsupported(cooked, position, file) {
        return error;
    }
    let indentation = before.rsplit('\n').next().unwrap_or("");
    let at_line_start = indentation.trim().is_empty() && !token.trim().is_empty();
    if let Some(colon) = header_end(before)
        && (at_line_start || token.trim().is_empty())
    {
        let span = Span { file, start: narrow(colon), end: narrow(colon + 1) };
        return SyntaxError::MissingBlock { span };
    }
    if at_line_start && !indentation.is_empty() {
        return SyntaxError::Indentation { span };
    }
    let expected = expected(&error.variant);
    let help = left_out(before, token, &expected);
    SyntaxError::UnexpectedToken { found: quoted(token), expected, help, span }
}

/// What was probably left out before a token.
fn left_out(before: &str, token: &str, expected: &str) -> Option<&'static str> {
    if expected == "`:`" {
        return Some("end the line with `:`");
    }
    let line = before.rsplit('\n').next().unwrap_or("").trim_start();
    if token == "=" && ["if ", "elif ", "while "].iter().any(|word| line.starts_with(word)) {
        return Some("compare with `==`");
    }
    let begins = |text: char| text.is_alphanumeric() || "_'\"([{".contains(text);
    let ends = |text: char| text.is_alphanumeric() || "_'\")]}".contains(text);
    let follows = before.trim_end().chars().next_back().is_some_and(ends);
    let is_value = token.chars().next().is_some_and(begins);
    (is_value && follows && is_within_brackets(before))
        .then_some("a comma may be missing before it")
}

/// Whether a bracket is open at the end of a text; brackets in strings and comments count, too.
fn is_within_brackets(text: &str) -> bool {
    let mut depth = 0_i64;
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

/// A statement of newer Pythons at the beginning of the line: its first word is a name to the
/// grammar, and what follows that is not.
fn unsupported(cooked: &str, position: usize, file: FileId) -> Option<SyntaxError> {
    let start = cooked.get(..position)?.rfind('\n').map_or(0, |at| at + 1);
    let line = cooked.get(start..)?.lines().next()?;
    let text = line.trim_start();
    let word = token_at(text, 0);
    let rest = text.get(word.len()..)?;
    let follows =
        rest.starts_with(' ') && rest.trim_start().starts_with(|c: char| c != '=' && c != '.');
    let statement = match word {
        "match" if follows && text.trim_end().ends_with(':') => "a `match` statement",
        "type" if follows && text.contains('=') => "a `type` statement",
        _ => return None,
    };
    let start = start + (line.len() - text.len());
    let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let span = Span { file, start: narrow(start), end: narrow(start + word.len()) };
    Some(SyntaxError::UnsupportedStatement { statement, span })
}

fn skip_blanks(cooked: &str, position: usize) -> usize {
    let rest = cooked.get(position..).unwrap_or("");
    position + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
}

/// The word or character at a position.
fn token_at(cooked: &str, position: usize) -> &str {
    let rest = cooked.get(position..).unwrap_or("");
    let word = rest
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    rest.get(..length).unwrap_or("")
}

fn quoted(token: &str) -> String {
    match token {
        "" => "end of the file".to_owned(),
        "\n" => "end of the line".to_owned(),
        token => format!("`{token}`"),
    }
}

/// The colon that ends the last line of `before`, if one does.
fn header_end(before: &str) -> Option<usize> {
    let trimmed = before.trim_end();
    trimmed.ends_with(':').then(|| trimmed.len() - 1)
}

fn expected(variant: &ErrorVariant<Rule>) -> String {
    let ErrorVariant::ParsingError { positives, .. } = variant else {
        return "something else".to_owned();
    };
    let mut words: Vec<&str> = positives.iter().map(|&rule| words_for(rule)).collect();
    words.sort_unstable();
    words.dedup();
    match words.as_slice() {
        [] => "something else".to_owned(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} or {second}"),
        _ if words.contains(&"`:`") => "`:`".to_owned(),
        _ if words.contains(&"an expression") => "an expression".to_owned(),
        _ => words.join(", "),
    }
}

fn words_for(rule: Rule) -> &'static str {
    match rule {
        Rule::suite => "`:`",
        Rule::name | Rule::dotted_name => "a name",
        Rule::comma => "`,`",
        Rule::kw_in => "`in`",
        Rule::kw_else => "`else`",
        Rule::kw_import => "`import`",
        Rule::except_clause | Rule::finally_clause => "`except` or `finally`",
        Rule::parameter | Rule::parameters => "a parameter",
        Rule::argument | Rule::arguments => "an argument",
        Rule::EOI | Rule::assigned | Rule::annotated | Rule::augmented => {
            "the end of the statement"
        }
        rule if is_operator(rule) => "an operator",
        rule if is_statement(rule) => "a statement",
        _ => "an expression",
    }
}

fn is_operator(rule: Rule) -> bool {
    format!("{rule:?}").starts_with("op_")
        || matches!(rule, Rule::call | Rule::subscript | Rule::attribute | Rule::kw_if)
}

fn is_statement(rule: Rule) -> bool {
    let name = format!("{rule:?}");
    name.ends_with("_statement") || name.ends_with("_definition") || name == "decorated"
}
