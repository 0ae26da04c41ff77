//! The smallest edit of a source text that makes a program check. Remedies come with the
//! diagnostics; here they become edits of the text, and each is compiled before it is believed.
//! Everything that is not edited stays as it is, byte for byte. Deliberately not here: files.

mod call;
mod candidate;
mod edit;
mod statement;

pub use edit::{Edit, apply};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::SourceFile;
use crate::{CompileOptions, Compiled};

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairBudget {
    /// Most programs that are compiled on the way.
    pub compilations: usize,
    /// Most mistakes that are mended one after the other.
    pub mistakes: usize,
}

impl RepairBudget {
    /// Enough for what people write: 64 compilations, 8 mistakes.
    #[must_use]
    pub const fn standard() -> RepairBudget {
        RepairBudget { compilations: 64, mistakes: 8 }
    }
}

/// A program that was mended.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// The text that checks.
    pub source: SourceFile,
    /// The edits in order; each is one of the text that the ones before it made.
    pub edits: Vec<Edit>,
    /// What the text compiles to.
    pub compiled: Compiled,
}

/// Mends a program that imports no other files. `None` if it checks as it is, or if no edit that
/// is known here makes it check.
///
/// ```
/// use nasc_compiler::repair::{RepairBudget, repair};
/// use nasc_compiler::{CompileOptions, source::SourceFile};
///
/// let source = SourceFile::new(
///     "net.py",
///     "import torch.nn as nn\n\
///      class Net(nn.Module):\n    \
///          def __init__(self):\n        \
///              super().__init__()\n        \
///              self.fc = nn.Linear(60, 10)\n    \
///          def forward(self, x):\n        \
///              return self.fc(x.flatten(1))\n",
/// );
/// let options = CompileOptions::image(1, 8, 8);
/// let repaired = repair(&source, &options, RepairBudget::standard()).expect("one number is wrong");
/// assert_eq!(repaired.source.text(), source.text().replace("60", "64"));
/// ```
#[must_use]
pub fn repair(
    source: &SourceFile,
    options: &CompileOptions,
    budget: RepairBudget,
) -> Option<Repaired> {
    let mut compile = |source: &SourceFile| crate::compile(source, options);
    let found = compile(source).err()?;
    repair_with(source, &found, budget, &mut compile)
}

/// Mends a program in which `compile` found mistakes; `compile` decides what is right.
#[must_use]
pub fn repair_with(
    source: &SourceFile,
    found: &Diagnostics,
    budget: RepairBudget,
    compile: &mut dyn FnMut(&SourceFile) -> Result<Compiled, Diagnostics>,
) -> Option<Repaired> {
    let mut search = Search { compile, compilations: budget.compilations };
    search.mend(source, found, budget.mistakes)
}

/// A depth-first search among edited texts.
struct Search<'a> {
    compile: &'a mut dyn FnMut(&SourceFile) -> Result<Compiled, Diagnostics>,
    /// Compilations left.
    compilations: usize,
}

impl Search<'_> {
    /// Tries the edits for the first mistake; where one removes it, goes on with the next mistake.
    fn mend(
        &mut self,
        source: &SourceFile,
        found: &Diagnostics,
        mistakes: usize,
    ) -> Option<Repaired> {
        let first = first_error(found).filter(|_| mistakes > 0)?;
        let mut nearer = Vec::new();
        for edits in candidate::candidates(source, &first.remedies) {
            let Some(edited) = apply(source, &edits) else { continue };
            self.compilations = self.compilations.checked_sub(1)?;
            match (self.compile)(&edited) {
                Ok(compiled) if merges_batch(&compiled) => {}
                Ok(compiled) => return Some(Repaired { source: edited, edits, compiled }),
                Err(left) if !still_there(source, first, &edited, &left) => {
                    nearer.push((edited, edits, left));
                }
                Err(_) => {}
            }
        }
        nearer.into_iter().find_map(|(edited, mut edits, left)| {
            let mut repaired = self.mend(&edited, &left, mistakes - 1)?;
            edits.append(&mut repaired.edits);
            Some(Repaired { edits, ..repaired })
        })
    }
}

/// Whether a program checks, but gives other rows than samples: its labels would not fit.
fn merges_batch(compiled: &Compiled) -> bool {
    compiled.warnings.as_slice().iter().any(|warning| warning.code == "nasc::eval::batch_merged")
}

fn first_error(found: &Diagnostics) -> Option<&Diagnostic> {
    found.as_slice().iter().find(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Whether a mistake was found again, on the same line.
fn still_there(
    before: &SourceFile,
    mistake: &Diagnostic,
    after: &SourceFile,
    found: &Diagnostics,
) -> bool {
    let line = |source: &SourceFile, diagnostic: &Diagnostic| {
        diagnostic.span().map(|span| source.line_column(span.start).line)
    };
    found.as_slice().iter().any(|other| {
        other.code == mistake.code
            && other.message == mistake.message
            && line(after, other) == line(before, mistake)
    })
}
