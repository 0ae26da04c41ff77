//! Operations that move, repeat or select elements: parts, shifts, tilings, look-ups.

use super::reshape::resolve_dim;
use super::{ShapeError, count, only, operand};
use crate::ir::op::{Embedding, Flip, Gather, Index, Repeat, Roll, Scatter, Split, Windows};
use crate::ir::{DType, Dim, Shape, TensorType};

/// Refuses a dimension outside the shape.
pub(super) fn expect_dim(dim: usize, rank: usize) -> Result<(), ShapeError> {
    resolve_dim(i64::try_from(dim).unwrap_or(i64::MAX), rank).map(|_| ())
}

fn replace(shape: &Shape, dim: usize, extents: &[Dim]) -> Shape {
    let before = shape.0.iter().take(dim);
    Shape(before.chain(extents).chain(shape.0.iter().skip(dim + 1)).copied().collect())
}

/// One result per part.
pub(super) fn split(
    split: &Split,
    operands: &[&TensorType],
) -> Result<Vec<TensorType>, ShapeError> {
    let input = only(operands)?;
    expect_dim(split.dim, input.shape.rank())?;
    let total = split.sizes.iter().fold(0u64, |sum, &size| sum.saturating_add(size));
    match input.shape.0.get(split.dim) {
        Some(&Dim::Known(extent)) if extent == total => {}
        Some(&Dim::Known(extent)) => {
            return Err(ShapeError::SplitMismatch { dim: split.dim, extent, total });
        }
        Some(Dim::Batch { .. }) | None => {
            let what = format!("it splits dimension {} of {}", split.dim, input.shape);
            return Err(ShapeError::BatchDependent { what });
        }
    }
    let part = |&size: &u64| TensorType {
        dtype: input.dtype,
        shape: replace(&input.shape, split.dim, &[Dim::Known(size)]),
    };
    Ok(split.sizes.iter().map(part).collect())
}

/// The same shape.
pub(super) fn roll(roll: &Roll, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    roll.shifts.iter().try_for_each(|&(dim, _)| expect_dim(dim, input.shape.rank()))?;
    Ok(input.clone())
}

/// The same shape.
pub(super) fn flip(flip: &Flip, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    flip.dims.iter().try_for_each(|&dim| expect_dim(dim, input.shape.rank()))?;
    Ok(input.clone())
}

/// Each dimension a multiple; missing leading dimensions count as 1.
pub(super) fn repeat(repeat: &Repeat, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let Some(added) = repeat.repeats.len().checked_sub(input.shape.rank()) else {
        let expected = vec![repeat.repeats.len()];
        return Err(ShapeError::RankMismatch { expected, input: input.shape.clone() });
    };
    let extents = std::iter::repeat_n(&Dim::Known(1), added).chain(&input.shape.0);
    let dims = extents.zip(&repeat.repeats).map(|(&extent, &times)| {
        extent
            .checked_mul(Dim::Known(times))
            .ok_or_else(|| ShapeError::TooLarge { shape: input.shape.clone() })
    });
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims.collect::<Result<_, _>>()?) })
}

/// `[.., extent, ..]` to `[.., windows, .., size]`.
pub(super) fn windows(
    windows: &Windows,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    expect_dim(windows.dim, input.shape.rank())?;
    let (dim, window) = (windows.dim, windows.size);
    let number = match input.shape.0.get(dim).copied().unwrap_or(Dim::Known(1)) {
        Dim::Known(extent) => match extent.checked_sub(window) {
            Some(room) => Dim::Known(room / windows.step.max(1) + 1),
            None => {
                let input = input.shape.clone();
                return Err(ShapeError::EmptySpatialDim { dim, window, padded: extent, input });
            }
        },
        extent if window == 1 && windows.step == 1 => extent,
        Dim::Batch { .. } => {
            let what = format!("its window moves along dimension {dim} of {}", input.shape);
            return Err(ShapeError::BatchDependent { what });
        }
    };
    let mut shape = replace(&input.shape, dim, &[number]);
    shape.0.push(Dim::Known(window));
    Ok(TensorType { dtype: input.dtype, shape })
}

fn expect_index(index: &TensorType) -> Result<(), ShapeError> {
    match index.dtype {
        DType::I64 | DType::I32 => Ok(()),
        found => Err(ShapeError::DtypeMismatch { expected: "i64", found }),
    }
}

/// Indices `[..]` to rows `[.., embedding_dim]`.
pub(super) fn embedding(
    embedding: &Embedding,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (index, weight) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_index(index)?;
    let table = Shape::known(&[embedding.num_embeddings, embedding.embedding_dim]);
    super::expect_shape("weight", weight, table)?;
    let mut shape = index.shape.clone();
    shape.0.push(Dim::Known(embedding.embedding_dim));
    Ok(TensorType { dtype: weight.dtype, shape })
}

/// One dimension replaced by those of the indices.
pub(super) fn index(index: Index, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (input, indices) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_index(indices)?;
    expect_dim(index.dim, input.shape.rank())?;
    let shape = replace(&input.shape, index.dim, &indices.shape.0);
    Ok(TensorType { dtype: input.dtype, shape })
}

/// The shape of the indices, which may not exceed the input in the other dimensions.
pub(super) fn scatter(
    scatter: Scatter,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    count(operands, 3)?;
    let (input, indices) = (operand(operands, 0)?, operand(operands, 1)?);
    let source = operand(operands, 2)?;
    expect_index(indices)?;
    expect_dim(scatter.dim, input.shape.rank())?;
    for other in [indices, source] {
        if input.shape.rank() != other.shape.rank() {
            let expected = vec![input.shape.rank()];
            return Err(ShapeError::RankMismatch { expected, input: other.shape.clone() });
        }
    }
    let extents = input.shape.0.iter().zip(&source.shape.0).zip(&indices.shape.0).enumerate();
    for (dim, ((&to, &from), &index)) in extents {
        let beyond = dim != scatter.dim && index.at_batch(1) > to.at_batch(1);
        if beyond || index.at_batch(1) > from.at_batch(1) {
            let extent = if beyond { to } else { from };
            let (index, extent) = (index.at_batch(1) - 1, extent.at_batch(1));
            return Err(ShapeError::IndexOutOfRange { dim, index, extent });
        }
    }
    Ok(input.clone())
}

pub(super) fn gather(gather: Gather, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (input, indices) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_index(indices)?;
    expect_dim(gather.dim, input.shape.rank())?;
    if input.shape.rank() != indices.shape.rank() {
        let expected = vec![input.shape.rank()];
        return Err(ShapeError::RankMismatch { expected, input: indices.shape.clone() });
    }
    for (dim, (&from, &to)) in input.shape.0.iter().zip(&indices.shape.0).enumerate() {
        if dim != gather.dim && to.at_batch(1) > from.at_batch(1) {
            let (index, extent) = (to.at_batch(1) - 1, from.at_batch(1));
            return Err(ShapeError::IndexOutOfRange { dim, index, extent });
        }
    }
    Ok(TensorType { dtype: input.dtype, shape: indices.shape.clone() })
}
