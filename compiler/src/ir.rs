//! The typed graph that everything behind the compiler works on. Knows no Python.

pub mod builder;
mod display;
pub mod graph;
pub mod op;
pub mod types;
pub mod verify;

pub use builder::GraphBuilder;
pub use graph::{
    CheckedGraph, Graph, Init, Module, ModuleId, ModulePath, Node, NodeId, Param, ParamId,
    ParamKind, Producer, Provenance, Value, ValueId,
};
pub use op::Op;
pub use types::{DType, Dim, Shape, TensorType};
