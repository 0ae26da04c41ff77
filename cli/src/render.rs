//! Diagnostics as reports for people: the code, the message, the lines with their labels, the help.
//! Deliberately not here: their form as data (`check::report`).

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan, ThemeCharacters,
    ThemeStyles,
};
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Label, Severity, Step};
use nasc_compiler::source::{SourceFile, Span};

use crate::table::{Align, Table};

/// How reports look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colors are used.
    pub color: bool,
    /// Columns of a line.
    pub width: usize,
}

/// The file that a place lies in; the first where it is unknown.
pub(crate) fn file_of(files: &[SourceFile], span: Option<Span>) -> Option<&SourceFile> {
    let number = span.map_or(0, |span| span.file.0 as usize);
    files.get(number).or_else(|| files.first())
}

/// All reports, an empty line after each. `files` are numbered as in the places.
#[must_use]
pub fn reports(files: &[SourceFile], diagnostics: &Diagnostics, style: Style) -> String {
    let handler = handler(style);
    let nothing = SourceFile::new("", "");
    let mut out = String::new();
    for diagnostic in diagnostics.as_slice() {
        let source = file_of(files, diagnostic.span()).unwrap_or(&nothing);
        let text = NamedSource::new(source.name(), source.text().to_owned());
        let report = Report { diagnostic, files, source, text: Some(&text) };
        let readable = report.own_labels().all(|label| line_is_readable(source, label));
        let report = Report { text: readable.then_some(&text), ..report };
        // Writing to a string does not fail.
        let _ = handler.render_report(&mut out, &report);
        out.push_str(&trail(files, &diagnostic.trail));
        out.push('\n');
    }
    out
}

/// Steps before a mistake that are shown; the last ones.
const SHOWN_STEPS: usize = 8;

/// The shapes on the way to a mistake, as a table.
fn trail(files: &[SourceFile], steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let hidden = steps.len().saturating_sub(SHOWN_STEPS);
    let mut table = Table::new(&[
        ("line", Align::Right),
        ("path", Align::Left),
        ("type", Align::Left),
        ("output", Align::Left),
    ]);
    for step in steps.iter().skip(hidden) {
        let path = if step.path.is_empty() { "(network)" } else { &step.path };
        let cells = [&line_of(files, step.span), path, &step.type_name, &step.output];
        table.row(cells.map(str::to_owned));
    }
    let before = match hidden {
        0 => String::new(),
        hidden => format!(", the last of {}", hidden + SHOWN_STEPS),
    };
    format!("\n  shapes up to here{before}:\n{}\n", table.lines().join("\n"))
}

/// The line, after the file's name if it is not the first.
fn line_of(files: &[SourceFile], span: Span) -> String {
    let Some(file) = file_of(files, Some(span)) else { return String::new() };
    let line = file.line_column(span.start).line;
    if span.file.0 == 0 { line.to_string() } else { format!("{}:{line}", file.name()) }
}

fn handler(style: Style) -> GraphicalReportHandler {
    let styles = if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
    GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_links(false)
        .without_syntax_highlighting()
}

/// Characters of the longest line that is quoted.
const LONGEST_LINE: usize = 1_000;

fn line_is_readable(source: &SourceFile, label: &Label) -> bool {
    let (before, after) =
        source.text().as_bytes().split_at((label.span.start as usize).min(source.text().len()));
    let not_end = |byte: &&u8| **byte != b'\n';
    let length = before.iter().rev().take_while(not_end).take(LONGEST_LINE).count()
        + after.iter().take_while(not_end).take(LONGEST_LINE).count();
    length < LONGEST_LINE
}

/// A diagnostic with the text it is about.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    files: &'a [SourceFile],
    /// The file of the primary label.
    source: &'a SourceFile,
    /// The text to quote; `None` if its lines are too long for that.
    text: Option<&'a NamedSource<String>>,
}

impl Report<'_> {
    /// The labels in the file that is quoted.
    fn own_labels(&self) -> impl Iterator<Item = &Label> {
        let file = self.diagnostic.span().map(|span| span.file);
        self.diagnostic.labels.iter().filter(move |label| Some(label.span.file) == file)
    }

    /// One line for each label in another file.
    fn notes(&self) -> Vec<String> {
        let own = self.diagnostic.span().map(|span| span.file);
        let others = self.diagnostic.labels.iter().filter(|label| Some(label.span.file) != own);
        let note = |label: &Label| {
            let file = file_of(self.files, Some(label.span))?;
            let line = file.line_column(label.span.start).line;
            Some(format!("{} at {}:{line}", label.text, file.name()))
        };
        others.filter_map(note).collect()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        match (self.text, self.diagnostic.span()) {
            (None, Some(span)) => {
                let place = self.source.line_column(span.start);
                write!(f, " (at {}:{}:{})", self.source.name(), place.line, place.column)
            }
            (Some(_), _) | (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let lines: Vec<String> = self.diagnostic.help.iter().cloned().chain(self.notes()).collect();
        (!lines.is_empty()).then(|| Box::new(lines.join("\n")) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.text.map(|text| text as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let length = self.source.text().len();
        let labels = self.own_labels().enumerate();
        Some(Box::new(labels.map(move |(index, label)| labeled(index, label, length))))
    }
}

/// The first label is the primary one: the report names its line and column. A span that reaches
/// behind the text would make miette give up, so it is cut.
fn labeled(index: usize, label: &Label, length: usize) -> LabeledSpan {
    let start = (label.span.start as usize).min(length);
    let span = SourceSpan::new(start.into(), label.span.len().min(length - start));
    let text = (!label.text.is_empty()).then(|| label.text.clone());
    if index == 0 {
        LabeledSpan::new_primary_with_span(text, span)
    } else {
        LabeledSpan::new_with_span(text, span)
    }
}

/// `2 errors, 1 warning`; empty if there is nothing.
#[must_use]
pub fn counts(diagnostics: &Diagnostics) -> String {
    let count = |severity| {
        diagnostics.as_slice().iter().filter(|diagnostic| diagnostic.severity == severity).count()
    };
    let words = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let parts =
        [words(count(Severity::Error), "error"), words(count(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
}
