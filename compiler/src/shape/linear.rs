//! Affine maps of the last dimension.

use super::{ShapeError, count, expect_shape, operand, same_dtype};
use crate::ir::op::Linear;
use crate::ir::{Dim, Shape, TensorType};

/// `[..., in]` to `[..., out]`.
pub(super) fn linear(linear: &Linear, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2 + usize::from(linear.bias))?;
    let (input, weight) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_features("in_features", linear.in_features, &input.shape)?;
    expect_shape("weight", weight, Shape::known(&[linear.out_features, linear.in_features]))?;
    same_dtype(input.dtype, weight.dtype)?;
    if linear.bias {
        let bias = operand(operands, 2)?;
        expect_shape("bias", bias, Shape::known(&[linear.out_features]))?;
        same_dtype(input.dtype, bias.dtype)?;
    }
    let mut shape = input.shape.clone();
    if let Some(last) = shape.0.last_mut() {
        *last = Dim::Known(linear.out_features);
    }
    Ok(TensorType { dtype: input.dtype, shape })
}

/// Refuses an input whose last dimension is not `expected`.
pub(super) fn expect_features(
    argument: &'static str,
    expected: u64,
    input: &Shape,
) -> Result<(), ShapeError> {
    match input.0.last() {
        Some(&last) if last == Dim::Known(expected) => Ok(()),
        Some(&found) => {
            Err(ShapeError::FeatureMismatch { argument, expected, found, input: input.clone() })
        }
        None => Err(ShapeError::RankMismatch { expected: vec![1, 2, 3], input: input.clone() }),
    }
}
