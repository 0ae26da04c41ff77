//! Whether a network is a classifier of as many classes as were asked for.

use nasc_compiler::diagnostic::{Diagnostic, Fault, Label, Remedy, Severity};
use nasc_compiler::ir::{CheckedGraph, Dim, Op, Producer, Shape, ValueId};
use nasc_compiler::source::{FileId, Span};

/// What is wrong if the network does not have exactly one output of shape `[N, wanted]`.
#[must_use]
pub fn classes(graph: &CheckedGraph, wanted: u64) -> Option<Diagnostic> {
    let expected = Shape(vec![Dim::N, Dim::Known(wanted)]);
    let shapes: Vec<&Shape> =
        graph.outputs.iter().filter_map(|&id| graph.tensor_type(id)).map(|t| &t.shape).collect();
    if shapes == [&expected] {
        return None;
    }
    let found = shapes.iter().map(ToString::to_string).collect::<Vec<String>>().join(" and ");
    let are = if shapes.len() == 1 { "the output is" } else { "the outputs are" };
    let message =
        format!("{wanted} classes need one output of shape {expected}, but {are} {found}");
    let place = output_place(graph);
    Some(Diagnostic {
        code: "nasc::check::output_shape",
        severity: Severity::Error,
        fault: Fault::Program,
        message,
        labels: vec![Label { span: place, text: "this is the output".to_owned() }],
        help: Some(help(&shapes, wanted)),
        remedies: last_layer(graph, wanted).into_iter().collect(),
        trail: Vec::new(),
    })
}

/// Another number of features of the linear layer that makes the output.
fn last_layer(graph: &CheckedGraph, wanted: u64) -> Option<Remedy> {
    let Producer::Node(node, _) = graph.value(*graph.outputs.first()?)?.producer else {
        return None;
    };
    let node = graph.node(node).filter(|node| matches!(node.op, Op::Linear(_)))?;
    let (call, value) = (node.provenance.declared?, i64::try_from(wanted).ok()?);
    Some(Remedy::Argument { call, name: "out_features", value })
}

const START: Span = Span { file: FileId(0), start: 0, end: 0 };

/// The call that makes the first output.
pub(super) fn output_place(graph: &CheckedGraph) -> Span {
    graph.outputs.first().map_or(START, |&id| span(graph, id))
}

/// The call that makes a value; the start of the file for inputs that are passed through.
fn span(graph: &CheckedGraph, id: ValueId) -> Span {
    let producer = graph.value(id).map(|value| value.producer);
    match producer {
        Some(Producer::Node(node, _)) => {
            graph.node(node).map_or(START, |node| node.provenance.call)
        }
        Some(Producer::Input(_) | Producer::Param(_)) | None => START,
    }
}

fn help(shapes: &[&Shape], wanted: u64) -> String {
    match shapes {
        [shape] => match shape.0.as_slice() {
            [Dim::Batch { factor: 1 }, Dim::Known(found)] => {
                format!("let the last layer have {wanted} output features instead of {found}")
            }
            [Dim::Batch { factor: 1 }, rest @ ..] if rest.len() > 1 => format!(
                "flatten the output and end with a linear layer of {wanted} output features"
            ),
            _ => format!("end with a linear layer of {wanted} output features, one row a sample"),
        },
        _ => "return the logits alone".to_owned(),
    }
}
