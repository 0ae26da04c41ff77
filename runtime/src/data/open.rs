//! `open`: from a name or a path to a data set. Which layout lies at a path is decided by the files
//! that are there, not by the path's name.

use std::path::{Path, PathBuf};

use super::archive;
use super::arrange::{self, RawParts};
use super::cifar::{LAYOUTS, Layout};
use super::dataset::Dataset;
use super::digits;
use super::download;
use super::error::DataError;
use super::files::Files;
use super::idx;
use super::numpy;
use super::options::{DataOptions, DataProgress, ProgressSink, RemoteArchive};
use super::parquet;
use super::pictures;

/// The data sets that have a name.
pub const NAMES: [&str; 3] = ["digits", "cifar10", "cifar100"];

/// Opens a data set by name or path.
///
/// - `digits`: the embedded one; its three splits are fixed.
/// - `cifar10`, `cifar100`: from the cache directory, unpacked or as archive, else downloaded there.
/// - a path: a `.tar.gz`, a `.npz`, or a folder with one of the layouts of `docs/data.md`.
///
/// A name wins over a folder of the same name; write `./cifar10` for the folder.
///
/// # Errors
/// Whatever the files, the network or the options get wrong, see [`DataError`].
pub fn open(
    spec: &str,
    options: &DataOptions,
    progress: &mut dyn FnMut(DataProgress),
) -> Result<Dataset, DataError> {
    match spec {
        "digits" => arrange::arrange("digits", digits::raw()?, options),
        "cifar10" => open_published("cifar10", &options.cifar10, options, progress),
        "cifar100" => open_published("cifar100", &options.cifar100, options, progress),
        path => open_path(path, options, progress),
    }
}

/// A published data set, found in the cache directory or downloaded to it.
fn open_published(
    name: &'static str,
    remote: &RemoteArchive,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<Dataset, DataError> {
    let layouts = || LAYOUTS.iter().filter(|layout| layout.dataset == name);
    for layout in layouts() {
        let files = folder(options.cache_dir.join(layout.folder), options);
        if layout.is_in(&files) {
            return arrange::arrange(name, layout.read(&files)?, options);
        }
    }
    // Another tool may have left the Python version, whose archive has the same naming.
    let mut archives = layouts().map(|layout| options.cache_dir.join(layout.archive));
    let present = archives.find(|path| path.is_file());
    let path = match present {
        Some(path) => path,
        None => download::fetch(remote, &options.cache_dir, progress)?,
    };
    let (_, raw) = read_archive(&path, options, progress)?;
    arrange::arrange(name, raw, options)
}

fn open_path(
    spec: &str,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<Dataset, DataError> {
    let path = Path::new(spec);
    if path.is_dir() {
        let (name, raw) = read_folder(path, options, progress)?;
        return arrange::arrange(&name, raw, options);
    }
    if !path.exists() {
        return Err(DataError::NotFound { spec: spec.to_owned(), names: NAMES.join(", ") });
    }
    if numpy::is_npz(path) {
        return arrange::arrange(&folder_name(path), numpy::read_npz(path, options)?, options);
    }
    if !archive::is_gzip(path) {
        return Err(not_recognized(path));
    }
    let (name, raw) = read_archive(path, options, progress)?;
    arrange::arrange(name, raw, options)
}

/// The layout in the folder, or in one of the folders that archives and repositories put it in.
fn read_folder(
    path: &Path,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<(String, RawParts), DataError> {
    let usual = LAYOUTS.iter().map(|layout| layout.folder).chain(["data"]);
    let candidates = std::iter::once(path.to_path_buf()).chain(usual.map(|name| path.join(name)));
    for candidate in candidates.filter(|candidate| candidate.is_dir()) {
        if let Some(found) = parquet::find(&candidate) {
            return Ok((folder_name(path), parquet::read(found, options, progress)?));
        }
        let files = folder(candidate, options);
        if let Some(layout) = LAYOUTS.iter().find(|layout| layout.is_in(&files)) {
            return Ok((layout.dataset.to_owned(), layout.read(&files)?));
        }
        if idx::is_in(&files) {
            return Ok((folder_name(path), idx::read(&files, options.memory_limit)?));
        }
        if let Files::Folder { path: candidate, .. } = &files
            && numpy::is_in(candidate)
        {
            return Ok((folder_name(path), numpy::read_folder(candidate, options)?));
        }
    }
    if let Some(found) = pictures::find(path) {
        return Ok((folder_name(path), pictures::read(&found, options, progress)?));
    }
    Err(not_recognized(path))
}

/// What a data set without a name of its own is called.
fn folder_name(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_archive(
    path: &Path,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<(&'static str, RawParts), DataError> {
    let wanted = |name: &str| LAYOUTS.iter().any(|layout| layout.knows(name));
    let files = archive::read(path, &wanted, options.memory_limit, progress)?;
    let layout = LAYOUTS.iter().find(|layout| layout.is_in(&files));
    let layout = layout.ok_or_else(|| not_recognized(path))?;
    Ok((layout.dataset, layout.read(&files)?))
}

fn folder(path: PathBuf, options: &DataOptions) -> Files {
    Files::Folder { path, memory_limit: options.memory_limit }
}

fn not_recognized(path: &Path) -> DataError {
    let layouts: Vec<String> = LAYOUTS.iter().map(Layout::description).collect();
    let layouts = layouts.join(", ");
    let idx = idx::DESCRIPTION;
    let (numpy, pictures) = (numpy::DESCRIPTION, pictures::DESCRIPTION);
    let looked_for = format!(
        "train-*.parquet and test-*.parquet, {idx}, {layouts}, {numpy}, {pictures}, a .npz file, or a \
         .tar.gz of a CIFAR layout"
    );
    DataError::NotRecognized { path: path.to_path_buf(), looked_for }
}
