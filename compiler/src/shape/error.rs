//! Mistakes found by shape rules. Variants hold facts; the wording of all of them is in this file
//! and in `report`. The text of a variant is a predicate: its subject (a layer or a function) is
//! known only where the operation was called.

use crate::ir::{DType, Dim, Shape};

/// Why an operation cannot be applied to its operands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A convolution meets another number of channels.
    #[error("expects {expected} input channels, but receives {found}")]
    ChannelMismatch {
        /// `in_channels`.
        expected: u64,
        /// Extent of the channel dimension.
        found: Dim,
        /// The input.
        input: Shape,
        /// Groups of the convolution.
        groups: u64,
    },
    /// The last dimension is not what a linear or recurrent layer was made for.
    #[error("expects {expected} input features, but receives {found}")]
    FeatureMismatch {
        /// Name of the argument that declares the extent.
        argument: &'static str,
        /// The declared extent.
        expected: u64,
        /// Extent of the last dimension.
        found: Dim,
        /// The input.
        input: Shape,
    },
    /// A normalisation meets another number of features.
    #[error("normalizes {expected} features, but receives {found}")]
    NumFeaturesMismatch {
        /// Name of the argument that declares the extent.
        argument: &'static str,
        /// The declared extent.
        expected: u64,
        /// Extent of the normalised dimension.
        found: Dim,
        /// The input.
        input: Shape,
    },
    /// The number of dimensions is not accepted.
    #[error("expects an input of {} dimensions, but receives {}", ranks(.expected), .input.rank())]
    RankMismatch {
        /// Accepted ranks, ascending; more than the last one if `or_more`.
        expected: Vec<usize>,
        /// The input.
        input: Shape,
    },
    /// A window does not fit into the padded input.
    #[error("has a window of {window} over a padded input of {padded} in dimension {dim}")]
    EmptySpatialDim {
        /// Dimension of the input.
        dim: usize,
        /// Extent covered by the dilated window.
        window: u64,
        /// Extent with padding.
        padded: u64,
        /// The input.
        input: Shape,
    },
    /// An output extent would be zero or negative.
    #[error("computes an output of extent {extent} in dimension {dim}")]
    EmptyOutput {
        /// Dimension of the input.
        dim: usize,
        /// The computed extent.
        extent: i128,
        /// The input.
        input: Shape,
    },
    /// The element counts of a reshape differ.
    #[error("cannot turn {input} into {}: {}", sizes(.target), counts(.input, .target))]
    ReshapeSize {
        /// The input.
        input: Shape,
        /// The requested shape; `None` stands for −1.
        target: Vec<Option<Dim>>,
    },
    /// Two shapes cannot be broadcast.
    #[error(
        "cannot combine {left} with {right}: dimension {dim} is {left_extent} on one side and {right_extent} on the other"
    )]
    BroadcastMismatch {
        /// Left operand.
        left: Shape,
        /// Right operand.
        right: Shape,
        /// Dimension, counted from the end with a negative number.
        dim: i64,
        /// Its extent on the left.
        left_extent: Dim,
        /// Its extent on the right.
        right_extent: Dim,
    },
    /// An operation in place would have to enlarge the tensor that it writes to.
    #[error(
        "writes in place: output with shape {output} doesn't match the broadcast shape {broadcast}"
    )]
    InPlaceMismatch {
        /// The tensor written to.
        output: Shape,
        /// The shape of the result.
        broadcast: Shape,
    },
    /// A shape cannot be expanded to another.
    #[error("cannot expand {input} to {target}")]
    ExpandMismatch {
        /// The input.
        input: Shape,
        /// The requested shape.
        target: Shape,
    },
    /// Concatenated tensors differ in another dimension.
    #[error(
        "joins {first} and {found} along dimension {dim}, but they differ in dimension {other_dim}"
    )]
    ConcatMismatch {
        /// Dimension of the concatenation.
        dim: usize,
        /// The dimension that differs.
        other_dim: usize,
        /// Position of the tensor that differs.
        position: usize,
        /// Shape of the first tensor.
        first: Shape,
        /// Shape of the differing tensor.
        found: Shape,
    },
    /// A dimension number lies outside the shape.
    #[error("uses dimension {dim} of a tensor of {rank} dimensions")]
    DimOutOfRange {
        /// The dimension as written.
        dim: i64,
        /// The rank.
        rank: usize,
    },
    /// A dimension was given twice or is missing.
    #[error("needs each of the {rank} dimensions once, but the order is {order:?}")]
    InvalidPermutation {
        /// The order as given.
        order: Vec<usize>,
        /// The rank.
        rank: usize,
    },
    /// An index lies outside a dimension.
    #[error("reads index {index} of dimension {dim}, which has extent {extent}")]
    IndexOutOfRange {
        /// Dimension.
        dim: usize,
        /// The index.
        index: u64,
        /// The extent.
        extent: u64,
    },
    /// The inner dimensions of a matrix product differ.
    #[error(
        "multiplies {left} with {right}, but the inner dimensions are {left_extent} and {right_extent}"
    )]
    MatmulMismatch {
        /// Left operand.
        left: Shape,
        /// Right operand.
        right: Shape,
        /// Columns of the left operand.
        left_extent: Dim,
        /// Rows of the right operand.
        right_extent: Dim,
    },
    /// Padding of a pooling exceeds half the window.
    #[error("pads {padding}, more than half of its window of {kernel}")]
    PoolPadding {
        /// The padding.
        padding: u64,
        /// The window.
        kernel: u64,
    },
    /// Padding is as large as what it mirrors or repeats.
    #[error("pads {padding} by {mode} in dimension {dim}, which has extent {extent}")]
    PaddingTooLarge {
        /// How it continues the border.
        mode: &'static str,
        /// The padding.
        padding: u64,
        /// Dimension of the input.
        dim: usize,
        /// Its extent.
        extent: u64,
    },
    /// Output padding reaches the stride and the dilation.
    #[error("has an output padding of {output_padding}, which must be less than {limit}")]
    OutputPadding {
        /// The output padding.
        output_padding: u64,
        /// The larger one of stride and dilation.
        limit: u64,
    },
    /// An element type is not accepted.
    #[error("expects elements of type {expected}, but receives {found}")]
    DtypeMismatch {
        /// What is accepted.
        expected: &'static str,
        /// What came.
        found: DType,
    },
    /// A parameter or state has another shape than the operation needs.
    #[error("expects its {operand} to have the shape {expected}, but receives {found}")]
    OperandShape {
        /// What the operand is.
        operand: &'static str,
        /// The needed shape.
        expected: Shape,
        /// What came.
        found: Shape,
    },
    /// The number of operands is wrong; a mistake of whoever built the graph.
    #[error("takes {expected} operands, but receives {found}")]
    OperandCount {
        /// How many belong there.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// A dimension is no multiple of what divides it.
    #[error("needs dimension {dim} to be a multiple of {divisor}, but it is {extent}")]
    Indivisible {
        /// Dimension.
        dim: usize,
        /// Its extent.
        extent: Dim,
        /// What divides it.
        divisor: u64,
        /// The input.
        input: Shape,
    },
    /// The parts of a split are not the whole.
    #[error("splits dimension {dim} into {total} elements, but it has {extent}")]
    SplitMismatch {
        /// Dimension.
        dim: usize,
        /// Its extent.
        extent: u64,
        /// Sum of the parts.
        total: u64,
    },
    /// The elements do not lie in memory as a view would need.
    #[error("cannot see {input} as {target} without a copy, since its elements are out of order")]
    NotViewable {
        /// The input.
        input: Shape,
        /// The requested shape.
        target: Shape,
    },
    /// Whether it works, or to which shape it leads, depends on the batch size.
    #[error("cannot be checked for every batch size: {what}")]
    BatchDependent {
        /// What depends on it.
        what: String,
    },
    /// A reduction without identity meets an extent of zero.
    #[error("reduces dimension {dim}, which is empty")]
    EmptyReduction {
        /// The dimension.
        dim: usize,
    },
    /// The result has more elements than PyTorch can count.
    #[error("makes a tensor of shape {shape}, whose element count exceeds 2^63")]
    TooLarge {
        /// Shape of the result.
        shape: Shape,
    },
}

fn ranks(expected: &[usize]) -> String {
    let words: Vec<String> = expected.iter().map(ToString::to_string).collect();
    words.join(" or ")
}

fn sizes(target: &[Option<Dim>]) -> String {
    let words: Vec<String> = target
        .iter()
        .map(|size| size.map_or_else(|| "-1".to_string(), |dim| dim.to_string()))
        .collect();
    format!("[{}]", words.join(", "))
}

fn counts(input: &Shape, target: &[Option<Dim>]) -> String {
    let known = Shape(target.iter().copied().flatten().collect());
    let (have, want) = (super::Elements::of(input), super::Elements::of(&known));
    if target.iter().filter(|size| size.is_none()).count() > 1 {
        "only one dimension can be inferred".to_string()
    } else if target.contains(&None) {
        format!("{have} elements are no multiple of {want}")
    } else {
        format!("{have} elements are not {want}")
    }
}
