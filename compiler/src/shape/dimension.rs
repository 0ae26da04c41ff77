//! Which dimensions of which operands a mistake is about.

use super::ShapeError;
use crate::ir::{Dim, Shape};

impl ShapeError {
    /// Pairs of an operand's position and its dimension; empty where no dimension is to blame.
    #[must_use]
    pub fn dimensions(&self) -> Vec<(usize, usize)> {
        match self {
            ShapeError::ChannelMismatch { found, input, .. }
            | ShapeError::NumFeaturesMismatch { found, input, .. } => channel(input, *found),
            ShapeError::FeatureMismatch { input, .. } => last(input, 0),
            ShapeError::EmptySpatialDim { dim, .. }
            | ShapeError::EmptyOutput { dim, .. }
            | ShapeError::PaddingTooLarge { dim, .. }
            | ShapeError::IndexOutOfRange { dim, .. }
            | ShapeError::SplitMismatch { dim, .. }
            | ShapeError::Indivisible { dim, .. } => vec![(0, *dim)],
            ShapeError::BroadcastMismatch { left, right, dim, .. } => {
                let at =
                    |shape: &Shape| shape.rank().checked_add_signed(isize::try_from(*dim).ok()?);
                let pairs = [at(left).map(|dim| (0, dim)), at(right).map(|dim| (1, dim))];
                pairs.into_iter().flatten().collect()
            }
            ShapeError::ConcatMismatch { other_dim, position, .. } => {
                vec![(0, *other_dim), (*position, *other_dim)]
            }
            ShapeError::MatmulMismatch { left, right, .. } => {
                let rows = right.rank().checked_sub(2).map(|dim| (1, dim));
                last(left, 0).into_iter().chain(rows).collect()
            }
            ShapeError::RankMismatch { .. }
            | ShapeError::ReshapeSize { .. }
            | ShapeError::ExpandMismatch { .. }
            | ShapeError::DimOutOfRange { .. }
            | ShapeError::InvalidPermutation { .. }
            | ShapeError::PoolPadding { .. }
            | ShapeError::OutputPadding { .. }
            | ShapeError::DtypeMismatch { .. }
            | ShapeError::OperandShape { .. }
            | ShapeError::OperandCount { .. }
            | ShapeError::NotViewable { .. }
            | ShapeError::BatchDependent { .. }
            | ShapeError::EmptyReduction { .. }
            | ShapeError::InPlaceMismatch { .. }
            | ShapeError::TooLarge { .. } => Vec::new(),
        }
    }
}

/// The dimension of an extent: dimension 1 if it may be, else the first or the last that has it.
fn channel(input: &Shape, found: Dim) -> Vec<(usize, usize)> {
    let has = |dim: &usize| input.0.get(*dim) == Some(&found);
    let mut order = [1, 0].into_iter().chain((2..input.rank()).rev());
    order.find(has).map(|dim| (0, dim)).into_iter().collect()
}

fn last(input: &Shape, operand: usize) -> Vec<(usize, usize)> {
    input.rank().checked_sub(1).map(|dim| (operand, dim)).into_iter().collect()
}
