//! Reductions and softmax.

use super::{ShapeError, expect_float, only};
use crate::ir::op::{Reduce, ReduceKind, Softmax};
use crate::ir::{DType, Dim, Shape, TensorType};

fn expect_dim(dim: usize, rank: usize) -> Result<(), ShapeError> {
    if dim < rank.max(1) {
        return Ok(());
    }
    Err(ShapeError::DimOutOfRange { dim: i64::try_from(dim).unwrap_or(i64::MAX), rank })
}

/// The same shape.
pub(super) fn softmax(
    softmax: &Softmax,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    expect_dim(softmax.dim, input.shape.rank())?;
    expect_float(input.dtype)?;
    Ok(input.clone())
}

/// The input without the reduced dimensions, or with extent 1 there; no dimensions means all.
pub(super) fn reduce(reduce: &Reduce, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let rank = input.shape.rank();
    reduce.dims.iter().try_for_each(|&dim| expect_dim(dim, rank))?;
    let reduced = |dim: &usize| reduce.dims.is_empty() || reduce.dims.contains(dim);
    let mut dims = Vec::with_capacity(rank);
    for (dim, &extent) in input.shape.0.iter().enumerate() {
        if !reduced(&dim) {
            dims.push(extent);
            continue;
        }
        expect_elements(reduce.kind, dim, extent)?;
        if reduce.keep_dim {
            dims.push(Dim::Known(1));
        }
    }
    Ok(TensorType { dtype: result_dtype(reduce.kind, input.dtype)?, shape: Shape(dims) })
}

fn expect_elements(kind: ReduceKind, dim: usize, extent: Dim) -> Result<(), ShapeError> {
    match kind {
        ReduceKind::Max | ReduceKind::Min if extent == Dim::Known(0) => {
            Err(ShapeError::EmptyReduction { dim })
        }
        ReduceKind::Max | ReduceKind::Min | ReduceKind::Sum | ReduceKind::Mean => Ok(()),
    }
}

/// Sums of integers and booleans are 64-bit integers; means exist for floats alone.
fn result_dtype(kind: ReduceKind, input: DType) -> Result<DType, ShapeError> {
    match kind {
        ReduceKind::Mean => expect_float(input).map(|()| input),
        ReduceKind::Sum if !input.is_float() => Ok(DType::I64),
        ReduceKind::Sum | ReduceKind::Max | ReduceKind::Min => Ok(input),
    }
}
