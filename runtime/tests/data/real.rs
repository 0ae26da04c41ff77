//! The real CIFAR-10 in Parquet, where it is there; else a line says so.

use std::path::PathBuf;

use nasc_runtime::data;

use crate::support;

fn shared(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("NASC_SHARED").map_or(beside, PathBuf::from);
    let path = shared.join("data").join(name);
    let present = path.exists().then_some(path);
    if present.is_none() {
        println!("skipped: no {name} in ../shared/data or $NASC_SHARED/data");
    }
    present
}

#[test]
fn real_cifar10_has_the_published_statistics() {
    let Some(path) = shared("cifar10") else { return };
    let cache = tempfile::tempdir().unwrap();
    let open =
        || data::open(path.to_str().unwrap(), &support::whole(cache.path()), &mut |_| {}).unwrap();
    let cifar = open();
    assert_eq!((cifar.train().len(), cifar.test().len()), (50_000, 10_000));
    assert_eq!(cifar.shape().dims(), [3, 32, 32]);
    assert_eq!(cifar.train().class_counts(10), vec![5_000; 10]);
    assert_eq!(cifar.test().class_counts(10), vec![1_000; 10]);
    // Per-channel figures that CIFAR-10 recipes quote for the train images; these are re-encoded.
    let close = |found: &[f32], published: [f32; 3]| {
        found.iter().zip(published).all(|(found, published)| (found - published).abs() < 0.003)
    };
    let statistics = cifar.statistics();
    assert!(close(&statistics.mean, [0.4914, 0.4822, 0.4465]), "{statistics:?}");
    assert!(close(&statistics.deviation, [0.2470, 0.2435, 0.2616]), "{statistics:?}");
    assert_eq!(open(), cifar);
}
