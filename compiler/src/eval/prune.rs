//! Drops what was computed before the network ran and is not used by it: a graph holds one call
//! of the network, not what constructors tried out.

use crate::ir::{Graph, GraphBuilder, Node, ParamId, ParamKind, Producer, ValueId};

/// The graph without unused nodes before `first`.
pub(crate) fn prune(graph: Graph, first: usize) -> Graph {
    if first == 0 {
        return graph;
    }
    let keep = needed(&graph, first);
    rebuild(graph, &keep)
}

/// Which nodes stay: those from `first` on and what they use.
fn needed(graph: &Graph, first: usize) -> Vec<bool> {
    let mut keep: Vec<bool> = (0..graph.nodes.len()).map(|index| index >= first).collect();
    let mark = |value: ValueId, keep: &mut Vec<bool>| {
        if let Some(Producer::Node(node, _)) = graph.value(value).map(|value| value.producer)
            && let Some(slot) = keep.get_mut(node.index())
        {
            *slot = true;
        }
    };
    for &output in &graph.outputs {
        mark(output, &mut keep);
    }
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if keep.get(index) == Some(&true) {
            for &input in &node.inputs {
                mark(input, &mut keep);
            }
        }
    }
    keep
}

fn rebuild(graph: Graph, keep: &[bool]) -> Graph {
    let mut builder = GraphBuilder::new();
    let mut places: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    for module in graph.modules {
        builder.module(module);
    }
    let used = used_values(&graph.nodes, keep, &graph.outputs);
    let mut params: Vec<Option<ParamId>> = Vec::with_capacity(graph.params.len());
    for (id, param) in (0u32..).map(ParamId).zip(graph.params) {
        let is_used = graph.values.iter().zip(&used);
        let mut is_used =
            is_used.filter(|(value, used)| value.producer == Producer::Param(id) && **used);
        let stays = param.kind != ParamKind::Unregistered || is_used.next().is_some();
        params.push(stays.then(|| builder.param(param)));
    }
    for input in graph.inputs {
        let tensor_type = graph.values.get(input.index()).and_then(|v| v.tensor_type.clone());
        if let (Some(slot), Some(tensor_type)) = (places.get_mut(input.index()), tensor_type) {
            *slot = Some(builder.input(tensor_type));
        }
    }
    for (index, value) in graph.values.iter().enumerate() {
        if let (Producer::Param(id), Some(slot)) = (value.producer, places.get_mut(index)) {
            let id = params.get(id.index()).copied().flatten();
            *slot = id.and_then(|id| builder.param_value(id));
        }
    }
    let place =
        |places: &[Option<ValueId>], value: &ValueId| places.get(value.index()).copied().flatten();
    for (node, _) in graph.nodes.into_iter().zip(keep).filter(|(_, keep)| **keep) {
        let inputs = node.inputs.iter().filter_map(|value| place(&places, value)).collect();
        let types = node
            .outputs
            .iter()
            .map(|value| graph.values.get(value.index()).and_then(|v| v.tensor_type.clone()))
            .collect();
        let outputs = builder.node(node.op, inputs, types, node.provenance);
        for (old, new) in node.outputs.iter().zip(outputs) {
            if let Some(slot) = places.get_mut(old.index()) {
                *slot = Some(new);
            }
        }
    }
    let outputs = graph.outputs.iter().filter_map(|value| place(&places, value)).collect();
    builder.finish(outputs)
}

/// Which values the kept nodes and the results use.
fn used_values(nodes: &[Node], keep: &[bool], outputs: &[ValueId]) -> Vec<bool> {
    let kept = nodes.iter().zip(keep).filter(|(_, keep)| **keep);
    let ids = kept.flat_map(|(node, _)| &node.inputs).chain(outputs);
    let mut used = Vec::new();
    for id in ids {
        if used.len() <= id.index() {
            used.resize(id.index() + 1, false);
        }
        if let Some(slot) = used.get_mut(id.index()) {
            *slot = true;
        }
    }
    used
}
