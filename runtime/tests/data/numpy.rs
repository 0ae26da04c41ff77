//! NumPy arrays: `.npz` files and folders of `.npy` files as NumPy writes them, and damage.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use nasc_runtime::data::{ImageShape, Normalization};

use crate::support::{assert_message, open, pixels};

/// A `.npy` file, version 1.
fn npy(descriptor: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<width$}\n", width = 127 - 10);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((padded.len() as u16).to_le_bytes());
    file.extend(padded.as_bytes());
    file.extend(data);
    file
}

/// A ZIP file with every second member deflated.
fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (index, (name, bytes)) in members.iter().enumerate() {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let (method, packed) = if index % 2 == 0 {
            (0_u16, bytes.clone())
        } else {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            (8, encoder.finish().unwrap())
        };
        let mut head = Vec::new();
        head.extend([20, 0, 0, 0]);
        head.extend(method.to_le_bytes());
        head.extend([0; 4]);
        head.extend(crc.sum().to_le_bytes());
        head.extend((packed.len() as u32).to_le_bytes());
        head.extend((bytes.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0; 2]);
        let place = file.len() as u32;
        file.extend(b"PK\x03\x04");
        file.extend(&head);
        file.extend(name.as_bytes());
        file.extend(&packed);
        list.extend(b"PK\x01\x02\x14\x00");
        list.extend(&head);
        list.extend([0; 10]);
        list.extend(place.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (start, length, count) = (file.len() as u32, list.len() as u32, members.len() as u16);
    file.extend(list);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

fn longs(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Four train images of 2 x 4 in colour, channels last, and two test images, channels first.
fn members() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("x_train.npy", npy("|u1", "(4, 2, 4, 3)", &pixels(1, 96))),
        ("y_train.npy", npy("<i8", "(4, 1)", &longs(&[7, 5, 7, 9]))),
        ("x_test.npy", npy("|u1", "(2, 3, 2, 4)", &pixels(2, 48))),
        ("y_test.npy", npy("<i8", "(2,)", &longs(&[9, 5]))),
    ]
}

fn written(members: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    fs::write(&path, npz(members)).unwrap();
    (folder, path)
}

fn assert_reads_back(path: &Path) {
    let data = open(path).unwrap();
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 2, width: 4 });
    assert_eq!(data.class_names(), ["5", "7", "9"]);
    assert_eq!((data.train().labels(), data.test().labels()), (&[1, 0, 1, 2][..], &[2, 0][..]));
    let last = pixels(1, 96);
    let first: Vec<u8> = last[..24].iter().step_by(3).copied().collect();
    assert_eq!(&data.train().image(0).unwrap()[..8], first);
    assert_eq!(data.test().images(), pixels(2, 48));
}

#[test]
fn files_and_folders_read_back() {
    let (_keep, path) = written(&members());
    assert_reads_back(&path);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in members() {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    assert_reads_back(folder.path());
}

#[test]
fn an_undivided_set_of_floats_is_divided_and_measured() {
    let floats: Vec<u8> =
        (0..20 * 4).flat_map(|at| ((at % 5) as f32 / 4.0).to_le_bytes()).collect();
    let labels: Vec<i64> = (0..20).map(|at| at % 2).collect();
    let (_keep, path) = written(&[
        ("images.npy", npy("<f4", "(20, 2, 2)", &floats)),
        ("labels.npy", npy("<i8", "(20,)", &longs(&labels))),
    ]);
    let data = open(&path).unwrap();
    assert_eq!((data.train().len(), data.test().len(), data.classes()), (16, 4, 2));
    assert_eq!(data.test().class_counts(2), [2, 2]);
    assert!(data.train().images().contains(&255) && data.train().images().contains(&191));
    let scaling = data.pixel_scaling(Normalization::DataStatistics);
    assert!((scaling.statistics().mean[0] - 0.5).abs() < 0.05);
}

#[test]
fn damage_is_told_with_its_place() {
    let replace = |index: usize, bytes: Vec<u8>| {
        let mut members = members();
        members[index].1 = bytes;
        written(&members)
    };
    let labels = |values: &[i64]| longs(values);
    let cases: [(usize, Vec<u8>, &[&str]); 9] = [
        (0, b"no array".to_vec(), &["x_train", "does not begin"]),
        (0, npy("|u1", "(4, 2, 4, 3)", &pixels(1, 95)), &["x_train", "95 bytes"]),
        (0, npy("|u1", "(4, 24)", &pixels(1, 96)), &["x_train", "channels", "[4, 24]"]),
        (0, npy("<c8", "(1, 2, 3, 3)", &[]), &["x_train", "<c8", "uint8"]),
        (0, npy(">i4", "(1, 3, 3)", &[0; 36]), &["x_train", "big-endian"]),
        (0, npy("|i1", "(4, 2, 4, 3)", &[200; 96]), &["x_train", "0 to 255", "-56"]),
        (1, npy("<i8", "(3,)", &labels(&[1, 2, 3])), &["4 images and 3 labels"]),
        (1, npy("<f8", "(4,)", &[1, 1, 1, 1].map(|_| 0.5_f64.to_le_bytes()).concat()), &["whole"]),
        (2, npy("|u1", "(2, 3, 3)", &pixels(2, 18)), &["3x2x4", "1x3x3"]),
    ];
    for (index, bytes, parts) in cases {
        let (_keep, path) = replace(index, bytes);
        assert_message(open(&path), &[&["set.npz"], parts].concat());
    }
    let (_keep, path) = written(&members()[..1]);
    assert_message(open(&path), &["set.npz", "lacks the array y_train"]);
    let (_keep, path) = written(&[("pictures.npy", npy("|u1", "(1, 1, 1)", &[1]))]);
    assert_message(open(&path), &["arrays pictures", "x_train and y_train"]);
}

#[test]
fn a_cut_or_changed_file_is_an_error_or_the_same() {
    let (_keep, path) = written(&members());
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_message(open(&path), &["set.npz"]);
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(&path, &changed).unwrap();
        // whatever it becomes, it does not panic
        let _ = open(&path);
    }
}
