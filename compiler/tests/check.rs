//! What `shape::check` refuses, and how shape errors read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use nasc_compiler::diagnostic::{Diagnostic, Fault};
use nasc_compiler::ir::op::{Activation, Linear};
use nasc_compiler::ir::{
    Dim, Graph, ModuleId, NodeId, Op, ParamKind, Producer, Provenance, Shape, TensorType, ValueId,
};
use nasc_compiler::shape::{ShapeError, check};
use support::{Network, first_network, span};

/// The only diagnostic of a broken graph.
fn refusal(graph: Graph) -> Diagnostic {
    let diagnostics = check(graph).unwrap_err();
    assert_eq!(diagnostics.as_slice().len(), 1);
    diagnostics.as_slice()[0].clone()
}

fn expect_invalid(change: impl FnOnce(&mut Graph), words: &str) {
    let mut graph = first_network();
    change(&mut graph);
    let diagnostic = refusal(graph);
    assert_eq!(diagnostic.code, "nasc::shape::invalid_graph");
    assert_eq!(diagnostic.fault, Fault::Unsupported);
    assert!(diagnostic.message.contains(words), "{}", diagnostic.message);
}

#[test]
fn sound_graph_is_kept_as_it_is() {
    assert_eq!(*check(first_network()).unwrap().graph(), first_network());
}

#[test]
fn wrong_recorded_type_is_found() {
    let wrong = TensorType::f32(Shape(vec![Dim::N, Dim::Known(9)]));
    expect_invalid(
        |graph| {
            let output = graph.outputs[0];
            graph.values[output.index()].tensor_type = Some(wrong);
        },
        "recorded types of relu",
    );
}

#[test]
fn unknown_type_is_found() {
    expect_invalid(
        |graph| {
            let output = graph.outputs[0];
            graph.values[output.index()].tensor_type = None;
        },
        "unknown",
    );
}

#[test]
fn value_used_before_it_is_made_is_found() {
    expect_invalid(
        |graph| {
            let output = graph.outputs[0];
            graph.nodes[1].inputs = vec![output];
        },
        "before it is made",
    );
}

#[test]
fn value_of_two_producers_is_found() {
    expect_invalid(
        |graph| {
            let stolen = graph.nodes[0].outputs[0];
            graph.nodes[1].outputs = vec![stolen];
        },
        "not what its producer makes",
    );
}

#[test]
fn identifiers_outside_their_tables_are_found() {
    expect_invalid(|graph| graph.nodes[0].inputs[0] = ValueId(99), "value 99 does not exist");
    expect_invalid(|graph| graph.outputs = vec![ValueId(99)], "value 99 does not exist");
    expect_invalid(|graph| graph.nodes[0].provenance.module = ModuleId(9), "module 9");
    expect_invalid(|graph| graph.params[0].module = ModuleId(9), "module 9");
    expect_invalid(
        |graph| {
            let output = graph.outputs[0].index();
            graph.values[output].producer = Producer::Node(NodeId(99), 0);
        },
        "not what its producer makes",
    );
}

#[test]
fn parents_come_first_and_names_are_unique() {
    expect_invalid(|graph| graph.modules[1].parent = Some(ModuleId(2)), "after its parent");
    expect_invalid(|graph| graph.modules[2].parent = None, "after its parent");
    expect_invalid(
        |graph| graph.params[1].path = graph.params[0].path.clone(),
        "used by two parameters",
    );
    expect_invalid(|graph| graph.params[0].shape = vec![7], "differ in type");
    expect_invalid(|graph| graph.outputs.clear(), "no outputs");
}

#[test]
fn missing_bias_operand_is_found() {
    let mut graph = first_network();
    graph.nodes[0].inputs.pop();
    assert_eq!(refusal(graph).code, "nasc::shape::operand_count");
}

#[test]
fn weight_of_another_shape_is_found() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(4)]);
    let module = network.layer("fc", "Linear", Some(3));
    let weight = network.param(module, "weight", &[4, 3], ParamKind::Trainable);
    let op = Op::Linear(Linear { in_features: 4, out_features: 3, bias: false });
    let result = TensorType::f32(Shape(vec![Dim::N, Dim::Known(3)]));
    let provenance = Provenance { call: span(1), declared: None, module, by_name: false };
    let y = network.builder.node(op, vec![x, weight], vec![Some(result)], provenance);
    let diagnostic = refusal(network.finish(&y));
    assert_eq!(diagnostic.code, "nasc::shape::operand_shape");
    let message = "`fc` expects its weight to have the shape [3, 4], but receives [4, 3]";
    assert_eq!(diagnostic.message, message);
}

#[test]
fn several_mistakes_are_all_reported() {
    let mut graph = first_network();
    graph.nodes[1].op = Op::Linear(Linear { in_features: 1, out_features: 1, bias: false });
    graph.nodes[4].op = Op::Linear(Linear { in_features: 1, out_features: 1, bias: false });
    assert_eq!(check(graph).unwrap_err().as_slice().len(), 2);
}

#[test]
fn report_names_call_declaration_and_edit() {
    let input = Shape(vec![Dim::N, Dim::Known(32), Dim::Known(16), Dim::Known(16)]);
    let error =
        ShapeError::ChannelMismatch { expected: 64, found: Dim::Known(32), input, groups: 1 };
    let provenance = Provenance {
        call: span(50),
        declared: Some(span(10)),
        module: ModuleId(1),
        by_name: false,
    };
    let diagnostic = error.into_diagnostic("conv2", &provenance);
    assert_eq!(diagnostic.code, "nasc::shape::channel_mismatch");
    assert_eq!(diagnostic.message, "`conv2` expects 64 input channels, but receives 32");
    let labels: Vec<(u32, &str)> =
        diagnostic.labels.iter().map(|label| (label.span.start, label.text.as_str())).collect();
    let call = (50, "the input has shape [N, 32, 16, 16]");
    assert_eq!(labels, [call, (10, "declared with in_channels = 64")]);
    assert_eq!(diagnostic.help.unwrap(), "write in_channels = 32 in the declaration");
}

#[test]
fn forgotten_flatten_is_proposed_where_it_makes_the_features_fit() {
    let help = |in_features: u64| {
        let input = Shape(vec![Dim::N, Dim::Known(3), Dim::Known(4), Dim::Known(4)]);
        let (argument, found) = ("in_features", Dim::Known(4));
        let error = ShapeError::FeatureMismatch { argument, expected: in_features, found, input };
        let provenance = Provenance {
            call: span(5),
            declared: Some(span(1)),
            module: ModuleId(1),
            by_name: false,
        };
        error.into_diagnostic("fc", &provenance).help.unwrap()
    };
    assert_eq!(help(48), "call torch.flatten(x, 1) before it");
    assert_eq!(help(49), "write in_features = 4 in the declaration");
}

#[test]
fn reshape_names_the_features_of_a_sample() {
    let input = Shape(vec![Dim::N, Dim::Known(16), Dim::Known(5), Dim::Known(5)]);
    let target = vec![None, Some(Dim::Known(500))];
    let error = ShapeError::ReshapeSize { input, target };
    let provenance =
        Provenance { call: span(5), declared: None, module: ModuleId(0), by_name: false };
    let diagnostic = error.into_diagnostic("view", &provenance);
    let message =
        "`view` cannot turn [N, 16, 5, 5] into [-1, 500]: 400N elements are no multiple of 500";
    assert_eq!(diagnostic.message, message);
    assert_eq!(diagnostic.help.unwrap(), "write 400 instead of 500");
}

#[test]
fn activation_of_integers_is_no_number_for_gelu() {
    let mut network = Network::new();
    let x = network.input(&[Dim::N]);
    let y = network.node(Op::Activation(Activation::Gelu { tanh: false }), &[x]);
    let mut graph = network.finish(&[y]);
    graph.values[0].tensor_type.as_mut().unwrap().dtype = nasc_compiler::ir::DType::I64;
    assert_eq!(refusal(graph).code, "nasc::shape::dtype_mismatch");
}

#[test]
fn keys_that_were_not_transposed_are_named() {
    let shape = Shape(vec![Dim::N, Dim::Known(16), Dim::Known(64)]);
    let error = ShapeError::MatmulMismatch {
        left: shape.clone(),
        right: shape,
        left_extent: Dim::Known(64),
        right_extent: Dim::Known(16),
    };
    let provenance =
        Provenance { call: span(5), declared: None, module: ModuleId(0), by_name: false };
    let help = error.into_diagnostic("torch.matmul", &provenance).help.unwrap();
    assert_eq!(help, "write .transpose(-2, -1) behind the right operand");
}

#[test]
fn window_that_does_not_fit_gets_a_size_and_a_padding() {
    let input = Shape(vec![Dim::N, Dim::Known(8), Dim::Known(4), Dim::Known(4)]);
    let error = ShapeError::EmptySpatialDim { dim: 2, window: 7, padded: 4, input };
    let provenance =
        Provenance { call: span(5), declared: Some(span(1)), module: ModuleId(1), by_name: false };
    let diagnostic = error.into_diagnostic("conv3", &provenance);
    let message = "`conv3` has a window of 7 over a padded input of 4 in dimension 2";
    assert_eq!(diagnostic.message, message);
    let help = "write a kernel_size of at most 4, or raise the padding by 2";
    assert_eq!(diagnostic.help.unwrap(), help);
}
