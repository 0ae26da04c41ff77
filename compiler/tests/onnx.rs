//! ONNX files: what a network becomes in them. Whether they compute the same is tested with a
//! runtime beside PyTorch (`scripts/check_onnx.py`, `scripts/check_oracle_onnx.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use nasc_compiler::emit::onnx::message::{DimensionValue, GraphProto, ModelProto, data_type};
use nasc_compiler::emit::onnx::{OnnxOptions, Preprocessing, emit};
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use prost::Message as _;

/// A network whose members and forward are these lines.
fn network(members: &[&str], forward: &[&str]) -> CheckedGraph {
    let members = members.join("\n        ");
    let forward = forward.join("\n        ");
    let text = format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
         class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         {members}\n    def forward(self, x):\n        {forward}\n"
    );
    let source = SourceFile::new("net.py", text);
    compile(&source, &CompileOptions::image(3, 8, 8)).unwrap().graph
}

fn options() -> OnnxOptions {
    OnnxOptions {
        opset: 17,
        name: "Net".to_owned(),
        metadata: vec![("labels".to_owned(), "cat,dog".to_owned())],
        fold: true,
        preprocessing: None,
    }
}

/// Elements that differ: 1, 2, 3, ... for each parameter.
fn elements(graph: &CheckedGraph) -> BTreeMap<String, Vec<f32>> {
    let counting = |count: u64| (1..=count).map(|number| number as f32).collect();
    let params = graph.params.iter().filter(|param| param.dtype.is_float());
    params.map(|param| (param.path.to_string(), counting(param.elements()))).collect()
}

fn exported(graph: &CheckedGraph, options: &OnnxOptions) -> Result<ModelProto, EmitError> {
    let elements = elements(graph);
    let mut weights = Weights::new();
    for (name, elements) in &elements {
        weights.insert(name, elements);
    }
    emit(graph, &weights, options).map(|bytes| ModelProto::decode(bytes.as_slice()).unwrap())
}

fn graph_of(graph: &CheckedGraph, options: &OnnxOptions) -> GraphProto {
    exported(graph, options).unwrap().graph.unwrap()
}

fn operators(graph: &GraphProto) -> Vec<&str> {
    graph.node.iter().map(|node| node.op_type.as_str()).collect()
}

fn floats(graph: &GraphProto, name: &str) -> Vec<f32> {
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
    assert_eq!(tensor.data_type, data_type::FLOAT);
    tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let near = |(found, expected): (&f32, &f32)| (found - expected).abs() < 1e-5;
    assert!(found.iter().zip(expected).all(near), "{found:?} {expected:?}");
}

#[test]
fn a_batch_norm_becomes_part_of_its_convolution() {
    let graph = network(
        &["self.conv = nn.Conv2d(3, 2, 1, bias=False)", "self.norm = nn.BatchNorm2d(2, eps=0.0)"],
        &["return self.norm(self.conv(x))"],
    );
    let folded = graph_of(&graph, &options());
    assert_eq!(operators(&folded), ["Conv"]);
    // γ = σ² = 1, 2; μ = β = 1, 2: factors 1 and √2, offsets 0 and 2 − 2√2
    let root = 2.0f32.sqrt();
    let weight = floats(&folded, &folded.node[0].input[1]);
    assert_near(&weight, &[1.0, 2.0, 3.0, 4.0 * root, 5.0 * root, 6.0 * root]);
    assert_near(&floats(&folded, &folded.node[0].input[2]), &[0.0, 2.0 - 2.0 * root]);
    assert_eq!(folded.initializer.len(), 2, "the old weights are not in the file");

    let kept = graph_of(&graph, &OnnxOptions { fold: false, ..options() });
    assert_eq!(operators(&kept), ["Conv", "BatchNormalization"]);
    assert!(kept.initializer.iter().any(|tensor| tensor.name == "norm.running_var"));
}

#[test]
fn a_transposed_convolution_in_groups_takes_over_its_batch_norm() {
    let graph = network(
        &[
            "self.first = nn.Conv2d(3, 4, 1)",
            "self.conv = nn.ConvTranspose2d(4, 4, 1, groups=2)",
            "self.norm = nn.BatchNorm2d(4, eps=0.0, affine=False)",
        ],
        &["return self.norm(self.conv(self.first(x)))"],
    );
    let folded = graph_of(&graph, &options());
    assert_eq!(operators(&folded), ["Conv", "ConvTranspose"]);
    // the weight is [in = 4, out per group = 2]; channels 0, 1 belong to inputs 0, 1
    let factors = [1.0, 2.0f32, 3.0, 4.0].map(|variance: f32| 1.0 / variance.sqrt());
    let channels = [0, 1, 0, 1, 2, 3, 2, 3];
    let expected: Vec<f32> = (1u8..)
        .zip(channels)
        .map(|(number, channel)| f32::from(number) * factors[channel])
        .collect();
    assert_near(&floats(&folded, &folded.node[1].input[1]), &expected);
}

#[test]
fn a_batch_norm_stays_where_the_convolution_is_used_twice() {
    let graph = network(
        &["self.conv = nn.Conv2d(3, 2, 1)", "self.norm = nn.BatchNorm2d(2)"],
        &["y = self.conv(x)", "return self.norm(y) + y"],
    );
    assert!(operators(&graph_of(&graph, &options())).contains(&"BatchNormalization"));
}

#[test]
fn a_batch_that_only_the_result_has_is_read_off_the_input() {
    let graph = network(
        &["self.token = nn.Parameter(torch.zeros(1, 1, 4))"],
        &["return self.token.expand(x.shape[0], -1, -1)"],
    );
    let found = graph_of(&graph, &options());
    assert!(operators(&found).contains(&"Shape"), "{:?}", operators(&found));
    let output = found.output[0].r#type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
    assert_eq!(output.dim[0].value, Some(DimensionValue::DimParam("N".to_owned())));
}

#[test]
fn a_result_that_is_made_elsewhere_is_copied_under_its_name() {
    let graph =
        network(&["self.conv = nn.Conv2d(3, 2, 1)"], &["y = self.conv(x)", "return x, y, y"]);
    let found = graph_of(&graph, &options());
    let names: Vec<&str> = found.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["output", "output1", "output2"]);
    assert_eq!(operators(&found), ["Conv", "Identity", "Identity"]);
}

#[test]
fn images_of_bytes_are_normalised_inside() {
    let graph = network(&["self.conv = nn.Conv2d(3, 2, 1)"], &["return self.conv(x)"]);
    let preprocessing =
        Preprocessing { white: 255.0, mean: vec![0.5; 3], deviation: vec![0.25; 3] };
    let with = OnnxOptions { preprocessing: Some(preprocessing), ..options() };
    let found = graph_of(&graph, &with);
    assert_eq!(found.input.len(), 1);
    let input = found.input[0].r#type.clone().unwrap().tensor_type.unwrap();
    assert_eq!(input.elem_type, data_type::UINT8);
    let last = input.shape.unwrap().dim.pop().unwrap().value;
    assert_eq!(last, Some(DimensionValue::DimValue(3)));
    assert_eq!(operators(&found), ["Cast", "Transpose", "Div", "Sub", "Div", "Conv"]);

    let wrong = Preprocessing { white: 255.0, mean: vec![0.5], deviation: vec![0.25] };
    let refused = exported(&graph, &OnnxOptions { preprocessing: Some(wrong), ..options() });
    assert!(refused.unwrap_err().to_string().contains("1 means and 1 deviations for 3 channels"));
}

#[test]
fn the_versions_go_together_and_metadata_is_kept() {
    let graph = network(&["self.conv = nn.Conv2d(3, 2, 1)"], &["return self.conv(x).mean((2, 3))"]);
    for (opset, format) in [(13, 7), (17, 8), (19, 9), (21, 10)] {
        let model = exported(&graph, &OnnxOptions { opset, ..options() }).unwrap();
        assert_eq!((model.opset_import[0].version, model.ir_version), (opset, format));
        assert_eq!(model.metadata_props[0].value, "cat,dog");
        let reduce = model.graph.unwrap().node.pop().unwrap();
        // the axes of a mean became an operand in opset 18
        assert_eq!(reduce.input.len(), if opset < 18 { 1 } else { 2 });
    }
    let refused = exported(&graph, &OnnxOptions { opset: 12, ..options() }).unwrap_err();
    assert_eq!(refused, EmitError::Opset { opset: 12 });
}

#[test]
fn a_table_that_is_copied_into_a_buffer_is_exported_with_its_elements() {
    let graph = network(
        &[
            "self.table = nn.Parameter(torch.zeros(4))",
            "self.register_buffer('places', torch.empty(3, dtype=torch.long), persistent=False)",
            "self.places.copy_(torch.tensor([3, 1, 2]))",
        ],
        &["return x.mean() + self.table[self.places]"],
    );
    let found = graph_of(&graph, &options());
    let gather = found.node.iter().find(|node| node.op_type == "Gather").unwrap();
    let places = found.initializer.iter().find(|tensor| tensor.name == gather.input[1]).unwrap();
    let numbers: Vec<i64> =
        places.raw_data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect();
    assert_eq!(numbers, [3, 1, 2]);
}

#[test]
fn a_norm_of_a_weight_without_bias_keeps_its_scale() {
    let graph = network(
        &["self.gain = nn.Parameter(torch.ones(3))"],
        &["return F.batch_norm(x, None, None, weight=self.gain, training=True)"],
    );
    let found = graph_of(&graph, &options());
    assert!(found.node.iter().any(|node| node.input.contains(&"gain".to_owned())));
    assert!(!operators(&found).contains(&"BatchNormalization"));
}

#[test]
fn an_operation_without_a_form_is_refused_with_its_place() {
    let graph = network(&["self.conv = nn.Conv2d(3, 2, 1)"], &["return self.conv(x).cumprod(1)"]);
    match exported(&graph, &options()).unwrap_err() {
        EmitError::Unsupported { operation, call, .. } => {
            assert_eq!(operation, "cumprod");
            assert!(call.start > 0);
        }
        other => assert_eq!(other.to_string(), "an operation without a form"),
    }
}
