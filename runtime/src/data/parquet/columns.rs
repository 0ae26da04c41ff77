//! The image and label columns of Parquet files, with images still encoded.

use std::fs::File;
use std::path::{Path, PathBuf};

use ::parquet::basic::Type;
use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::FileMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;

use crate::data::error::DataError;
use crate::data::guard::guarded;

/// Label columns, the preferred first: CIFAR-100 has `fine_label` and `coarse_label`.
const LABEL_COLUMNS: [&str; 4] = ["label", "fine_label", "labels", "target"];
const IMAGE_COLUMNS: [&str; 4] = ["img.bytes", "image.bytes", "img", "image"];
/// Rows read at a time.
const BATCH: usize = 4096;

/// One split as it is stored.
pub(super) struct Encoded {
    /// The first file, for messages.
    pub(super) file: String,
    /// PNG or JPEG.
    pub(super) images: Vec<ByteArray>,
    pub(super) labels: Vec<i64>,
    /// From the metadata, if it names them.
    pub(super) class_names: Option<Vec<String>>,
}

/// Reads the files of one split in turn.
pub(super) fn read_files(files: &[PathBuf], memory_limit: u64) -> Result<Encoded, DataError> {
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
    let (image_column, label_column) = columns(metadata.schema_descr(), file)?;
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
    all.class_names = all.class_names.take().or_else(|| class_names(metadata));
    Ok(())
}

/// Numbers of the image and the label column.
fn columns(schema: &SchemaDescriptor, file: &str) -> Result<(usize, usize), DataError> {
    let absent = |wanted| {
        let columns = column_names(schema);
        DataError::Column { file: file.to_owned(), wanted, columns }
    };
    let images = column(schema, &IMAGE_COLUMNS, Type::BYTE_ARRAY);
    let labels = column(schema, &LABEL_COLUMNS, Type::INT64);
    let images = images.ok_or_else(|| absent("column `img.bytes` or `image.bytes` of bytes"))?;
    let labels =
        labels.ok_or_else(|| absent("column `label` or `fine_label` of 64-bit integers"))?;
    Ok((images, labels))
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

fn class_names(metadata: &FileMetaData) -> Option<Vec<String>> {
    let pairs = metadata.key_value_metadata()?;
    let pair = pairs.iter().find(|pair| pair.key == "huggingface")?;
    label_names(pair.value.as_deref()?)
}

/// The class names in the `huggingface` entry of the metadata, of the first label column that has any.
fn label_names(json: &str) -> Option<Vec<String>> {
    let metadata: serde_json::Value = serde_json::from_str(json).ok()?;
    let features = metadata.get("info")?.get("features")?;
    LABEL_COLUMNS.iter().find_map(|name| {
        let names = features.get(name)?.get("names")?.as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    })
}
