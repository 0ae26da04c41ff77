//! Optimisers, clipping, label smoothing and schedules against PyTorch's figures (`golden/make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::path::Path;

use nasc_compiler::ir::op::Activation;
use nasc_compiler::ir::{CheckedGraph, Op};
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::backend::{AdamStep, Backend, Batch, SgdStep, TrainStep};
use nasc_runtime::checkpoint;
use nasc_runtime::state::{Elements, StateDict};
use nasc_runtime::train::{OneCycle, Rates, Schedule, WarmUp};
use support::Net;

const STEPS: usize = 12;

fn golden(file: &str) -> StateDict {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    checkpoint::load(&folder.join(file)).unwrap()
}

fn below(golden: &StateDict, prefix: &str) -> StateDict {
    let tensors = golden
        .tensors
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
    StateDict { tensors: tensors.collect() }
}

/// `Sequential(Flatten(), Linear(12, 8), Tanh(), Linear(8, 5))`
fn perceptron() -> CheckedGraph {
    let (mut net, input) = Net::new(&[3, 2, 2]);
    let x = net.flatten(input);
    let x = net.linear("1", x, 8);
    let x = net.op(Op::Activation(Activation::Tanh), &[x]);
    let x = net.linear("3", x, 5);
    net.finish(x)
}

fn backends(graph: &CheckedGraph) -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(CandleBackend::cpu(graph, 1).unwrap())];
    backends.extend([1, 2, 3].into_iter().filter_map(|threads| support::planned(graph, threads)));
    backends
}

/// The batches that every optimiser sees.
fn batches(golden: &StateDict) -> Vec<(Vec<f32>, Vec<u32>)> {
    let images = golden.floats("images").unwrap().chunks(7 * 12).map(<[f32]>::to_vec);
    let Elements::I64(labels) = &golden.tensors["labels"].elements else { panic!("no labels") };
    let labels = labels.chunks(7).map(|row| row.iter().map(|&label| label as u32).collect());
    images.zip(labels).collect()
}

fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{what}: {found}, PyTorch {expected}");
    }
}

/// Steps `first..last` of a recorded training; the losses.
fn train(
    backend: &mut dyn Backend,
    golden: &StateDict,
    step: &TrainStep,
    steps: std::ops::Range<usize>,
) -> Vec<f32> {
    let batches = batches(golden);
    let batches = batches[steps].iter();
    let losses = batches.map(|(images, labels)| {
        backend.train_step(Batch { images, labels }, step).unwrap().loss as f32
    });
    losses.collect()
}

/// Losses and last weights of twelve steps, on both backends, also with a stop in the middle.
fn follows(name: &str, step: impl Into<TrainStep>) {
    let (golden, step) = (golden("optimizers.safetensors"), step.into());
    let graph = perceptron();
    for mut backend in backends(&graph) {
        backend.load(&below(&golden, "before/")).unwrap();
        let mut losses = train(&mut *backend, &golden, &step, 0..5);
        // stopped, written and taken up again: nothing may be lost
        let (state, training) = (backend.state().unwrap(), backend.training_state().unwrap());
        backend.load(&below(&golden, "before/")).unwrap();
        train(&mut *backend, &golden, &step, 0..2);
        backend.load(&state).unwrap();
        backend.load_training_state(&training).unwrap();
        losses.extend(train(&mut *backend, &golden, &step, 5..STEPS));
        close(name, &losses, golden.floats(&format!("{name}/losses")).unwrap(), 2e-5);
        let state = backend.state().unwrap();
        for (path, expected) in &below(&golden, &format!("{name}/after/")).tensors {
            let Elements::F32(expected) = &expected.elements else { panic!("no floats") };
            close(&format!("{name} {path}"), state.floats(path).unwrap(), expected, 2e-5);
        }
    }
}

fn sgd(momentum: f64, weight_decay: f64) -> SgdStep {
    SgdStep { learning_rate: 0.1, momentum, weight_decay, dampening: 0.0, nesterov: false }
}

fn adam(weight_decay: f64) -> AdamStep {
    let betas = [0.9, 0.999];
    AdamStep { learning_rate: 0.02, betas, epsilon: 1e-8, weight_decay, decoupled: false }
}

#[test]
fn gradient_descent_is_pytorchs() {
    follows("sgd", sgd(0.0, 0.0));
    follows("sgd_decay", sgd(0.0, 0.02));
    follows("sgd_momentum", sgd(0.9, 0.02));
    follows("sgd_nesterov", SgdStep { nesterov: true, ..sgd(0.8, 0.0) });
    follows("sgd_dampening", SgdStep { dampening: 0.3, ..sgd(0.9, 0.0) });
}

#[test]
fn adam_is_pytorchs() {
    follows("adam", adam(0.05));
    follows("adam_betas", AdamStep { betas: [0.7, 0.95], epsilon: 1e-3, ..adam(0.0) });
    follows("adamw", AdamStep { decoupled: true, ..adam(0.1) });
}

#[test]
fn clipping_and_smoothing_are_pytorchs() {
    let step = SgdStep { learning_rate: 0.5, ..sgd(0.9, 0.0) };
    follows("clipped", TrainStep { clip_norm: Some(0.2), ..step.into() });
    follows("smoothed", TrainStep { label_smoothing: 0.1, ..sgd(0.0, 0.0).into() });
}

#[test]
fn a_state_of_another_network_is_refused() {
    let graph = perceptron();
    for mut backend in backends(&graph) {
        let (golden, step) = (golden("optimizers.safetensors"), adam(0.0).into());
        train(&mut *backend, &golden, &step, 0..1);
        let mut state = backend.training_state().unwrap();
        state.tensors.get_mut("first_moment.1.bias").unwrap().shape = vec![2];
        state.tensors.get_mut("first_moment.1.bias").unwrap().elements =
            Elements::F32(vec![0.0; 2]);
        assert!(backend.load_training_state(&state).is_err());
        assert!(backend.load_training_state(&StateDict::default()).is_err());
    }
}

/// Forty steps in epochs of five, of rate 0.2.
fn scheduled(name: &str, schedule: Schedule, warm_up_steps: usize) {
    let golden = golden("schedules.safetensors");
    let warm_up = WarmUp { epochs: warm_up_steps as f64 / 5.0, start: 0.1 };
    let rows = golden.floats(name).unwrap().chunks(2);
    assert_eq!(rows.len(), 40);
    for (step, row) in rows.enumerate() {
        let Rates { factor, momentum } = warm_up.rates(&schedule, step, 40, 5);
        let found = [(0.2 * factor) as f32, momentum.unwrap_or(0.9) as f32];
        close(&format!("{name} step {step}"), &found, row, 2e-7);
    }
}

#[test]
fn schedules_are_pytorchs() {
    scheduled("constant", Schedule::Constant, 0);
    scheduled("step", Schedule::Step { epochs: 3.0, factor: 0.1 }, 0);
    scheduled("cosine", Schedule::Cosine { floor: 0.0 }, 0);
    scheduled("cosine_floor", Schedule::Cosine { floor: 0.1 }, 0);
    scheduled("one_cycle", Schedule::OneCycle(OneCycle::default()), 0);
    let cycle = OneCycle {
        rise: 0.2,
        first_divisor: 10.0,
        last_divisor: 100.0,
        momentum: Some([0.8, 0.9]),
        linear: true,
    };
    scheduled("one_cycle_linear", Schedule::OneCycle(cycle), 0);
    scheduled("warm_up", Schedule::Constant, 10);
    scheduled("warm_up_cosine", Schedule::Cosine { floor: 0.0 }, 10);
    scheduled("warm_up_step", Schedule::Step { epochs: 2.0, factor: 0.5 }, 10);
}
