//! The textual form of a graph: one line for each input, parameter, node and output. Values are
//! numbered in order of execution, parameters go by their names, so the text does not depend on how
//! the graph was built. Files of expected output hold it: change it only on purpose.

mod attributes;

use std::fmt;

use super::graph::{CheckedGraph, Graph, Node, Param, ParamKind, Producer, ValueId};
use attributes::Attributes;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Names::of(self);
        for &id in &self.inputs {
            writeln!(f, "input {} : {}", names.name(id), Typed(self, id))?;
        }
        for param in &self.params {
            writeln!(f, "{} {} : {}", keyword(param), param.path, param.tensor_type())?;
        }
        for node in &self.nodes {
            write_node(f, self, &names, node)?;
        }
        for &id in &self.outputs {
            writeln!(f, "output {} : {}", names.name(id), Typed(self, id))?;
        }
        Ok(())
    }
}

impl fmt::Display for CheckedGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.graph().fmt(f)
    }
}

const fn keyword(param: &Param) -> &'static str {
    match param.kind {
        ParamKind::Trainable => "param",
        ParamKind::Frozen => "frozen",
        ParamKind::Buffer => "buffer",
        ParamKind::TransientBuffer => "transient",
        ParamKind::Unregistered => "unregistered",
    }
}

/// `%3, %4 = op %1, weight {attributes} : type, type`
fn write_node(
    f: &mut fmt::Formatter<'_>,
    graph: &Graph,
    names: &Names,
    node: &Node,
) -> fmt::Result {
    let list =
        |ids: &[ValueId]| ids.iter().map(|&id| names.name(id)).collect::<Vec<_>>().join(", ");
    write!(f, "{} = {}", list(&node.outputs), node.op.name())?;
    if !node.inputs.is_empty() {
        write!(f, " {}", list(&node.inputs))?;
    }
    let attributes = Attributes::of(&node.op);
    if !attributes.is_empty() {
        write!(f, " {attributes}")?;
    }
    let types: Vec<String> = node.outputs.iter().map(|&id| Typed(graph, id).to_string()).collect();
    writeln!(f, " : {}", types.join(", "))
}

/// The type of a value, `?` where it is unknown.
struct Typed<'a>(&'a Graph, ValueId);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.tensor_type(self.1) {
            Some(tensor_type) => tensor_type.fmt(f),
            None => f.write_str("?"),
        }
    }
}

/// The name of each value.
struct Names(Vec<String>);

impl Names {
    fn of(graph: &Graph) -> Names {
        let mut names: Vec<String> = graph
            .values
            .iter()
            .map(|value| match value.producer {
                Producer::Param(id) => {
                    graph.param(id).map_or_else(String::new, |param| param.path.to_string())
                }
                Producer::Input(_) | Producer::Node(..) => String::new(),
            })
            .collect();
        let results = graph.nodes.iter().flat_map(|node| &node.outputs);
        for (number, id) in graph.inputs.iter().chain(results).enumerate() {
            if let Some(name) = names.get_mut(id.index()) {
                *name = format!("%{number}");
            }
        }
        Names(names)
    }

    fn name(&self, id: ValueId) -> &str {
        self.0.get(id.index()).map_or("%?", String::as_str)
    }
}
