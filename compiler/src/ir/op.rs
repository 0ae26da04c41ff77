//! The closed set of tensor operations and their attributes. Attributes are valid by the time an
//! operation exists: constructors of layers check them. Operands are listed per operation: weights
//! are ordinary operands, so a layer and its functional twin are one operation.
//! Deliberately not here: shape rules (`shape`), counting (`cost`), execution (runtime).

mod elementwise;
mod layer;
mod tensor;

pub use elementwise::*;
pub use layer::*;
pub use tensor::*;

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
    /// The same tensor with its elements in order, a copy. Operand: input.
    Contiguous,
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
    /// Normalisation over the last dimensions. Operands: input, weight and bias as the attributes say.
    LayerNorm(LayerNorm),
    /// Normalisation of groups of channels. Operands: input; weight and bias if `affine`.
    GroupNorm(GroupNorm),
    /// Normalisation of each channel of each sample. Operands: input; weight and bias if `affine`;
    /// running mean, running variance and the batch counter if `track_running_stats`.
    InstanceNorm(InstanceNorm),
    /// Normalisation over neighbouring channels. Operand: input.
    LocalResponseNorm(LocalResponseNorm),
    /// Rows of a table. Operands: indices, weight `[num_embeddings, embedding_dim]`.
    Embedding(Embedding),
    /// Bilinear map of two last dimensions. Operands: left, right, weight `[out, in1, in2]`, bias if
    /// there is one.
    Bilinear(Bilinear),
    /// Leaky ReLU with learnt slopes. Operands: input, weight of one slope or one per channel.
    PRelu,
    /// One half of a dimension times the sigmoid of the other. Operand: input.
    Glu(Glu),
    /// Scaled dot-product attention. Operands: query, key, value, mask if there is one.
    Attention(Attention),
    /// Power-average pooling. Operand: input.
    LpPool(LpPool),
    /// Windows of an image as columns. Operand: input.
    Unfold(Unfold),
    /// Continuation beyond the border. Operand: input.
    Pad(Pad),
    /// Resampling to given spatial extents. Operand: input.
    Interpolate(Interpolate),
    /// Channels to pixels or back. Operand: input.
    PixelShuffle(PixelShuffle),
    /// Consecutive parts of one dimension. Operand: input. Results: the parts.
    Split(Split),
    /// Cyclic shift. Operand: input.
    Roll(Roll),
    /// Reversal. Operand: input.
    Flip(Flip),
    /// Tiling. Operand: input.
    Repeat(Repeat),
    /// Rows along one dimension. Operands: input, indices.
    Index(Index),
    /// Elements along one dimension. Operands: input, indices of the same rank.
    Gather(Gather),
    /// Elements put where a tensor of indices says: input, indices, source; the source has at least
    /// the extents of the indices.
    Scatter(Scatter),
    /// Sum of products over named dimensions. Operands: one or more.
    Einsum(Einsum),
    /// Elements of one tensor where a condition holds, of another elsewhere. Operands: condition,
    /// left, right.
    Where,
    /// A number where a condition holds. Operands: input, condition.
    MaskedFill(MaskedFill),
    /// Restriction to a range. Operand: input.
    Clamp(Clamp),
    /// Equally spaced numbers. No operand.
    Arange(Arange),
    /// Random numbers. No operand.
    Random(Random),
    /// Running sum or product. Operand: input.
    Cumulate(Cumulate),
    /// Position of the largest or smallest element. Operand: input.
    ArgExtreme(ArgExtreme),
    /// The largest or smallest elements in order. Operand: input. Results: values, positions.
    TopK(TopK),
    /// The part of matrices on one side of a diagonal. Operand: input.
    Triangle(Triangle),
    /// Overlapping windows along one dimension as a new last one. Operand: input.
    Windows(Windows),
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
            Op::Contiguous => "contiguous",
            Op::Expand(_) => "expand",
            Op::Slice(_) => "slice",
            Op::Unary(unary) => unary.name(),
            Op::Binary(binary) => binary.name(),
            Op::Scalar(scalar) => scalar.op.name(),
            Op::Reduce(reduce) => reduce.kind.name(),
            Op::MatMul => "matmul",
            Op::Full(_) => "full",
            Op::Cast(_) => "cast",
            Op::GroupNorm(_) => "group_norm",
            Op::InstanceNorm(_) => "instance_norm",
            Op::LocalResponseNorm(_) => "local_response_norm",
            Op::Embedding(_) => "embedding",
            Op::Bilinear(_) => "bilinear",
            Op::PRelu => "prelu",
            Op::Glu(_) => "glu",
            Op::Attention(_) => "scaled_dot_product_attention",
            Op::LpPool(_) => "lp_pool",
            Op::Unfold(_) => "unfold",
            Op::Pad(_) => "pad",
            Op::Interpolate(_) => "interpolate",
            Op::Split(_) => "split",
            Op::Roll(_) => "roll",
            Op::Flip(_) => "flip",
            Op::Repeat(_) => "repeat",
            Op::Index(_) => "index",
            Op::Gather(_) => "gather",
            Op::Scatter(op) if op.add => "scatter_add",
            Op::Scatter(_) => "scatter",
            Op::Einsum(_) => "einsum",
            Op::Where => "where",
            Op::MaskedFill(_) => "masked_fill",
            Op::Clamp(_) => "clamp",
            Op::Arange(_) => "arange",
            Op::TopK(_) => "topk",
            Op::Windows(_) => "windows",
            Op::LayerNorm(norm) if norm.root_mean_square => "rms_norm",
            Op::LayerNorm(_) => "layer_norm",
            Op::PixelShuffle(shuffle) if shuffle.inverse => "pixel_unshuffle",
            Op::PixelShuffle(_) => "pixel_shuffle",
            Op::Random(random) => match random.distribution {
                Distribution::Uniform => "rand",
                Distribution::Normal => "randn",
                Distribution::Bernoulli(_) => "bernoulli",
            },
            Op::Cumulate(cumulate) if cumulate.product => "cumprod",
            Op::Cumulate(_) => "cumsum",
            Op::ArgExtreme(arg) if arg.largest => "argmax",
            Op::ArgExtreme(_) => "argmin",
            Op::Triangle(triangle) if triangle.upper => "triu",
            Op::Triangle(_) => "tril",
        }
    }
}
