//! The typed graph: nodes in execution order, the values they make, parameters, and the modules
//! they came from. SSA: every value has one producer. Deliberately not here: inference of types
//! (`shape`), Python (`eval`); a graph has spans but no syntax.

use std::sync::Arc;

use super::op::Op;
use super::types::{DType, Shape, TensorType};
use crate::source::Span;

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index_type!(
    /// A node of a graph.
    NodeId
);
index_type!(
    /// A value of a graph: an input, a parameter, or a result of a node.
    ValueId
);
index_type!(
    /// A parameter or buffer of a graph.
    ParamId
);
index_type!(
    /// A module of a graph; 0 is the network itself.
    ModuleId
);

/// Name of a module or parameter as in a state dict: `layer1.0.conv2`; empty for the network itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Arc<str>);

impl ModulePath {
    /// The network itself.
    #[must_use]
    pub fn root() -> ModulePath {
        ModulePath(Arc::from(""))
    }

    /// The member `name` of this module.
    #[must_use]
    pub fn join(&self, name: &str) -> ModulePath {
        if self.0.is_empty() {
            ModulePath(Arc::from(name))
        } else {
            ModulePath(format!("{}.{name}", self.0).into())
        }
    }

    /// The dotted form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ModulePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a node comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The call in `forward`.
    pub call: Span,
    /// Where its layer was declared, if it has one.
    pub declared: Option<Span>,
    /// The module whose layer it is, or whose `forward` called a function.
    pub module: ModuleId,
    /// Whether arithmetic or softmax was called by its name in `torch` or as a method, so
    /// `torch.matmul(a, b)` and not `a @ b`, `x.softmax(1)` and not `F.softmax(x, 1)`. They compute
    /// the same, but some counters see only one of them.
    pub by_name: bool,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Operands, in the order that [`Op`] documents.
    pub inputs: Vec<ValueId>,
    /// Results.
    pub outputs: Vec<ValueId>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// What makes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Producer {
    /// An input of the network, by position.
    Input(u32),
    /// A parameter or buffer.
    Param(ParamId),
    /// A result of a node, by position.
    Node(NodeId, u32),
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What makes it.
    pub producer: Producer,
    /// Its type; `None` if a mistake upstream left it unknown (never in a checked graph).
    pub tensor_type: Option<TensorType>,
}

/// Whether training changes a tensor, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamKind {
    /// Updated by the optimiser.
    Trainable,
    /// A parameter with `requires_grad=False`.
    Frozen,
    /// A buffer in the state dict, such as running statistics.
    Buffer,
    /// A buffer that the state dict leaves out.
    TransientBuffer,
    /// A tensor that no module registered, such as the weight of a layer in a plain list: not in
    /// the state dict, and neither parameter nor buffer.
    Unregistered,
}

impl ParamKind {
    /// Whether it counts as a parameter and not as a buffer.
    #[must_use]
    pub const fn is_parameter(self) -> bool {
        matches!(self, ParamKind::Trainable | ParamKind::Frozen)
    }

    /// Whether it counts as a buffer.
    #[must_use]
    pub const fn is_buffer(self) -> bool {
        matches!(self, ParamKind::Buffer | ParamKind::TransientBuffer)
    }
}

/// How a parameter starts, as PyTorch does it.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// All elements equal.
    Constant(f64),
    /// Uniform in `[low, high)`.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// These elements, in row-major order.
    Elements(std::sync::Arc<[f64]>),
}

/// One parameter or buffer. Shared tensors are one entry under their first name.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Name in the state dict.
    pub path: ModulePath,
    /// Owner.
    pub module: ModuleId,
    /// Element type.
    pub dtype: DType,
    /// Extents, all known.
    pub shape: Vec<u64>,
    /// Whether and how training changes it.
    pub kind: ParamKind,
    /// How it starts.
    pub init: Init,
}

impl Param {
    /// Number of elements; saturates.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product: u64, &extent| product.saturating_mul(extent))
    }

    /// Its type as a value.
    #[must_use]
    pub fn tensor_type(&self) -> TensorType {
        TensorType { dtype: self.dtype, shape: Shape::known(&self.shape) }
    }
}

/// One registered module.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Name in the state dict.
    pub path: ModulePath,
    /// Name of its class.
    pub class_name: Arc<str>,
    /// The class of `torch.nn` that it is or derives from, without prefix (`Conv2d`); `None` for
    /// modules that derive from `nn.Module` directly.
    pub layer: Option<Arc<str>>,
    /// Whether its class is one of the program that derives from `layer`.
    pub is_derived: bool,
    /// Its width: `out_channels` of a convolution, `out_features` of a linear layer.
    pub out_features: Option<u64>,
    /// Who registered it; `None` for the network itself.
    pub parent: Option<ModuleId>,
    /// Where it was constructed.
    pub declared: Option<Span>,
}

/// A graph that may still hold values of unknown type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// Inputs in order.
    pub inputs: Vec<ValueId>,
    /// Results in order.
    pub outputs: Vec<ValueId>,
    /// Nodes in execution order.
    pub nodes: Vec<Node>,
    /// Values.
    pub values: Vec<Value>,
    /// Parameters and buffers in the order of the state dict.
    pub params: Vec<Param>,
    /// Modules, parents before children; the first is the network.
    pub modules: Vec<Module>,
}

impl Graph {
    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// A value.
    #[must_use]
    pub fn value(&self, id: ValueId) -> Option<&Value> {
        self.values.get(id.index())
    }

    /// The type of a value, if it is known.
    #[must_use]
    pub fn tensor_type(&self, id: ValueId) -> Option<&TensorType> {
        self.value(id).and_then(|value| value.tensor_type.as_ref())
    }

    /// A parameter.
    #[must_use]
    pub fn param(&self, id: ParamId) -> Option<&Param> {
        self.params.get(id.index())
    }

    /// A module.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.index())
    }

    /// Nodes with their ids, in execution order.
    pub fn nodes_with_ids(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes)
    }
}

/// A graph whose every value has a type and whose structure was verified. Only `shape::check`
/// makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedGraph(Graph);

impl CheckedGraph {
    /// For `shape::check` alone.
    pub(crate) fn from_verified(graph: Graph) -> CheckedGraph {
        CheckedGraph(graph)
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.0
    }
}

impl std::ops::Deref for CheckedGraph {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.0
    }
}
