//! `torch.matmul` for all combinations of ranks.

use super::{ShapeError, broadcast::broadcast, count, operand, same_dtype};
use crate::ir::{Dim, Shape, TensorType};

/// Vector or (batched) matrix times vector or (batched) matrix.
pub(super) fn matmul(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (left, right) = (operand(operands, 0)?, operand(operands, 1)?);
    same_dtype(right.dtype, left.dtype)?;
    let (left_batch, rows, columns) = split_left(&left.shape)?;
    let (right_batch, inner, width) = split_right(&right.shape)?;
    if columns != inner {
        return Err(ShapeError::MatmulMismatch {
            left: left.shape.clone(),
            right: right.shape.clone(),
            left_extent: columns,
            right_extent: inner,
        });
    }
    let mut shape = broadcast(&left_batch, &right_batch)?;
    shape.0.extend(rows);
    shape.0.extend(width);
    Ok(TensorType { dtype: left.dtype, shape })
}

fn scalar(input: &Shape) -> ShapeError {
    ShapeError::RankMismatch { expected: vec![1, 2, 3], input: input.clone() }
}

/// Batch dimensions, rows (none for a vector), columns.
fn split_left(shape: &Shape) -> Result<(Shape, Option<Dim>, Dim), ShapeError> {
    match shape.0.as_slice() {
        [] => Err(scalar(shape)),
        [columns] => Ok((Shape(Vec::new()), None, *columns)),
        [batch @ .., rows, columns] => Ok((Shape(batch.to_vec()), Some(*rows), *columns)),
    }
}

/// Batch dimensions, rows, columns (none for a vector).
fn split_right(shape: &Shape) -> Result<(Shape, Dim, Option<Dim>), ShapeError> {
    match shape.0.as_slice() {
        [] => Err(scalar(shape)),
        [rows] => Ok((Shape(Vec::new()), *rows, None)),
        [batch @ .., rows, columns] => Ok((Shape(batch.to_vec()), *rows, Some(*columns))),
    }
}
