//! IDX files as MNIST has them.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nasc_runtime::data::ImageShape;
use tempfile::TempDir;

use crate::support::{assert_message, open, pixels};

fn idx(extents: &[u32], values: &[u8]) -> Vec<u8> {
    let header = [0, 0, 8, extents.len() as u8];
    let extents = extents.iter().flat_map(|extent| extent.to_be_bytes());
    header.into_iter().chain(extents).chain(values.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Three train images and two test images of 2 x 5, one file gzipped and one with a dot in its name.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str, content: Vec<u8>| fs::write(folder.path().join(name), content).unwrap();
    to("train-images-idx3-ubyte.gz", gzip(&idx(&[3, 2, 5], &pixels(1, 30))));
    to("train-labels.idx1-ubyte", idx(&[3], &[4, 0, 1]));
    to("t10k-images-idx3-ubyte", idx(&[2, 2, 5], &pixels(2, 20)));
    to("t10k-labels-idx1-ubyte", idx(&[2], &[2, 2]));
    folder
}

#[test]
fn a_folder_reads_back() {
    let dataset = open(folder().path()).unwrap();
    assert_eq!(dataset.shape(), ImageShape { channels: 1, height: 2, width: 5 });
    assert_eq!(dataset.class_names(), ["0", "1", "2", "3", "4"]);
    assert_eq!(
        (dataset.train().images(), dataset.train().labels()),
        (&pixels(1, 30)[..], &[4, 0, 1][..])
    );
    assert_eq!(
        (dataset.test().images(), dataset.test().labels()),
        (&pixels(2, 20)[..], &[2, 2][..])
    );
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = folder();
    let name = "t10k-labels-idx1-ubyte";
    let test = "t10k-images-idx3-ubyte";
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        (name, idx(&[3], &[2, 2]), &["10 bytes", "[3] values"]),
        (name, idx(&[3], &[2, 2, 2]), &["11 bytes", "2 labels"]),
        (name, idx(&[1, 2], &[2, 2]), &["does not start like an IDX file"]),
        (test, idx(&[2, 5, 2], &pixels(2, 20)), &["1x5x2", "1x2x5"]),
        (test, idx(&[u32::MAX, u32::MAX, u32::MAX], &[]), &["16 bytes"]),
        (test, b"\0\0\x08\x03\0".to_vec(), &["does not start like an IDX file"]),
    ];
    for (name, content, parts) in cases {
        let path = folder.path().join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        assert_message(open(folder.path()), &[&[name], parts].concat());
        fs::write(path, before).unwrap();
    }
    fs::remove_file(folder.path().join(name)).unwrap();
    assert_message(open(folder.path()), &[name, "missing", "IDX (MNIST)"]);
}

#[test]
fn a_cut_gzip_is_an_error() {
    let folder = folder();
    let path = folder.path().join("train-images-idx3-ubyte.gz");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_message(open(folder.path()), &["train-images-idx3-ubyte.gz"]);
    }
}
