//! Structural rules of a graph, whatever its operations mean. Ids lie in their tables; every value
//! has one producer that names it back; nodes use values made before them; modules come after their
//! parents, and the first is the network; parameter names are unique and their owners exist; there
//! are outputs. Operand counts and types are checked by `shape::check`.

use std::collections::BTreeSet;

use super::graph::{Graph, ModuleId, NodeId, ParamId, Producer, ValueId};

/// A broken structural rule; always a mistake of whoever built the graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// A value id outside its table.
    #[error("value {} does not exist", .0.0)]
    UnknownValue(ValueId),
    /// A parameter id outside its table.
    #[error("parameter {} does not exist", .0.0)]
    UnknownParam(ParamId),
    /// A module id outside its table.
    #[error("module {} does not exist", .0.0)]
    UnknownModule(ModuleId),
    /// A value whose producer does not name it.
    #[error("value {} is not what its producer makes", .0.0)]
    WrongProducer(ValueId),
    /// A node that uses a value made later, or by itself.
    #[error("node {} uses value {} before it is made", .node.0, .value.0)]
    UsedBeforeMade {
        /// The node.
        node: NodeId,
        /// The operand.
        value: ValueId,
    },
    /// A module registered before its parent, or without one.
    #[error("module {} does not come after its parent", .0.0)]
    ModuleOrder(ModuleId),
    /// Two parameters of one name.
    #[error("the name {path} is used by two parameters")]
    DuplicateParam {
        /// The name.
        path: String,
    },
    /// A parameter whose type is not its value's type.
    #[error("parameter {} and its value differ in type", .0.0)]
    ParamType(ParamId),
    /// A graph without results.
    #[error("the graph has no outputs")]
    NoOutputs,
}

/// Checks the rules listed at the top of this file.
///
/// # Errors
/// The first broken rule.
pub fn verify(graph: &Graph) -> Result<(), StructureError> {
    modules(graph)?;
    params(graph)?;
    values(graph)?;
    nodes(graph)?;
    outputs(graph)
}

fn modules(graph: &Graph) -> Result<(), StructureError> {
    for (id, module) in (0u32..).map(ModuleId).zip(&graph.modules) {
        match module.parent {
            None if id.0 == 0 => {}
            Some(parent) if parent < id => {}
            Some(_) | None => return Err(StructureError::ModuleOrder(id)),
        }
    }
    Ok(())
}

fn params(graph: &Graph) -> Result<(), StructureError> {
    let mut names = BTreeSet::new();
    for param in &graph.params {
        if graph.module(param.module).is_none() {
            return Err(StructureError::UnknownModule(param.module));
        }
        if !names.insert(param.path.as_str()) {
            return Err(StructureError::DuplicateParam { path: param.path.to_string() });
        }
    }
    Ok(())
}

fn values(graph: &Graph) -> Result<(), StructureError> {
    for (id, value) in (0u32..).map(ValueId).zip(&graph.values) {
        let named = match value.producer {
            Producer::Input(position) => graph.inputs.get(position as usize) == Some(&id),
            Producer::Param(param) => {
                let known = graph.param(param).ok_or(StructureError::UnknownParam(param))?;
                if value.tensor_type.as_ref() != Some(&known.tensor_type()) {
                    return Err(StructureError::ParamType(param));
                }
                true
            }
            Producer::Node(node, position) => graph
                .node(node)
                .is_some_and(|node| node.outputs.get(position as usize) == Some(&id)),
        };
        if !named {
            return Err(StructureError::WrongProducer(id));
        }
    }
    for (position, &id) in (0u32..).zip(&graph.inputs) {
        made_by(graph, id, Producer::Input(position))?;
    }
    Ok(())
}

fn made_by(graph: &Graph, id: ValueId, producer: Producer) -> Result<(), StructureError> {
    let value = graph.value(id).ok_or(StructureError::UnknownValue(id))?;
    if value.producer == producer { Ok(()) } else { Err(StructureError::WrongProducer(id)) }
}

fn nodes(graph: &Graph) -> Result<(), StructureError> {
    for (id, node) in graph.nodes_with_ids() {
        if !graph.modules.is_empty() && graph.module(node.provenance.module).is_none() {
            return Err(StructureError::UnknownModule(node.provenance.module));
        }
        for &value in &node.inputs {
            match graph.value(value).ok_or(StructureError::UnknownValue(value))?.producer {
                Producer::Node(maker, _) if maker >= id => {
                    return Err(StructureError::UsedBeforeMade { node: id, value });
                }
                Producer::Node(..) | Producer::Input(_) | Producer::Param(_) => {}
            }
        }
        for (position, &value) in (0u32..).zip(&node.outputs) {
            made_by(graph, value, Producer::Node(id, position))?;
        }
    }
    Ok(())
}

fn outputs(graph: &Graph) -> Result<(), StructureError> {
    if graph.outputs.is_empty() {
        return Err(StructureError::NoOutputs);
    }
    match graph.outputs.iter().find(|&&id| graph.value(id).is_none()) {
        Some(&id) => Err(StructureError::UnknownValue(id)),
        None => Ok(()),
    }
}
