//! The graph as a document for other tools, without the weights, and the way back. `docs/graph.md`
//! describes it; a change that breaks a reader gets another [`VERSION`]. Deliberately not here: JSON
//! text, which `serde` makes of a [`Document`].

mod arrangement;
mod attribute;
mod fields;
mod layer;
mod operation;
mod read;
mod real;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::attribute::{Attribute, attributes};
pub use self::read::{ReadError, read};
pub use self::real::Real;
use crate::ir::{CheckedGraph, Dim, Init, ParamKind, Producer, Shape, ValueId};

/// A word of the format.
pub type Word = Cow<'static, str>;

/// The name of the format.
pub const FORMAT: &str = "nasc-graph";

/// The version of the format.
pub const VERSION: u32 = 1;

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// `nasc-graph`.
    pub format: Word,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the network.
    pub name: String,
    /// What is known of it besides the graph.
    pub metadata: BTreeMap<String, String>,
    /// Inputs in order.
    pub inputs: Vec<Tensor>,
    /// Parameters and buffers in the order of the state dict.
    pub params: Vec<Param>,
    /// Operations in execution order.
    pub nodes: Vec<Node>,
    /// Numbers of the values that are the results.
    pub outputs: Vec<u32>,
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its number.
    pub value: u32,
    /// Element type, such as `f32`.
    pub dtype: Word,
    /// Extents.
    pub shape: Vec<Extent>,
}

/// An extent: a number, or a multiple of the batch size such as `N` or `2N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extent {
    /// A known extent.
    Known(u64),
    /// A multiple of the batch size.
    Batch(String),
}

/// A parameter or buffer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// The value that it is; null if no operation uses it.
    pub value: Option<u32>,
    /// Its name in the state dict.
    pub name: String,
    /// Element type.
    pub dtype: Word,
    /// Extents.
    pub shape: Vec<u64>,
    /// `trainable`, `frozen`, `buffer`, `transient` (not in the state dict) or `unregistered`.
    pub kind: Word,
    /// The elements of a tensor that the state dict leaves out, or the number that all of them are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements: Option<Constant>,
}

/// Elements that are known without weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Constant {
    /// All the same.
    Filled(Real),
    /// In row-major order.
    Elements(Vec<Real>),
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, such as `conv2d`.
    pub op: Word,
    /// Its attributes.
    pub attributes: BTreeMap<Word, Attribute>,
    /// Numbers of the operands.
    pub inputs: Vec<u32>,
    /// Results.
    pub outputs: Vec<Tensor>,
    /// The module whose layer it is, as in a state dict; empty for the network itself.
    pub module: String,
}

/// The document of a network.
#[must_use]
pub fn document(graph: &CheckedGraph, name: &str, metadata: BTreeMap<String, String>) -> Document {
    Document {
        format: FORMAT.into(),
        version: VERSION,
        name: name.to_owned(),
        metadata,
        inputs: graph.inputs.iter().filter_map(|&id| tensor(graph, id)).collect(),
        params: params(graph),
        nodes: graph.nodes.iter().map(|found| node(graph, found)).collect(),
        outputs: graph.outputs.iter().map(|id| id.0).collect(),
    }
}

fn tensor(graph: &CheckedGraph, id: ValueId) -> Option<Tensor> {
    let found = graph.tensor_type(id)?;
    Some(Tensor { value: id.0, dtype: found.dtype.name().into(), shape: extents(&found.shape) })
}

/// The extents of a shape.
pub(crate) fn extents(shape: &Shape) -> Vec<Extent> {
    let extent = |dim: &Dim| match dim {
        Dim::Known(extent) => Extent::Known(*extent),
        Dim::Batch { .. } => Extent::Batch(dim.to_string()),
    };
    shape.0.iter().map(extent).collect()
}

fn params(graph: &CheckedGraph) -> Vec<Param> {
    let values = (0u32..).zip(&graph.values).filter_map(|(id, value)| match value.producer {
        Producer::Param(param) => Some((param, id)),
        Producer::Input(_) | Producer::Node(..) => None,
    });
    let values: BTreeMap<_, _> = values.collect();
    let param = |(id, param): (u32, &crate::ir::Param)| Param {
        value: values.get(&crate::ir::ParamId(id)).copied(),
        name: param.path.to_string(),
        dtype: param.dtype.name().into(),
        shape: param.shape.clone(),
        kind: kind(param.kind).into(),
        elements: constant(param),
    };
    (0u32..).zip(&graph.params).map(param).collect()
}

/// The elements of a parameter that no state dict holds.
fn constant(param: &crate::ir::Param) -> Option<Constant> {
    match (param.kind, &param.init) {
        (ParamKind::Trainable | ParamKind::Frozen | ParamKind::Buffer, _) => None,
        (_, Init::Constant(number)) => Some(Constant::Filled(Real(*number))),
        (_, Init::Elements(elements)) => {
            Some(Constant::Elements(elements.iter().copied().map(Real).collect()))
        }
        (_, Init::Uniform { .. } | Init::Normal { .. }) => None,
    }
}

const fn kind(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Trainable => "trainable",
        ParamKind::Frozen => "frozen",
        ParamKind::Buffer => "buffer",
        ParamKind::TransientBuffer => "transient",
        ParamKind::Unregistered => "unregistered",
    }
}

fn node(graph: &CheckedGraph, node: &crate::ir::Node) -> Node {
    let module = graph.module(node.provenance.module);
    Node {
        op: node.op.name().into(),
        attributes: attributes(&node.op),
        inputs: node.inputs.iter().map(|id| id.0).collect(),
        outputs: node.outputs.iter().filter_map(|&id| tensor(graph, id)).collect(),
        module: module.map(|module| module.path.to_string()).unwrap_or_default(),
    }
}
