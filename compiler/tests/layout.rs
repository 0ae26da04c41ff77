//! Which tensors can be viewed: tests/data/views.py asked PyTorch.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use nasc_compiler::ir::op::{Activation, Expand, Permute, Reshape, Slice};
use nasc_compiler::ir::{Dim, Op, Shape};
use nasc_compiler::shape::Layouts;
use serde_json::Value as Json;
use support::Network;

fn numbers(json: &Json) -> Vec<u64> {
    json.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
}

fn step(step: &Json) -> Op {
    let arguments = numbers(&step[1]);
    match step[0].as_str().unwrap() {
        "permute" => {
            Op::Permute(Permute { order: arguments.iter().map(|&dim| dim as usize).collect() })
        }
        "slice" => {
            let (dim, start, step) = (arguments[0] as usize, arguments[1], arguments[2]);
            Op::Slice(Slice { dim, start, end: None, step })
        }
        "expand" => Op::Expand(Expand { shape: Shape::known(&arguments) }),
        "reshape" => Op::Reshape(Reshape { shape: Shape::known(&arguments) }),
        _ => Op::Activation(Activation::Relu),
    }
}

/// A tensor that PyTorch can view is never refused; one that it refuses is refused where the layout
/// is certain (it is not behind an element-wise function of a tensor with gaps).
#[test]
fn views_are_those_of_pytorch() {
    let (mut refused, mut uncertain) = (0, 0);
    for line in include_str!("data/views.jsonl").lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let mut network = Network::new();
        let dims: Vec<Dim> = numbers(&case["shape"]).into_iter().map(Dim::Known).collect();
        let mut x = network.input(&dims);
        for operation in case["steps"].as_array().unwrap() {
            x = network.node(step(operation), &[x]);
        }
        let target = Shape::known(&numbers(&case["target"]));
        let answer = Layouts::new(1).expect_viewable(network.builder.graph(), x, &target);
        match (answer, case["viewable"].as_bool().unwrap()) {
            (Ok(()), true) => {}
            (Err(_), false) => refused += 1,
            (Ok(()), false) if line.contains("relu") => uncertain += 1,
            (answer, _) => panic!("{line}\n{answer:?}"),
        }
    }
    assert!(refused > 30 && uncertain < 8, "{refused} refused, {uncertain} uncertain");
}

#[test]
fn layouts_follow_a_growing_graph() {
    let mut network = Network::new();
    let mut layouts = Layouts::new(1);
    let x = network.input(&[Dim::N, Dim::Known(3), Dim::Known(4), Dim::Known(4)]);
    let flat = Shape(vec![Dim::N, Dim::Known(48)]);
    assert!(layouts.expect_viewable(network.builder.graph(), x, &flat).is_ok());
    let x = network.node(Op::Permute(Permute { order: vec![0, 2, 3, 1] }), &[x]);
    assert!(layouts.expect_viewable(network.builder.graph(), x, &flat).is_err());
    assert!(!layouts.is_contiguous(network.builder.graph(), x));
    let copy = network.node(Op::Contiguous, &[x]);
    assert!(layouts.is_contiguous(network.builder.graph(), copy));
    assert!(layouts.expect_viewable(network.builder.graph(), copy, &flat).is_ok());
    let x = network.node(Op::Reshape(Reshape { shape: flat.clone() }), &[x]);
    assert!(layouts.expect_viewable(network.builder.graph(), x, &flat).is_ok());
}
