//! Attributes of layers with parameters or windows, and of normalisations.

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

/// Attributes of layer and root-mean-square normalisation over the last dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// Extents of the normalised last dimensions.
    pub normalized_shape: Vec<u64>,
    /// Added to the variance; `None` is the machine epsilon of the element type.
    pub eps: Option<f64>,
    /// Whether a weight is an operand.
    pub weight: bool,
    /// Whether a bias is the last operand.
    pub bias: bool,
    /// Whether the mean is left alone: `RMSNorm`.
    pub root_mean_square: bool,
}

/// Attributes of group normalisation over dimension 1.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupNorm {
    /// Groups; divides the channels.
    pub num_groups: u64,
    /// Extent of dimension 1.
    pub num_channels: u64,
    /// Added to the variance.
    pub eps: f64,
    /// Whether weight and bias are operands.
    pub affine: bool,
}

/// Attributes of instance normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceNorm {
    /// Extent of the channel dimension.
    pub num_features: u64,
    /// Spatial dimensions: 1, 2 or 3. The input has one or two more.
    pub spatial: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Whether weight and bias are operands.
    pub affine: bool,
    /// Whether running mean, running variance and batch counter are operands.
    pub track_running_stats: bool,
}

/// Attributes of normalisation over neighbouring channels.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalResponseNorm {
    /// Channels that count.
    pub size: u64,
    /// Factor of the sum of squares.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Added to the sum.
    pub k: f64,
}

/// Attributes of a look-up table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Embedding {
    /// Rows of the table.
    pub num_embeddings: u64,
    /// Columns of the table.
    pub embedding_dim: u64,
    /// A row without gradient.
    pub padding_idx: Option<u64>,
}

/// Attributes of a bilinear map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bilinear {
    /// Extent of the left input's last dimension.
    pub in1_features: u64,
    /// Extent of the right input's last dimension.
    pub in2_features: u64,
    /// Extent of the output's last dimension.
    pub out_features: u64,
    /// Whether a bias is the last operand.
    pub bias: bool,
}

/// Attributes of scaled dot-product attention.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// Whether a mask is the last operand.
    pub mask: bool,
    /// Whether positions see only earlier ones.
    pub is_causal: bool,
    /// Dropout of the weights.
    pub dropout: f64,
    /// Factor of the products; `None` is one over the root of the features.
    pub scale: Option<f64>,
}

/// Attributes of power-average pooling. Vectors hold one entry per spatial dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct LpPool {
    /// The exponent.
    pub norm: f64,
    /// Window.
    pub kernel: Vec<u64>,
    /// Step.
    pub stride: Vec<u64>,
    /// Whether a window that starts inside but ends outside counts.
    pub ceil_mode: bool,
}

/// Attributes of the extraction of windows as columns (`nn.Unfold`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unfold {
    /// Window.
    pub kernel: [u64; 2],
    /// Spacing of the window's elements.
    pub dilation: [u64; 2],
    /// Padding on both sides.
    pub padding: [u64; 2],
    /// Step.
    pub stride: [u64; 2],
}
