//! Operations by what counters tell apart: one row of a convention's table for each.

use crate::ir::Op;
use crate::ir::op::{Activation, Binary, InterpolateMode, PoolMode, RecurrentCell};

/// What an operation is to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A convolution.
    Convolution,
    /// A transposed convolution.
    TransposedConvolution,
    /// An affine map.
    Linear,
    /// A matrix product.
    MatMul,
    /// A bilinear map.
    Bilinear,
    /// A sum of products over named dimensions.
    Einsum,
    /// An LSTM layer.
    Lstm,
    /// Another recurrent layer: GRU or a plain one.
    Recurrent,
    /// Scaled dot-product attention as one operation.
    Attention,
    /// Batch normalisation.
    BatchNorm,
    /// Layer normalisation.
    LayerNorm,
    /// Root-mean-square normalisation.
    RmsNorm,
    /// Group normalisation.
    GroupNorm,
    /// Instance normalisation.
    InstanceNorm,
    /// Pooling by maximum.
    MaxPool,
    /// Pooling by mean.
    AveragePool,
    /// Pooling by maximum to a given extent.
    AdaptiveMaxPool,
    /// Pooling by mean to a given extent.
    AdaptiveAveragePool,
    /// ReLU.
    Relu,
    /// ReLU6.
    Relu6,
    /// Leaky ReLU.
    LeakyRelu,
    /// ReLU with learnt slopes.
    PRelu,
    /// ELU.
    Elu,
    /// GELU.
    Gelu,
    /// SiLU.
    Silu,
    /// Any other activation.
    OtherActivation,
    /// Softmax; its logarithm is another function.
    Softmax,
    /// Resampling by the nearest element.
    Nearest,
    /// Resampling by linear interpolation.
    Bilinear2d,
    /// Resampling by cubic interpolation.
    Bicubic,
    /// A sum of two tensors, or of a tensor and a number.
    Sum,
    /// An element-wise product of two tensors, or of a tensor and a number.
    Product,
    /// What no counter counts.
    Other,
}

/// The family of an operation.
#[must_use]
pub fn family(op: &Op) -> Family {
    match op {
        Op::Conv(conv) if conv.transposed.is_some() => Family::TransposedConvolution,
        Op::Conv(_) => Family::Convolution,
        Op::Linear(_) => Family::Linear,
        Op::MatMul => Family::MatMul,
        Op::Bilinear(_) => Family::Bilinear,
        Op::Einsum(_) => Family::Einsum,
        Op::Recurrent(layer) if layer.cell == RecurrentCell::Lstm => Family::Lstm,
        Op::Recurrent(_) => Family::Recurrent,
        Op::Attention(_) => Family::Attention,
        Op::BatchNorm(_) => Family::BatchNorm,
        Op::LayerNorm(norm) if norm.root_mean_square => Family::RmsNorm,
        Op::LayerNorm(_) => Family::LayerNorm,
        Op::GroupNorm(_) => Family::GroupNorm,
        Op::InstanceNorm(_) => Family::InstanceNorm,
        Op::Pool(pool) => match pool.mode {
            PoolMode::Max => Family::MaxPool,
            PoolMode::Average => Family::AveragePool,
        },
        Op::AdaptivePool(pool) => match pool.mode {
            PoolMode::Max => Family::AdaptiveMaxPool,
            PoolMode::Average => Family::AdaptiveAveragePool,
        },
        Op::Activation(activation) => of_activation(activation),
        Op::Binary(Binary::Add) => Family::Sum,
        Op::Binary(Binary::Mul) => Family::Product,
        Op::Scalar(scalar) if scalar.op == Binary::Add => Family::Sum,
        Op::Scalar(scalar) if scalar.op == Binary::Mul => Family::Product,
        Op::PRelu => Family::PRelu,
        Op::Softmax(softmax) if !softmax.log => Family::Softmax,
        Op::Interpolate(resampling) => match resampling.mode {
            InterpolateMode::Nearest => Family::Nearest,
            InterpolateMode::Linear => Family::Bilinear2d,
            InterpolateMode::Bicubic => Family::Bicubic,
            InterpolateMode::NearestExact | InterpolateMode::Area => Family::Other,
        },
        Op::Softmax(_)
        | Op::Dropout(_)
        | Op::Reshape(_)
        | Op::Permute(_)
        | Op::Cat(_)
        | Op::Expand(_)
        | Op::Contiguous
        | Op::Slice(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Scalar(_)
        | Op::Reduce(_)
        | Op::Full(_)
        | Op::Cast(_)
        | Op::LocalResponseNorm(_)
        | Op::Embedding(_)
        | Op::Glu(_)
        | Op::LpPool(_)
        | Op::Unfold(_)
        | Op::Pad(_)
        | Op::PixelShuffle(_)
        | Op::Split(_)
        | Op::Roll(_)
        | Op::Flip(_)
        | Op::Repeat(_)
        | Op::Index(_)
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Where
        | Op::MaskedFill(_)
        | Op::Clamp(_)
        | Op::Arange(_)
        | Op::Random(_)
        | Op::Cumulate(_)
        | Op::ArgExtreme(_)
        | Op::TopK(_)
        | Op::Triangle(_)
        | Op::Windows(_) => Family::Other,
    }
}

fn of_activation(activation: &Activation) -> Family {
    match activation {
        Activation::Relu => Family::Relu,
        Activation::Relu6 => Family::Relu6,
        Activation::LeakyRelu { .. } => Family::LeakyRelu,
        Activation::Elu { .. } => Family::Elu,
        Activation::Gelu { .. } => Family::Gelu,
        Activation::Silu => Family::Silu,
        _ => Family::OtherActivation,
    }
}
