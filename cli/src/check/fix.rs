//! Computed fixes: an edit that was compiled before it is shown or written.

use std::fs;
use std::path::Path;

use nasc_compiler::CompileOptions;
use nasc_compiler::diagnostic::{Diagnostic, Diagnostics, Severity};
use nasc_compiler::repair::{RepairBudget, Repaired, repair_with};
use nasc_compiler::source::SourceFile;

use super::compile_text;
use super::diff::{new_lines, unified};
use crate::error::CliError;
use crate::source::Program;

/// A text that checks, made from one that does not.
#[derive(Debug)]
pub(super) struct Fix {
    before: SourceFile,
    repaired: Repaired,
}

impl Fix {
    /// The smallest edit of the file asked about after which it checks, if one is found.
    pub(super) fn find(
        program: &Program,
        options: &CompileOptions,
        wanted: Option<u64>,
        found: &Diagnostics,
    ) -> Option<Fix> {
        let before = program.folder.main();
        let mut compile = |source: &SourceFile| compile_text(source, program, options, wanted);
        let budget = RepairBudget::standard();
        let repaired = repair_with(&before, found, budget, &mut compile)?;
        Some(Fix { before, repaired })
    }

    /// The difference, as `patch` reads it.
    pub(super) fn diff(&self) -> String {
        unified(self.before.name(), self.before.text(), self.repaired.source.text())
    }

    /// Writes the text that checks in place of the one that does not.
    pub(super) fn write(&self, path: &Path) -> Result<(), CliError> {
        let failed = |source| CliError::Write { path: path.to_owned(), source };
        fs::write(path, self.repaired.source.text()).map_err(failed)
    }

    /// How many places are edited.
    pub(super) fn edits(&self) -> usize {
        self.repaired.edits.len()
    }

    /// The diagnostics with the fix as help of the first mistake.
    pub(super) fn explained(&self, found: &Diagnostics) -> Diagnostics {
        let mut list: Vec<Diagnostic> = found.as_slice().to_vec();
        let is_error = |diagnostic: &&mut Diagnostic| diagnostic.severity == Severity::Error;
        if let Some(first) = list.iter_mut().find(is_error) {
            first.help = Some(self.help());
        }
        Diagnostics::new(list)
    }

    fn help(&self) -> String {
        let lines = new_lines(self.before.text(), self.repaired.source.text());
        let words = lines.iter().map(|(number, line)| format!("line {number}: `{line}`"));
        let words = words.collect::<Vec<String>>().join(", ");
        format!("write {words}; then the file checks (`--fix` writes it)")
    }
}
