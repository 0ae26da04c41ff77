//! Parquet folders: read back, cached, and every damage reported.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use nasc_runtime::data::{self, DataProgress, DataStage, Dataset, ImageShape};
use tempfile::TempDir;

use crate::support::{self, assert_message, open, pixels};

/// The columns of Hugging Face's `cifar10`.
const CIFAR10: &str = "message schema { optional group img { optional binary bytes; optional binary path (UTF8); } optional int64 label; }";
const NAMES: &str = r#"{"info": {"features": {"img": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;

fn encode(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A colour PNG, three wide and two high.
fn png(seed: usize) -> Vec<u8> {
    let image = RgbImage::from_raw(3, 2, pixels(seed, 18)).unwrap();
    encode(image.into(), ImageFormat::Png)
}

/// The same as planes.
fn planes(seed: usize) -> Vec<u8> {
    let interleaved = pixels(seed, 18);
    (0..3)
        .flat_map(|channel| {
            interleaved.iter().skip(channel).step_by(3).copied().collect::<Vec<_>>()
        })
        .collect()
}

/// An encoded image and its label; `None` is a null.
type Row = (Vec<u8>, Option<i64>);

fn row(seed: usize, label: i64) -> Row {
    (png(seed), Some(label))
}

/// Writes rows with columns `bytes`, `path` (all null) and label, two rows to a group.
fn write(path: &Path, schema: &str, names: Option<&str>, rows: &[Row]) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let metadata =
        names.map(|names| vec![KeyValue::new("huggingface".to_owned(), names.to_owned())]);
    let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for rows in rows.chunks(2) {
        let mut group = writer.next_row_group().unwrap();
        let images: Vec<_> = rows.iter().map(|(image, _)| ByteArray::from(image.clone())).collect();
        let labels: Vec<_> = rows.iter().filter_map(|(_, label)| *label).collect();
        let present: Vec<_> = rows.iter().map(|(_, label)| i16::from(label.is_some())).collect();
        let mut columns = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match (column.untyped(), columns) {
                (ColumnWriter::ByteArrayColumnWriter(bytes), 0) => {
                    bytes.write_batch(&images, Some(&vec![2; images.len()]), None).unwrap();
                }
                (ColumnWriter::ByteArrayColumnWriter(path), _) => {
                    path.write_batch(&[], Some(&vec![1; images.len()]), None).unwrap();
                }
                (ColumnWriter::Int64ColumnWriter(column), _) => {
                    column.write_batch(&labels, Some(&present), None).unwrap();
                }
                _ => panic!("a column of another type"),
            }
            column.close().unwrap();
            columns += 1;
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// A folder of two train files (five images) and a test file (one image).
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (0..5).map(|seed| row(seed, seed as i64 % 2)).collect();
    let to =
        |name: &str, rows: &[Row]| write(&folder.path().join(name), CIFAR10, Some(NAMES), rows);
    to("train-00000-of-00002.parquet", &rows[..3]);
    to("train-00001-of-00002.parquet", &rows[3..]);
    to("test-00000-of-00001.parquet", &[row(9, 1)]);
    folder
}

/// Replaces the test file.
fn with_test(folder: &TempDir, schema: &str, rows: &[Row]) {
    write(&folder.path().join("test-00000-of-00001.parquet"), schema, Some(NAMES), rows);
}

#[test]
fn a_folder_reads_back() {
    let dataset = open(folder().path()).unwrap();
    assert_eq!(dataset.shape(), ImageShape { channels: 3, height: 2, width: 3 });
    assert_eq!(dataset.class_names(), ["cat", "dog"]);
    assert_eq!(dataset.train().labels(), [0, 1, 0, 1, 0]);
    let expected: Vec<u8> = (0..5).flat_map(planes).collect();
    assert_eq!(dataset.train().images(), expected);
    assert_eq!(dataset.test().images(), planes(9));
}

#[test]
fn jpeg_and_grey_images_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let grey = |level| DynamicImage::from(GrayImage::from_pixel(4, 4, ::image::Luma([level])));
    let schema = CIFAR10.replace("img", "image").replace("label", "fine_label");
    let to =
        |name: &str, image| write(&folder.path().join(name), &schema, None, &[(image, Some(2))]);
    to("train.parquet", encode(grey(77), ImageFormat::Jpeg));
    to("test.parquet", encode(grey(78), ImageFormat::Png));
    let dataset = open(folder.path()).unwrap();
    assert_eq!(dataset.shape(), ImageShape { channels: 1, height: 4, width: 4 });
    assert_eq!(dataset.class_names(), ["0", "1", "2"], "numbers up to the largest label");
    assert_eq!(dataset.test().images(), [78; 16]);
    assert!(dataset.train().images().iter().all(|pixel| pixel.abs_diff(77) <= 1));
}

#[test]
fn a_validation_file_is_the_validation_split() {
    let folder = folder();
    write(&folder.path().join("validation.parquet"), CIFAR10, None, &[row(6, 0)]);
    let cache = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let open = || data::open(path, &support::options(cache.path()), &mut |_| {}).unwrap();
    assert_eq!(open().validation().images(), planes(6));
    assert_eq!(open().train().len(), 5);
    fs::remove_file(folder.path().join("test-00000-of-00001.parquet")).unwrap();
    assert_eq!(open().test().images(), planes(6), "validation serves as test");
    assert_eq!(open().train().len() + open().validation().len(), 5, "and train is carved");
}

/// Opens twice with one cache directory and counts the images decoded in each.
fn decoded(folder: &TempDir, cache: &TempDir) -> (u64, Dataset) {
    let mut decoded = 0;
    let mut progress = |progress: DataProgress| {
        assert_eq!(progress.stage, DataStage::Decode);
        decoded += u64::from(progress.done == progress.total.unwrap()) * progress.done;
    };
    let options = support::whole(cache.path());
    let dataset = data::open(folder.path().to_str().unwrap(), &options, &mut progress).unwrap();
    (decoded, dataset)
}

fn only_file(folder: &TempDir) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "one cache file and no temporary one");
    files[0].as_ref().unwrap().path()
}

#[test]
fn images_are_decoded_once() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    let (first, dataset) = decoded(&folder, &cache);
    let (second, again) = decoded(&folder, &cache);
    assert_eq!((first, second), (6, 0));
    assert_eq!(dataset, again);
    only_file(&cache);
}

#[test]
fn changed_sources_are_decoded_again() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    decoded(&folder, &cache);
    with_test(&folder, CIFAR10, &[row(8, 0)]);
    let (count, dataset) = decoded(&folder, &cache);
    assert_eq!(count, 6);
    assert_eq!(dataset.test().images(), planes(8));
}

#[test]
fn a_damaged_cache_is_rebuilt() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    let (_, dataset) = decoded(&folder, &cache);
    let file = only_file(&cache);
    let whole = fs::read(&file).unwrap();
    for place in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[place] ^= 0x11;
        fs::write(&file, &changed).unwrap();
        assert_eq!(decoded(&folder, &cache), (6, dataset.clone()), "byte {place} changed");
        fs::write(&file, &whole[..place]).unwrap();
        assert_eq!(decoded(&folder, &cache), (6, dataset.clone()), "cut at {place}");
    }
    assert_eq!(fs::read(&file).unwrap(), whole);
}

#[test]
fn a_cache_directory_that_cannot_be_made_costs_only_time() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    let file = cache.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let options = support::whole(&file.join("below"));
    let dataset = data::open(folder.path().to_str().unwrap(), &options, &mut |_| {}).unwrap();
    assert_eq!(dataset.train().len(), 5);
}

#[test]
fn damaged_rows_are_placed() {
    let folder = folder();
    let tall = encode(RgbImage::new(3, 4).into(), ImageFormat::Png);
    let cases: [(&[Row], &[&str]); 5] = [
        (&[row(1, 0), row(2, 2)], &["image 1", "label 2", "0..2"]),
        (&[row(1, -1)], &["image 0", "label -1"]),
        (&[row(1, 0), row(2, 1), (tall, Some(1))], &["image 2 is 3x4x3", "3x2x3"]),
        (&[row(1, 0), (b"GIF89a".to_vec(), Some(1))], &["image 1", "PNG and JPEG"]),
        (&[row(1, 0), (png(2), None)], &["2 images and 1 labels in 2 rows"]),
    ];
    for (rows, parts) in cases {
        with_test(&folder, CIFAR10, rows);
        assert_message(open(folder.path()), &[&["test-00000-of-00001.parquet"], parts].concat());
    }
}

#[test]
fn the_first_bad_image_is_reported_by_any_number_of_threads() {
    let folder = folder();
    let mut rows: Vec<Row> = (0..1200).map(|seed| row(seed, 0)).collect();
    rows[300].0.truncate(40);
    rows[1100].0.truncate(40);
    with_test(&folder, CIFAR10, &rows);
    let cache = tempfile::tempdir().unwrap();
    for threads in [1, 2, 7] {
        let mut options = support::whole(cache.path());
        options.decode_threads = std::num::NonZeroUsize::new(threads).unwrap();
        let result = data::open(folder.path().to_str().unwrap(), &options, &mut |_| {});
        assert_message(result, &["image 300 cannot be decoded"]);
    }
}

#[test]
fn absent_columns_and_files_are_named() {
    let folder = folder();
    with_test(&folder, &CIFAR10.replace("img", "picture"), &[row(1, 0)]);
    assert_message(
        open(folder.path()),
        &["`img.bytes`", "picture.bytes (BYTE_ARRAY), picture.path"],
    );
    with_test(&folder, &CIFAR10.replace("label", "class"), &[row(1, 0)]);
    assert_message(open(folder.path()), &["`label`", "class (INT64)"]);
    fs::remove_file(folder.path().join("test-00000-of-00001.parquet")).unwrap();
    assert_message(open(folder.path()), &["test-*.parquet", "missing"]);
}

#[test]
fn a_cut_file_is_an_error() {
    let folder = folder();
    let path = folder.path().join("train-00001-of-00002.parquet");
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(5) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_message(
            open(folder.path()),
            &["train-00001-of-00002.parquet", "fetch the file again"],
        );
    }
}

#[test]
fn changed_bytes_never_panic() {
    let folder = folder();
    let path = folder.path().join("train-00001-of-00002.parquet");
    let whole = fs::read(&path).unwrap();
    // All bytes and more bits were tried once; a panic of the library is slow to print.
    for place in (0..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[place] ^= 1 << (place % 8);
        fs::write(&path, &changed).unwrap();
        if let Ok(dataset) = open(folder.path()) {
            assert_eq!(dataset.train().images().len(), dataset.train().len() * 18);
        }
    }
}

#[test]
fn more_than_the_memory_limit_is_refused() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    // Encoded images of 18 pixels are larger than decoded ones.
    let options = data::DataOptions { memory_limit: 100, ..support::whole(cache.path()) };
    let result = data::open(folder.path().to_str().unwrap(), &options, &mut |_| {});
    assert_message(result, &["limit of 100", "raise the memory limit"]);
}
