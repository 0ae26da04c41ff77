//! Carving and limiting are stratified, seeded, and leave the test split alone.

use std::collections::BTreeSet;

use nasc_runtime::data::{
    self, DataError, DataOptions, Dataset, DatasetParts, ImageShape, Split, SplitLimits,
    ValidationSource,
};

use crate::support::assert_message;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 1, width: 2 };

/// Digits with train and validation joined, then carved again, as a two-split data set is.
fn cifar_like(options: &DataOptions) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let record = |seed: usize| {
        let mut pixels = vec![0; 3072];
        pixels[..2].copy_from_slice(&(seed as u16).to_le_bytes());
        [vec![0, (seed % 4) as u8], pixels].concat()
    };
    let train: Vec<u8> = (0..200).flat_map(record).collect();
    std::fs::write(folder.path().join("train.bin"), train).unwrap();
    let test: Vec<u8> = (200..240).flat_map(record).collect();
    std::fs::write(folder.path().join("test.bin"), test).unwrap();
    data::open(folder.path().to_str().unwrap(), options, &mut |_| {}).unwrap()
}

fn options() -> DataOptions {
    let threads = std::num::NonZeroUsize::MIN;
    DataOptions::standard(std::env::temp_dir(), threads)
}

fn identities(split: &Split) -> Vec<u16> {
    let number = |index| split.image(index).map(|image| u16::from_le_bytes([image[0], image[1]]));
    (0..split.len()).filter_map(number).collect()
}

#[test]
fn carving_takes_a_tenth_of_each_class_and_nothing_of_test() {
    let dataset = cifar_like(&options());
    assert_eq!(dataset.train().class_counts(4), vec![45; 4]);
    assert_eq!(dataset.validation().class_counts(4), vec![5; 4]);
    assert_eq!(identities(dataset.test()), (200..240).collect::<Vec<_>>());
    let (train, validation) = (identities(dataset.train()), identities(dataset.validation()));
    let all: BTreeSet<u16> = train.iter().chain(&validation).copied().collect();
    assert_eq!(all, (0..200).collect());
    assert!(train.is_sorted(), "file order is kept");
    let labels = train.iter().map(|image| u32::from(image % 4)).collect::<Vec<_>>();
    assert_eq!(dataset.train().labels(), labels, "labels stay with their images");
}

#[test]
fn the_seed_fixes_the_choice() {
    let with = |seed| identities(cifar_like(&DataOptions { seed, ..options() }).validation());
    assert_eq!(with(3), with(3));
    assert_ne!(with(3), with(4));
}

#[test]
fn limits_keep_the_classes_in_proportion() {
    let limits = SplitLimits { train: Some(18), validation: Some(8), test: Some(1000) };
    let dataset = cifar_like(&DataOptions { limits, ..options() });
    assert_eq!(dataset.train().class_counts(4), vec![5, 5, 4, 4]);
    assert_eq!(dataset.validation().class_counts(4), vec![2; 4]);
    assert_eq!(dataset.test().len(), 40);
}

#[test]
fn a_senseless_fraction_is_refused() {
    for fraction in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        let options = DataOptions { validation: ValidationSource::Carve { fraction }, ..options() };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train.bin"), [0; 3074]).unwrap();
        std::fs::write(folder.path().join("test.bin"), [0; 3074]).unwrap();
        let result = data::open(folder.path().to_str().unwrap(), &options, &mut |_| {});
        assert!(matches!(result, Err(DataError::Fraction { .. })), "{fraction}");
    }
}

/// One image in each split; `change` breaks something.
fn built(change: impl FnOnce(&mut DatasetParts)) -> Result<Dataset, DataError> {
    let split = || Split::new(vec![0, 9], vec![1]);
    let mut parts = DatasetParts {
        name: "made up".to_owned(),
        shape: SHAPE,
        pixel_max: 9,
        class_names: vec!["a".to_owned(), "b".to_owned()],
        train: split(),
        validation: split(),
        test: split(),
    };
    change(&mut parts);
    Dataset::new(parts)
}

#[test]
fn construction_checks_everything() {
    assert!(built(|_| {}).is_ok());
    let wrong_label = |parts: &mut DatasetParts| parts.test = Split::new(vec![0, 0], vec![2]);
    assert_message(built(wrong_label), &["`test`, image 0", "label 2", "0..2"]);
    let wrong_count = |parts: &mut DatasetParts| parts.train = Split::new(vec![0; 3], vec![0]);
    assert_message(built(wrong_count), &["train", "3 pixel bytes", "expected 2"]);
    let too_bright = |parts: &mut DatasetParts| parts.train = Split::new(vec![0, 10], vec![0]);
    assert_message(built(too_bright), &["pixel of 10", "maximum 9"]);
    assert_message(built(|parts| parts.validation = Split::default()), &["validation", "empty"]);
    assert_message(built(|parts| parts.class_names.clear()), &["0 classes"]);
    assert_message(built(|parts| parts.shape.width = 0), &["1x1x0"]);
}

#[test]
fn the_content_hash_notices_any_change() {
    let hash = |change: fn(&mut DatasetParts)| built(change).unwrap().content_hash();
    let changes: [fn(&mut DatasetParts); 5] = [
        |parts| parts.test = Split::new(vec![1, 9], vec![1]),
        |parts| parts.train = Split::new(vec![0, 9], vec![0]),
        |parts| parts.validation = Split::new(vec![0; 4], vec![1, 1]),
        |parts| parts.shape = ImageShape { channels: 2, height: 1, width: 1 },
        |parts| parts.class_names.push("c".to_owned()),
    ];
    let hashes: BTreeSet<String> = changes.into_iter().map(hash).chain([hash(|_| {})]).collect();
    assert_eq!(hashes.len(), 6);
    assert_eq!(hash(|parts| parts.name = "renamed".to_owned()), hash(|_| {}));
}

#[test]
fn a_constant_channel_has_deviation_one() {
    let dark = |parts: &mut DatasetParts| parts.train = Split::new(vec![3, 3], vec![0]);
    let dataset = built(dark).unwrap();
    assert_eq!(dataset.statistics().deviation, [1.0]);
    assert!((dataset.statistics().mean[0] - 3.0 / 9.0).abs() < 1e-7);
}
