//! Reductions and softmax.

use super::arrange::expect_dim;
use super::{ShapeError, expect_float, only};
use crate::ir::op::{ArgExtreme, Cumulate, Reduce, ReduceKind, Softmax, TopK};
use crate::ir::{DType, Dim, Shape, TensorType};

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
        ReduceKind::Max
        | ReduceKind::Min
        | ReduceKind::Sum
        | ReduceKind::Mean
        | ReduceKind::Product
        | ReduceKind::Variance { .. }
        | ReduceKind::Deviation { .. }
        | ReduceKind::Norm
        | ReduceKind::LogSumExp
        | ReduceKind::All
        | ReduceKind::Any => Ok(()),
    }
}

/// Sums of integers and booleans are 64-bit integers; means exist for floats alone.
fn result_dtype(kind: ReduceKind, input: DType) -> Result<DType, ShapeError> {
    match kind {
        ReduceKind::Mean
        | ReduceKind::Variance { .. }
        | ReduceKind::Deviation { .. }
        | ReduceKind::Norm => expect_float(input).map(|()| input),
        ReduceKind::LogSumExp if !input.is_float() => Ok(DType::F32),
        ReduceKind::Sum | ReduceKind::Product if !input.is_float() => Ok(DType::I64),
        ReduceKind::All | ReduceKind::Any if input == DType::U8 => Ok(DType::U8),
        ReduceKind::All | ReduceKind::Any => Ok(DType::Bool),
        ReduceKind::Sum
        | ReduceKind::Product
        | ReduceKind::Max
        | ReduceKind::Min
        | ReduceKind::LogSumExp => Ok(input),
    }
}

/// The same shape; sums and products of integers are 64-bit integers.
pub(super) fn cumulate(
    cumulate: Cumulate,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    expect_dim(cumulate.dim, input.shape.rank())?;
    let dtype = if input.dtype.is_float() { input.dtype } else { DType::I64 };
    Ok(TensorType { dtype, shape: input.shape.clone() })
}

/// Positions along one dimension, or in the flattened input.
pub(super) fn arg_extreme(
    arg: ArgExtreme,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let dims = arg.dim.map_or_else(Vec::new, |dim| vec![dim]);
    let kind = if arg.largest { ReduceKind::Max } else { ReduceKind::Min };
    let values = reduce(&Reduce { kind, dims, keep_dim: arg.keep_dim }, &[input])?;
    Ok(TensorType { dtype: DType::I64, shape: values.shape })
}

/// Values and positions, `k` along one dimension.
pub(super) fn top_k(top: TopK, operands: &[&TensorType]) -> Result<Vec<TensorType>, ShapeError> {
    let mut values = only(operands)?.clone();
    expect_dim(top.dim, values.shape.rank())?;
    if let (Some(k), Some(extent)) = (top.k, values.shape.0.get_mut(top.dim)) {
        match *extent {
            Dim::Known(known) if k > known => {
                let (index, extent) = (k - 1, known);
                return Err(ShapeError::IndexOutOfRange { dim: top.dim, index, extent });
            }
            Dim::Known(_) => *extent = Dim::Known(k),
            Dim::Batch { factor } if k <= factor => *extent = Dim::Known(k),
            Dim::Batch { .. } => {
                let what = format!("it selects {k} of the batch");
                return Err(ShapeError::BatchDependent { what });
            }
        }
    }
    let positions = TensorType { dtype: DType::I64, shape: values.shape.clone() };
    Ok(vec![values, positions])
}

/// The same type, of at least two dimensions.
pub(super) fn triangle(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    if input.shape.rank() < 2 {
        let (expected, input) = (vec![2, 3, 4], input.shape.clone());
        return Err(ShapeError::RankMismatch { expected, input });
    }
    Ok(input.clone())
}
