//! Element-wise operations of two operands, with PyTorch's broadcasting and promotion: operands are
//! brought to the type of the result, or for comparisons to a common one.

use candle_core::{DType, Result, Tensor};
use nasc_compiler::ir::op::{Binary, Scalar};

use super::execute::{at, first};
use super::tensors;
use crate::plan::Step;

pub(super) fn binary(binary: Binary, step: &Step, operands: &[Tensor]) -> Result<Tensor> {
    let (left, right) = (first(operands)?, at(operands, 1)?);
    let dtype = common_type(step, left, right);
    apply(binary, &left.to_dtype(dtype)?, &right.to_dtype(dtype)?)
}

pub(super) fn scalar(scalar: &Scalar, step: &Step, input: &Tensor) -> Result<Tensor> {
    let is_float = scalar.is_float || input.dtype() == DType::F32;
    let number = if is_float { DType::F32 } else { DType::I64 };
    let constant = Tensor::new(scalar.value, input.device())?.to_dtype(number)?;
    let dtype = common_type(step, input, &constant);
    let input = input.to_dtype(dtype)?;
    if dtype == DType::F32
        && let Some(out) = affine(scalar, &input)?
    {
        return Ok(out);
    }
    let constant = constant.to_dtype(dtype)?;
    if scalar.reversed {
        apply(scalar.op, &constant, &input)
    } else {
        apply(scalar.op, &input, &constant)
    }
}

/// The cheap forms of arithmetic with a number.
fn affine(scalar: &Scalar, input: &Tensor) -> Result<Option<Tensor>> {
    let value = scalar.value;
    let out = match (scalar.op, scalar.reversed) {
        (Binary::Add, _) => input.affine(1.0, value)?,
        (Binary::Mul, _) => input.affine(value, 0.0)?,
        (Binary::Sub, false) => input.affine(1.0, -value)?,
        (Binary::Sub, true) => input.affine(-1.0, value)?,
        (Binary::Div, false) => input.affine(1.0 / value, 0.0)?,
        (Binary::Div, true) => input.recip()?.affine(value, 0.0)?,
        (Binary::Pow, false) => input.powf(value)?,
        _ => return Ok(None),
    };
    Ok(Some(out))
}

/// The result's type; for comparisons, whose result is boolean, the wider of the operands'.
fn common_type(step: &Step, left: &Tensor, right: &Tensor) -> DType {
    match step.result_types.first().map(|result| tensors::dtype(result.dtype)) {
        Some(DType::U8) | None => {
            let types = [left.dtype(), right.dtype()];
            let wide = [DType::F32, DType::I64].into_iter().find(|dtype| types.contains(dtype));
            wide.unwrap_or(DType::U8)
        }
        Some(dtype) => dtype,
    }
}

fn apply(binary: Binary, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    match binary {
        Binary::Add => left.broadcast_add(right),
        Binary::Sub => left.broadcast_sub(right),
        Binary::Mul => left.broadcast_mul(right),
        Binary::Div => left.broadcast_div(right),
        Binary::Pow => left.broadcast_pow(right),
        Binary::Maximum => left.broadcast_maximum(right),
        Binary::Minimum => left.broadcast_minimum(right),
        Binary::FloorDivide => floor_quotient(left, right),
        Binary::Remainder => {
            left.broadcast_sub(&floor_quotient(left, right)?.broadcast_mul(right)?)
        }
        Binary::Equal => left.broadcast_eq(right),
        Binary::NotEqual => left.broadcast_ne(right),
        Binary::Less => left.broadcast_lt(right),
        Binary::LessEqual => left.broadcast_le(right),
        Binary::Greater => left.broadcast_gt(right),
        Binary::GreaterEqual => left.broadcast_ge(right),
        Binary::LogicalAnd => truth(left)?.broadcast_mul(&truth(right)?),
        Binary::LogicalOr => truth(left)?.broadcast_maximum(&truth(right)?),
        Binary::LogicalXor => truth(left)?.broadcast_ne(&truth(right)?),
    }
}

fn truth(tensor: &Tensor) -> Result<Tensor> {
    tensor.ne(&tensor.zeros_like()?)
}

/// The quotient rounded down, without gradient, as in PyTorch.
fn floor_quotient(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (exact_left, exact_right) =
        (left.detach().to_dtype(DType::F64)?, right.detach().to_dtype(DType::F64)?);
    exact_left.broadcast_div(&exact_right)?.floor()?.to_dtype(left.dtype())
}
