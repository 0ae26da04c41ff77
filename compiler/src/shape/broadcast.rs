//! Broadcasting and promotion of element types.
//! Rules: PyTorch notes "Broadcasting semantics" and torch.Tensor attributes, "Type promotion".

use super::ShapeError;
use crate::ir::{DType, Dim, Shape, TensorType};

/// The shape of an element-wise operation on two tensors.
///
/// # Errors
/// [`ShapeError::BroadcastMismatch`] if two extents differ and none is 1;
/// [`ShapeError::BatchDependent`] if a known extent meets the batch.
pub fn broadcast(left: &Shape, right: &Shape) -> Result<Shape, ShapeError> {
    let rank = left.rank().max(right.rank());
    let aligned = |shape: &Shape, dim: usize| {
        let added = rank - shape.rank();
        dim.checked_sub(added).and_then(|dim| shape.0.get(dim)).copied().unwrap_or(Dim::Known(1))
    };
    let mut dims = Vec::with_capacity(rank);
    for dim in 0..rank {
        let (left_extent, right_extent) = (aligned(left, dim), aligned(right, dim));
        dims.push(match (left_extent, right_extent) {
            (a, b) if a == b => a,
            (Dim::Known(1), other) | (other, Dim::Known(1)) => other,
            (Dim::Known(_), Dim::Known(_)) => {
                let dim = i64::try_from(rank - dim).map_or(i64::MIN, |from_end| -from_end);
                let (left, right) = (left.clone(), right.clone());
                return Err(ShapeError::BroadcastMismatch {
                    left,
                    right,
                    dim,
                    left_extent,
                    right_extent,
                });
            }
            (Dim::Batch { .. }, _) | (_, Dim::Batch { .. }) => {
                return Err(ShapeError::BatchDependent {
                    what: format!("it combines {left} with {right}"),
                });
            }
        });
    }
    Ok(Shape(dims))
}

/// Rank of a type's category: booleans, integers, floats.
pub(super) const fn category(dtype: DType) -> u8 {
    match dtype {
        DType::Bool => 0,
        DType::U8 | DType::I32 | DType::I64 => 1,
        DType::F16 | DType::Bf16 | DType::F32 | DType::F64 => 2,
    }
}

/// The common type of two element types, for tensors that both have dimensions or both have none.
#[must_use]
pub const fn promote(left: DType, right: DType) -> DType {
    match (left, right) {
        (DType::F64, _) | (_, DType::F64) => DType::F64,
        (DType::F32, _) | (_, DType::F32) => DType::F32,
        (DType::F16, DType::Bf16) | (DType::Bf16, DType::F16) => DType::F32,
        (DType::F16, _) | (_, DType::F16) => DType::F16,
        (DType::Bf16, _) | (_, DType::Bf16) => DType::Bf16,
        (DType::I64, _) | (_, DType::I64) => DType::I64,
        (DType::I32, _) | (_, DType::I32) => DType::I32,
        (DType::U8, _) | (_, DType::U8) => DType::U8,
        (DType::Bool, DType::Bool) => DType::Bool,
    }
}

/// The common type of tensors: one without dimensions counts only if its category is higher.
pub(super) fn promote_tensors(left: &TensorType, right: &TensorType) -> DType {
    let (a, b) = (left.dtype, right.dtype);
    match (left.shape.rank() == 0, right.shape.rank() == 0) {
        (false, true) if category(a) >= category(b) => a,
        (true, false) if category(b) >= category(a) => b,
        (false | true, false | true) => promote(a, b),
    }
}

/// The common type of the operands of a concatenation.
pub(super) fn promote_all(operands: &[&TensorType]) -> Result<DType, ShapeError> {
    let mut dtypes = operands.iter().map(|operand| operand.dtype);
    let first = dtypes.next().ok_or(ShapeError::OperandCount { expected: 1, found: 0 })?;
    Ok(dtypes.fold(first, promote))
}
