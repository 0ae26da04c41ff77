//! What a node of the network takes and makes, by the names and types that it has in the file.

use super::super::EmitError;
use super::super::fold::Fold;
use super::builder::Builder;
use crate::ir::{DType, Dim, Node, TensorType, ValueId};
use crate::source::Span;

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

    /// The operands of a node that takes over a batch norm.
    pub fn folded(
        builder: &mut Builder<'_>,
        node: &Node,
        fold: &Fold,
    ) -> Result<Operands, EmitError> {
        let mut operands = Operands::new(builder, node)?;
        let shape = operands.input_types.get(1).map(|weight| weight.shape.clone());
        let extents: Vec<u64> =
            shape.iter().flat_map(|shape| &shape.0).filter_map(|dim| dim.known()).collect();
        let [weight, bias] = [builder.temporary(), builder.temporary()];
        builder.floats(&weight, &extents, &fold.weight);
        builder.floats(&bias, &[fold.bias.len() as u64], &fold.bias);
        operands.inputs.truncate(1);
        operands.inputs.extend([weight, bias]);
        operands.outputs = vec![builder.define(fold.output)];
        operands.output_values = vec![fold.output];
        Ok(operands)
    }

    /// Name of the operand at `index`; empty (left out) if there is none.
    pub fn input(&self, index: usize) -> String {
        self.inputs.get(index).cloned().unwrap_or_default()
    }

    /// Element type of the operand at `index`.
    pub fn input_dtype(&self, index: usize) -> DType {
        self.input_types.get(index).map_or(DType::F32, |found| found.dtype)
    }

    /// Element type of the first result.
    pub fn output_dtype(&self) -> DType {
        self.output_types.first().map_or(DType::F32, |found| found.dtype)
    }

    /// Name of the operand at `index` under another element type.
    pub fn input_as(&self, builder: &mut Builder<'_>, index: usize, dtype: DType) -> String {
        builder.converted(self.input(index), self.input_dtype(index), dtype)
    }

    /// Names of all operands under the element type of the result.
    pub fn inputs_as_output(&self, builder: &mut Builder<'_>) -> Vec<String> {
        let dtype = self.output_dtype();
        (0..self.inputs.len()).map(|index| self.input_as(builder, index, dtype)).collect()
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

    /// The value that the first result is.
    pub fn output_value(&self) -> Option<ValueId> {
        self.output_values.first().copied()
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
