//! Shape rules: the types of an operation's results from the types of its operands, as PyTorch
//! computes them, with a symbolic batch size. One family of rules per file. Deliberately not here:
//! which operation a call means (`eval`).

mod arrange;
mod attention;
mod broadcast;
mod check;
mod conv;
mod dimension;
mod elements;
mod elementwise;
mod error;
mod image;
mod layout;
mod linear;
mod make;
mod matmul;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod remedy;
mod report;
mod reshape;
mod slice;

pub use broadcast::{broadcast, promote};
pub use check::check;
pub use elements::Elements;
pub use error::ShapeError;
pub use layout::Layouts;
pub use report::CODES;
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
        Op::Dropout(_) | Op::Contiguous => one(only(operands)?.clone()),
        Op::Pool(pool) => one(pool::pool(pool, operands)?),
        Op::AdaptivePool(pool) => one(pool::adaptive_pool(pool, operands)?),
        Op::Activation(activation) => one(elementwise::activation(*activation, operands)?),
        Op::Softmax(softmax) => one(reduce::softmax(softmax, operands)?),
        Op::Recurrent(recurrent) => recurrent::recurrent(recurrent, operands)?,
        Op::Reshape(reshape) => one(reshape::reshape(reshape, operands)?),
        Op::Permute(permute) => one(reshape::permute(permute, operands)?),
        Op::Cat(cat) => one(reshape::cat(cat, operands)?),
        Op::Expand(expand) => one(reshape::expand(expand, operands)?),
        Op::Slice(slice) => one(slice::slice(slice, operands)?),
        Op::Unary(unary) => one(elementwise::unary(*unary, operands)?),
        Op::Binary(binary) => one(elementwise::binary(*binary, operands)?),
        Op::Scalar(scalar) => one(elementwise::scalar(scalar, operands)?),
        Op::Reduce(reduce) => one(reduce::reduce(reduce, operands)?),
        Op::MatMul => one(matmul::matmul(operands)?),
        Op::Full(full) => one(make::full(full, operands)?),
        Op::Cast(cast) => one(TensorType { dtype: cast.dtype, ..only(operands)?.clone() }),
        Op::LayerNorm(norm) => one(norm::layer_norm(norm, operands)?),
        Op::GroupNorm(norm) => one(norm::group_norm(norm, operands)?),
        Op::InstanceNorm(norm) => one(norm::instance_norm(norm, operands)?),
        Op::LocalResponseNorm(_) => one(norm::local_response_norm(operands)?),
        Op::Embedding(embedding) => one(arrange::embedding(embedding, operands)?),
        Op::Bilinear(bilinear) => one(linear::bilinear(bilinear, operands)?),
        Op::PRelu => one(elementwise::prelu(operands)?),
        Op::Glu(glu) => one(elementwise::glu(*glu, operands)?),
        Op::Attention(attention) => one(attention::attention(attention, operands)?),
        Op::LpPool(pool) => one(pool::lp_pool(pool, operands)?),
        Op::Unfold(unfold) => one(image::unfold(unfold, operands)?),
        Op::Pad(pad) => one(image::pad(pad, operands)?),
        Op::Interpolate(interpolate) => one(image::interpolate(interpolate, operands)?),
        Op::PixelShuffle(shuffle) => one(image::pixel_shuffle(*shuffle, operands)?),
        Op::Split(split) => arrange::split(split, operands)?,
        Op::Roll(roll) => one(arrange::roll(roll, operands)?),
        Op::Flip(flip) => one(arrange::flip(flip, operands)?),
        Op::Repeat(repeat) => one(arrange::repeat(repeat, operands)?),
        Op::Index(index) => one(arrange::index(*index, operands)?),
        Op::Gather(gather) => one(arrange::gather(*gather, operands)?),
        Op::Scatter(scatter) => one(arrange::scatter(*scatter, operands)?),
        Op::Einsum(einsum) => one(attention::einsum(einsum, operands)?),
        Op::Where => one(elementwise::select(operands)?),
        Op::MaskedFill(_) => one(elementwise::masked_fill(operands)?),
        Op::Clamp(_) => one(elementwise::clamp(operands)?),
        Op::Arange(arange) => one(make::arange(arange, operands)?),
        Op::Random(random) => one(make::random(random, operands)?),
        Op::Cumulate(cumulate) => one(reduce::cumulate(*cumulate, operands)?),
        Op::ArgExtreme(arg) => one(reduce::arg_extreme(*arg, operands)?),
        Op::TopK(top) => reduce::top_k(*top, operands)?,
        Op::Triangle(_) => one(reduce::triangle(operands)?),
        Op::Windows(windows) => one(arrange::windows(windows, operands)?),
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
