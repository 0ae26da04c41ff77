//! Strided ranges along one dimension.

use super::{ShapeError, only};
use crate::ir::op::Slice;
use crate::ir::{Dim, TensorType};

/// The input with one dimension shortened.
pub(super) fn slice(slice: &Slice, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let mut result = only(operands)?.clone();
    let rank = result.shape.rank();
    let Some(extent) = result.shape.0.get_mut(slice.dim) else {
        let dim = i64::try_from(slice.dim).unwrap_or(i64::MAX);
        return Err(ShapeError::DimOutOfRange { dim, rank });
    };
    *extent = match *extent {
        Dim::Known(known) => Dim::Known(known_length(slice, known)?),
        Dim::Batch { factor } => batch_length(slice, factor)?,
    };
    Ok(result)
}

fn steps(start: u64, end: u64, step: u64) -> u64 {
    end.saturating_sub(start).div_ceil(step.max(1))
}

fn known_length(slice: &Slice, extent: u64) -> Result<u64, ShapeError> {
    let end = slice.end.unwrap_or(extent);
    if end > extent {
        let index = end - 1;
        return Err(ShapeError::IndexOutOfRange { dim: slice.dim, index, extent });
    }
    Ok(steps(slice.start, end, slice.step))
}

/// A range of `factor · N` is known if it ends within the first `factor` elements (N is at least
/// 1), or if it takes every `step`-th of all of them.
fn batch_length(slice: &Slice, factor: u64) -> Result<Dim, ShapeError> {
    match slice.end {
        Some(end) if end <= factor => Ok(Dim::Known(steps(slice.start, end, slice.step))),
        None if slice.start == 0 && factor.is_multiple_of(slice.step.max(1)) => {
            Ok(Dim::Batch { factor: factor / slice.step.max(1) })
        }
        Some(_) | None => Err(ShapeError::BatchDependent {
            what: format!("it takes a part of dimension {}, the batch", slice.dim),
        }),
    }
}
