//! Training on the embedded digits: it learns, repeats itself, obeys limits, and its weights survive
//! a checkpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

use nasc_compiler::ir::CheckedGraph;
use nasc_runtime::data::{self, SplitKind};
use nasc_runtime::state::Elements;
use nasc_runtime::train::{StopReason, TrainConfig, TrainEvent, TrainReport, Trainer};
use nasc_runtime::{
    RuntimeError, Workload, checkpoint, estimate_memory, fits_batches, init, trainable,
};
use support::{Net, small_cnn};

fn config(epochs: usize) -> TrainConfig {
    TrainConfig::sgd(epochs, NonZeroUsize::new(32).unwrap(), 0.05, 0.9, 7)
}

fn go(trainer: &mut Trainer<'_>) -> TrainReport {
    trainer.run(|_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn learns_the_digits() {
    let data = data::digits().unwrap();
    let mut trainer = Trainer::new(&small_cnn(), &data, &config(5)).unwrap();
    let report = go(&mut trainer);
    assert_eq!(report.stop, StopReason::Completed);
    assert_eq!(report.epochs.len(), 5);
    let best = report.best_validation_accuracy().unwrap();
    assert!(best > 0.93, "validation accuracy {best}");
    let test = trainer.evaluate(SplitKind::Test).unwrap();
    let classes = trainer.predict(SplitKind::Test).unwrap();
    let right = classes.iter().zip(data.test().labels()).filter(|(a, b)| a == b).count();
    assert!((test.accuracy - right as f64 / data.test().len() as f64).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let data = data::digits().unwrap();
    let state = |seed| {
        let mut trainer =
            Trainer::new(&small_cnn(), &data, &TrainConfig { seed, ..config(1) }).unwrap();
        let report = go(&mut trainer);
        (report.epochs[0].train_loss, trainer.state().unwrap())
    };
    assert_eq!(state(3), state(3));
    assert_ne!(state(3).0, state(4).0);
}

#[test]
fn a_huge_rate_diverges() {
    let data = data::digits().unwrap();
    let huge = TrainConfig::sgd(3, NonZeroUsize::new(32).unwrap(), 1e30, 0.9, 7);
    let report = go(&mut Trainer::new(&small_cnn(), &data, &huge).unwrap());
    assert!(matches!(report.stop, StopReason::Diverged { .. }), "{:?}", report.stop);
}

#[test]
fn limits_and_the_observer_stop_it() {
    let data = data::digits().unwrap();
    let steps = TrainConfig { step_limit: Some(3), record_steps: true, ..config(1) };
    let report = go(&mut Trainer::new(&small_cnn(), &data, &steps).unwrap());
    assert_eq!(
        (report.stop, report.steps, report.step_losses.len()),
        (StopReason::StepBudget, 3, 3)
    );
    let time = TrainConfig { time_limit: Some(Duration::ZERO), ..config(1) };
    let report = go(&mut Trainer::new(&small_cnn(), &data, &time).unwrap());
    assert_eq!((report.stop, report.steps), (StopReason::TimeBudget, 0));
    let mut trainer = Trainer::new(&small_cnn(), &data, &config(1)).unwrap();
    let report = trainer.run(|event| match event {
        TrainEvent::Step { step: 1, .. } => ControlFlow::Break(()),
        TrainEvent::Step { .. } | TrainEvent::Evaluation { .. } | TrainEvent::Epoch { .. } => {
            ControlFlow::Continue(())
        }
    });
    let report = report.unwrap();
    assert_eq!((report.stop, report.steps), (StopReason::Interrupted, 2));
}

#[test]
fn a_recorded_order_is_followed() {
    let data = data::digits().unwrap();
    let run = |order: Option<Vec<Vec<u32>>>| {
        let config = TrainConfig { order, step_limit: Some(1), record_steps: true, ..config(1) };
        go(&mut Trainer::new(&small_cnn(), &data, &config).unwrap()).step_losses
    };
    let ascending: Vec<u32> = (0..data.train().len() as u32).collect();
    assert_ne!(run(None), run(Some(vec![ascending.clone()])));
    assert_eq!(run(Some(vec![ascending.clone()])), run(Some(vec![ascending])));
}

#[test]
fn a_checkpoint_restores_the_network() {
    let data = data::digits().unwrap();
    // oneDNN is installed for the whole process: before the first trainer, not between the two
    support::planned(&small_cnn(), 1);
    let mut trainer = Trainer::new(&small_cnn(), &data, &config(1)).unwrap();
    go(&mut trainer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    checkpoint::save(&trainer.state().unwrap(), &path).unwrap();
    let state = checkpoint::load(&path).unwrap();
    assert_eq!(state, trainer.state().unwrap());
    assert!(matches!(state.tensors["norm.num_batches_tracked"].elements, Elements::I64(_)));
    let resumed = TrainConfig { initial: Some(state), ..config(1) };
    let mut other = Trainer::new(&small_cnn(), &data, &resumed).unwrap();
    assert_eq!(
        other.evaluate(SplitKind::Test).unwrap(),
        trainer.evaluate(SplitKind::Test).unwrap()
    );
    std::fs::write(&path, b"no checkpoint").unwrap();
    assert!(matches!(checkpoint::load(&path), Err(RuntimeError::Checkpoint { .. })));
}

#[test]
fn foreign_weights_are_refused_by_name() {
    let data = data::digits().unwrap();
    let mut state = init::initialize(&small_cnn(), 1);
    let mut weight = state.tensors.remove("head.weight").unwrap();
    state.tensors.get_mut("conv.bias").unwrap().shape = vec![4, 2];
    weight.shape.reverse();
    state.tensors.insert("fc.weight".to_owned(), weight);
    let config = TrainConfig { initial: Some(state), ..config(1) };
    let Err(RuntimeError::State { missing, unexpected, mismatched }) =
        Trainer::new(&small_cnn(), &data, &config).map(|_| ())
    else {
        panic!("foreign weights were accepted")
    };
    assert_eq!(missing, ["head.weight"]);
    assert_eq!(unexpected, ["fc.weight"]);
    assert_eq!(mismatched, ["conv.bias (f32[4, 2] in the weights, f32[8] in the network)"]);
}

#[test]
fn a_network_for_other_images_is_refused() {
    let data = data::digits().unwrap();
    let (mut net, input) = Net::new(&[3, 8, 8]);
    let x = net.flatten(input);
    let x = net.linear("head", x, 10);
    let wrong = Trainer::new(&net.finish(x), &data, &config(1)).map(|_| ());
    assert!(matches!(wrong, Err(RuntimeError::Interface { .. })));
}

#[test]
fn memory_grows_with_the_batch() {
    let graph = small_cnn();
    trainable(&graph).unwrap();
    let work = |batch| Workload { batch, train: batch, evaluated: Vec::new(), moments: 1 };
    let [one, many] = [1, 1000].map(|batch| estimate_memory(&graph, &work(batch)));
    // 8 channels of 8 x 8 floats after convolution, norm and relu, at the least
    assert!(many - one > 999 * 3 * 8 * 64 * 4, "{one} {many}");
}

#[test]
fn the_static_plan_follows_candle() {
    use nasc_runtime::backend::candle::CandleBackend;
    use nasc_runtime::backend::{Backend, Batch, SgdStep};
    let graph = small_cnn();
    let mut reference = CandleBackend::cpu(&graph, 1).unwrap();
    let data = data::digits().unwrap();
    let pixels: Vec<f32> = data.train().images().iter().map(|&x| f32::from(x) / 255.0).collect();
    let step = SgdStep {
        learning_rate: 0.02,
        momentum: 0.9,
        weight_decay: 1e-3,
        dampening: 0.0,
        nesterov: false,
    };
    let step = step.into();
    for threads in [1, 2] {
        let Some(mut planned) = support::planned(&graph, threads) else { return };
        let start = init::initialize(&graph, 5);
        planned.load(&start).unwrap();
        reference.load(&start).unwrap();
        // batches of several sizes, the last of one image
        for (first, count) in [(0, 32), (32, 32), (64, 7), (71, 32), (103, 1)] {
            let batch = Batch {
                images: &pixels[first * 64..(first + count) * 64],
                labels: &data.train().labels()[first..first + count],
            };
            let (ours, theirs) = (
                planned.train_step(batch, &step).unwrap(),
                reference.train_step(batch, &step).unwrap(),
            );
            assert!((ours.loss - theirs.loss).abs() < 1e-4 * theirs.loss, "{ours:?} {theirs:?}");
            let (ours, theirs) =
                (planned.evaluate(batch).unwrap(), reference.evaluate(batch).unwrap());
            assert!((ours.loss - theirs.loss).abs() < 1e-3 * theirs.loss, "{ours:?} {theirs:?}");
        }
        let (ours, theirs) = (planned.state().unwrap(), reference.state().unwrap());
        assert_eq!(
            ours.tensors["norm.num_batches_tracked"],
            theirs.tensors["norm.num_batches_tracked"]
        );
        for (a, b) in
            ours.floats("head.weight").unwrap().iter().zip(theirs.floats("head.weight").unwrap())
        {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }
}

#[test]
fn a_batch_worked_on_in_slices_gives_the_gradients_of_the_whole() {
    use nasc_runtime::backend::candle::CandleBackend;
    use nasc_runtime::backend::{Backend, Batch};
    let (mut net, input) = support::Net::new(&[3, 32, 32]);
    let padded = |from, to| support::padded_conv(from, to);
    let x = net.conv("first", input, padded(3, 16));
    let x = net.relu(x);
    let x = net.conv("second", x, padded(16, 16));
    let x = net.relu(x);
    let x = net.max_pool(x, 4);
    let x = net.flatten(x);
    let x = net.linear("head", x, 10);
    let graph = net.finish(x);
    let pixels: Vec<f32> = (0..64 * 3072).map(|i| (i * 7919 % 1013) as f32 / 1013.0).collect();
    let labels: Vec<u32> = (0..64).map(|i| i * 7 % 10).collect();
    let batch = Batch { images: &pixels, labels: &labels };
    let start = init::initialize(&graph, 3);
    let mut reference = CandleBackend::cpu(&graph, 1).unwrap();
    reference.load(&start).unwrap();
    let expected = reference.gradients(batch).unwrap();
    let logits = reference.predict(&pixels, 64).unwrap();
    for threads in [1, 2] {
        let Some(mut planned) = support::planned(&graph, threads) else { return };
        planned.load(&start).unwrap();
        let found = planned.gradients(batch).unwrap();
        for name in ["first.weight", "first.bias", "second.weight", "head.weight", "head.bias"] {
            let (found, expected) = (found.floats(name).unwrap(), expected.floats(name).unwrap());
            let largest = expected.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-3 * largest, "{name}: {a} {b}");
            }
        }
        let found = planned.predict(&pixels, 64).unwrap();
        assert_eq!(found.len(), 640);
        for (a, b) in found.iter().zip(&logits) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

/// A batch norm of vectors: one value per channel of each image.
fn with_single_values() -> CheckedGraph {
    let (mut net, input) = Net::new(&[1, 8, 8]);
    let x = net.flatten(input);
    let x = net.linear("body", x, 6);
    let x = net.batch_norm("norm", x, Some(0.1));
    let x = net.linear("head", x, 10);
    net.finish(x)
}

#[test]
fn batches_of_one_image_train_unless_batch_norm_sees_one_value() {
    let data = data::digits().unwrap();
    let ones = TrainConfig {
        step_limit: Some(30),
        ..TrainConfig::sgd(1, NonZeroUsize::MIN, 0.01, 0.9, 7)
    };
    let report = go(&mut Trainer::new(&small_cnn(), &data, &ones).unwrap());
    assert_eq!((report.stop, report.steps), (StopReason::StepBudget, 30));
    let refused = |config: &TrainConfig| {
        let made = Trainer::new(&with_single_values(), &data, config).map(|_| ());
        matches!(made, Err(RuntimeError::SingleValue { images: 1204, .. }))
    };
    assert!(refused(&ones));
    // 1,204 = 401 * 3 + 1
    assert!(refused(&TrainConfig::sgd(1, NonZeroUsize::new(3).unwrap(), 0.01, 0.9, 7)));
    assert!(!refused(&config(1)));
    let many = Workload { batch: 2, train: 4, evaluated: vec![1], moments: 0 };
    fits_batches(&with_single_values(), &many).unwrap();
}
