//! The whole graph again: structure, then every node's types against the rules. The one maker of
//! checked graphs.

use super::infer;
use crate::diagnostic::{Diagnostic, Diagnostics, Fault, Label, Severity};
use crate::ir::verify::verify;
use crate::ir::{CheckedGraph, Graph, Node, TensorType, ValueId};

/// Verifies structure and types of `graph`. Nothing that the builder recorded is trusted: each
/// node's results are inferred again and compared.
///
/// # Errors
/// The mistakes of the program at their places; `nasc::shape::invalid_graph` where the graph itself
/// is broken, which is a defect of nasc.
pub fn check(graph: Graph) -> Result<CheckedGraph, Diagnostics> {
    if let Err(error) = verify(&graph) {
        return Err(Diagnostics::new(vec![invalid_graph(error.to_string(), None)]));
    }
    let mistakes: Vec<Diagnostic> = graph
        .nodes
        .iter()
        .filter_map(|node| check_node(&graph, node).err().map(|mistake| *mistake))
        .collect();
    if !mistakes.is_empty() {
        return Err(Diagnostics::new(mistakes));
    }
    Ok(CheckedGraph::from_verified(graph))
}

fn check_node(graph: &Graph, node: &Node) -> Result<(), Box<Diagnostic>> {
    let operands = types(graph, node, &node.inputs)?;
    let recorded = types(graph, node, &node.outputs)?;
    let inferred = infer(&node.op, &operands).map_err(|error| {
        Box::new(error.into_diagnostic(&subject(graph, node), &node.provenance))
    })?;
    if inferred.iter().eq(recorded.iter().copied()) {
        return Ok(());
    }
    let text = format!("the recorded types of {} are not those of its rule", node.op.name());
    Err(Box::new(invalid_graph(text, Some(node))))
}

fn types<'a>(
    graph: &'a Graph,
    node: &Node,
    values: &[ValueId],
) -> Result<Vec<&'a TensorType>, Box<Diagnostic>> {
    let known = values.iter().map(|&id| graph.tensor_type(id));
    known.collect::<Option<Vec<_>>>().ok_or_else(|| {
        let text = format!("a type at {} is unknown", node.op.name());
        Box::new(invalid_graph(text, Some(node)))
    })
}

/// The layer's path, or the operation's name where a function was called.
fn subject(graph: &Graph, node: &Node) -> String {
    let layer = graph.module(node.provenance.module).filter(|module| module.layer.is_some());
    layer.map_or_else(|| node.op.name().to_string(), |module| module.path.to_string())
}

fn invalid_graph(text: String, node: Option<&Node>) -> Diagnostic {
    let labels = node.map(|node| Label {
        span: node.provenance.call,
        text: "while this was compiled".to_string(),
    });
    Diagnostic {
        code: "nasc::shape::invalid_graph",
        severity: Severity::Error,
        fault: Fault::Unsupported,
        message: format!("nasc built an invalid graph: {text}"),
        labels: labels.into_iter().collect(),
        help: Some("report this program as a defect of nasc".to_string()),
        remedies: Vec::new(),
        trail: Vec::new(),
    }
}
