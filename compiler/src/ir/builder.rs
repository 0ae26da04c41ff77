//! Appends inputs, parameters, modules and nodes to a graph and keeps its tables consistent.
//! Deliberately not here: inference; the caller brings the result types (see `shape::infer`).

use super::graph::{
    Graph, Module, ModuleId, Node, NodeId, Param, ParamId, Producer, Provenance, Value, ValueId,
};
use super::op::Op;
use super::types::TensorType;

/// A graph under construction.
#[derive(Debug, Clone, Default)]
pub struct GraphBuilder {
    graph: Graph,
    /// The value of each parameter that was used so far.
    param_values: Vec<Option<ValueId>>,
}

fn next_id(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl GraphBuilder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> GraphBuilder {
        GraphBuilder::default()
    }

    /// The graph so far.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Adds an input of the network.
    pub fn input(&mut self, tensor_type: TensorType) -> ValueId {
        let producer = Producer::Input(next_id(self.graph.inputs.len()));
        let value = self.value(producer, Some(tensor_type));
        self.graph.inputs.push(value);
        value
    }

    /// Registers a module.
    pub fn module(&mut self, module: Module) -> ModuleId {
        let id = ModuleId(next_id(self.graph.modules.len()));
        self.graph.modules.push(module);
        id
    }

    /// Registers a parameter or buffer.
    pub fn param(&mut self, param: Param) -> ParamId {
        let id = ParamId(next_id(self.graph.params.len()));
        self.graph.params.push(param);
        self.param_values.push(None);
        id
    }

    /// The value of a parameter; the same one at every use. `None` if there is no such parameter.
    pub fn param_value(&mut self, id: ParamId) -> Option<ValueId> {
        if let Some(value) = self.param_values.get(id.index()).copied()? {
            return Some(value);
        }
        let tensor_type = self.graph.param(id)?.tensor_type();
        let value = self.value(Producer::Param(id), Some(tensor_type));
        if let Some(slot) = self.param_values.get_mut(id.index()) {
            *slot = Some(value);
        }
        Some(value)
    }

    /// Appends a node; its results have the given types, `None` where they are unknown.
    pub fn node(
        &mut self,
        op: Op,
        inputs: Vec<ValueId>,
        result_types: Vec<Option<TensorType>>,
        provenance: Provenance,
    ) -> Vec<ValueId> {
        let id = NodeId(next_id(self.graph.nodes.len()));
        let outputs: Vec<ValueId> = (0u32..)
            .zip(result_types)
            .map(|(position, tensor_type)| self.value(Producer::Node(id, position), tensor_type))
            .collect();
        self.graph.nodes.push(Node { op, inputs, outputs: outputs.clone(), provenance });
        outputs
    }

    /// Ends the construction with the network's results.
    #[must_use]
    pub fn finish(mut self, outputs: Vec<ValueId>) -> Graph {
        self.graph.outputs = outputs;
        self.graph
    }

    fn value(&mut self, producer: Producer, tensor_type: Option<TensorType>) -> ValueId {
        let id = ValueId(next_id(self.graph.values.len()));
        self.graph.values.push(Value { producer, tensor_type });
        id
    }
}
