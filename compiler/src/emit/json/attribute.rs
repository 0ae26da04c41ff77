//! Attributes of every operation under their names in the document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Extent, Real, Word, extents};
use crate::ir::op::{
    Activation, Clamp, Conv, Distribution, Dropout, DropoutKind, Interpolate, InterpolateMode, Op,
    Pad, PadMode, PaddingMode, Pool, Random, Recurrent, RecurrentCell, Reduce, ReduceKind, Scalar,
};

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A truth value.
    Flag(bool),
    /// A whole number that is not negative.
    Count(u64),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(Real),
    /// A name.
    Text(String),
    /// Whole numbers that are not negative.
    Counts(Vec<u64>),
    /// Pairs of whole numbers: before and after, or dimension and amount.
    Pairs(Vec<(i64, i64)>),
    /// Extents of a shape.
    Shape(Vec<Extent>),
    /// Extents of which null stands for the operand's own, or null alone for an option not given.
    Optional(Option<Vec<Option<u64>>>),
    /// Names.
    Texts(Vec<String>),
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Attribute {
            fn from(value: $from) -> Attribute {
                Attribute::$variant(value)
            }
        }
    )*};
}

from! {
    bool => Flag, u64 => Count, i64 => Integer, String => Text, Vec<u64> => Counts,
    Vec<(i64, i64)> => Pairs, Vec<Extent> => Shape, Vec<String> => Texts,
}

impl From<f64> for Attribute {
    fn from(value: f64) -> Attribute {
        Attribute::Number(Real(value))
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Attribute {
        Attribute::Text(value.to_owned())
    }
}

impl From<usize> for Attribute {
    fn from(value: usize) -> Attribute {
        Attribute::Count(value as u64)
    }
}

impl<T: Into<Attribute>> From<Option<T>> for Attribute {
    fn from(value: Option<T>) -> Attribute {
        value.map_or(Attribute::Optional(None), Into::into)
    }
}

type Attributes = BTreeMap<Word, Attribute>;

macro_rules! map {
    ($($name:ident: $value:expr),* $(,)?) => {
        Attributes::from([$((Word::from(stringify!($name)), Attribute::from($value))),*])
    };
}

/// The attributes of an operation; what they mean is said at [`Op`].
#[must_use]
pub fn attributes(op: &Op) -> Attributes {
    match op {
        Op::Conv(op) => conv(op),
        Op::Linear(op) => {
            map! { in_features: op.in_features, out_features: op.out_features, bias: op.bias }
        }
        Op::BatchNorm(op) => map! {
            num_features: op.num_features, eps: op.eps, momentum: op.momentum, affine: op.affine,
            track_running_stats: op.track_running_stats,
        },
        Op::Dropout(op) => dropout(op),
        Op::Pool(op) => pool(op),
        Op::AdaptivePool(op) => Attributes::from([(
            Word::from("output_size"),
            Attribute::Optional(Some(op.output.clone())),
        )]),
        Op::Activation(op) => activation(*op),
        Op::Softmax(op) => map! { dim: op.dim },
        Op::Recurrent(op) => recurrent(op),
        Op::Reshape(op) => map! { shape: extents(&op.shape) },
        Op::Permute(op) => map! { dims: counts(&op.order) },
        Op::Cat(op) => map! { dim: op.dim },
        Op::Expand(op) => map! { shape: extents(&op.shape) },
        Op::Slice(op) => map! { dim: op.dim, start: op.start, end: op.end, step: op.step },
        Op::Scalar(op) => scalar(op),
        Op::Reduce(op) => reduce(op),
        Op::Full(op) => {
            map! { shape: extents(&op.shape), value: op.value, dtype: op.dtype.name() }
        }
        Op::Cast(op) => map! { dtype: op.dtype.name() },
        Op::LayerNorm(op) => map! {
            normalized_shape: op.normalized_shape.clone(), eps: op.eps, weight: op.weight,
            bias: op.bias,
        },
        Op::GroupNorm(op) => map! {
            num_groups: op.num_groups, num_channels: op.num_channels, eps: op.eps,
            affine: op.affine,
        },
        Op::InstanceNorm(op) => map! {
            num_features: op.num_features, eps: op.eps, affine: op.affine,
            track_running_stats: op.track_running_stats,
        },
        Op::LocalResponseNorm(op) => {
            map! { size: op.size, alpha: op.alpha, beta: op.beta, k: op.k }
        }
        Op::Embedding(op) => map! {
            num_embeddings: op.num_embeddings, embedding_dim: op.embedding_dim,
            padding_idx: op.padding_idx,
        },
        Op::Bilinear(op) => map! {
            in1_features: op.in1_features, in2_features: op.in2_features,
            out_features: op.out_features, bias: op.bias,
        },
        Op::Glu(op) => map! { dim: op.dim },
        Op::Attention(op) => map! {
            mask: op.mask, is_causal: op.is_causal, dropout: op.dropout, scale: op.scale,
        },
        Op::LpPool(op) => map! {
            norm: op.norm, kernel_size: op.kernel.clone(), stride: op.stride.clone(),
            ceil_mode: op.ceil_mode,
        },
        Op::Unfold(op) => map! {
            kernel_size: op.kernel.to_vec(), dilation: op.dilation.to_vec(),
            padding: op.padding.to_vec(), stride: op.stride.to_vec(),
        },
        Op::Pad(op) => pad(op),
        Op::Interpolate(op) => interpolate(op),
        Op::PixelShuffle(op) => map! { factor: op.factor },
        Op::Split(op) => map! { dim: op.dim, sizes: op.sizes.clone() },
        Op::Roll(op) => {
            let shifts = op.shifts.iter().map(|&(dim, shift)| (signed(dim), shift));
            map! { shifts: shifts.collect::<Vec<_>>() }
        }
        Op::Flip(op) => map! { dims: counts(&op.dims) },
        Op::Repeat(op) => map! { repeats: op.repeats.clone() },
        Op::Index(op) => map! { dim: op.dim },
        Op::Gather(op) => map! { dim: op.dim },
        Op::Scatter(op) => map! { dim: op.dim },
        Op::Einsum(op) => {
            let operands: Vec<String> = op.operands.iter().map(String::from_iter).collect();
            map! { operands: operands, output: String::from_iter(&op.output) }
        }
        Op::MaskedFill(op) => map! { value: op.value },
        Op::Clamp(Clamp { min, max }) => map! { min: *min, max: *max },
        Op::Arange(op) => {
            map! { start: op.start, end: op.end, step: op.step, dtype: op.dtype.name() }
        }
        Op::Random(op) => random(op),
        Op::Cumulate(op) => map! { dim: op.dim },
        Op::ArgExtreme(op) => map! { dim: op.dim, keepdim: op.keep_dim },
        Op::TopK(op) => map! { k: op.k, dim: op.dim, largest: op.largest },
        Op::Triangle(op) => map! { diagonal: op.diagonal },
        Op::Windows(op) => map! { dim: op.dim, size: op.size, step: op.step },
        Op::Contiguous | Op::Unary(_) | Op::Binary(_) | Op::MatMul | Op::PRelu | Op::Where => {
            Attributes::new()
        }
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn counts(numbers: &[usize]) -> Vec<u64> {
    numbers.iter().map(|&number| number as u64).collect()
}

fn pairs(pairs: &[(u64, u64)]) -> Vec<(i64, i64)> {
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    pairs.iter().map(|&(before, after)| (number(before), number(after))).collect()
}

fn conv(op: &Conv) -> Attributes {
    let mode = match op.padding_mode {
        PaddingMode::Zeros => "zeros",
        PaddingMode::Reflect => "reflect",
        PaddingMode::Replicate => "replicate",
        PaddingMode::Circular => "circular",
    };
    map! {
        in_channels: op.in_channels, out_channels: op.out_channels,
        kernel_size: op.kernel.clone(), stride: op.stride.clone(), padding: pairs(&op.padding),
        dilation: op.dilation.clone(), groups: op.groups, bias: op.bias, padding_mode: mode,
        output_padding: op.transposed.clone(),
    }
}

fn dropout(op: &Dropout) -> Attributes {
    let kind = match op.kind {
        DropoutKind::Element => "element",
        DropoutKind::Channel => "channel",
        DropoutKind::Alpha => "alpha",
    };
    map! { p: op.p, kind: kind }
}

fn pool(op: &Pool) -> Attributes {
    map! {
        kernel_size: op.kernel.clone(), stride: op.stride.clone(), padding: op.padding.clone(),
        dilation: op.dilation.clone(), ceil_mode: op.ceil_mode,
        count_include_pad: op.count_include_pad, divisor_override: op.divisor_override,
    }
}

fn activation(op: Activation) -> Attributes {
    match op {
        Activation::LeakyRelu { negative_slope } => map! { negative_slope: negative_slope },
        Activation::Elu { alpha } | Activation::Celu { alpha } => map! { alpha: alpha },
        Activation::Gelu { tanh } => map! { tanh: tanh },
        Activation::Hardtanh { min, max } => map! { min: min, max: max },
        Activation::Softplus { beta, threshold } => map! { beta: beta, threshold: threshold },
        Activation::Hardshrink { lambda } | Activation::Softshrink { lambda } => {
            map! { lambda: lambda }
        }
        Activation::Threshold { threshold, value } => map! { threshold: threshold, value: value },
        Activation::Rrelu { lower, upper } => map! { lower: lower, upper: upper },
        Activation::Relu
        | Activation::Relu6
        | Activation::Selu
        | Activation::Silu
        | Activation::Mish
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Hardswish
        | Activation::Hardsigmoid
        | Activation::Softsign
        | Activation::LogSigmoid
        | Activation::Tanhshrink => Attributes::new(),
    }
}

fn recurrent(op: &Recurrent) -> Attributes {
    let cell = match op.cell {
        RecurrentCell::Lstm => "lstm",
        RecurrentCell::Gru => "gru",
        RecurrentCell::RnnTanh => "tanh",
        RecurrentCell::RnnRelu => "relu",
    };
    map! {
        cell: cell, input_size: op.input_size, hidden_size: op.hidden_size,
        num_layers: op.num_layers, bias: op.bias, batch_first: op.batch_first,
        dropout: op.dropout, bidirectional: op.bidirectional, initial_state: op.initial_state,
    }
}

fn scalar(op: &Scalar) -> Attributes {
    map! { number: op.value, is_float: op.is_float, reversed: op.reversed }
}

fn reduce(op: &Reduce) -> Attributes {
    let mut all = map! { dims: counts(&op.dims), keepdim: op.keep_dim };
    match op.kind {
        ReduceKind::Variance { correction } | ReduceKind::Deviation { correction } => {
            all.insert("correction".into(), correction.into());
        }
        ReduceKind::Sum
        | ReduceKind::Mean
        | ReduceKind::Max
        | ReduceKind::Min
        | ReduceKind::Product
        | ReduceKind::Norm
        | ReduceKind::LogSumExp
        | ReduceKind::All
        | ReduceKind::Any => {}
    }
    all
}

fn pad(op: &Pad) -> Attributes {
    let (mode, value) = match op.mode {
        PadMode::Constant(value) => ("constant", Some(value)),
        PadMode::Reflect => ("reflect", None),
        PadMode::Replicate => ("replicate", None),
        PadMode::Circular => ("circular", None),
    };
    map! { padding: op.padding.clone(), mode: mode, value: value }
}

fn interpolate(op: &Interpolate) -> Attributes {
    let mode = match op.mode {
        InterpolateMode::Nearest => "nearest",
        InterpolateMode::NearestExact => "nearest-exact",
        InterpolateMode::Linear => "linear",
        InterpolateMode::Bicubic => "bicubic",
        InterpolateMode::Area => "area",
    };
    map! { size: op.output.clone(), mode: mode, align_corners: op.align_corners }
}

fn random(op: &Random) -> Attributes {
    let mut all = map! { shape: extents(&op.shape), dtype: op.dtype.name() };
    if let Distribution::Bernoulli(p) = op.distribution {
        all.insert("p".into(), p.into());
    }
    all
}
