//! Trainings that stop and go on, or stop for good: checkpoints, limits, early stopping, divergence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

use nasc_compiler::ir::op::{Dropout, DropoutKind};
use nasc_compiler::ir::{CheckedGraph, Op};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::data::{self, Augmentation, Dataset, SplitKind};
use nasc_runtime::state::Elements;
use nasc_runtime::train::{
    OneCycle, Optimizer, Schedule, StopReason, TrainConfig, TrainEvent, TrainReport, Trainer,
};
use nasc_runtime::{RuntimeError, checkpoint};
use support::Net;

/// With everything that has a state: batch norm, dropout, a schedule, augmentation, Adam, the best epoch.
fn config() -> TrainConfig {
    TrainConfig {
        optimizer: Optimizer::adamw(0.01),
        schedule: Schedule::OneCycle(OneCycle::default()),
        augmentation: Augmentation { flip: true, crop: 1, cut_out: 2 },
        label_smoothing: 0.1,
        clip_norm: Some(1.0),
        keep_best: true,
        record_steps: true,
        ..TrainConfig::sgd(3, NonZeroUsize::new(100).unwrap(), 0.05, 0.9, 7)
    }
}

fn network() -> CheckedGraph {
    let (mut net, input) = Net::new(&[1, 8, 8]);
    let x = net.conv("conv", input, support::conv(1, 6, &[3, 3]));
    let x = net.batch_norm("norm", x, Some(0.1));
    let x = net.relu(x);
    let x = net.op(Op::Dropout(Dropout { p: 0.2, kind: DropoutKind::Element }), &[x]);
    let x = net.flatten(x);
    let x = net.linear("head", x, 10);
    net.finish(x)
}

/// Makes a backend for a network.
type Make = fn(&CheckedGraph) -> Box<dyn Backend>;

/// Both backends, as far as they are there.
fn backends(graph: &CheckedGraph) -> Vec<Make> {
    let mut all: Vec<Make> = vec![|graph| Box::new(CandleBackend::cpu(graph, 7).unwrap())];
    if support::planned(graph, 1).is_some() {
        all.push(|graph| support::planned(graph, 1).unwrap());
        all.push(|graph| support::planned(graph, 2).unwrap());
    }
    all
}

fn go(trainer: &mut Trainer<'_>) -> TrainReport {
    trainer.run(|_| ControlFlow::Continue(())).unwrap()
}

/// Runs until step `last` is done.
fn until(trainer: &mut Trainer<'_>, last: usize) -> TrainReport {
    let stop = |event: TrainEvent<'_>| match event {
        TrainEvent::Step { step, .. } if step == last => ControlFlow::Break(()),
        TrainEvent::Step { .. } | TrainEvent::Evaluation { .. } | TrainEvent::Epoch { .. } => {
            ControlFlow::Continue(())
        }
    };
    trainer.run(stop).unwrap()
}

/// A report without the times in it.
fn timeless(mut report: TrainReport) -> TrainReport {
    report.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    report
}

#[test]
fn a_resumed_training_equals_one_that_was_not_stopped() {
    let (data, graph, config) = (data::digits().unwrap(), network(), config());
    for make in backends(&graph) {
        let fresh = || Trainer::with_backend(make(&graph), &data, &config).unwrap();
        let mut whole = fresh();
        let expected = timeless(go(&mut whole));
        // within an epoch, at the end of one, and within the last
        for stop in [4, 12, 30] {
            let mut first = fresh();
            assert_eq!(until(&mut first, stop).stop, StopReason::Interrupted);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("net.checkpoint");
            checkpoint::save(&first.checkpoint().unwrap(), &path).unwrap();
            let mut second = fresh();
            second.resume(&checkpoint::load(&path).unwrap()).unwrap();
            assert_eq!(timeless(go(&mut second)), expected, "stopped at {stop}");
            assert_eq!(second.state().unwrap(), whole.state().unwrap(), "stopped at {stop}");
        }
    }
}

#[test]
fn a_training_goes_on_where_its_observer_broke_it_off() {
    let (data, graph, config) = (data::digits().unwrap(), network(), config());
    let fresh = || Trainer::new(&graph, &data, &config).unwrap();
    let (mut whole, mut parts) = (fresh(), fresh());
    until(&mut parts, 3);
    until(&mut parts, 20);
    assert_eq!(timeless(go(&mut parts)), timeless(go(&mut whole)));
    assert_eq!(parts.state().unwrap(), whole.state().unwrap());
}

#[test]
fn an_observer_can_break_off_in_a_validation_and_in_a_test() {
    let (data, graph, config) = (data::digits().unwrap(), network(), config());
    let fresh = || Trainer::new(&graph, &data, &config).unwrap();
    let (mut whole, mut parts) = (fresh(), fresh());
    let expected = timeless(go(&mut whole));
    let mut validated = 0;
    let in_validation = |event: TrainEvent<'_>| match event {
        TrainEvent::Evaluation { split, images, total } => {
            assert_eq!((split, total), (SplitKind::Validation, data.validation().len()));
            assert!(images <= total);
            validated += 1;
            ControlFlow::Break(())
        }
        TrainEvent::Step { .. } | TrainEvent::Epoch { .. } => ControlFlow::Continue(()),
    };
    let stopped = parts.run(in_validation).unwrap();
    assert_eq!((stopped.stop, stopped.epochs.len()), (StopReason::Interrupted, 0));
    assert_eq!(validated, 1);
    assert_eq!(timeless(go(&mut parts)), expected);
    let broken = parts.evaluate_watched(SplitKind::Test, None, |_| ControlFlow::Break(()));
    assert_eq!(broken.unwrap(), None);
    let late = parts
        .evaluate_watched(SplitKind::Test, Some(Duration::ZERO), |_| ControlFlow::Continue(()));
    assert!(matches!(late, Err(RuntimeError::TimeLimit)));
    assert_eq!(parts.evaluate(SplitKind::Test).unwrap(), whole.evaluate(SplitKind::Test).unwrap());
}

#[test]
fn checkpoints_of_other_trainings_are_refused() {
    let (data, graph) = (data::digits().unwrap(), network());
    let mut trainer = Trainer::new(&graph, &data, &config()).unwrap();
    until(&mut trainer, 2);
    let checkpoint = trainer.checkpoint().unwrap();
    let refuse = |config: TrainConfig| {
        let mut other = Trainer::new(&graph, &data, &config).unwrap();
        other.resume(&checkpoint)
    };
    let other = refuse(TrainConfig { label_smoothing: 0.2, ..config() });
    assert!(other.unwrap_err().to_string().contains("other data or options"));
    // more time is no other training
    refuse(TrainConfig { time_limit: Some(Duration::from_secs(99)), ..config() }).unwrap();
    let weights = trainer.state().unwrap();
    let mut plain = Trainer::new(&graph, &data, &config()).unwrap();
    assert!(matches!(plain.resume(&weights), Err(RuntimeError::Checkpoint { .. })));
}

/// A backend that makes the deadline pass in the middle of a step of the real one.
fn stopped_in_a_step(
    make: fn(&CheckedGraph) -> Box<dyn Backend>,
    graph: &CheckedGraph,
    data: &Dataset,
) {
    let images = vec![0.25; 64 * 40];
    let labels = &data.train().labels()[..40];
    let batch = nasc_runtime::backend::Batch { images: &images, labels };
    let step = nasc_runtime::backend::AdamStep {
        learning_rate: 0.01,
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
    };
    let mut backend = make(graph);
    backend.train_step(batch, &step.into()).unwrap();
    let before = (backend.state().unwrap(), backend.training_state().unwrap());
    backend.set_deadline(Some(std::time::Instant::now()));
    let stopped = backend.train_step(batch, &step.into());
    assert!(matches!(stopped, Err(RuntimeError::TimeLimit)), "{stopped:?}");
    assert!(matches!(backend.evaluate(batch), Err(RuntimeError::TimeLimit)));
    assert_eq!((backend.state().unwrap(), backend.training_state().unwrap()), before);
    backend.set_deadline(None);
    backend.train_step(batch, &step.into()).unwrap();
}

#[test]
fn a_deadline_ends_a_pass_and_changes_nothing() {
    let (data, graph) = (data::digits().unwrap(), network());
    for make in backends(&graph) {
        stopped_in_a_step(make, &graph, &data);
    }
}

#[test]
fn a_time_limit_ends_the_training_and_lifts_for_the_test() {
    let (data, graph) = (data::digits().unwrap(), network());
    let limit = Some(Duration::from_millis(1));
    let config = TrainConfig { epochs: 100_000, time_limit: limit, ..config() };
    let mut trainer = Trainer::new(&graph, &data, &config).unwrap();
    let report = go(&mut trainer);
    assert_eq!(report.stop, StopReason::TimeBudget);
    assert!(trainer.evaluate(SplitKind::Test).unwrap().loss.is_finite());
}

#[test]
fn training_stops_early_and_keeps_its_best() {
    let data = data::digits().unwrap();
    // rates at which the network never gets better after a while
    let config = TrainConfig {
        optimizer: Optimizer::sgd(1.0, 0.9),
        schedule: Schedule::Constant,
        epochs: 60,
        early_stop: Some(3),
        ..config()
    };
    let mut trainer = Trainer::new(&network(), &data, &config).unwrap();
    let report = go(&mut trainer);
    assert_eq!(report.stop, StopReason::EarlyStop);
    let best = report.best_epoch().unwrap();
    assert_eq!(report.epochs.len() - 1 - best, 3, "{report:?}");
    let kept = trainer.evaluate(SplitKind::Validation).unwrap();
    assert_eq!(kept.accuracy, report.epochs[best].validation_accuracy);
    assert_eq!(kept.loss, report.epochs[best].validation_loss);
}

#[test]
fn a_weight_that_is_no_number_after_the_last_update_is_divergence() {
    let (data, graph) = (data::digits().unwrap(), network());
    for make in backends(&graph) {
        // the only step has a finite loss; its update does not
        let config = TrainConfig {
            optimizer: Optimizer::sgd(1e38, 0.0),
            schedule: Schedule::Constant,
            clip_norm: None,
            step_limit: Some(1),
            ..config()
        };
        let mut trainer = Trainer::with_backend(make(&graph), &data, &config).unwrap();
        let mut state = trainer.state().unwrap();
        if let Elements::F32(values) = &mut state.tensors.get_mut("head.weight").unwrap().elements {
            values.iter_mut().for_each(|value| *value *= 1e4);
        }
        let config = TrainConfig { initial: Some(state), ..config };
        trainer = Trainer::with_backend(make(&graph), &data, &config).unwrap();
        let report = go(&mut trainer);
        assert_eq!((report.stop, report.steps), (StopReason::Diverged { step: 0 }, 1));
    }
}
