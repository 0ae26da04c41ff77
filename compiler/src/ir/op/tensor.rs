//! Attributes of operations that move, select, make or reduce elements.

use crate::ir::types::{DType, Shape};

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
    /// Product.
    Product,
    /// Variance with n − correction in the denominator.
    Variance {
        /// 1 is the sample variance.
        correction: u64,
    },
    /// Root of the variance.
    Deviation {
        /// 1 is the sample deviation.
        correction: u64,
    },
    /// Root of the sum of squares.
    Norm,
    /// Logarithm of the sum of exponentials.
    LogSumExp,
    /// Whether all elements are true.
    All,
    /// Whether any element is true.
    Any,
}

impl ReduceKind {
    /// Name of the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ReduceKind::Sum => "sum",
            ReduceKind::Mean => "mean",
            ReduceKind::Max => "amax",
            ReduceKind::Min => "amin",
            ReduceKind::Product => "prod",
            ReduceKind::Variance { .. } => "var",
            ReduceKind::Deviation { .. } => "std",
            ReduceKind::Norm => "norm",
            ReduceKind::LogSumExp => "logsumexp",
            ReduceKind::All => "all",
            ReduceKind::Any => "any",
        }
    }
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

/// How a tensor is continued beyond its border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// With a number.
    Constant(f64),
    /// Mirrored without the border element.
    Reflect,
    /// With the border element.
    Replicate,
    /// From the other side.
    Circular,
}

/// Attributes of padding.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// Elements before and after each of the last dimensions, outermost first; negative ones cut.
    pub padding: Vec<(i64, i64)>,
    /// What is put there.
    pub mode: PadMode,
}

/// How an image is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InterpolateMode {
    /// The nearest element, rounded down.
    Nearest,
    /// The nearest element.
    NearestExact,
    /// Linear in one, two or three dimensions.
    Linear,
    /// Cubic in two dimensions.
    Bicubic,
    /// Mean of the covered area.
    Area,
}

/// Attributes of resampling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Interpolate {
    /// Extents of the spatial dimensions.
    pub output: Vec<u64>,
    /// How elements are found.
    pub mode: InterpolateMode,
    /// Whether the corners of both images coincide.
    pub align_corners: bool,
}

/// Attributes of the exchange of channels and pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelShuffle {
    /// The factor of both spatial extents.
    pub factor: u64,
    /// Whether pixels become channels: `PixelUnshuffle`.
    pub inverse: bool,
}

/// Attributes of a split into parts, one result each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Split {
    /// Dimension, not negative.
    pub dim: usize,
    /// Extents of the parts.
    pub sizes: Vec<u64>,
}

/// Attributes of a cyclic shift.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Roll {
    /// Dimensions, not negative, and by how much each is shifted.
    pub shifts: Vec<(usize, i64)>,
}

/// Attributes of a reversal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flip {
    /// Dimensions, not negative.
    pub dims: Vec<usize>,
}

/// Attributes of a tiling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repeat {
    /// How often each dimension is repeated; leading ones are added.
    pub repeats: Vec<u64>,
}

/// Attributes of the selection of rows by a tensor of indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Index {
    /// Dimension that is replaced by the dimensions of the indices.
    pub dim: usize,
}

/// Attributes of the distribution of elements by a tensor of indices (`torch.scatter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// Dimension that the indices run over.
    pub dim: usize,
    /// Whether elements are added to what is there (`torch.scatter_add`) and do not replace it.
    pub add: bool,
}

/// Attributes of the selection of elements by a tensor of indices (`torch.gather`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gather {
    /// Dimension that the indices run over.
    pub dim: usize,
}

/// Attributes of a sum of products over named dimensions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Einsum {
    /// Labels of each operand's dimensions.
    pub operands: Vec<Vec<char>>,
    /// Labels of the result's dimensions.
    pub output: Vec<char>,
}

/// Attributes of a sequence of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arange {
    /// First number.
    pub start: f64,
    /// Bound, not reached.
    pub end: f64,
    /// Difference, not zero.
    pub step: f64,
    /// Element type.
    pub dtype: DType,
}

/// Attributes of a running sum or product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cumulate {
    /// Dimension, not negative.
    pub dim: usize,
    /// Whether elements are multiplied instead of added.
    pub product: bool,
}

/// Attributes of the position of an extreme element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArgExtreme {
    /// Whether the largest element is sought, not the smallest.
    pub largest: bool,
    /// Dimension; `None` is over all elements in order.
    pub dim: Option<usize>,
    /// Whether the reduced dimension stays with extent 1.
    pub keep_dim: bool,
}

/// Attributes of the selection of extreme elements. Results: values, positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TopK {
    /// How many; `None` sorts all.
    pub k: Option<u64>,
    /// Dimension, not negative.
    pub dim: usize,
    /// Whether the largest elements come first.
    pub largest: bool,
}

/// Attributes of the part on one side of a diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Triangle {
    /// Whether the part above is kept.
    pub upper: bool,
    /// Offset of the diagonal.
    pub diagonal: i64,
}

/// Attributes of overlapping windows along one dimension (`Tensor.unfold`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Dimension, not negative.
    pub dim: usize,
    /// Extent of a window, a new last dimension.
    pub size: u64,
    /// Distance between windows, at least 1.
    pub step: u64,
}

/// How random numbers are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Uniform in [0, 1).
    Uniform,
    /// Standard normal.
    Normal,
    /// One with this probability, else zero.
    Bernoulli(f64),
}

/// Attributes of a random tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub dtype: DType,
    /// How elements are drawn.
    pub distribution: Distribution,
}
