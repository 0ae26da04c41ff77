//! Element-wise operations: broadcast shapes, promoted types, and what integers become.

use super::broadcast::{broadcast, category, promote_tensors};
use super::{ShapeError, count, expect_float, only, operand};
use crate::ir::op::{Activation, Binary, Glu, Scalar, Unary};
use crate::ir::{DType, Dim, TensorType};

/// PyTorch's default type where an integer becomes a float.
const fn as_float(dtype: DType) -> DType {
    if dtype.is_float() { dtype } else { DType::F32 }
}

fn refuse_bool(dtype: DType) -> Result<(), ShapeError> {
    if dtype == DType::Bool {
        return Err(ShapeError::DtypeMismatch { expected: "number", found: dtype });
    }
    Ok(())
}

/// Element-wise function of one tensor.
pub(super) fn unary(unary: Unary, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let dtype = match unary {
        Unary::Neg | Unary::Abs => refuse_bool(input.dtype).map(|()| input.dtype)?,
        Unary::Square if input.dtype == DType::Bool => DType::I64,
        Unary::Square | Unary::Sign => input.dtype,
        Unary::Floor | Unary::Ceil | Unary::Round => {
            refuse_bool(input.dtype).map(|()| input.dtype)?
        }
        Unary::LogicalNot => DType::Bool,
        Unary::Exp
        | Unary::Log
        | Unary::Sqrt
        | Unary::Rsqrt
        | Unary::Sin
        | Unary::Cos
        | Unary::Tan
        | Unary::Reciprocal
        | Unary::Erf
        | Unary::Expm1
        | Unary::Log1p
        | Unary::Log2 => as_float(input.dtype),
    };
    Ok(TensorType { dtype, shape: input.shape.clone() })
}

/// Element-wise function of two broadcast tensors.
pub(super) fn binary(binary: Binary, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (left, right) = (operand(operands, 0)?, operand(operands, 1)?);
    let shape = broadcast(&left.shape, &right.shape)?;
    let promoted = promote_tensors(left, right);
    Ok(TensorType { dtype: result_dtype(binary, promoted)?, shape })
}

fn result_dtype(binary: Binary, promoted: DType) -> Result<DType, ShapeError> {
    match binary {
        Binary::Div => Ok(as_float(promoted)),
        Binary::Sub | Binary::Pow | Binary::FloorDivide | Binary::Remainder => {
            refuse_bool(promoted).map(|()| promoted)
        }
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual
        | Binary::LogicalAnd
        | Binary::LogicalOr
        | Binary::LogicalXor => Ok(DType::Bool),
        Binary::Add | Binary::Mul | Binary::Maximum | Binary::Minimum => Ok(promoted),
    }
}

/// Element-wise function of a tensor and a number, which counts as a tensor without dimensions.
pub(super) fn scalar(scalar: &Scalar, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let number = if scalar.is_float { DType::F32 } else { DType::I64 };
    let promoted = if category(input.dtype) >= category(number) { input.dtype } else { number };
    if scalar.op == Binary::Sub {
        refuse_bool(input.dtype)?;
    }
    let dtype = result_dtype(scalar.op, promoted)?;
    Ok(TensorType { dtype, shape: input.shape.clone() })
}

/// Element-wise activation.
pub(super) fn activation(
    activation: Activation,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let dtype = match activation {
        Activation::Sigmoid | Activation::Tanh => as_float(input.dtype),
        // x / (1 + |x|) and x − tanh(x) in PyTorch, arithmetic that booleans lack
        Activation::Softsign | Activation::Tanhshrink => {
            refuse_bool(input.dtype).map(|()| as_float(input.dtype))?
        }
        Activation::Relu
        | Activation::Relu6
        | Activation::Hardtanh { .. }
        | Activation::Threshold { .. } => refuse_bool(input.dtype).map(|()| input.dtype)?,
        Activation::LeakyRelu { .. }
        | Activation::Elu { .. }
        | Activation::Selu
        | Activation::Celu { .. }
        | Activation::Gelu { .. }
        | Activation::Silu
        | Activation::Mish
        | Activation::Hardswish
        | Activation::Hardsigmoid
        | Activation::Softplus { .. }
        | Activation::LogSigmoid
        | Activation::Hardshrink { .. }
        | Activation::Softshrink { .. }
        | Activation::Rrelu { .. } => expect_float(input.dtype).map(|()| input.dtype)?,
    };
    Ok(TensorType { dtype, shape: input.shape.clone() })
}

/// One slope, or one per channel (dimension 1).
pub(super) fn prelu(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (input, weight) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_float(input.dtype)?;
    let slopes = weight.shape.elements_at(1);
    let found = input.shape.0.get(1).copied().unwrap_or(Dim::Known(1));
    if slopes == 1 || found == Dim::Known(slopes) {
        return Ok(input.clone());
    }
    let (argument, input) = ("num_parameters", input.shape.clone());
    Err(ShapeError::NumFeaturesMismatch { argument, expected: slopes, found, input })
}

/// One dimension halved.
pub(super) fn glu(glu: Glu, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let mut result = only(operands)?.clone();
    let input = result.shape.clone();
    super::arrange::expect_dim(glu.dim, input.rank())?;
    expect_float(result.dtype)?;
    if let Some(extent) = result.shape.0.get_mut(glu.dim) {
        *extent = super::image::divide(*extent, 2, glu.dim, &input)?;
    }
    Ok(result)
}

fn expect_condition(condition: &TensorType) -> Result<(), ShapeError> {
    match condition.dtype {
        DType::Bool => Ok(()),
        found => Err(ShapeError::DtypeMismatch { expected: "bool", found }),
    }
}

/// Condition, left and right, all broadcast (`torch.where`).
pub(super) fn select(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 3)?;
    let (condition, left, right) =
        (operand(operands, 0)?, operand(operands, 1)?, operand(operands, 2)?);
    expect_condition(condition)?;
    let shape = broadcast(&broadcast(&condition.shape, &left.shape)?, &right.shape)?;
    Ok(TensorType { dtype: promote_tensors(left, right), shape })
}

/// Input and condition, broadcast.
pub(super) fn masked_fill(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2)?;
    let (input, condition) = (operand(operands, 0)?, operand(operands, 1)?);
    expect_condition(condition)?;
    let shape = broadcast(&input.shape, &condition.shape)?;
    Ok(TensorType { dtype: input.dtype, shape })
}

/// The same type; booleans become integers, as the bounds are.
pub(super) fn clamp(operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let mut result = only(operands)?.clone();
    if result.dtype == DType::Bool {
        result.dtype = DType::I64;
    }
    Ok(result)
}
