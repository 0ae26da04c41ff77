//! Comparison of operations with figures that PyTorch computed (`golden/make.py`): logits in evaluation
//! mode, loss and all gradients in training mode, and buffers afterwards.
#![allow(dead_code)]

use std::path::Path;
use std::sync::OnceLock;

use nasc_compiler::ir::op::Binary;
use nasc_compiler::ir::{CheckedGraph, Init, Op, ParamKind, ValueId};
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::backend::{Backend, Batch};
use nasc_runtime::checkpoint;
use nasc_runtime::state::{Elements, StateDict, StateTensor};

use super::Net;

/// Relative to the largest figure of a tensor.
const FORWARD: f64 = 1e-4;
const BACKWARD: f64 = 1e-3;

fn golden() -> &'static StateDict {
    static GOLDEN: OnceLock<StateDict> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let mut golden = checkpoint::load(&folder.join("ops.safetensors")).unwrap();
        golden
            .tensors
            .extend(checkpoint::load(&folder.join("layers.safetensors")).unwrap().tensors);
        golden
    })
}

/// The tensors below `case/part/`.
fn part(case: &str, part: &str) -> StateDict {
    let prefix = format!("{case}/{part}/");
    let tensors = golden().tensors.iter().filter_map(|(name, tensor)| {
        Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone()))
    });
    StateDict { tensors: tensors.collect() }
}

fn floats(tensor: &StateTensor) -> Vec<f64> {
    match &tensor.elements {
        Elements::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Elements::I64(values) => values.iter().map(|&value| value as f64).collect(),
    }
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3_f64, |scale, value| scale.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / scale;
        assert!(difference < tolerance, "{what}[{index}]: {found}, PyTorch {expected}");
    }
}

/// Compares `flatten(op(x + shift))` with PyTorch's figures.
#[track_caller]
pub fn case(name: &str, op: impl FnOnce(&mut Net, ValueId) -> ValueId) {
    let input = &golden().tensors[&format!("{name}/input")];
    let extents: Vec<u64> = input.shape[1..].iter().map(|&extent| extent as u64).collect();
    let (mut net, x) = Net::new(&extents);
    let shift = net.param("shift", &extents, ParamKind::Trainable, Init::Constant(0.0));
    let x = net.op(Op::Binary(Binary::Add), &[x, shift]);
    let x = op(&mut net, x);
    let x = net.flatten(x);
    compare(name, &net.finish(x));
}

/// Compares a network on all backends with PyTorch's figures.
#[track_caller]
pub fn compare(name: &str, graph: &CheckedGraph) {
    agrees(name, Box::new(CandleBackend::cpu(graph, 1).unwrap()));
    for threads in [1, 2] {
        if let Some(backend) = super::planned(graph, threads) {
            agrees(name, backend);
        }
    }
}

/// Compares logits, loss, gradients and buffers of a backend with PyTorch's.
#[track_caller]
fn agrees(name: &str, mut backend: Box<dyn Backend>) {
    let input = &golden().tensors[&format!("{name}/input")];
    backend.load(&part(name, "before")).unwrap();

    let Elements::F32(images) = &input.elements else { panic!("the input is no float") };
    let logits = &golden().tensors[&format!("{name}/logits")];
    let classes = logits.shape[1] as u32;
    let labels: Vec<u32> = (0..input.shape[0] as u32).map(|index| index % classes).collect();
    let batch = Batch { images, labels: &labels };
    let gradients = backend.gradients(batch).unwrap();
    let expected = part(name, "gradient");
    assert!(gradients.tensors.keys().eq(expected.tensors.keys()), "{name}: {gradients:?}");
    for (path, gradient) in &expected.tensors {
        let found = &gradients.tensors[path];
        assert_eq!(found.shape, gradient.shape, "{name} {path}");
        close(&format!("{name}: gradient of {path}"), &floats(found), &floats(gradient), BACKWARD);
    }
    let state = backend.state().unwrap();
    for (path, buffer) in &part(name, "after").tensors {
        close(&format!("{name}: {path}"), &floats(&state.tensors[path]), &floats(buffer), FORWARD);
    }
    let found: Vec<f64> =
        backend.predict(images, labels.len()).unwrap().into_iter().map(f64::from).collect();
    close(&format!("{name}: logits"), &found, &floats(logits), FORWARD);
    if part(name, "after").tensors.is_empty() {
        // without running statistics, evaluation and training have the same loss
        let loss = backend.evaluate(batch).unwrap().loss;
        close(name, &[loss], &floats(&golden().tensors[&format!("{name}/loss")]), FORWARD);
    }
}

/// A case of one operation of one operand.
pub fn unary(name: &str, op: Op) {
    case(name, |net, x| net.op(op, &[x]));
}
