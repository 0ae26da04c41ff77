//! Runs one filetest: marks against diagnostics, then files against what was produced.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::directive::{Directives, Mark, marks};
use crate::subtest::{self, Produced};

/// Every extension that a file beside a program can have.
pub const EXTENSIONS: [&str; 4] = ["cost", "ir", "stderr", "stdout"];

/// Runs the filetest at `path`; with `bless` the files beside it are written instead of compared.
///
/// # Errors
/// Every difference, in words.
pub fn run(path: &Path, bless: bool) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let directives = Directives::parse(&text)?;
    let produced = subtest::run(path, &text, &directives)?;
    let mut problems = String::new();
    if let Some(found) = &produced.found {
        compare_marks(&marks(&text), found, &mut problems);
    }
    for extension in EXTENSIONS {
        compare_file(path, extension, &produced, bless, &mut problems)?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn compare_marks(expected: &BTreeSet<Mark>, found: &BTreeSet<Mark>, problems: &mut String) {
    for (line, severity, code) in expected.difference(found) {
        let _ = writeln!(problems, "line {line}: {severity} [{code}] is marked, but not found");
    }
    for (line, severity, code) in found.difference(expected) {
        let _ = writeln!(problems, "line {line}: {severity} [{code}] is found, but not marked");
    }
}

fn compare_file(
    path: &Path,
    extension: &str,
    produced: &Produced,
    bless: bool,
    problems: &mut String,
) -> Result<(), String> {
    let file = path.with_extension(extension);
    let stored = fs::read_to_string(&file).ok();
    let wanted = produced.files.get(extension);
    if stored.as_ref() == wanted {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    match (wanted, bless) {
        (Some(text), true) => fs::write(&file, text).map_err(failed),
        (None, true) => fs::remove_file(&file).map_err(failed),
        (wanted, false) => {
            let _ = writeln!(problems, "{} is stale; after a look, NASC_BLESS=1", file.display());
            let lines = |text: Option<&String>| text.cloned().unwrap_or_default();
            differences(&lines(stored.as_ref()), &lines(wanted), problems);
            Ok(())
        }
    }
}

/// The lines from the first difference on, at most a few.
fn differences(stored: &str, produced: &str, problems: &mut String) {
    const SHOWN: usize = 12;
    let same = stored.lines().zip(produced.lines()).take_while(|(a, b)| a == b).count();
    for (sign, text) in [('-', stored), ('+', produced)] {
        for line in text.lines().skip(same).take(SHOWN) {
            let _ = writeln!(problems, "{sign} {line}");
        }
    }
}
