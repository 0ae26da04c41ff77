//! Twenty steps of training against PyTorch: same first weights, same order of images.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;

use nasc_runtime::checkpoint;
use nasc_runtime::data::{Dataset, DatasetParts, ImageShape, Split, SplitKind};
use nasc_runtime::state::{Elements, StateDict};
use nasc_runtime::train::{Optimizer, TrainConfig, Trainer};

const COUNT: u32 = 80;

/// The images that `golden/make.py` trains on.
fn data() -> Dataset {
    let pixel = |index: u32, pixel: u32| (index * 31 + pixel * 17 + (index % 10) * pixel * 5) % 256;
    let images =
        (0..COUNT).flat_map(|index| (0..64).map(move |at| pixel(index, at) as u8)).collect();
    let split = Split::new(images, (0..COUNT).map(|index| index % 10).collect());
    Dataset::new(DatasetParts {
        name: "stripes".to_owned(),
        shape: ImageShape { channels: 1, height: 8, width: 8 },
        pixel_max: 255,
        class_names: (0..10).map(|class| class.to_string()).collect(),
        train: split.clone(),
        validation: split.clone(),
        test: split,
    })
    .unwrap()
}

fn below(golden: &StateDict, prefix: &str) -> StateDict {
    let tensors = golden
        .tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
    StateDict { tensors: tensors.collect() }
}

#[test]
fn the_loss_curve_is_pytorchs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/curve.safetensors");
    let golden = checkpoint::load(&path).unwrap();
    let Elements::I64(order) = &golden.tensors["order"].elements else { panic!("no order") };
    let order =
        order.chunks(COUNT as usize).map(|epoch| epoch.iter().map(|&at| at as u32).collect());
    let data = data();
    let mut config = TrainConfig::sgd(4, NonZeroUsize::new(16).unwrap(), 0.05, 0.9, 1);
    config.optimizer = Optimizer::Sgd {
        learning_rate: 0.05,
        momentum: 0.9,
        weight_decay: 0.001,
        dampening: 0.0,
        nesterov: true,
    };
    config.initial = Some(below(&golden, "before/"));
    config.order = Some(order.collect());
    config.record_steps = true;
    let mut trainer = Trainer::new(&support::small_cnn(), &data, &config).unwrap();
    let report = trainer.run(|_| ControlFlow::Continue(())).unwrap();

    let losses = golden.floats("losses").unwrap();
    assert_eq!(report.step_losses.len(), losses.len());
    for (step, (found, &expected)) in report.step_losses.iter().zip(losses).enumerate() {
        let difference = (found - f64::from(expected)).abs() / f64::from(expected);
        assert!(difference < 1e-3, "step {step}: {found}, PyTorch {expected}");
    }
    let loss = trainer.evaluate(SplitKind::Test).unwrap().loss;
    let expected = f64::from(golden.floats("evaluation").unwrap()[0]);
    assert!((loss - expected).abs() / expected < 1e-3, "{loss}, PyTorch {expected}");
    let state = trainer.state().unwrap();
    for (name, expected) in &below(&golden, "after/").tensors {
        let found = &state.tensors[name];
        match (&found.elements, &expected.elements) {
            (Elements::F32(found), Elements::F32(expected)) => {
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 2e-3, "{name}: {found}, PyTorch {expected}");
                }
            }
            (found, expected) => assert_eq!(found, expected, "{name}"),
        }
    }
}
