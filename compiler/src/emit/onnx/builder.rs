//! Collects nodes, constants and names of an ONNX graph while a network is walked.
//! Deliberately not here: which operators a network's operation becomes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{EmitError, Weights};
use super::attribute::{element_type, int, signed, signed_all, type_proto};
use super::message::{
    AttributeProto, GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto, data_type,
};
use super::operands::Operands;
use crate::ir::{CheckedGraph, DType, Dim, Init, Param, Producer, ValueId};

/// An ONNX graph under construction.
pub(super) struct Builder<'a> {
    /// The network.
    pub graph: &'a CheckedGraph,
    weights: &'a Weights<'a>,
    /// Operator set that is written.
    pub opset: i64,
    names: BTreeMap<ValueId, String>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    constants: BTreeMap<Vec<i64>, String>,
    batch: BTreeMap<u64, String>,
    declared: BTreeMap<ValueId, ValueInfoProto>,
    temporaries: usize,
}

impl<'a> Builder<'a> {
    pub fn new(graph: &'a CheckedGraph, weights: &'a Weights<'a>, opset: i64) -> Builder<'a> {
        Builder {
            graph,
            weights,
            opset,
            names: BTreeMap::new(),
            nodes: Vec::new(),
            initializers: Vec::new(),
            constants: BTreeMap::new(),
            batch: BTreeMap::new(),
            declared: BTreeMap::new(),
            temporaries: 0,
        }
    }

    /// The name of a value; parameters become initializers when they are first used.
    pub fn value_name(&mut self, id: ValueId) -> Result<String, EmitError> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let name = match self.graph.value(id).map(|value| value.producer) {
            Some(Producer::Param(param)) => self.param_name(param)?,
            Some(Producer::Input(position)) => format!("input{}", suffix(position)),
            Some(Producer::Node(..)) | None => format!("value{}", id.0),
        };
        self.names.insert(id, name.clone());
        Ok(name)
    }

    /// A parameter as an initializer.
    fn param_name(&mut self, id: crate::ir::ParamId) -> Result<String, EmitError> {
        let Some(param) = self.graph.param(id) else { return Ok(String::new()) };
        let name = param.path.as_str().to_owned();
        if !param.dtype.is_float() {
            let elements: Vec<i64> = initial(param).iter().map(|&element| element as i64).collect();
            self.whole_numbers(&name, &signed_all(&param.shape), &elements);
            return Ok(self.converted(name, DType::I64, param.dtype));
        }
        let elements = super::super::elements(param, self.weights)?;
        self.floats(&name, &param.shape, &elements);
        Ok(self.converted(name, DType::F32, param.dtype))
    }

    /// A value under another element type.
    pub fn converted(&mut self, name: String, from: DType, to: DType) -> String {
        if from == to {
            return name;
        }
        self.apply("Cast", vec![name], vec![int("to", i64::from(element_type(to)))])
    }

    /// A vector of one integer: the batch size times a factor, read off an input.
    fn batch_size(&mut self, factor: u64) -> Option<String> {
        if let Some(name) = self.batch.get(&factor) {
            return Some(name.clone());
        }
        let (input, axis, own) = self.symbolic_input()?;
        let input = self.value_name(input).ok()?;
        let shape = self.apply("Shape", vec![input], vec![]);
        let axis = self.integers(&[signed(axis as u64)]);
        let mut size = self.apply("Gather", vec![shape, axis], vec![int("axis", 0)]);
        if own != 1 {
            let own = self.integers(&[signed(own)]);
            size = self.apply("Div", vec![size, own], vec![]);
        }
        if factor != 1 {
            let factor = self.integers(&[signed(factor)]);
            size = self.apply("Mul", vec![size, factor], vec![]);
        }
        self.batch.insert(factor, size.clone());
        Some(size)
    }

    /// An input with an axis that depends on the batch, the axis, and its factor.
    fn symbolic_input(&self) -> Option<(ValueId, usize, u64)> {
        self.graph.inputs.iter().find_map(|&id| {
            let dims = &self.graph.tensor_type(id)?.shape.0;
            dims.iter().enumerate().find_map(|(axis, dim)| match dim {
                Dim::Batch { factor } => Some((id, axis, *factor)),
                Dim::Known(_) => None,
            })
        })
    }

    /// A vector of extents, computed where they depend on the batch.
    pub fn extents(&mut self, dims: &[Dim]) -> String {
        let known: Option<Vec<i64>> = dims.iter().map(|dim| dim.known().map(signed)).collect();
        if let Some(known) = known {
            return self.integers(&known);
        }
        let parts = dims.iter().map(|dim| match dim {
            Dim::Known(extent) => self.integers(&[signed(*extent)]),
            // a checked graph has a batch dimension only if an input has one
            Dim::Batch { factor } => self.batch_size(*factor).unwrap_or_default(),
        });
        let parts = parts.collect();
        self.apply("Concat", parts, vec![int("axis", 0)])
    }

    /// The elements of the parameter behind a value; `None` if it is computed.
    pub fn param_elements(&self, id: ValueId) -> Result<Option<&'a [f32]>, EmitError> {
        match self.graph.value(id).map(|value| value.producer) {
            Some(Producer::Param(param)) => {
                self.graph.param(param).map(|param| self.weights.get(param)).transpose()
            }
            Some(Producer::Input(_) | Producer::Node(..)) | None => Ok(None),
        }
    }

    pub fn define(&mut self, id: ValueId) -> String {
        let position = self.graph.outputs.iter().position(|&output| output == id);
        let name = match position.and_then(|position| u32::try_from(position).ok()) {
            Some(position) => format!("output{}", suffix(position)),
            None => format!("value{}", id.0),
        };
        self.names.insert(id, name.clone());
        name
    }

    /// Lets the first result be the first operand, without an operation where possible.
    pub fn alias(&mut self, operands: &Operands) -> Result<(), EmitError> {
        let Some(output) = operands.output_value() else { return Ok(()) };
        if self.graph.outputs.contains(&output) {
            self.push("Identity", vec![operands.input(0)], operands.output(0), vec![]);
        } else {
            self.names.insert(output, operands.input(0));
        }
        Ok(())
    }

    /// Appends an operation with one result.
    pub fn push(
        &mut self,
        op_type: &str,
        input: Vec<String>,
        output: String,
        attribute: Vec<AttributeProto>,
    ) {
        self.push_many(op_type, input, vec![output], attribute);
    }

    /// Appends an operation.
    pub fn push_many(
        &mut self,
        op_type: &str,
        input: Vec<String>,
        output: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) {
        let name = format!("{op_type}_{}", self.nodes.len());
        let op_type = op_type.to_owned();
        self.nodes.push(NodeProto { input, output, name, op_type, attribute });
    }

    /// Appends an operation whose result has a name of its own; returns the name.
    pub fn apply(
        &mut self,
        op_type: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let output = self.temporary();
        self.push(op_type, input, output.clone(), attribute);
        output
    }

    /// A name that nothing else has.
    pub fn temporary(&mut self) -> String {
        self.temporaries += 1;
        format!("temporary{}", self.temporaries)
    }

    /// A float constant under a name.
    pub fn floats(&mut self, name: &str, shape: &[u64], elements: &[f32]) {
        self.initializers.push(TensorProto {
            dims: shape.iter().map(|&extent| signed(extent)).collect(),
            data_type: data_type::FLOAT,
            name: name.to_owned(),
            raw_data: elements.iter().flat_map(|element| element.to_le_bytes()).collect(),
        });
    }

    /// A float number; returns its name.
    pub fn number(&mut self, value: f64) -> String {
        self.number_of(value, DType::F32)
    }

    /// A number of an element type; returns its name.
    #[expect(clippy::cast_possible_truncation, reason = "networks are exported in 32-bit floats")]
    pub fn number_of(&mut self, value: f64, dtype: DType) -> String {
        let name = self.temporary();
        if dtype.is_float() {
            self.floats(&name, &[], &[value as f32]);
            return self.converted(name, DType::F32, dtype);
        }
        self.whole_numbers(&name, &[], &[value as i64]);
        self.converted(name, DType::I64, dtype)
    }

    /// A vector of integers; returns its name. Equal vectors share one constant.
    pub fn integers(&mut self, elements: &[i64]) -> String {
        if let Some(name) = self.constants.get(elements) {
            return name.clone();
        }
        let name = format!("integers{}", self.constants.len());
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        self.whole_numbers(&name, &[length], elements);
        self.constants.insert(elements.to_vec(), name.clone());
        name
    }

    fn whole_numbers(&mut self, name: &str, dims: &[i64], elements: &[i64]) {
        self.initializers.push(TensorProto {
            dims: dims.to_vec(),
            data_type: data_type::INT64,
            name: name.to_owned(),
            raw_data: elements.iter().flat_map(|element| element.to_le_bytes()).collect(),
        });
    }

    /// Lets an input of the file have a name and type of its own.
    pub fn declare(&mut self, id: ValueId, name: &str, tensor_type: TypeProto) {
        let info = ValueInfoProto { name: name.to_owned(), r#type: Some(tensor_type) };
        self.declared.insert(id, info);
    }

    /// Lets operations find a value under another name.
    pub fn rename(&mut self, id: ValueId, name: String) {
        self.names.insert(id, name);
    }

    /// Ends the graph with inputs and outputs, and drops constants that nothing uses, such as batch
    /// norm's counters.
    pub fn finish(mut self, name: &str) -> Result<GraphProto, EmitError> {
        let inputs: Vec<ValueId> = self.graph.inputs.clone();
        let outputs: Vec<ValueId> = self.graph.outputs.clone();
        let input = self.value_infos(&inputs)?;
        self.name_results(&outputs)?;
        let mut output = self.value_infos(&outputs)?;
        for (position, info) in (0u32..).zip(&mut output) {
            info.name = format!("output{}", suffix(position));
        }
        let used: BTreeSet<&String> = self.nodes.iter().flat_map(|node| &node.input).collect();
        self.initializers.retain(|tensor| used.contains(&tensor.name));
        Ok(GraphProto {
            node: self.nodes,
            name: name.to_owned(),
            initializer: self.initializers,
            input,
            output,
        })
    }

    /// Copies results that are not made under a name of their own: inputs, parameters, and what is
    /// a result twice.
    fn name_results(&mut self, ids: &[ValueId]) -> Result<(), EmitError> {
        for (position, &id) in (0u32..).zip(ids) {
            let wanted = format!("output{}", suffix(position));
            let name = self.value_name(id)?;
            if name != wanted {
                self.push("Identity", vec![name], wanted, vec![]);
            }
        }
        Ok(())
    }

    fn value_infos(&mut self, ids: &[ValueId]) -> Result<Vec<ValueInfoProto>, EmitError> {
        let mut infos = Vec::with_capacity(ids.len());
        for &id in ids {
            if let Some(info) = self.declared.get(&id) {
                infos.push(info.clone());
                continue;
            }
            let name = self.value_name(id)?;
            let tensor_type = self.graph.tensor_type(id).map(type_proto);
            infos.push(ValueInfoProto { name, r#type: tensor_type });
        }
        Ok(infos)
    }
}

/// The first elements of a parameter that is no float.
fn initial(param: &Param) -> Vec<f64> {
    match &param.init {
        Init::Elements(elements) => elements.to_vec(),
        Init::Constant(number) => vec![*number; usize::try_from(param.elements()).unwrap_or(0)],
        Init::Uniform { .. } | Init::Normal { .. } => Vec::new(),
    }
}

fn suffix(position: u32) -> String {
    if position == 0 { String::new() } else { position.to_string() }
}
