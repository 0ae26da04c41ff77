//! What a checked network costs: parameters, multiply-accumulates, activations, and the two
//! numbers that describe its form. Per one sample. Deliberately not here: measured times, and the
//! layout of tables.

mod convention;
mod descriptors;
mod einsum;
mod family;
mod formula;
mod liveness;
mod memory;
mod rules;
mod training;

use std::collections::BTreeSet;

pub use convention::{Convention, Row};
pub use descriptors::{depth, width, width_to_depth};
pub use family::{Family, family};
pub use formula::Formula;
pub use memory::{MemoryConfig, MemoryReport, all_activation_bytes, memory, peak_activation_bytes};
pub use rules::{Rule, macs, rule};
pub use training::peak_training_bytes;

use crate::ir::{CheckedGraph, Graph, Module, Node, ParamId, ParamKind, Producer, Shape};
use crate::source::Span;

/// One call of a layer, or of a function that costs something.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerCost {
    /// Path of the layer; for a function, of the module whose `forward` calls it.
    pub path: String,
    /// Class of the layer (`Conv2d`), or name of the operation (`matmul`).
    pub type_name: String,
    /// Shape of the first result.
    pub output: Shape,
    /// Elements of the parameters that no earlier row counted.
    pub params: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Where it is called.
    pub call: Span,
    /// Where the layer is declared.
    pub declared: Option<Span>,
}

/// Totals and rows of a network for one sample. All figures saturate.
#[derive(Debug, Clone, PartialEq)]
pub struct CostReport {
    /// How it was counted.
    pub convention: Convention,
    /// Elements of all parameters, used or not; shared ones once.
    pub params: u64,
    /// Those of them that training updates.
    pub trainable_params: u64,
    /// Elements of all buffers.
    pub buffers: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Registered layers.
    pub depth: u64,
    /// Largest number of output channels or features.
    pub width: u64,
    /// Width divided by depth; 0 without layers.
    pub width_to_depth: f64,
    /// Most bytes of values alive at once in inference.
    pub peak_activation_bytes: u64,
    /// Rows in execution order.
    pub layers: Vec<LayerCost>,
}

/// The cost of `graph` under nasc's own convention.
#[must_use]
pub fn analyze(graph: &CheckedGraph) -> CostReport {
    analyze_as(graph, Convention::Nasc)
}

/// The cost of `graph` under a convention. Only `macs` and `flops` depend on it.
#[must_use]
pub fn analyze_as(graph: &CheckedGraph, convention: Convention) -> CostReport {
    let layers = layers(graph, convention);
    let macs = layers.iter().fold(0u64, |sum, layer| sum.saturating_add(layer.macs));
    CostReport {
        convention,
        params: elements(graph, ParamKind::is_parameter),
        trainable_params: elements(graph, |kind| kind == ParamKind::Trainable),
        buffers: elements(graph, ParamKind::is_buffer),
        macs,
        flops: macs.saturating_mul(convention.flops_per_mac()),
        depth: depth(graph),
        width: width(graph),
        width_to_depth: width_to_depth(graph),
        peak_activation_bytes: peak_activation_bytes(graph, 1),
        layers,
    }
}

fn elements(graph: &Graph, wanted: impl Fn(ParamKind) -> bool) -> u64 {
    let params = graph.params.iter().filter(|param| wanted(param.kind));
    params.fold(0u64, |sum, param| sum.saturating_add(param.elements()))
}

fn layers(graph: &Graph, convention: Convention) -> Vec<LayerCost> {
    let mut counted = BTreeSet::new();
    let mut rows: Vec<(&Node, LayerCost)> = Vec::new();
    for node in &graph.nodes {
        let row = row(graph, node, convention, &mut counted);
        match rows.last_mut() {
            Some((first, whole)) if same_composite(graph, first, node) => extend(whole, row),
            Some(_) | None => rows.push((node, row)),
        }
    }
    let is_row = |(node, row): &(&Node, LayerCost)| {
        layer(graph, node).is_some() || row.macs > 0 || row.params > 0
    };
    rows.into_iter().filter(is_row).map(|(_, row)| row).collect()
}

/// The layer that a node belongs to, if it is no function called by a module of the user.
fn layer<'a>(graph: &'a Graph, node: &Node) -> Option<&'a Module> {
    graph.module(node.provenance.module).filter(|module| module.layer.is_some())
}

/// Layers that are one call and several nodes.
const COMPOSITE_LAYERS: &[&str] = &[
    "MultiheadAttention",
    "TransformerEncoderLayer",
    "TransformerDecoderLayer",
    "LSTMCell",
    "GRUCell",
    "RNNCell",
];

fn same_composite(graph: &Graph, first: &Node, node: &Node) -> bool {
    let composite = layer(graph, first)
        .and_then(|module| module.layer.as_deref())
        .is_some_and(|name| COMPOSITE_LAYERS.contains(&name));
    composite && first.provenance == node.provenance
}

fn extend(whole: &mut LayerCost, part: LayerCost) {
    whole.macs = whole.macs.saturating_add(part.macs);
    whole.params = whole.params.saturating_add(part.params);
    whole.output = part.output;
}

fn row(
    graph: &Graph,
    node: &Node,
    convention: Convention,
    counted: &mut BTreeSet<ParamId>,
) -> LayerCost {
    let result = node.outputs.first().and_then(|&id| graph.tensor_type(id));
    let module = graph.module(node.provenance.module);
    LayerCost {
        path: module.map_or_else(String::new, |module| module.path.to_string()),
        type_name: layer(graph, node)
            .map_or_else(|| node.op.name().to_string(), |module| module.class_name.to_string()),
        output: result.map_or(Shape(Vec::new()), |result| result.shape.clone()),
        params: new_params(graph, node, counted),
        macs: convention.count(graph, node),
        call: node.provenance.call,
        declared: node.provenance.declared,
    }
}

fn new_params(graph: &Graph, node: &Node, counted: &mut BTreeSet<ParamId>) -> u64 {
    let mut sum = 0u64;
    for &id in &node.inputs {
        let Some(Producer::Param(id)) = graph.value(id).map(|value| value.producer) else {
            continue;
        };
        let Some(param) = graph.param(id).filter(|param| param.kind.is_parameter()) else {
            continue;
        };
        if counted.insert(id) {
            sum = sum.saturating_add(param.elements());
        }
    }
    sum
}
