//! The textual form of graphs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use nasc_compiler::ir::op::{Recurrent, RecurrentCell};
use nasc_compiler::ir::{Dim, Op, ParamKind};
use nasc_compiler::shape::check;
use support::{Network, first_network};

#[test]
fn first_network_in_text() {
    let expected = "\
input %0 : f32[N, 3, 32, 32]
param conv1.weight : f32[1, 3, 1, 1]
param conv1.bias : f32[1]
param fc1.weight : f32[10, 1024]
param fc1.bias : f32[10]
%1 = conv2d %0, conv1.weight, conv1.bias {k=1, s=1, p=0} : f32[N, 1, 32, 32]
%2 = relu %1 : f32[N, 1, 32, 32]
%3 = reshape %2 {shape=[N, 1024]} : f32[N, 1024]
%4 = linear %3, fc1.weight, fc1.bias : f32[N, 10]
%5 = relu %4 : f32[N, 10]
output %5 : f32[N, 10]
";
    assert_eq!(check(first_network()).unwrap().to_string(), expected);
}

#[test]
fn several_results_on_one_line() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(7), Dim::Known(3)]);
    let module = network.layer("lstm", "LSTM", None);
    let ih = network.param(module, "weight_ih_l0", &[20, 3], ParamKind::Trainable);
    let hh = network.param(module, "weight_hh_l0", &[20, 5], ParamKind::Trainable);
    let lstm = Op::Recurrent(Recurrent {
        cell: RecurrentCell::Lstm,
        input_size: 3,
        hidden_size: 5,
        num_layers: 1,
        bias: false,
        batch_first: true,
        dropout: 0.0,
        bidirectional: false,
        initial_state: false,
    });
    let results = network.node_of(module, lstm, &[x, ih, hh]);
    let text = check(network.finish(&[results[2]])).unwrap().to_string();
    let line = "%1, %2, %3 = lstm %0, lstm.weight_ih_l0, lstm.weight_hh_l0 {hidden=5, batch_first} \
                : f32[N, 7, 5], f32[1, N, 5], f32[1, N, 5]";
    assert!(text.lines().any(|found| found == line), "{text}");
    assert!(text.ends_with("output %3 : f32[1, N, 5]\n"), "{text}");
}
