//! Modules that a program imports, found as Python finds them: beside the file, and below a root.
//! Each file read keeps its number, so that a diagnostic can quote it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nasc_compiler::source::{FileId, ModuleSource, SourceFile, SourceProvider};

use crate::source;

/// The folders that imports are looked up in, and the files read so far.
#[derive(Debug)]
pub struct Folder {
    roots: Vec<PathBuf>,
    files: RefCell<Vec<SourceFile>>,
    known: RefCell<BTreeMap<String, Option<ModuleSource>>>,
}

/// Where a file lies as Python sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder that absolute imports start at.
    pub root: PathBuf,
    /// Dotted name of the package that the file lies in; empty if none.
    pub package: String,
}

impl Place {
    /// The innermost folder above the file that is no package, or the root given.
    #[must_use]
    pub fn of(file: &Path, root: Option<&Path>) -> Place {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let mut folder = absolute.parent().unwrap_or(Path::new("")).to_owned();
        let limit = root.and_then(|root| std::path::absolute(root).ok());
        let mut names = Vec::new();
        loop {
            let is_root = match &limit {
                Some(limit) => folder == *limit,
                None => !folder.join("__init__.py").is_file(),
            };
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
            let (false, Some(name), Some(parent)) = (is_root, name, folder.parent()) else { break };
            names.push(name);
            folder = parent.to_owned();
        }
        names.reverse();
        Place { root: folder, package: names.join(".") }
    }
}

impl Folder {
    /// Modules below the roots, the first root first; `main` is file 0.
    #[must_use]
    pub fn new(main: SourceFile, roots: Vec<PathBuf>) -> Folder {
        Folder { roots, files: RefCell::new(vec![main]), known: RefCell::default() }
    }

    /// The file asked about.
    #[must_use]
    pub fn main(&self) -> SourceFile {
        let files = self.files.borrow();
        files.first().cloned().unwrap_or_else(|| SourceFile::new("", ""))
    }

    /// The files read so far, by number; the first is the one asked about.
    #[must_use]
    pub fn files(&self) -> Vec<SourceFile> {
        self.files.borrow().clone()
    }

    fn find(&self, name: &str) -> Option<ModuleSource> {
        let parts: Vec<&str> = name.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        let relative: PathBuf = parts.iter().collect();
        self.roots.iter().find_map(|root| self.read(&root.join(&relative)))
    }

    /// The package in a folder, or the module of that name.
    fn read(&self, path: &Path) -> Option<ModuleSource> {
        let package = path.join("__init__.py");
        let (file, is_package) = match package.is_file() {
            true => (package, true),
            false => (path.with_extension("py"), false),
        };
        if !file.is_file() {
            return None;
        }
        let source = source::read(&shown(&file)).ok()?;
        let mut files = self.files.borrow_mut();
        let number = FileId(u32::try_from(files.len()).ok()?);
        files.push(source.clone());
        Some(ModuleSource { file: number, source, is_package })
    }
}

/// The path from the folder that the user is in, where it leads down from there.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map_or_else(|_| path.to_owned(), Path::to_owned)
}

impl SourceProvider for Folder {
    fn module(&self, name: &str) -> Option<ModuleSource> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let found = self.find(name);
        self.known.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }
}
