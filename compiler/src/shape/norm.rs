//! Normalisations: the shape stays, the normalised extent must be the declared one.

use super::{ShapeError, count, expect_float, expect_shape, operand};
use crate::ir::op::BatchNorm;
use crate::ir::{Dim, Shape, TensorType};

/// `[N, C, ...]` to the same shape.
pub(super) fn batch_norm(
    batch_norm: &BatchNorm,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let affine = if batch_norm.affine { 2 } else { 0 };
    let statistics = if batch_norm.track_running_stats { 3 } else { 0 };
    count(operands, 1 + affine + statistics)?;
    let input = operand(operands, 0)?;
    expect_rank(&batch_norm.ranks, &input.shape)?;
    expect_num_features("num_features", batch_norm.num_features, 1, &input.shape)?;
    expect_float(input.dtype)?;
    let per_feature = Shape::known(&[batch_norm.num_features]);
    let names: &[&str] = &["weight", "bias", "running_mean", "running_var"];
    let skipped = if batch_norm.affine { 0 } else { 2 };
    for (&name, &parameter) in names.iter().skip(skipped).zip(operands.iter().skip(1)) {
        expect_shape(name, parameter, per_feature.clone())?;
    }
    Ok(input.clone())
}

/// Refuses a rank that is not listed; an empty list stands for any rank from 2 on.
fn expect_rank(ranks: &[usize], input: &Shape) -> Result<(), ShapeError> {
    let accepted = if ranks.is_empty() { input.rank() >= 2 } else { ranks.contains(&input.rank()) };
    if accepted {
        return Ok(());
    }
    let expected = if ranks.is_empty() { vec![2, 3, 4, 5] } else { ranks.to_vec() };
    Err(ShapeError::RankMismatch { expected, input: input.clone() })
}

fn expect_num_features(
    argument: &'static str,
    expected: u64,
    dim: usize,
    input: &Shape,
) -> Result<(), ShapeError> {
    let found = input.0.get(dim).copied().unwrap_or(Dim::Known(0));
    if found == Dim::Known(expected) {
        return Ok(());
    }
    Err(ShapeError::NumFeaturesMismatch { argument, expected, found, input: input.clone() })
}
