//! The diagnostics of a check as annotations that GitHub's runners show beside the lines.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use nasc_compiler::diagnostic::{Diagnostic, Severity};
use nasc_compiler::source::SourceFile;

use crate::render::file_of;

/// One annotation.
pub(super) fn annotation(files: &[SourceFile], diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = diagnostic.span().zip(file_of(files, diagnostic.span())).map(|(span, file)| {
        let (start, end) = (file.line_column(span.start), file.line_column(span.end));
        let (line, column) = (start.line, start.column);
        let name = property(file.name());
        let end = match end.line == line {
            true => format!(",endColumn={}", end.column),
            false => String::new(),
        };
        format!(
            "file={name},line={line},endLine={},col={column}{end},",
            file.line_column(span.end).line
        )
    });
    let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!("\nhelp: {help}"));
    let message = format!("{}{help}", diagnostic.message);
    let place = place.unwrap_or_default();
    format!("::{command} {place}title={}::{}", property(diagnostic.code), data(&message))
}

/// What the runner would read as the end of a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What it would read as the end of a property, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn signs_of_the_runner_are_escaped() {
        assert_eq!(data("50%\nof it"), "50%25%0Aof it");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
