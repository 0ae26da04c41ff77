//! The closed set of tensor operations and their attributes. Attributes are valid by the time an
//! operation exists: constructors of layers check them. Operands are listed per operation: weights
//! are ordinary operands, so a layer and its functional twin are one operation.
//! Deliberately not here: shape rules (`shape`), counting (`cost`), execution (runtime).

use super::types::{DType, Shape};

/// A tensor operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Convolution. Operands: input, weight, bias if [`Conv::bias`].
    Conv(Conv),
    /// Affine map of the last dimension. Operands: input, weight `[out, in]`, bias if there is one.
    Linear(Linear),
    /// Batch normalisation over dimension 1. Operands: input; weight and bias if `affine`;
    /// running mean, running variance and the batch counter if `track_running_stats`.
    BatchNorm(BatchNorm),
    /// Dropout; identity in evaluation mode. Operand: input.
    Dropout(Dropout),
    /// Max or average pooling with a window. Operand: input.
    Pool(Pool),
    /// Pooling to a given extent. Operand: input.
    AdaptivePool(AdaptivePool),
    /// Element-wise activation. Operand: input.
    Activation(Activation),
    /// Softmax or its logarithm along one dimension. Operand: input.
    Softmax(Softmax),
    /// Recurrent layers. Operands: input; then per layer and direction `weight_ih`, `weight_hh`
    /// and, if `bias`, `bias_ih`, `bias_hh`; then initial states if `initial_state`.
    /// Results: output, final hidden state and, for an LSTM, final cell state.
    Recurrent(Recurrent),
    /// The same elements in the same order under another shape. Operand: input.
    Reshape(Reshape),
    /// Dimensions in another order. Operand: input.
    Permute(Permute),
    /// Concatenation. Operands: one or more inputs.
    Cat(Cat),
    /// Broadcast to a larger shape. Operand: input.
    Expand(Expand),
    /// A strided range along one dimension. Operand: input.
    Slice(Slice),
    /// Element-wise function of one tensor. Operand: input.
    Unary(Unary),
    /// Element-wise function of two broadcast tensors. Operands: left, right.
    Binary(Binary),
    /// Element-wise function of a tensor and a number. Operand: input.
    Scalar(Scalar),
    /// Reduction over dimensions. Operand: input.
    Reduce(Reduce),
    /// Matrix product with broadcast batch dimensions, as `torch.matmul`. Operands: left, right.
    MatMul,
    /// A tensor filled with one number. No operand.
    Full(Full),
    /// Another element type. Operand: input.
    Cast(Cast),
}

/// How an input is continued beyond its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// With zeros.
    Zeros,
    /// Mirrored without the border element.
    Reflect,
    /// With the border element.
    Replicate,
    /// From the other side.
    Circular,
}

/// Attributes of a convolution. Vectors hold one entry per spatial dimension (1, 2 or 3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Channels of the input.
    pub in_channels: u64,
    /// Channels of the output.
    pub out_channels: u64,
    /// Window.
    pub kernel: Vec<u64>,
    /// Step, at least 1.
    pub stride: Vec<u64>,
    /// Padding before and after each spatial dimension; they differ only for `padding='same'`.
    pub padding: Vec<(u64, u64)>,
    /// Spacing of the window's elements, at least 1.
    pub dilation: Vec<u64>,
    /// Groups; divides both channel counts.
    pub groups: u64,
    /// Whether a bias is the last operand.
    pub bias: bool,
    /// How the border is continued.
    pub padding_mode: PaddingMode,
    /// `Some(output_padding)` for a transposed convolution.
    pub transposed: Option<Vec<u64>>,
}

/// Attributes of an affine map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Linear {
    /// Extent of the input's last dimension.
    pub in_features: u64,
    /// Extent of the output's last dimension.
    pub out_features: u64,
    /// Whether a bias is the last operand.
    pub bias: bool,
}

/// Attributes of batch normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Extent of dimension 1.
    pub num_features: u64,
    /// Added to the variance.
    pub eps: f64,
    /// Weight of the newest batch in the running statistics; `None` is the cumulative average.
    pub momentum: Option<f64>,
    /// Whether weight and bias are operands.
    pub affine: bool,
    /// Whether running statistics are operands.
    pub track_running_stats: bool,
    /// Accepted ranks of the input: `[2, 3]` for 1-d, `[4]` for 2-d, `[5]` for 3-d.
    pub ranks: Vec<usize>,
}

/// Attributes of dropout.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// Probability of a zero, from 0 to 1.
    pub p: f64,
    /// What is dropped together.
    pub kind: DropoutKind,
}

/// What dropout drops together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropoutKind {
    /// Each element on its own.
    Element,
    /// Whole channels: `Dropout1d`, `Dropout2d`, `Dropout3d`.
    Channel,
    /// Elements, keeping mean and variance of SELU activations.
    Alpha,
}

/// Max or average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolMode {
    /// Largest element of the window.
    Max,
    /// Mean of the window.
    Average,
}

/// Attributes of a window pooling. Vectors hold one entry per spatial dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Max or average.
    pub mode: PoolMode,
    /// Window.
    pub kernel: Vec<u64>,
    /// Step.
    pub stride: Vec<u64>,
    /// Padding on both sides, at most half the window.
    pub padding: Vec<u64>,
    /// Spacing of the window's elements; 1 for average pooling.
    pub dilation: Vec<u64>,
    /// Whether a window that starts inside but ends outside counts.
    pub ceil_mode: bool,
    /// Average pooling: whether padding counts in the divisor.
    pub count_include_pad: bool,
    /// Average pooling: a fixed divisor.
    pub divisor_override: Option<u64>,
}

/// Attributes of an adaptive pooling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AdaptivePool {
    /// Max or average.
    pub mode: PoolMode,
    /// Extent per spatial dimension; `None` keeps the input's.
    pub output: Vec<Option<u64>>,
}

/// Element-wise activations with their parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x for x > 0, else slope · x
    LeakyRelu {
        /// Slope on the negative side.
        negative_slope: f64,
    },
    /// x for x > 0, else α (eˣ − 1)
    Elu {
        /// Scale of the negative side.
        alpha: f64,
    },
    /// The self-normalising ELU.
    Selu,
    /// max(0, x) + min(0, α (e^(x/α) − 1))
    Celu {
        /// Scale of the negative side.
        alpha: f64,
    },
    /// x Φ(x)
    Gelu {
        /// Whether Φ is approximated with tanh.
        tanh: bool,
    },
    /// x σ(x)
    Silu,
    /// x tanh(softplus(x))
    Mish,
    /// σ(x)
    Sigmoid,
    /// tanh(x)
    Tanh,
    /// x · relu6(x + 3) / 6
    Hardswish,
    /// relu6(x + 3) / 6
    Hardsigmoid,
    /// x clamped
    Hardtanh {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// log(1 + e^(βx)) / β, linear above the threshold
    Softplus {
        /// Sharpness.
        beta: f64,
        /// Where it becomes linear.
        threshold: f64,
    },
    /// x / (1 + |x|)
    Softsign,
    /// log σ(x)
    LogSigmoid,
}

/// Attributes of a softmax.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Softmax {
    /// Dimension, not negative.
    pub dim: usize,
    /// Whether the logarithm is taken.
    pub log: bool,
}

/// The kinds of recurrent cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecurrentCell {
    /// Long short-term memory; gates in PyTorch's order i, f, g, o.
    Lstm,
    /// Gated recurrent unit; gates in PyTorch's order r, z, n.
    Gru,
    /// Elman network with tanh.
    RnnTanh,
    /// Elman network with ReLU.
    RnnRelu,
}

/// Attributes of recurrent layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent {
    /// Cell.
    pub cell: RecurrentCell,
    /// Features of the input.
    pub input_size: u64,
    /// Features of the hidden state.
    pub hidden_size: u64,
    /// Stacked layers.
    pub num_layers: u64,
    /// Whether cells have biases.
    pub bias: bool,
    /// Whether the input is `[batch, time, features]` and not `[time, batch, features]`.
    pub batch_first: bool,
    /// Dropout between layers.
    pub dropout: f64,
    /// Whether a second pass runs backwards.
    pub bidirectional: bool,
    /// Whether initial states are operands.
    pub initial_state: bool,
}

impl Recurrent {
    /// Passes over the sequence: 2 if bidirectional, else 1.
    #[must_use]
    pub const fn directions(&self) -> u64 {
        if self.bidirectional { 2 } else { 1 }
    }
}

impl RecurrentCell {
    /// Affine maps of input and hidden state in one cell.
    #[must_use]
    pub const fn gates(self) -> u64 {
        match self {
            RecurrentCell::Lstm => 4,
            RecurrentCell::Gru => 3,
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => 1,
        }
    }
}

/// Attributes of a reshape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The new shape, no −1 left.
    pub shape: Shape,
}

/// Attributes of a permutation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permute {
    /// `order[i]` is the input dimension that becomes dimension `i`.
    pub order: Vec<usize>,
}

/// Attributes of a concatenation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cat {
    /// Dimension, not negative.
    pub dim: usize,
}

/// Attributes of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expand {
    /// The new shape.
    pub shape: Shape,
}

/// Attributes of a strided range.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Dimension, not negative.
    pub dim: usize,
    /// First index.
    pub start: u64,
    /// One past the last index, at most the extent; `None` is the end.
    pub end: Option<u64>,
    /// Step, at least 1.
    pub step: u64,
}

/// Element-wise functions of one tensor that are no activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// −x
    Neg,
    /// |x|
    Abs,
    /// eˣ
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// 1/√x
    Rsqrt,
    /// x²
    Square,
}

/// Arithmetic of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// left + right
    Add,
    /// left − right
    Sub,
    /// left · right
    Mul,
    /// left / right
    Div,
    /// left to the power of right
    Pow,
    /// The larger one.
    Maximum,
    /// The smaller one.
    Minimum,
}

/// Arithmetic with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Operation.
    pub op: Binary,
    /// The number.
    pub value: f64,
    /// Whether the number was a Python `float`; an `int` leaves integer tensors integers.
    pub is_float: bool,
    /// Whether the number is the left operand.
    pub reversed: bool,
}

/// What a reduction computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// Sum.
    Sum,
    /// Mean.
    Mean,
    /// Largest element.
    Max,
    /// Smallest element.
    Min,
}

/// Attributes of a reduction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// What is computed.
    pub kind: ReduceKind,
    /// Dimensions, ascending and not negative; none stands for all.
    pub dims: Vec<usize>,
    /// Whether reduced dimensions stay with extent 1.
    pub keep_dim: bool,
}

/// Attributes of a filled tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Full {
    /// Its shape.
    pub shape: Shape,
    /// Its elements.
    pub value: f64,
    /// Its element type.
    pub dtype: DType,
}

/// Attributes of a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cast {
    /// The new element type.
    pub dtype: DType,
}

impl Op {
    /// Name of the operation in reports and in the textual form of a graph.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Conv(conv) => match (conv.kernel.len(), conv.transposed.is_some()) {
                (1, false) => "conv1d",
                (2, false) => "conv2d",
                (_, false) => "conv3d",
                (1, true) => "conv_transpose1d",
                (2, true) => "conv_transpose2d",
                (_, true) => "conv_transpose3d",
            },
            Op::Linear(_) => "linear",
            Op::BatchNorm(_) => "batch_norm",
            Op::Dropout(_) => "dropout",
            Op::Pool(pool) => match pool.mode {
                PoolMode::Max => "max_pool",
                PoolMode::Average => "avg_pool",
            },
            Op::AdaptivePool(pool) => match pool.mode {
                PoolMode::Max => "adaptive_max_pool",
                PoolMode::Average => "adaptive_avg_pool",
            },
            Op::Activation(activation) => activation.name(),
            Op::Softmax(softmax) if softmax.log => "log_softmax",
            Op::Softmax(_) => "softmax",
            Op::Recurrent(recurrent) => match recurrent.cell {
                RecurrentCell::Lstm => "lstm",
                RecurrentCell::Gru => "gru",
                RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => "rnn",
            },
            Op::Reshape(_) => "reshape",
            Op::Permute(_) => "permute",
            Op::Cat(_) => "cat",
            Op::Expand(_) => "expand",
            Op::Slice(_) => "slice",
            Op::Unary(unary) => unary.name(),
            Op::Binary(binary) => binary.name(),
            Op::Scalar(scalar) => scalar.op.name(),
            Op::Reduce(reduce) => match reduce.kind {
                ReduceKind::Sum => "sum",
                ReduceKind::Mean => "mean",
                ReduceKind::Max => "amax",
                ReduceKind::Min => "amin",
            },
            Op::MatMul => "matmul",
            Op::Full(_) => "full",
            Op::Cast(_) => "cast",
        }
    }
}

impl Activation {
    /// Name of the functional form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Relu6 => "relu6",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Elu { .. } => "elu",
            Activation::Selu => "selu",
            Activation::Celu { .. } => "celu",
            Activation::Gelu { .. } => "gelu",
            Activation::Silu => "silu",
            Activation::Mish => "mish",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Hardswish => "hardswish",
            Activation::Hardsigmoid => "hardsigmoid",
            Activation::Hardtanh { .. } => "hardtanh",
            Activation::Softplus { .. } => "softplus",
            Activation::Softsign => "softsign",
            Activation::LogSigmoid => "logsigmoid",
        }
    }
}

impl Unary {
    /// Name of the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Square => "square",
        }
    }
}

impl Binary {
    /// Name of the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
        }
    }
}
