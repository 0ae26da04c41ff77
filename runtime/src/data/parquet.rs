//! Folders of Parquet files in the column layout of Hugging Face image data sets: encoded images
//! (`img` or `image`, a struct with `bytes`) and integer labels. The columns are read here; the
//! images are decoded in `decode` and kept in `cache`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ::parquet::basic::Type;
use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;

use super::arrange::RawParts;
use super::cache;
use super::dataset::{ImageShape, Split, SplitKind};
use super::decode::{self, DecodeLimits};
use super::error::DataError;
use super::guard::guarded;
use super::options::{DataOptions, ProgressSink};

/// Label columns, the preferred first: CIFAR-100 has `fine_label` and `coarse_label`.
const LABEL_COLUMNS: [&str; 4] = ["label", "fine_label", "labels", "target"];
const IMAGE_COLUMNS: [&str; 4] = ["img.bytes", "image.bytes", "img", "image"];
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

/// One split as it is stored: encoded images, labels, and the class names of the metadata.
struct Encoded {
    file: String,
    images: Vec<ByteArray>,
    labels: Vec<i64>,
    class_names: Option<Vec<String>>,
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

fn read_files(files: &[PathBuf], memory_limit: u64) -> Result<Encoded, DataError> {
    let mut all =
        Encoded { file: String::new(), images: Vec::new(), labels: Vec::new(), class_names: None };
    for path in files {
        let file = path.display().to_string();
        guarded(|| read_file(path, &file, &mut all)).unwrap_or_else(|| Err(stopped(&file)))?;
        let bytes: u64 = all.images.iter().map(|image| image.len() as u64).sum();
        if bytes > memory_limit {
            return Err(DataError::TooLarge { file, bytes, limit: memory_limit });
        }
        all.file = if all.file.is_empty() { file } else { format!("{} and later", all.file) };
    }
    Ok(all)
}

/// The Parquet library panics on some damaged pages.
fn stopped(file: &str) -> DataError {
    let source = ParquetError::General("the reader stopped at a damaged page".to_owned());
    DataError::Parquet { file: file.to_owned(), source }
}

fn read_file(path: &Path, file: &str, all: &mut Encoded) -> Result<(), DataError> {
    let source = File::open(path).map_err(DataError::io("open", file))?;
    let damaged = |source: ParquetError| DataError::Parquet { file: file.to_owned(), source };
    let reader = SerializedFileReader::new(source).map_err(damaged)?;
    let metadata = reader.metadata().file_metadata();
    let image_column = column(metadata.schema_descr(), &IMAGE_COLUMNS, Type::BYTE_ARRAY);
    let label_column = column(metadata.schema_descr(), &LABEL_COLUMNS, Type::INT64);
    let columns = || column_names(metadata.schema_descr());
    let absent = |wanted| DataError::Column { file: file.to_owned(), wanted, columns: columns() };
    let image_column =
        image_column.ok_or_else(|| absent("column `img.bytes` or `image.bytes` of bytes"))?;
    let label_column =
        label_column.ok_or_else(|| absent("column `label` or `fine_label` of 64-bit integers"))?;
    let before = (all.images.len(), all.labels.len());
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(damaged)?;
        let images = group.get_column_reader(image_column).map_err(damaged)?;
        let labels = group.get_column_reader(label_column).map_err(damaged)?;
        read_group(images, labels, all).map_err(damaged)?;
    }
    let (images, labels) = (all.images.len() - before.0, all.labels.len() - before.1);
    let rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
    if images != labels || images as u64 != rows {
        return Err(DataError::Rows { file: file.to_owned(), images, labels, rows });
    }
    let names = metadata.key_value_metadata().and_then(|pairs| {
        let pair = pairs.iter().find(|pair| pair.key == "huggingface")?;
        label_names(pair.value.as_deref()?)
    });
    all.class_names = all.class_names.take().or(names);
    Ok(())
}

/// The first of the names that exists with this type and is no list.
fn column(schema: &SchemaDescriptor, names: &[&str], kind: Type) -> Option<usize> {
    names.iter().find_map(|name| {
        schema.columns().iter().position(|column| {
            let flat = column.max_rep_level() == 0;
            column.path().string() == *name && column.physical_type() == kind && flat
        })
    })
}

fn column_names(schema: &SchemaDescriptor) -> String {
    let names: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| format!("{} ({})", column.path().string(), column.physical_type()))
        .collect();
    names.join(", ")
}

/// Appends one row group. Nulls leave a column shorter than its rows, which the caller notices.
fn read_group(
    images: ColumnReader,
    labels: ColumnReader,
    all: &mut Encoded,
) -> Result<(), ParquetError> {
    if let ColumnReader::ByteArrayColumnReader(mut reader) = images {
        let mut levels = Vec::new();
        while reader.read_records(BATCH, Some(&mut levels), None, &mut all.images)?.0 > 0 {}
    }
    if let ColumnReader::Int64ColumnReader(mut reader) = labels {
        let mut levels = Vec::new();
        while reader.read_records(BATCH, Some(&mut levels), None, &mut all.labels)?.0 > 0 {}
    }
    Ok(())
}

/// Rows read at a time.
const BATCH: usize = 4096;

/// The class names in the `huggingface` entry of the metadata, of the first label column that has any.
fn label_names(json: &str) -> Option<Vec<String>> {
    let metadata: serde_json::Value = serde_json::from_str(json).ok()?;
    let features = metadata.get("info")?.get("features")?;
    LABEL_COLUMNS.iter().find_map(|name| {
        let names = features.get(name)?.get("names")?.as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    })
}
