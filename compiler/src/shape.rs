//! Shape rules: the types of an operation's results from the types of its operands, as PyTorch
//! computes them, with a symbolic batch size. One family of rules per file. Deliberately not here:
//! which operation a call means (`eval`).

mod broadcast;
mod check;
mod conv;
mod elements;
mod error;
mod linear;
mod matmul;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod report;
mod reshape;
mod slice;

pub use broadcast::{broadcast, promote};
pub use check::check;
pub use elements::Elements;
pub use error::ShapeError;
pub use reshape::{flatten, resolve_dim, resolve_expand, resolve_reshape};

use crate::ir::{DType, Op, Shape, TensorType};

/// Types of the results of `op` on operands of these types.
///
/// # Errors
/// [`ShapeError`] where PyTorch would refuse the operands, or where the answer depends on the
/// batch size.
pub fn infer(op: &Op, operands: &[&TensorType]) -> Result<Vec<TensorType>, ShapeError> {
    let results = match op {
        Op::Conv(conv) => one(conv::conv(conv, operands)?),
        Op::Linear(linear) => one(linear::linear(linear, operands)?),
        Op::BatchNorm(batch_norm) => one(norm::batch_norm(batch_norm, operands)?),
        Op::Dropout(_) => one(only(operands)?.clone()),
        Op::Pool(pool) => one(pool::pool(pool, operands)?),
        Op::AdaptivePool(pool) => one(pool::adaptive_pool(pool, operands)?),
        Op::Activation(activation) => one(broadcast::activation(*activation, operands)?),
        Op::Softmax(softmax) => one(reduce::softmax(softmax, operands)?),
        Op::Recurrent(recurrent) => recurrent::recurrent(recurrent, operands)?,
        Op::Reshape(reshape) => one(reshape::reshape(reshape, operands)?),
        Op::Permute(permute) => one(reshape::permute(permute, operands)?),
        Op::Cat(cat) => one(reshape::cat(cat, operands)?),
        Op::Expand(expand) => one(reshape::expand(expand, operands)?),
        Op::Slice(slice) => one(slice::slice(slice, operands)?),
        Op::Unary(unary) => one(broadcast::unary(*unary, operands)?),
        Op::Binary(binary) => one(broadcast::binary(*binary, operands)?),
        Op::Scalar(scalar) => one(broadcast::scalar(scalar, operands)?),
        Op::Reduce(reduce) => one(reduce::reduce(reduce, operands)?),
        Op::MatMul => one(matmul::matmul(operands)?),
        Op::Full(full) => one(TensorType { dtype: full.dtype, shape: full.shape.clone() }),
        Op::Cast(cast) => one(TensorType { dtype: cast.dtype, ..only(operands)?.clone() }),
    };
    results.iter().try_for_each(countable)?;
    Ok(results)
}

fn one(result: TensorType) -> Vec<TensorType> {
    vec![result]
}

/// PyTorch counts elements and bytes in 64 signed bits.
fn countable(result: &TensorType) -> Result<(), ShapeError> {
    if Elements::of(&result.shape).fits() {
        Ok(())
    } else {
        Err(ShapeError::TooLarge { shape: result.shape.clone() })
    }
}

/// The operand at `position`.
fn operand<'a>(operands: &[&'a TensorType], position: usize) -> Result<&'a TensorType, ShapeError> {
    operands
        .get(position)
        .copied()
        .ok_or(ShapeError::OperandCount { expected: position + 1, found: operands.len() })
}

/// The single operand.
fn only<'a>(operands: &[&'a TensorType]) -> Result<&'a TensorType, ShapeError> {
    count(operands, 1)?;
    operand(operands, 0)
}

/// Refuses another number of operands.
fn count(operands: &[&TensorType], expected: usize) -> Result<(), ShapeError> {
    let found = operands.len();
    if found == expected { Ok(()) } else { Err(ShapeError::OperandCount { expected, found }) }
}

/// Refuses a parameter or state of another shape.
fn expect_shape(
    operand: &'static str,
    found: &TensorType,
    expected: Shape,
) -> Result<(), ShapeError> {
    if found.shape == expected {
        return Ok(());
    }
    Err(ShapeError::OperandShape { operand, expected, found: found.shape.clone() })
}

/// Refuses an input whose elements differ in type from the weight's.
fn same_dtype(input: DType, weight: DType) -> Result<(), ShapeError> {
    if input == weight {
        return Ok(());
    }
    Err(ShapeError::DtypeMismatch { expected: weight.name(), found: input })
}

/// Refuses integers and booleans.
fn expect_float(input: DType) -> Result<(), ShapeError> {
    if input.is_float() {
        return Ok(());
    }
    Err(ShapeError::DtypeMismatch { expected: "float", found: input })
}
