//! Folders of Parquet files in the column layout of Hugging Face image data sets: encoded images
//! (`img` or `image`, a struct with `bytes`) and integer labels. `columns` reads the files,
//! `decode` the images, and `cache` keeps what was decoded.

mod columns;

use std::fs;
use std::path::{Path, PathBuf};

use self::columns::{Encoded, read_files};
use super::arrange::RawParts;
use super::cache;
use super::dataset::{ImageShape, Split, SplitKind};
use super::decode::{self, DecodeLimits};
use super::error::DataError;
use super::options::{DataOptions, ProgressSink};

/// Labels from here on are taken for damage.
const MOST_CLASSES: i64 = 1 << 16;

/// The Parquet files of a folder, by split, in order of their names.
#[derive(Debug)]
pub(super) struct ParquetFolder {
    path: PathBuf,
    train: Vec<PathBuf>,
    validation: Vec<PathBuf>,
    test: Vec<PathBuf>,
}

/// The Parquet files in `folder`, if any belongs to a split by its name.
pub(super) fn find(folder: &Path) -> Option<ParquetFolder> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    files.sort();
    let of = |kind| files.iter().filter(|file| split_of(file) == Some(kind)).cloned().collect();
    let found = ParquetFolder {
        path: folder.to_path_buf(),
        train: of(SplitKind::Train),
        validation: of(SplitKind::Validation),
        test: of(SplitKind::Test),
    };
    let empty = found.train.is_empty() && found.validation.is_empty() && found.test.is_empty();
    (!empty).then_some(found)
}

fn split_of(file: &Path) -> Option<SplitKind> {
    let name = file.file_name()?.to_str()?;
    let prefixes = [
        ("train", SplitKind::Train),
        ("val", SplitKind::Validation),
        ("dev", SplitKind::Validation),
        ("test", SplitKind::Test),
    ];
    prefixes.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, kind)| *kind)
}

/// Reads and decodes the folder, or loads what was decoded before.
pub(super) fn read(
    mut folder: ParquetFolder,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<RawParts, DataError> {
    // Some data sets publish train and validation only; their validation then serves as test.
    if folder.test.is_empty() {
        folder.test = std::mem::take(&mut folder.validation);
    }
    for (files, name) in [(&folder.train, "train-*.parquet"), (&folder.test, "test-*.parquet")] {
        if files.is_empty() {
            let file = folder.path.join(name).display().to_string();
            return Err(DataError::MissingFile { file, layout: "a folder of Parquet files" });
        }
    }
    let sources = [folder.train.clone(), folder.validation.clone(), folder.test.clone()].concat();
    let place = cache::place(&options.cache_dir, &sources)?;
    if let Some(parts) = cache::load(&place) {
        return Ok(parts);
    }
    let parts = decode_folder(&folder, options, progress)?;
    cache::store(&place, &parts);
    Ok(parts)
}

fn decode_folder(
    folder: &ParquetFolder,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<RawParts, DataError> {
    let limit = options.memory_limit;
    let train = read_files(&folder.train, limit)?;
    let validation = read_files(&folder.validation, limit)?;
    let test = read_files(&folder.test, limit)?;
    let first = train.images.first().ok_or(DataError::EmptySplit { split: SplitKind::Train })?;
    let shape = decode::probe(first.data(), &train.file)?;
    let class_names = class_names([&train, &validation, &test]);
    let limits = DecodeLimits { threads: options.decode_threads, memory: limit };
    let mut finish =
        |encoded: &Encoded| decode_split(encoded, shape, class_names.len(), limits, progress);
    Ok(RawParts {
        shape,
        pixel_max: u8::MAX,
        train: finish(&train)?,
        validation: if validation.images.is_empty() { None } else { Some(finish(&validation)?) },
        test: finish(&test)?,
        class_names,
    })
}

/// From the metadata, else numbers up to the largest label.
fn class_names(splits: [&Encoded; 3]) -> Vec<String> {
    let labels = splits.iter().flat_map(|split| &split.labels).copied();
    let largest = labels.max().unwrap_or(0).clamp(0, MOST_CLASSES - 1);
    let named = splits.iter().find_map(|split| split.class_names.clone());
    named.unwrap_or_else(|| (0..=largest).map(|class| class.to_string()).collect())
}

fn decode_split(
    encoded: &Encoded,
    shape: ImageShape,
    classes: usize,
    limits: DecodeLimits,
    progress: ProgressSink<'_>,
) -> Result<Split, DataError> {
    let checked = encoded.labels.iter().enumerate().map(|(index, &label)| {
        let valid = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
        let file = || encoded.file.clone();
        valid.ok_or_else(|| DataError::LabelOutOfRange { file: file(), index, label, classes })
    });
    let labels = checked.collect::<Result<Vec<u32>, DataError>>()?;
    let images = decode::decode(&encoded.images, shape, &encoded.file, limits, progress)?;
    Ok(Split::new(images, labels))
}
