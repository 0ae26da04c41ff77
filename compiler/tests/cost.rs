//! Costs of networks whose figures are known.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use nasc_compiler::cost::{MemoryConfig, analyze, memory, rule};
use nasc_compiler::ir::op::{Activation, Binary, Reshape};
use nasc_compiler::ir::{Dim, Op, Shape};
use nasc_compiler::shape::check;
use support::{Network, conv2d, first_network};

#[test]
fn first_network_of_the_paper() {
    let report = analyze(&check(first_network()).unwrap());
    assert_eq!((report.macs, report.flops), (13_312, 26_624));
    assert_eq!((report.params, report.trainable_params, report.buffers), (10_254, 10_254, 0));
    assert_eq!((report.depth, report.width, report.width_to_depth), (2, 10, 5.0));
    let rows: Vec<(&str, &str, u64, u64)> = report
        .layers
        .iter()
        .map(|row| (row.path.as_str(), row.type_name.as_str(), row.params, row.macs))
        .collect();
    assert_eq!(rows, [("conv1", "Conv2d", 4, 3_072), ("fc1", "Linear", 10_250, 10_240)]);
    // the input (3·32·32) and the convolution's output (32·32) are alive together
    assert_eq!(report.peak_activation_bytes, (3_072 + 1_024) * 4);
}

#[test]
fn layer_used_twice_counts_its_parameters_once_and_its_work_twice() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(8)]);
    let x = network.linear("fc", x, (8, 8));
    let graph = network.builder.graph();
    let (op, inputs) = (graph.nodes[0].op.clone(), graph.nodes[0].inputs.clone());
    let module = graph.nodes[0].provenance.module;
    let x = network.node_of(module, op, &[x, inputs[1], inputs[2]])[0];
    let report = analyze(&check(network.finish(&[x])).unwrap());
    assert_eq!((report.params, report.macs, report.depth), (72, 128, 1));
    let rows: Vec<u64> = report.layers.iter().map(|row| row.params).collect();
    assert_eq!(rows, [72, 0]);
}

#[test]
fn function_with_products_gets_a_row() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(4), Dim::Known(6)]);
    let y = network.input(&[Dim::N, Dim::Known(6), Dim::Known(5)]);
    let z = network.node(Op::MatMul, &[x, y]);
    let z = network.node(Op::Activation(Activation::Relu), &[z]);
    let report = analyze(&check(network.finish(&[z])).unwrap());
    assert_eq!(report.layers.len(), 1);
    assert_eq!(report.layers[0].type_name, "matmul");
    assert_eq!(report.macs, 4 * 5 * 6);
}

#[test]
fn residual_keeps_the_shortcut_alive() {
    let mut network = Network::new();
    let image = [Dim::N, Dim::Known(2), Dim::Known(8), Dim::Known(8)];
    let x = network.input(&image);
    let a = network.conv2d("a", x, conv2d(2, 2, 3, 1));
    let b = network.conv2d("b", a, conv2d(2, 2, 3, 1));
    let sum = network.node(Op::Binary(Binary::Add), &[b, x]);
    let shape = Shape(vec![Dim::N, Dim::Known(128)]);
    let flat = network.node(Op::Reshape(Reshape { shape }), &[sum]);
    let checked = check(network.finish(&[flat])).unwrap();
    let one = 2 * 8 * 8 * 4;
    // at `b`: the image, its copy with the channels innermost, `a`, `b`
    assert_eq!(analyze(&checked).peak_activation_bytes, 4 * one);
    let report = memory(&checked, &MemoryConfig { batch: 10, optimizer_states: 1 });
    assert_eq!(report.inference_activation_bytes, 40 * one);
    // at the backward step of `b`: the image, its copy, `a`, and the gradients of `a` and `b`
    assert_eq!(report.training_activation_bytes, 50 * one);
    let parameters = 2 * (2 * 2 * 9 + 2) * 4;
    assert_eq!(report.parameter_bytes, parameters);
    assert_eq!((report.gradient_bytes, report.optimizer_bytes), (parameters, parameters));
}

#[test]
fn what_a_plan_computes_in_one_go_has_one_result() {
    let image = [Dim::N, Dim::Known(8), Dim::Known(4), Dim::Known(4)];
    let one = 8 * 4 * 4 * 4;
    let peak = |relus: usize| {
        let mut network = Network::new();
        let x = network.input(&image);
        let mut x = network.conv2d("conv", x, conv2d(8, 8, 3, 1));
        for _ in 0..relus {
            x = network.node(Op::Activation(Activation::Relu), &[x]);
        }
        analyze(&check(network.finish(&[x])).unwrap()).peak_activation_bytes
    };
    // the image, its copy and the convolution's result
    assert_eq!([peak(0), peak(1)], [3 * one, 3 * one]);
    // the second ReLU has a result of its own, when the image is no longer needed
    assert_eq!(peak(2), 3 * one);
}

#[test]
fn figures_of_enormous_layers_saturate() {
    let mut network = Network::new();
    let huge = 1 << 31;
    let mut x = network.input(&[Dim::N, Dim::Known(huge)]);
    for path in ["a", "b", "c", "d", "e", "f"] {
        x = network.linear(path, x, (huge, huge));
    }
    let report = analyze(&check(network.finish(&[x])).unwrap());
    assert_eq!((report.params, report.macs, report.flops), (u64::MAX, u64::MAX, u64::MAX));
}

#[test]
fn depth_and_width_count_registered_layers_of_the_listed_types() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(8)]);
    let x = network.linear("fc", x, (8, 4));
    // registered, whether called or not
    network.layer("drop", "Dropout2d", None);
    network.layer("flatten", "Flatten", None);
    network.layer("norm", "LayerNorm", None);
    network.layer("audio", "Conv1d", Some(100));
    let report = analyze(&check(network.finish(&[x])).unwrap());
    assert_eq!((report.depth, report.width), (3, 4));
}

#[test]
fn network_without_layers_has_ratio_zero() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(8)]);
    let report = analyze(&check(network.finish(&[x])).unwrap());
    assert_eq!((report.depth, report.width, report.width_to_depth), (0, 0, 0.0));
}

#[test]
fn every_counted_operation_states_its_formula() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(4), Dim::Known(4)]);
    let y = network.node(Op::MatMul, &[x, x]);
    let z = network.node(Op::Activation(Activation::Relu), &[y]);
    let graph = network.finish(&[z]);
    assert!(rule(&graph.nodes[0].op).unwrap().formula.contains("summed dimension"));
    assert_eq!(rule(&graph.nodes[1].op), None);
}
