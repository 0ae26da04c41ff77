//! Reads a program from a file, and says what is wrong with files that are none.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use nasc_compiler::source::SourceFile;

use crate::error::CliError;
use crate::folder::{Folder, Place};

/// Largest file that is read at all. The compiler's own limit is lower and gives a diagnostic; this
/// one keeps a wrong file name from filling the memory.
const MAX_BYTES: u64 = 64 << 20;

/// A program with the files that it imports.
#[derive(Debug)]
pub struct Program {
    /// The file asked about and those read since.
    pub folder: Folder,
    /// Dotted name of the package that the file lies in; empty if none.
    pub package: String,
}

impl Program {
    /// The program in a file; its imports start at `root`, or at the folder above its package.
    pub(crate) fn read(path: &Path, root: Option<&Path>) -> Result<Program, CliError> {
        let source = read(path)?;
        let place = Place::of(path, root);
        let beside = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut roots = vec![place.root];
        if place.package.is_empty() && !roots.contains(&beside) {
            roots.insert(0, beside);
        }
        Ok(Program { folder: Folder::new(source, roots), package: place.package })
    }

    /// A program that lies in no folder and imports no files.
    #[must_use]
    pub fn alone(source: SourceFile) -> Program {
        Program { folder: Folder::new(source, Vec::new()), package: String::new() }
    }
}

/// The program in `path`, under the name that the user gave it.
pub(crate) fn read(path: &Path) -> Result<SourceFile, CliError> {
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(CliError::Folder { path: path.to_owned() });
    }
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let read = bytes.len() as u64;
    if read > MAX_BYTES {
        let (path, bytes) = (path.to_owned(), size.max(read));
        return Err(CliError::TooLarge { path, bytes, limit: MAX_BYTES });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        CliError::NotText { path: path.to_owned(), offset }
    })?;
    Ok(SourceFile::new(path.display().to_string(), text))
}
