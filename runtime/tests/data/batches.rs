//! Batch contents, order and determinism.

use std::num::NonZeroUsize;

use nasc_runtime::data::{
    self, Batches, DataError, Dataset, DatasetParts, ImageShape, LastBatch, Normalization, Split,
};

const SHAPE: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

/// Seven images `[i, i, 255 - i, 10 i]` with label `i % 3`.
fn dataset() -> Dataset {
    let images = (0..7_u8).flat_map(|i| [i, i, 255 - i, 10 * i]).collect();
    let split = Split::new(images, (0..7).map(|i| i % 3).collect());
    Dataset::new(DatasetParts {
        name: "seven".to_owned(),
        shape: SHAPE,
        pixel_max: 255,
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        train: split.clone(),
        validation: split.clone(),
        test: split,
    })
    .unwrap()
}

fn size(batch_size: usize) -> NonZeroUsize {
    NonZeroUsize::new(batch_size).unwrap()
}

/// Lengths of the batches and the labels seen in one epoch.
fn epoch(batches: &mut Batches<'_>) -> (Vec<usize>, Vec<u32>) {
    let mut images = vec![0.0; batches.image_values()];
    let mut labels = vec![0; 100];
    let (mut lengths, mut seen) = (Vec::new(), Vec::new());
    while let Some(len) = batches.next_batch(&mut images, &mut labels).unwrap() {
        lengths.push(len);
        seen.extend_from_slice(&labels[..len]);
    }
    (lengths, seen)
}

#[test]
fn symmetric_pixels_equal_torchvisions_arithmetic() {
    let dataset = dataset();
    let pixels = dataset.pixel_scaling(Normalization::Symmetric);
    let mut batches = Batches::new(dataset.train(), &pixels, size(2), LastBatch::Keep).unwrap();
    let (mut images, mut labels) = ([0.0; 8], [9; 2]);
    assert_eq!(batches.next_batch(&mut images, &mut labels).unwrap(), Some(2));
    let expected =
        [0_u8, 0, 255, 0, 1, 1, 254, 10].map(|pixel| (f32::from(pixel) / 255.0 - 0.5) / 0.5);
    assert_eq!(images, expected);
    assert_eq!(labels, [0, 1]);
}

#[test]
fn normalising_by_the_data_gives_mean_zero_and_deviation_one() {
    let digits = data::digits().unwrap();
    let pixels = digits.pixel_scaling(Normalization::DataStatistics);
    let count = digits.train().len();
    let mut batches = Batches::new(digits.train(), &pixels, size(count), LastBatch::Keep).unwrap();
    let mut images = vec![0.0; batches.image_values()];
    batches.next_batch(&mut images, &mut vec![0; count]).unwrap();
    let values = || images.iter().map(|&value| f64::from(value));
    let mean = values().sum::<f64>() / images.len() as f64;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / images.len() as f64;
    assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
}

#[test]
fn the_last_batch_is_kept_or_dropped() {
    let dataset = dataset();
    let pixels = dataset.pixel_scaling(Normalization::Symmetric);
    let mut kept = Batches::new(dataset.train(), &pixels, size(3), LastBatch::Keep).unwrap();
    assert_eq!(kept.batches_per_epoch(), 3);
    assert_eq!(epoch(&mut kept), (vec![3, 3, 1], vec![0, 1, 2, 0, 1, 2, 0]));
    let mut dropped = Batches::new(dataset.train(), &pixels, size(3), LastBatch::Drop).unwrap();
    assert_eq!(dropped.batches_per_epoch(), 2);
    assert_eq!(epoch(&mut dropped).0, [3, 3]);
}

#[test]
fn shuffles_depend_on_seed_and_epoch_only() {
    let digits = data::digits().unwrap();
    let pixels = digits.pixel_scaling(Normalization::Symmetric);
    let fresh = || Batches::new(digits.train(), &pixels, size(32), LastBatch::Keep).unwrap();
    let order = |seed, epoch| {
        let mut batches = fresh();
        batches.shuffle(seed, epoch);
        batches.order().to_vec()
    };
    let mut continued = fresh();
    (0..5).for_each(|epoch| continued.shuffle(1, epoch));
    assert_eq!(continued.order(), order(1, 4));
    assert_ne!(order(1, 4), order(1, 5));
    assert_ne!(order(1, 5), order(2, 4), "seed and epoch are not simply added");
    let mut sorted = order(1, 4);
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..1204), "a permutation");
    continued.rewind();
    assert!(continued.order().iter().copied().eq(0..1204));
}

/// A change of these numbers changes every run that was recorded with a seed.
#[test]
fn the_shuffle_of_seed_0_is_pinned() {
    let dataset = dataset();
    let pixels = dataset.pixel_scaling(Normalization::Symmetric);
    let mut batches = Batches::new(dataset.train(), &pixels, size(3), LastBatch::Keep).unwrap();
    batches.shuffle(0, 0);
    assert_eq!(batches.order(), [6, 1, 5, 0, 3, 2, 4]);
}

#[test]
fn a_recorded_order_is_replayed() {
    let dataset = dataset();
    let pixels = dataset.pixel_scaling(Normalization::Symmetric);
    let mut batches = Batches::new(dataset.train(), &pixels, size(2), LastBatch::Keep).unwrap();
    batches.set_order(&[6, 2, 2]).unwrap();
    assert_eq!(epoch(&mut batches), (vec![2, 1], vec![0, 2, 2]));
    let wrong = batches.set_order(&[0, 7]);
    assert!(matches!(wrong, Err(DataError::Order { index: 7, len: 7 })));
    assert_eq!(batches.order(), [6, 2, 2]);
}

#[test]
fn short_buffers_are_refused_and_nothing_is_skipped() {
    let dataset = dataset();
    let pixels = dataset.pixel_scaling(Normalization::Symmetric);
    let mut batches = Batches::new(dataset.train(), &pixels, size(2), LastBatch::Keep).unwrap();
    let refused = batches.next_batch(&mut [0.0; 7], &mut [0; 2]);
    assert!(matches!(refused, Err(DataError::Buffer { buffer: "images", needed: 8, found: 7 })));
    let refused = batches.next_batch(&mut [0.0; 8], &mut [0; 1]);
    assert!(matches!(refused, Err(DataError::Buffer { buffer: "labels", needed: 2, found: 1 })));
    assert_eq!(epoch(&mut batches).1.len(), 7);
}

#[test]
fn a_scaling_for_other_images_is_refused() {
    let (digits, dataset) = (data::digits().unwrap(), dataset());
    let pixels = digits.pixel_scaling(Normalization::Symmetric);
    let refused = Batches::new(dataset.train(), &pixels, size(2), LastBatch::Keep).map(|_| ());
    assert!(matches!(refused, Err(DataError::Scaling { images: 7, found: 28, .. })));
}
