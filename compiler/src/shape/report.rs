//! Shape errors as diagnostics: code, places, one computed edit. The sentences lie with the variants.

use super::{Elements, ShapeError};
use crate::diagnostic::{Diagnostic, Fault, Label, Severity};
use crate::ir::{Dim, Provenance, Shape};

/// All codes of this stage. The last two say that nasc built a graph wrongly; no program is known
/// that reaches them.
pub const CODES: &[&str] = &[
    "nasc::shape::batch_dependent",
    "nasc::shape::broadcast_mismatch",
    "nasc::shape::channel_mismatch",
    "nasc::shape::concat_mismatch",
    "nasc::shape::dim_out_of_range",
    "nasc::shape::dtype_mismatch",
    "nasc::shape::empty_output",
    "nasc::shape::empty_reduction",
    "nasc::shape::empty_spatial_dim",
    "nasc::shape::expand_mismatch",
    "nasc::shape::feature_mismatch",
    "nasc::shape::index_out_of_range",
    "nasc::shape::indivisible",
    "nasc::shape::invalid_permutation",
    "nasc::shape::matmul_mismatch",
    "nasc::shape::not_viewable",
    "nasc::shape::num_features_mismatch",
    "nasc::shape::operand_shape",
    "nasc::shape::output_padding",
    "nasc::shape::padding_too_large",
    "nasc::shape::pool_padding",
    "nasc::shape::rank_mismatch",
    "nasc::shape::reshape_size",
    "nasc::shape::split_mismatch",
    "nasc::shape::too_large",
    "nasc::shape::operand_count",
    "nasc::shape::invalid_graph",
];

impl ShapeError {
    /// Stable code of the mistake.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            ShapeError::ChannelMismatch { .. } => "nasc::shape::channel_mismatch",
            ShapeError::FeatureMismatch { .. } => "nasc::shape::feature_mismatch",
            ShapeError::NumFeaturesMismatch { .. } => "nasc::shape::num_features_mismatch",
            ShapeError::RankMismatch { .. } => "nasc::shape::rank_mismatch",
            ShapeError::EmptySpatialDim { .. } => "nasc::shape::empty_spatial_dim",
            ShapeError::EmptyOutput { .. } => "nasc::shape::empty_output",
            ShapeError::ReshapeSize { .. } => "nasc::shape::reshape_size",
            ShapeError::BroadcastMismatch { .. } | ShapeError::InPlaceMismatch { .. } => {
                "nasc::shape::broadcast_mismatch"
            }
            ShapeError::ExpandMismatch { .. } => "nasc::shape::expand_mismatch",
            ShapeError::ConcatMismatch { .. } => "nasc::shape::concat_mismatch",
            ShapeError::DimOutOfRange { .. } => "nasc::shape::dim_out_of_range",
            ShapeError::InvalidPermutation { .. } => "nasc::shape::invalid_permutation",
            ShapeError::IndexOutOfRange { .. } => "nasc::shape::index_out_of_range",
            ShapeError::MatmulMismatch { .. } => "nasc::shape::matmul_mismatch",
            ShapeError::PoolPadding { .. } => "nasc::shape::pool_padding",
            ShapeError::PaddingTooLarge { .. } => "nasc::shape::padding_too_large",
            ShapeError::OutputPadding { .. } => "nasc::shape::output_padding",
            ShapeError::DtypeMismatch { .. } => "nasc::shape::dtype_mismatch",
            ShapeError::OperandShape { .. } => "nasc::shape::operand_shape",
            ShapeError::OperandCount { .. } => "nasc::shape::operand_count",
            ShapeError::NotViewable { .. } => "nasc::shape::not_viewable",
            ShapeError::Indivisible { .. } => "nasc::shape::indivisible",
            ShapeError::SplitMismatch { .. } => "nasc::shape::split_mismatch",
            ShapeError::BatchDependent { .. } => "nasc::shape::batch_dependent",
            ShapeError::EmptyReduction { .. } => "nasc::shape::empty_reduction",
            ShapeError::TooLarge { .. } => "nasc::shape::too_large",
        }
    }

    /// The mistake as a diagnostic about `subject`, a layer's path or the name of a function.
    #[must_use]
    pub fn into_diagnostic(self, subject: &str, provenance: &Provenance) -> Diagnostic {
        let call = self.call_label().unwrap_or_else(|| "called here".to_string());
        let mut labels = vec![Label { span: provenance.call, text: call }];
        if let Some(span) = provenance.declared {
            let text = self.declaration_label().unwrap_or_else(|| "declared here".to_string());
            labels.push(Label { span, text });
        }
        Diagnostic {
            code: self.code(),
            severity: Severity::Error,
            fault: self.fault(),
            message: format!("`{subject}` {self}"),
            labels,
            help: self.help(provenance.declared.is_some()),
            remedies: super::remedy::remedies(&self, provenance),
            trail: Vec::new(),
        }
    }

    /// A graph with a wrong operand count was built wrongly by nasc, and a result that depends on
    /// the batch size may be right in PyTorch.
    const fn fault(&self) -> Fault {
        match self {
            ShapeError::BatchDependent { .. } | ShapeError::OperandCount { .. } => {
                Fault::Unsupported
            }
            _ => Fault::Program,
        }
    }

    /// What the call in `forward` passes.
    fn call_label(&self) -> Option<String> {
        match self {
            ShapeError::ChannelMismatch { input, .. }
            | ShapeError::FeatureMismatch { input, .. }
            | ShapeError::NumFeaturesMismatch { input, .. }
            | ShapeError::RankMismatch { input, .. }
            | ShapeError::EmptySpatialDim { input, .. }
            | ShapeError::EmptyOutput { input, .. }
            | ShapeError::ExpandMismatch { input, .. }
            | ShapeError::Indivisible { input, .. }
            | ShapeError::NotViewable { input, .. }
            | ShapeError::ReshapeSize { input, .. } => Some(format!("the input has shape {input}")),
            ShapeError::BroadcastMismatch { left, right, .. }
            | ShapeError::MatmulMismatch { left, right, .. } => {
                Some(format!("the operands have shapes {left} and {right}"))
            }
            ShapeError::InPlaceMismatch { output, broadcast } => {
                Some(format!("the result has shape {broadcast}, the tensor written to {output}"))
            }
            ShapeError::ConcatMismatch { position, found, .. } => {
                Some(format!("tensor {position} of the list has shape {found}"))
            }
            ShapeError::DtypeMismatch { found, .. } => {
                Some(format!("the input has elements of type {found}"))
            }
            ShapeError::DimOutOfRange { .. }
            | ShapeError::InvalidPermutation { .. }
            | ShapeError::IndexOutOfRange { .. }
            | ShapeError::PoolPadding { .. }
            | ShapeError::PaddingTooLarge { .. }
            | ShapeError::OutputPadding { .. }
            | ShapeError::OperandShape { .. }
            | ShapeError::OperandCount { .. }
            | ShapeError::BatchDependent { .. }
            | ShapeError::EmptyReduction { .. }
            | ShapeError::SplitMismatch { .. }
            | ShapeError::TooLarge { .. } => None,
        }
    }

    /// What the declaration in `__init__` fixes.
    fn declaration_label(&self) -> Option<String> {
        match self {
            ShapeError::ChannelMismatch { expected, .. } => {
                Some(format!("declared with in_channels = {expected}"))
            }
            ShapeError::FeatureMismatch { argument, expected, .. }
            | ShapeError::NumFeaturesMismatch { argument, expected, .. } => {
                Some(format!("declared with {argument} = {expected}"))
            }
            ShapeError::EmptySpatialDim { window, .. } => {
                Some(format!("declared with a window of {window}"))
            }
            ShapeError::PoolPadding { padding, kernel } => {
                Some(format!("declared with kernel_size = {kernel} and padding = {padding}"))
            }
            _ => None,
        }
    }

    /// One edit that makes this operation fit.
    fn help(&self, declared: bool) -> Option<String> {
        self.layer_help(declared).or_else(|| self.tensor_help())
    }

    /// Edits of a layer's declaration or of what comes before it.
    fn layer_help(&self, declared: bool) -> Option<String> {
        match self {
            ShapeError::ChannelMismatch { found: Dim::Known(found), groups, .. }
                if declared && found.is_multiple_of(*groups) =>
            {
                Some(format!("write in_channels = {found} in the declaration"))
            }
            ShapeError::FeatureMismatch { argument, expected, found, input } => {
                feature_help(argument, *expected, *found, input, declared)
            }
            ShapeError::NumFeaturesMismatch { argument, found: Dim::Known(found), .. } => {
                Some(format!("write {argument} = {found} in the declaration"))
            }
            ShapeError::RankMismatch { expected, input } => rank_help(expected, input),
            ShapeError::EmptySpatialDim { window, padded, .. } => window_help(*window, *padded),
            ShapeError::EmptyOutput { extent, .. } => {
                Some(format!("pad by {} less", u128::try_from(1 - extent).unwrap_or(1).div_ceil(2)))
            }
            ShapeError::PoolPadding { kernel, .. } => {
                Some(format!("write padding = {} or less", kernel / 2))
            }
            ShapeError::PaddingTooLarge { extent, .. } => {
                Some(format!("write a padding below {extent}"))
            }
            ShapeError::OutputPadding { limit, .. } => {
                Some(format!("write output_padding = {} or less", limit.saturating_sub(1)))
            }
            _ => None,
        }
    }

    /// Edits of a function's arguments.
    fn tensor_help(&self) -> Option<String> {
        match self {
            ShapeError::ReshapeSize { input, target } => reshape_help(input, target),
            ShapeError::DimOutOfRange { rank, .. } => {
                let last = i128::try_from(rank.saturating_sub(1)).unwrap_or(0);
                Some(format!("write a dimension from {} to {last}", -last - 1))
            }
            ShapeError::IndexOutOfRange { extent: extent @ 1.., .. } => {
                Some(format!("write an index of at most {}", extent - 1))
            }
            ShapeError::BroadcastMismatch { dim, left_extent, right_extent, .. } => Some(format!(
                "make dimension {dim} the same on both sides, {left_extent} or {right_extent}, \
                 by equal strides, paddings and channels"
            )),
            ShapeError::InPlaceMismatch { .. } => {
                Some("bind the result to a name, as in `y = y + z` for `y += z`".to_string())
            }
            ShapeError::ConcatMismatch { other_dim, first, found, .. } => {
                concat_help(*other_dim, first, found)
            }
            ShapeError::MatmulMismatch { left_extent, right, .. } => {
                let transposed = right.rank() > 1 && right.0.last() == Some(left_extent);
                transposed.then(|| "write .transpose(-2, -1) behind the right operand".to_string())
            }
            ShapeError::DtypeMismatch { expected: "f32" | "float", .. } => {
                Some("write .float() behind the input".to_string())
            }
            ShapeError::OperandShape { operand, expected, .. } => {
                Some(format!("make the {operand} of shape {expected}"))
            }
            ShapeError::InvalidPermutation { rank, .. } => {
                let dims: Vec<String> = (0..*rank).map(|dim| dim.to_string()).collect();
                Some(format!("name each of {} once", dims.join(", ")))
            }
            ShapeError::Indivisible { dim, extent: Dim::Known(extent), divisor: divisor @ 1.., .. } => {
                let next = extent.next_multiple_of(*divisor);
                Some(format!("give dimension {dim} an extent such as {next}"))
            }
            ShapeError::SplitMismatch { extent, .. } => {
                Some(format!("write sizes that add up to {extent}"))
            }
            ShapeError::NotViewable { .. } => {
                Some("write reshape instead of view, or contiguous() before it".to_string())
            }
            ShapeError::BatchDependent { .. } => Some(
                "take sizes from the tensor (x.size(0), or -1 in view) instead of a fixed batch size"
                    .to_string(),
            ),
            _ => None,
        }
    }
}

/// Flattening is proposed where it makes the features fit, the declared extent otherwise.
fn feature_help(
    argument: &str,
    expected: u64,
    found: Dim,
    input: &Shape,
    declared: bool,
) -> Option<String> {
    if let Dim::Batch { .. } = found {
        let help = "keep the batch apart: write torch.flatten(x, 1) or x.view(x.size(0), -1)";
        return Some(help.to_string());
    }
    let per_sample = Shape(input.0.iter().copied().skip(1).collect());
    if input.rank() > 2 && per_sample.elements() == Some(Dim::Known(expected)) {
        return Some("call torch.flatten(x, 1) before it".to_string());
    }
    found.known().map(|found| match declared {
        true => format!("write {argument} = {found} in the declaration"),
        false => format!("make the last dimension of the weight {found}"),
    })
}

/// Where one dimension alone differs, it may be the one to join along.
fn concat_help(dim: usize, first: &Shape, found: &Shape) -> Option<String> {
    let extent = first.0.get(dim)?;
    let pairs = first.0.iter().zip(&found.0);
    let same = format!("make dimension {dim} of every tensor {extent}");
    Some(match pairs.filter(|(left, right)| left != right).count() {
        1 => format!("{same}, or join along it: dim = {dim}"),
        _ => same,
    })
}

/// The largest window that fits, or the padding on both sides that makes room.
fn window_help(window: u64, padded: u64) -> Option<String> {
    let missing = window.saturating_sub(padded).div_ceil(2);
    match (padded, missing) {
        (0, _) | (_, 0) => None,
        (padded, missing) => Some(format!(
            "write a kernel_size of at most {padded}, or raise the padding by {missing}"
        )),
    }
}

fn rank_help(expected: &[usize], input: &Shape) -> Option<String> {
    let largest = *expected.iter().max()?;
    let smallest = *expected.iter().min()?;
    if input.rank() == 4 && smallest <= 2 && largest < 4 {
        return Some("call torch.flatten(x, 1) before it".to_string());
    }
    if input.rank() + 1 == smallest {
        return Some("add the missing dimension with unsqueeze".to_string());
    }
    None
}

/// With a leading −1 and one known extent, the extent that keeps the batch is per-sample elements.
fn reshape_help(input: &Shape, target: &[Option<Dim>]) -> Option<String> {
    let per_sample = Elements::of(&Shape(input.0.iter().copied().skip(1).collect()));
    match (input.0.first()?, target) {
        (_, [None | Some(Dim::Batch { .. }), Some(Dim::Known(_))]) if per_sample.power == 0 => {
            Some(format!("write {} instead of {}", per_sample.factor, target.last()?.as_ref()?))
        }
        _ => None,
    }
}
