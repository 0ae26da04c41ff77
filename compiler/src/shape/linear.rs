//! Affine and bilinear maps of last dimensions.

use super::{ShapeError, count, expect_shape, operand, same_dtype};
use crate::ir::op::{Bilinear, Linear};
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

/// `[.., in1]` and `[.., in2]` to `[.., out]`; the leading dimensions are equal.
pub(super) fn bilinear(
    bilinear: &Bilinear,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, 3 + usize::from(bilinear.bias))?;
    let (left, right, weight) =
        (operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?);
    expect_features("in1_features", bilinear.in1_features, &left.shape)?;
    expect_features("in2_features", bilinear.in2_features, &right.shape)?;
    let weights = [bilinear.out_features, bilinear.in1_features, bilinear.in2_features];
    expect_shape("weight", weight, Shape::known(&weights))?;
    same_dtype(left.dtype, weight.dtype)?;
    same_dtype(right.dtype, weight.dtype)?;
    if bilinear.bias {
        expect_shape("bias", operand(operands, 3)?, Shape::known(&[bilinear.out_features]))?;
    }
    let with = |shape: &Shape, last: u64| {
        let leading = shape.0.iter().copied().take(shape.rank() - 1);
        Shape(leading.chain([Dim::Known(last)]).collect())
    };
    let expected = with(&left.shape, bilinear.in2_features);
    expect_shape("second input", right, expected)?;
    Ok(TensorType { dtype: left.dtype, shape: with(&left.shape, bilinear.out_features) })
}
