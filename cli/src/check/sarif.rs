//! The diagnostics of a check in SARIF 2.1.0, which code hosts read.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use nasc_compiler::diagnostic::{Diagnostic, Label, Severity};
use nasc_compiler::source::SourceFile;
use serde_json::{Value, json};

use super::Checked;
use crate::explain;
use crate::render::file_of;

/// One log of one run over some files.
pub(super) fn log(checked: &[Checked]) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for one in checked {
        for diagnostic in one.diagnostics().as_slice() {
            if !rules.contains(&diagnostic.code) {
                rules.push(diagnostic.code);
            }
            results.push(result(&one.files(), diagnostic));
        }
    }
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    let driver = json!({
        "name": "nasc",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A code with the first sentence of its page and the whole page.
fn rule(code: &str) -> Value {
    let page = explain::pages().iter().find(|(name, _)| *name == code).map_or("", |(_, page)| page);
    let summary = page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or(code);
    json!({
        "id": code,
        "shortDescription": { "text": summary },
        "help": { "text": page, "markdown": page },
    })
}

fn result(files: &[SourceFile], diagnostic: &Diagnostic) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &diagnostic.help {
        Some(help) => format!("{}. Help: {help}.", diagnostic.message),
        None => format!("{}.", diagnostic.message),
    };
    let mut labels = diagnostic.labels.iter();
    let primary: Vec<Value> =
        labels.next().map(|label| location(files, label)).into_iter().collect();
    let related: Vec<Value> = labels.map(|label| location(files, label)).collect();
    json!({
        "ruleId": diagnostic.code,
        "level": level,
        "message": { "text": text },
        "locations": primary,
        "relatedLocations": related,
    })
}

fn location(files: &[SourceFile], label: &Label) -> Value {
    let Some(file) = file_of(files, Some(label.span)) else { return json!({}) };
    let (start, end) = (file.line_column(label.span.start), file.line_column(label.span.end));
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(file.name()) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
        "message": { "text": label.text },
    })
}

/// A path as a relative reference: what a URI does not allow is written in hexadecimal.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            b'\\' => text.push('/'),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
