//! Normalisations: the shape stays, the normalised extent must be the declared one.

use super::{ShapeError, count, expect_float, expect_shape, operand};
use crate::ir::op::{BatchNorm, GroupNorm, InstanceNorm, LayerNorm};
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

/// Any shape that ends in `normalized_shape`.
pub(super) fn layer_norm(
    norm: &LayerNorm,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, 1 + usize::from(norm.weight) + usize::from(norm.bias))?;
    let input = operand(operands, 0)?;
    let normalized = Shape::known(&norm.normalized_shape);
    expect_tail(&normalized, &input.shape)?;
    expect_float(input.dtype)?;
    let names = ["weight", "bias"].into_iter().skip(usize::from(!norm.weight));
    for (name, &parameter) in names.zip(operands.iter().skip(1)) {
        expect_shape(name, parameter, normalized.clone())?;
    }
    Ok(input.clone())
}

fn expect_tail(normalized: &Shape, input: &Shape) -> Result<(), ShapeError> {
    if input.0.ends_with(&normalized.0) {
        return Ok(());
    }
    let input = input.clone();
    match (normalized.0.as_slice(), input.0.last().copied()) {
        (&[Dim::Known(expected)], Some(found)) => {
            let argument = "normalized_shape";
            Err(ShapeError::NumFeaturesMismatch { argument, expected, found, input })
        }
        _ => Err(ShapeError::OperandShape {
            operand: "last dimensions",
            expected: normalized.clone(),
            found: input,
        }),
    }
}

/// `[N, C, ...]` to the same shape.
pub(super) fn group_norm(
    norm: &GroupNorm,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, if norm.affine { 3 } else { 1 })?;
    let input = operand(operands, 0)?;
    expect_rank(&[], &input.shape)?;
    expect_float(input.dtype)?;
    let channels = input.shape.0.get(1).copied().unwrap_or(Dim::Known(0));
    if norm.affine {
        expect_num_features("num_channels", norm.num_channels, 1, &input.shape)?;
        for (name, position) in [("weight", 1), ("bias", 2)] {
            let per_channel = Shape::known(&[norm.num_channels]);
            expect_shape(name, operand(operands, position)?, per_channel)?;
        }
    }
    super::image::divide(channels, norm.num_groups, 1, &input.shape)?;
    Ok(input.clone())
}

/// `[N, C, ...]` or `[C, ...]` to the same shape.
pub(super) fn instance_norm(
    norm: &InstanceNorm,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let affine = if norm.affine { 2 } else { 0 };
    count(operands, 1 + affine + if norm.track_running_stats { 3 } else { 0 })?;
    let input = operand(operands, 0)?;
    let channel_dim = super::conv::channel_dim(&input.shape, norm.spatial)?;
    expect_float(input.dtype)?;
    if norm.affine || norm.track_running_stats {
        expect_num_features("num_features", norm.num_features, channel_dim, &input.shape)?;
    }
    Ok(input.clone())
}

/// `[N, C, ...]` of at least three dimensions to the same shape.
pub(super) fn local_response_norm(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 1)?;
    let input = operand(operands, 0)?;
    if input.shape.rank() < 3 {
        let (expected, input) = (vec![3, 4, 5], input.shape.clone());
        return Err(ShapeError::RankMismatch { expected, input });
    }
    Ok(input.clone())
}
