//! Scaled dot-product attention and sums of products over named dimensions.

use std::collections::BTreeMap;

use super::{ShapeError, broadcast::broadcast, count, operand, same_dtype};
use crate::ir::op::{Attention, Einsum};
use crate::ir::{Dim, Shape, TensorType};

/// Query `[.., L, E]`, key `[.., S, E]`, value `[.., S, V]`, mask broadcast to `[.., L, S]`;
/// result `[.., L, V]`.
pub(super) fn attention(
    attention: &Attention,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, 3 + usize::from(attention.mask))?;
    let (query, key, value) = (operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?);
    same_dtype(key.dtype, query.dtype)?;
    same_dtype(value.dtype, query.dtype)?;
    let (batch, length, features) = split(&query.shape)?;
    let (key_batch, keys, key_features) = split(&key.shape)?;
    let (value_batch, values, value_features) = split(&value.shape)?;
    expect_equal(features, key_features, &query.shape, &key.shape)?;
    expect_equal(keys, values, &key.shape, &value.shape)?;
    let batch = broadcast(&broadcast(&batch, &key_batch)?, &value_batch)?;
    let with = |last: [Dim; 2]| Shape([batch.0.as_slice(), &last].concat());
    if attention.mask {
        broadcast(&operand(operands, 3)?.shape, &with([length, keys]))?;
    }
    Ok(TensorType { dtype: query.dtype, shape: with([length, value_features]) })
}

fn split(shape: &Shape) -> Result<(Shape, Dim, Dim), ShapeError> {
    match shape.0.as_slice() {
        [batch @ .., rows, columns] => Ok((Shape(batch.to_vec()), *rows, *columns)),
        _ => Err(ShapeError::RankMismatch { expected: vec![2, 3, 4], input: shape.clone() }),
    }
}

fn expect_equal(
    left_extent: Dim,
    right_extent: Dim,
    left: &Shape,
    right: &Shape,
) -> Result<(), ShapeError> {
    if left_extent == right_extent {
        return Ok(());
    }
    let (left, right) = (left.clone(), right.clone());
    Err(ShapeError::MatmulMismatch { left, right, left_extent, right_extent })
}

/// Operands whose dimensions have labels; the result has those of the output.
pub(super) fn einsum(einsum: &Einsum, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, einsum.operands.len())?;
    let first = operand(operands, 0)?;
    let mut extents: BTreeMap<char, (Dim, &Shape)> = BTreeMap::new();
    for (labels, operand) in einsum.operands.iter().zip(operands) {
        same_dtype(operand.dtype, first.dtype)?;
        if labels.len() != operand.shape.rank() {
            let input = operand.shape.clone();
            return Err(ShapeError::RankMismatch { expected: vec![labels.len()], input });
        }
        for (&label, &extent) in labels.iter().zip(&operand.shape.0) {
            let known = extents.entry(label).or_insert((extent, &operand.shape));
            match (known.0, extent) {
                (Dim::Known(1), _) => *known = (extent, &operand.shape),
                (_, Dim::Known(1)) => {}
                (left, right) => expect_equal(left, right, known.1, &operand.shape)?,
            }
        }
    }
    let extent = |label: &char| extents.get(label).map_or(Dim::Known(1), |&(extent, _)| extent);
    let shape = Shape(einsum.output.iter().map(extent).collect());
    Ok(TensorType { dtype: first.dtype, shape })
}
