//! Edits that make an operation fit its operands, most likely first. Whether one of them makes the
//! whole program right is found out by `repair`, which compiles it.

use super::{Elements, ShapeError};
use crate::diagnostic::Remedy;
use crate::ir::{Dim, Provenance, Shape};
use crate::source::Span;

/// The edits for a mistake at a place.
pub(super) fn remedies(error: &ShapeError, provenance: &Provenance) -> Vec<Remedy> {
    let place = Place { call: provenance.call, declared: provenance.declared };
    match error {
        ShapeError::ChannelMismatch { expected, found, groups, .. } => {
            place.channels(*expected, *found, *groups)
        }
        ShapeError::FeatureMismatch { argument, expected, found, input } => {
            place.features(argument, *expected, *found, input)
        }
        ShapeError::NumFeaturesMismatch { argument, found, .. } => {
            place.argument(argument, found.known()).into_iter().collect()
        }
        ShapeError::RankMismatch { expected, input } => place.rank(expected, input),
        ShapeError::EmptySpatialDim { padded, window, .. } => place.window(*window, *padded),
        ShapeError::PoolPadding { kernel, .. } => {
            place.argument("padding", Some(kernel / 2)).into_iter().collect()
        }
        ShapeError::PaddingTooLarge { extent, .. } => {
            place.argument("padding", extent.checked_sub(1)).into_iter().collect()
        }
        ShapeError::OutputPadding { limit, .. } => {
            place.argument("output_padding", limit.checked_sub(1)).into_iter().collect()
        }
        ShapeError::ReshapeSize { input, target } => place.reshape(input, target),
        ShapeError::DimOutOfRange { rank, .. } => {
            place.argument("dim", (*rank as u64).checked_sub(1)).into_iter().collect()
        }
        ShapeError::MatmulMismatch { left_extent, right, .. }
            if right.rank() > 1 && right.0.last() == Some(left_extent) =>
        {
            vec![Remedy::TransposeRight { call: place.call }]
        }
        ShapeError::NotViewable { .. } => {
            vec![Remedy::Callee { call: place.call, name: "reshape".to_string() }]
        }
        ShapeError::Indivisible { extent, .. } => place.shuffle(*extent),
        ShapeError::MatmulMismatch { .. }
        | ShapeError::EmptyOutput { .. }
        | ShapeError::BroadcastMismatch { .. }
        | ShapeError::InPlaceMismatch { .. }
        | ShapeError::ExpandMismatch { .. }
        | ShapeError::ConcatMismatch { .. }
        | ShapeError::InvalidPermutation { .. }
        | ShapeError::IndexOutOfRange { .. }
        | ShapeError::DtypeMismatch { .. }
        | ShapeError::OperandShape { .. }
        | ShapeError::OperandCount { .. }
        | ShapeError::SplitMismatch { .. }
        | ShapeError::BatchDependent { .. }
        | ShapeError::EmptyReduction { .. }
        | ShapeError::TooLarge { .. } => Vec::new(),
    }
}

/// Where an operation was called and its layer declared.
struct Place {
    call: Span,
    declared: Option<Span>,
}

impl Place {
    /// An argument of the declaration or, of a function, of the call.
    fn argument(&self, name: &'static str, value: Option<u64>) -> Option<Remedy> {
        let value = i64::try_from(value?).ok()?;
        Some(Remedy::Argument { call: self.declared.unwrap_or(self.call), name, value })
    }

    /// A depth-wise convolution keeps one group per channel; in others the groups must divide.
    fn channels(&self, expected: u64, found: Dim, groups: u64) -> Vec<Remedy> {
        let Some(found) = found.known().filter(|_| self.declared.is_some()) else {
            return Vec::new();
        };
        let channels = self.argument("in_channels", Some(found));
        let common = greatest_common_divisor(found, groups);
        let both = |groups: u64| {
            let parts = [channels.clone(), self.argument("groups", Some(groups))];
            Remedy::All(parts.into_iter().flatten().collect())
        };
        match (groups, found.is_multiple_of(groups.max(1))) {
            (1, _) => channels.into_iter().collect(),
            (groups, _) if groups == expected => vec![both(found), both(common)],
            (_, true) => channels.into_iter().collect(),
            (_, false) => vec![both(common)],
        }
    }

    /// Flattening alone where it fits, flattening and the number where an image comes, the number.
    fn features(
        &self,
        argument: &'static str,
        expected: u64,
        found: Dim,
        input: &Shape,
    ) -> Vec<Remedy> {
        let per_sample = Shape(input.0.iter().copied().skip(1).collect()).elements();
        let flatten = Remedy::Flatten { call: self.call, declared: self.declared };
        let mut remedies = Vec::new();
        if input.rank() > 2 && per_sample == Some(Dim::Known(expected)) {
            remedies.push(flatten.clone());
        }
        let all = per_sample.and_then(Dim::known).filter(|_| input.rank() == 4);
        if let Some(number) = self.argument(argument, all) {
            remedies.push(Remedy::All(vec![number, flatten]));
        }
        remedies.extend(self.argument(argument, found.known()));
        remedies
    }

    fn rank(&self, expected: &[usize], input: &Shape) -> Vec<Remedy> {
        let spatial = input.rank().checked_sub(2).filter(|spatial| (1..=3).contains(spatial));
        let twin = self.declared.zip(spatial);
        let twin = twin.map(|(call, spatial)| Remedy::Rank { call, spatial });
        let flatten = input.rank() > 2 && expected.contains(&2);
        let flatten =
            flatten.then_some(Remedy::Flatten { call: self.call, declared: self.declared });
        twin.into_iter().chain(flatten).collect()
    }

    /// The largest window that fits, or the padding that makes room.
    fn window(&self, window: u64, padded: u64) -> Vec<Remedy> {
        let smaller = self.argument("kernel_size", Some(padded).filter(|&padded| padded > 0));
        let padding = window.saturating_sub(padded).div_ceil(2);
        smaller.into_iter().chain(self.argument("padding", Some(padding))).collect()
    }

    /// With a leading −1 or batch, the last size is the number of elements of a sample.
    fn reshape(&self, input: &Shape, target: &[Option<Dim>]) -> Vec<Remedy> {
        let per_sample = Elements::of(&Shape(input.0.iter().copied().skip(1).collect()));
        let (batch, last) = match target {
            [batch, Some(Dim::Known(_))] => (batch, per_sample.factor),
            _ => return Vec::new(),
        };
        let is_batch = matches!(batch, None | Some(Dim::Batch { .. }));
        let value = u64::try_from(last).ok().and_then(|last| i64::try_from(last).ok());
        match value {
            Some(value) if is_batch && per_sample.power == 0 => {
                vec![Remedy::LastSize { call: self.call, value }]
            }
            _ => Vec::new(),
        }
    }

    /// The largest factor of a pixel shuffle whose square divides the channels.
    fn shuffle(&self, channels: Dim) -> Vec<Remedy> {
        let Some(channels) = channels.known().filter(|_| self.declared.is_some()) else {
            return Vec::new();
        };
        let fits = |factor: &u64| channels.is_multiple_of(factor * factor);
        let factors = (2..=16).rev().filter(fits);
        factors.filter_map(|factor| self.argument("upscale_factor", Some(factor))).collect()
    }
}

fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}
