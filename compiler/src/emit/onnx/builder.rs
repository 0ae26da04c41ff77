//! Collects nodes, constants and names of an ONNX graph while a network is walked.
//! Deliberately not here: which operators a network's operation becomes.

use std::collections::BTreeMap;

use super::super::{EmitError, Weights};
use super::message::{
    AttributeProto, DimensionProto, DimensionValue, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_type, data_type,
};
use crate::ir::{
    CheckedGraph, DType, Dim, Init, Node, ParamKind, Producer, Shape, TensorType, ValueId,
};
use crate::source::Span;

/// An ONNX graph under construction.
pub(super) struct Builder<'a> {
    graph: &'a CheckedGraph,
    weights: &'a Weights<'a>,
    /// Operator set that is written.
    pub opset: i64,
    names: BTreeMap<ValueId, String>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    constants: BTreeMap<Vec<i64>, String>,
    temporaries: usize,
}

/// The operands and results of a node, by name and type.
pub(super) struct Operands {
    /// Names of the operands.
    pub inputs: Vec<String>,
    /// Types of the operands.
    pub input_types: Vec<TensorType>,
    /// Names of the results.
    pub outputs: Vec<String>,
    /// Types of the results.
    pub output_types: Vec<TensorType>,
    operation: &'static str,
    call: Span,
    input_values: Vec<ValueId>,
    output_values: Vec<ValueId>,
}

impl Operands {
    pub fn new(builder: &mut Builder<'_>, node: &Node) -> Result<Operands, EmitError> {
        let inputs =
            node.inputs.iter().map(|&id| builder.value_name(id)).collect::<Result<_, _>>()?;
        let outputs = node.outputs.iter().map(|&id| builder.define(id)).collect();
        let types = |ids: &[ValueId]| {
            ids.iter().filter_map(|&id| builder.graph.tensor_type(id).cloned()).collect()
        };
        Ok(Operands {
            inputs,
            input_types: types(&node.inputs),
            outputs,
            output_types: types(&node.outputs),
            operation: node.op.name(),
            call: node.provenance.call,
            input_values: node.inputs.clone(),
            output_values: node.outputs.clone(),
        })
    }

    /// Name of the operand at `index`; empty (left out) if there is none.
    pub fn input(&self, index: usize) -> String {
        self.inputs.get(index).cloned().unwrap_or_default()
    }

    /// Name of the result at `index`.
    pub fn output(&self, index: usize) -> String {
        self.outputs.get(index).cloned().unwrap_or_default()
    }

    /// Shape of the operand at `index`.
    pub fn input_dims(&self, index: usize) -> &[Dim] {
        self.input_types.get(index).map_or(&[], |tensor_type| &tensor_type.shape.0)
    }

    /// Shape of the first result.
    pub fn output_dims(&self) -> &[Dim] {
        self.output_types.first().map_or(&[], |tensor_type| &tensor_type.shape.0)
    }

    /// The value behind the operand at `index`.
    pub fn input_value(&self, index: usize) -> Option<ValueId> {
        self.input_values.get(index).copied()
    }

    /// The error that this operation has no form.
    pub fn unsupported(&self, reason: impl Into<String>) -> EmitError {
        EmitError::Unsupported {
            target: "onnx",
            operation: self.operation,
            reason: reason.into(),
            call: self.call,
        }
    }
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
            temporaries: 0,
        }
    }

    /// The name of a value; parameters become initializers when they are first used.
    fn value_name(&mut self, id: ValueId) -> Result<String, EmitError> {
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

    fn param_name(&mut self, id: crate::ir::ParamId) -> Result<String, EmitError> {
        let Some(param) = self.graph.param(id) else { return Ok(String::new()) };
        let name = param.path.as_str().to_owned();
        if !param.dtype.is_float() {
            // Counters of batch norm have no elements of their own; evaluation does not read them.
            if let Init::Elements(elements) = &param.init {
                let elements: Vec<i64> = elements.iter().map(|&element| element as i64).collect();
                self.whole_numbers(&name, &signed_all(&param.shape), &elements);
            }
            return Ok(name);
        }
        match (param.kind, &param.init) {
            (ParamKind::TransientBuffer | ParamKind::Unregistered, Init::Elements(elements)) => {
                let elements: Vec<f32> = elements.iter().map(|&element| element as f32).collect();
                self.floats(&name, &param.shape, &elements);
            }
            (ParamKind::TransientBuffer | ParamKind::Unregistered, Init::Constant(number)) => {
                let count = usize::try_from(param.elements()).unwrap_or(0);
                self.floats(&name, &param.shape, &vec![*number as f32; count]);
            }
            _ => {
                let elements = self.weights.get(param)?;
                self.floats(&name, &param.shape, elements);
            }
        }
        Ok(name)
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

    fn define(&mut self, id: ValueId) -> String {
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
        let Some(&output) = operands.output_values.first() else { return Ok(()) };
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
    #[expect(clippy::cast_possible_truncation, reason = "networks are exported in 32-bit floats")]
    pub fn number(&mut self, value: f64) -> String {
        let name = self.temporary();
        self.floats(&name, &[], &[value as f32]);
        name
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

    /// Ends the graph with inputs and outputs.
    pub fn finish(mut self, name: &str) -> Result<GraphProto, EmitError> {
        let inputs: Vec<ValueId> = self.graph.inputs.clone();
        let outputs: Vec<ValueId> = self.graph.outputs.clone();
        let input = self.value_infos(&inputs)?;
        let output = self.value_infos(&outputs)?;
        Ok(GraphProto {
            node: self.nodes,
            name: name.to_owned(),
            initializer: self.initializers,
            input,
            output,
        })
    }

    fn value_infos(&mut self, ids: &[ValueId]) -> Result<Vec<ValueInfoProto>, EmitError> {
        let mut infos = Vec::with_capacity(ids.len());
        for &id in ids {
            let name = self.value_name(id)?;
            let tensor_type = self.graph.tensor_type(id).map(type_proto);
            infos.push(ValueInfoProto { name, r#type: tensor_type });
        }
        Ok(infos)
    }
}

fn suffix(position: u32) -> String {
    if position == 0 { String::new() } else { position.to_string() }
}

fn type_proto(tensor_type: &TensorType) -> TypeProto {
    TypeProto {
        tensor_type: Some(TensorTypeProto {
            elem_type: element_type(tensor_type.dtype),
            shape: Some(shape_proto(&tensor_type.shape)),
        }),
    }
}

fn shape_proto(shape: &Shape) -> TensorShapeProto {
    let dimension = |dim: &Dim| DimensionProto {
        value: Some(match dim {
            Dim::Known(extent) => DimensionValue::DimValue(signed(*extent)),
            Dim::Batch { .. } => DimensionValue::DimParam(dim.to_string()),
        }),
    };
    TensorShapeProto { dim: shape.0.iter().map(dimension).collect() }
}

/// The number of an element type in the format.
pub(super) const fn element_type(dtype: DType) -> i32 {
    match dtype {
        DType::F32 => data_type::FLOAT,
        DType::F64 => data_type::DOUBLE,
        DType::F16 => data_type::FLOAT16,
        DType::Bf16 => data_type::BFLOAT16,
        DType::I64 => data_type::INT64,
        DType::I32 => data_type::INT32,
        DType::U8 => data_type::UINT8,
        DType::Bool => data_type::BOOL,
    }
}

/// An extent as the format's integer; saturates.
pub(super) fn signed(extent: u64) -> i64 {
    i64::try_from(extent).unwrap_or(i64::MAX)
}

/// Extents as the format's integers.
pub(super) fn signed_all(extents: &[u64]) -> Vec<i64> {
    extents.iter().map(|&extent| signed(extent)).collect()
}

/// An integer attribute.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i, r#type: attribute_type::INT, ..Default::default() }
}

/// An attribute of several integers.
pub(super) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints,
        r#type: attribute_type::INTS,
        ..Default::default()
    }
}

/// A float attribute.
#[expect(clippy::cast_possible_truncation, reason = "the format's attributes are 32-bit floats")]
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f: value as f32,
        r#type: attribute_type::FLOAT,
        ..Default::default()
    }
}

/// A string attribute.
pub(super) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: value.as_bytes().to_vec(),
        r#type: attribute_type::STRING,
        ..Default::default()
    }
}

/// An attribute of several strings.
pub(super) fn strings(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        strings: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        r#type: attribute_type::STRINGS,
        ..Default::default()
    }
}
