//! Tensors made from nothing.

use super::{ShapeError, count};
use crate::ir::op::{Arange, Full, Random};
use crate::ir::{Shape, TensorType};

/// The shape of the attributes.
pub(super) fn full(full: &Full, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 0)?;
    Ok(TensorType { dtype: full.dtype, shape: full.shape.clone() })
}

/// The shape of the attributes.
pub(super) fn random(random: &Random, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 0)?;
    Ok(TensorType { dtype: random.dtype, shape: random.shape.clone() })
}

/// `[ceil((end − start) / step)]`, torch.arange.
pub(super) fn arange(arange: &Arange, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 0)?;
    let length = ((arange.end - arange.start) / arange.step).ceil();
    if !length.is_finite() || length < 0.0 {
        let (extent, input) = (length as i128, Shape(Vec::new()));
        return Err(ShapeError::EmptyOutput { dim: 0, extent, input });
    }
    Ok(TensorType { dtype: arange.dtype, shape: Shape::known(&[length as u64]) })
}
