//! CIFAR-10 and CIFAR-100 as binary records, in folders and archives, whole and damaged.

use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use nasc_runtime::data::{self, DataError, SplitKind};
use tempfile::TempDir;

use crate::support::{self, assert_message, open, pixels};

const IMAGE: usize = 3072;
const NAMES: &str = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/// Record of image `seed`, label `seed % 10`.
fn record(seed: usize) -> Vec<u8> {
    [vec![(seed % 10) as u8], pixels(seed, IMAGE)].concat()
}

/// Five train batches of four images each, 0 to 19, and a test batch of images 20 to 22.
fn files() -> Vec<(String, Vec<u8>)> {
    let batch = |range: std::ops::Range<usize>| range.flat_map(record).collect::<Vec<u8>>();
    let mut files: Vec<_> = (0..5)
        .map(|file| (format!("data_batch_{}.bin", file + 1), batch(4 * file..4 * file + 4)))
        .collect();
    files.push(("test_batch.bin".to_owned(), batch(20..23)));
    files.push(("batches.meta.txt".to_owned(), NAMES.as_bytes().to_vec()));
    files
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files() {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// The official archive's form: everything in one folder.
pub fn archive(path: &Path) {
    let encoder = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    let mut tar = tar::Builder::new(encoder);
    for (name, content) in files() {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let name = format!("cifar-10-batches-bin/{name}");
        tar.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

pub fn assert_small_cifar(dataset: &data::Dataset) {
    assert_eq!(dataset.name(), "cifar10");
    assert_eq!(dataset.class_names()[9], "truck");
    assert_eq!(dataset.train().len(), 20);
    assert_eq!(dataset.train().labels()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    assert_eq!(dataset.train().image(13).unwrap(), pixels(13, IMAGE));
    assert_eq!(dataset.test().labels(), [0, 1, 2]);
    assert_eq!(dataset.test().image(2).unwrap(), pixels(22, IMAGE));
}

#[test]
fn a_binary_folder_reads_back() {
    assert_small_cifar(&open(folder().path()).unwrap());
}

#[test]
fn the_folder_above_is_searched_too() {
    let above = tempfile::tempdir().unwrap();
    let inner = above.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    files().iter().for_each(|(name, content)| fs::write(inner.join(name), content).unwrap());
    assert_small_cifar(&open(above.path()).unwrap());
}

#[test]
fn an_archive_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    // The name does not matter, the content does.
    let path = folder.path().join("images");
    archive(&path);
    assert_small_cifar(&open(&path).unwrap());
}

#[test]
fn the_name_reads_the_cache_directory() {
    let cache = tempfile::tempdir().unwrap();
    archive(&cache.path().join("cifar-10-binary.tar.gz"));
    let dataset = data::open("cifar10", &support::whole(cache.path()), &mut |_| {}).unwrap();
    assert_small_cifar(&dataset);
}

#[test]
fn cifar100_takes_the_fine_label() {
    let folder = tempfile::tempdir().unwrap();
    let record = |fine: u8| [vec![19, fine], pixels(usize::from(fine), IMAGE)].concat();
    fs::write(folder.path().join("train.bin"), [record(0), record(99)].concat()).unwrap();
    fs::write(folder.path().join("test.bin"), record(42)).unwrap();
    let dataset = open(folder.path()).unwrap();
    assert_eq!((dataset.name(), dataset.classes()), ("cifar100", 100));
    assert_eq!(dataset.train().labels(), [0, 99]);
    assert_eq!(dataset.test().image(0).unwrap(), pixels(42, IMAGE));
}

#[test]
fn a_missing_batch_is_named() {
    let folder = folder();
    fs::remove_file(folder.path().join("data_batch_3.bin")).unwrap();
    assert_message(open(folder.path()), &["data_batch_3.bin", "CIFAR-10 binary", "unpack"]);
}

#[test]
fn a_truncated_batch_tells_both_lengths() {
    let folder = folder();
    let cut = |name: &str, length: usize| {
        let path = folder.path().join(name);
        let content = fs::read(&path).unwrap();
        fs::write(path, &content[..length]).unwrap();
    };
    cut("test_batch.bin", 3073 * 2 + 1);
    assert_message(open(folder.path()), &["test_batch.bin", "6147", "multiple of 3073"]);
    cut("test_batch.bin", 3073);
    // At the end of a record only the other batches show that something is gone.
    cut("data_batch_4.bin", 3073);
    assert_message(open(folder.path()), &["data_batch_4.bin", "3073", "12292"]);
    cut("data_batch_1.bin", 0);
    assert_message(open(folder.path()), &["data_batch_1.bin", "0 bytes"]);
}

#[test]
fn a_label_without_class_is_placed() {
    let folder = folder();
    let path = folder.path().join("test_batch.bin");
    let mut content = fs::read(&path).unwrap();
    content[3073 * 2] = 10;
    fs::write(path, content).unwrap();
    assert_message(open(folder.path()), &["test_batch.bin`, image 2", "label 10", "0..10"]);
}

#[test]
fn a_damaged_archive_is_an_error_wherever_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.tar.gz");
    archive(&path);
    let whole = fs::read(&path).unwrap();
    for cut in (2..whole.len()).step_by(whole.len() / 40) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_message(open(&path), &["archive.tar.gz", "delete it and fetch it again"]);
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&path, flipped).unwrap();
    assert!(open(&path).is_err());
}

#[test]
fn an_archive_larger_than_allowed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.tar.gz");
    archive(&path);
    let options = data::DataOptions { memory_limit: 20_000, ..support::whole(folder.path()) };
    let result = data::open(path.to_str().unwrap(), &options, &mut |_| {});
    assert!(matches!(result, Err(DataError::TooLarge { limit: 20_000, .. })));
}

#[test]
fn what_is_not_there_or_not_data_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["data_batch_1.bin", "train-*.parquet", "data_batch_1 and test_batch", ".tar.gz"];
    assert_message(open(folder.path()), &names);
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not data").unwrap();
    assert_message(open(&text), &names);
    assert_message(open(&folder.path().join("absent")), &["absent", "digits, cifar10, cifar100"]);
}

#[test]
fn too_few_images_to_carve_from_is_an_empty_split() {
    let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
    let mut options = support::options(cache.path());
    options.validation = data::ValidationSource::Carve { fraction: 0.01 };
    let result = data::open(folder.path().to_str().unwrap(), &options, &mut |_| {});
    let expected = DataError::EmptySplit { split: SplitKind::Validation };
    assert_eq!(result.unwrap_err().to_string(), expected.to_string());
}
