//! Attention and sums of products as ONNX operators.

use super::super::EmitError;
use super::attribute::{int, ints, signed, string};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::op::{Attention, Bilinear, Einsum};

/// softmax(query · keyᵀ · scale + mask) · value.
pub(super) fn attention(
    builder: &mut Builder<'_>,
    operands: &Operands,
    attention: &Attention,
) -> Result<(), EmitError> {
    let Some(features) = operands.input_dims(0).last().and_then(|dim| dim.known()) else {
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
        scores = masked(builder, operands, scores);
    }
    if attention.is_causal {
        scores = causal(builder, operands, scores)?;
    }
    let weights = builder.apply("Softmax", vec![scores], vec![int("axis", -1)]);
    builder.push("MatMul", vec![weights, operands.input(2)], operands.output(0), vec![]);
    Ok(())
}

/// A mask of numbers is added; one of truth values says what is seen.
fn masked(builder: &mut Builder<'_>, operands: &Operands, scores: String) -> String {
    if operands.input_dtype(3).is_float() {
        return builder.apply("Add", vec![scores, operands.input(3)], vec![]);
    }
    let unseen = builder.number(f64::NEG_INFINITY);
    builder.apply("Where", vec![operands.input(3), scores, unseen], vec![])
}

/// Positions see only earlier ones: −∞ is added above the diagonal.
fn causal(
    builder: &mut Builder<'_>,
    operands: &Operands,
    scores: String,
) -> Result<String, EmitError> {
    let length = |operand: usize| operands.input_dims(operand).iter().rev().nth(1)?.known();
    let (Some(rows), Some(columns)) = (length(0), length(1)) else {
        return Err(operands.unsupported("a sequence as long as the batch"));
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let mask: Vec<f32> =
        places.map(|(row, column)| if column > row { f32::NEG_INFINITY } else { 0.0 }).collect();
    let name = builder.temporary();
    builder.floats(&name, &[rows, columns], &mask);
    Ok(builder.apply("Add", vec![scores, name], vec![]))
}

/// leftᵀ · weight · right + bias for each output feature.
pub(super) fn bilinear(
    builder: &mut Builder<'_>,
    operands: &Operands,
    bilinear: &Bilinear,
) -> Result<(), EmitError> {
    let lead: String = ('a'..='h').take(operands.input_dims(0).len().saturating_sub(1)).collect();
    let equation = format!("{lead}i,oij,{lead}j->{lead}o");
    let inputs = vec![operands.input(0), operands.input(2), operands.input(1)];
    let attributes = vec![string("equation", &equation)];
    if !bilinear.bias {
        builder.push("Einsum", inputs, operands.output(0), attributes);
        return Ok(());
    }
    let product = builder.apply("Einsum", inputs, attributes);
    builder.push("Add", vec![product, operands.input(3)], operands.output(0), vec![]);
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
