//! The embedded digits.

use nasc_runtime::data::{self, DataOptions, ImageShape, SplitLimits, ValidationSource};

use crate::support;

#[test]
fn the_splits_are_those_documented() {
    let digits = data::digits().unwrap();
    assert_eq!(digits.shape(), ImageShape { channels: 1, height: 8, width: 8 });
    assert_eq!(digits.pixel_max(), 16);
    assert_eq!(digits.class_names()[9], "9");
    let counts = |split: &data::Split| (split.len(), split.class_counts(10));
    // Counted with numpy from scikit-learn's copy.
    let train = vec![120, 122, 119, 123, 121, 122, 121, 120, 116, 120];
    let validation = vec![29, 30, 29, 30, 30, 30, 30, 30, 29, 30];
    let test = vec![29, 30, 29, 30, 30, 30, 30, 29, 29, 30];
    assert_eq!(counts(digits.train()), (1204, train));
    assert_eq!(counts(digits.validation()), (297, validation));
    assert_eq!(counts(digits.test()), (296, test));
    let first = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0];
    assert_eq!(digits.train().image(0).unwrap()[..16], first);
}

#[test]
fn channel_statistics_are_numpys() {
    let digits = data::digits().unwrap();
    // (images[train] / 16).mean() and .std()
    assert!((digits.statistics().mean[0] - 0.305_213_9).abs() < 1e-6);
    assert!((digits.statistics().deviation[0] - 0.376_182_2).abs() < 1e-6);
}

#[test]
fn the_name_opens_them_with_the_asked_limits() {
    let cache = tempfile::tempdir().unwrap();
    let limits = SplitLimits { train: Some(100), ..SplitLimits::unlimited() };
    let options = DataOptions { limits, ..support::options(cache.path()) };
    let digits = data::open("digits", &options, &mut |_| {}).unwrap();
    assert_eq!(digits.train().class_counts(10), vec![10; 10]);
    assert_eq!(digits.validation().len(), 297);
}

#[test]
fn the_papers_protocol_validates_on_test() {
    let cache = tempfile::tempdir().unwrap();
    let validation = ValidationSource::TestSplit;
    let options = DataOptions { validation, ..support::options(cache.path()) };
    let digits = data::open("digits", &options, &mut |_| {}).unwrap();
    assert_eq!(digits.train().len(), 1204 + 297);
    assert_eq!(digits.validation(), digits.test());
}
