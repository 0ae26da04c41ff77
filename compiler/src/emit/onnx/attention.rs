//! Attention and sums of products as ONNX operators.

use super::super::EmitError;
use super::builder::{Builder, Operands, int, ints, signed, string};
use crate::ir::op::{Attention, Einsum};

/// softmax(query · keyᵀ · scale + mask) · value.
pub(super) fn attention(
    builder: &mut Builder<'_>,
    operands: &Operands,
    attention: &Attention,
) -> Result<(), EmitError> {
    if attention.is_causal {
        return Err(operands.unsupported("causal attention"));
    }
    let dims = operands.input_dims(0);
    let Some(features) = dims.last().and_then(|dim| dim.known()) else {
        return Err(operands.unsupported("features that depend on the batch"));
    };
    let rank = operands.input_dims(1).len();
    let mut order: Vec<i64> = (0..rank).map(|axis| signed(axis as u64)).collect();
    order.swap(rank.saturating_sub(1), rank.saturating_sub(2));
    let keys = builder.apply("Transpose", vec![operands.input(1)], vec![ints("perm", order)]);
    let scale = builder.number(attention.scale.unwrap_or(1.0 / (features as f64).sqrt()));
    let query = builder.apply("Mul", vec![operands.input(0), scale], vec![]);
    let mut scores = builder.apply("MatMul", vec![query, keys], vec![]);
    if attention.mask {
        let is_bool = operands.input_types.get(3).is_some_and(|mask| !mask.dtype.is_float());
        if is_bool {
            return Err(operands.unsupported("a mask of truth values"));
        }
        scores = builder.apply("Add", vec![scores, operands.input(3)], vec![]);
    }
    let weights = builder.apply("Softmax", vec![scores], vec![int("axis", -1)]);
    builder.push("MatMul", vec![weights, operands.input(2)], operands.output(0), vec![]);
    Ok(())
}

/// `torch.einsum` by its equation.
pub(super) fn einsum(
    builder: &mut Builder<'_>,
    operands: &Operands,
    einsum: &Einsum,
) -> Result<(), EmitError> {
    let labels: Vec<String> =
        einsum.operands.iter().map(|labels| labels.iter().collect()).collect();
    let output: String = einsum.output.iter().collect();
    let equation = format!("{}->{output}", labels.join(","));
    let attributes = vec![string("equation", &equation)];
    builder.push("Einsum", operands.inputs.clone(), operands.output(0), attributes);
    Ok(())
}
