//! Padding, resampling, exchange of channels and pixels, windows as columns.

use super::conv::channel_dim;
use super::{ShapeError, only};
use crate::ir::op::{Interpolate, InterpolateMode, Pad, PadMode, PixelShuffle, Unfold};
use crate::ir::{Dim, Shape, TensorType};

/// The last dimensions longer or shorter. Limits: torch.nn.functional.pad.
pub(super) fn pad(pad: &Pad, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let mut result = only(operands)?.clone();
    let input = result.shape.clone();
    let rank = input.rank();
    let first = first_padded(pad, &input)?;
    for ((dim, extent), &padding) in
        result.shape.0.iter_mut().enumerate().skip(first).zip(&pad.padding)
    {
        *extent = match *extent {
            Dim::Known(known) => Dim::Known(padded(pad.mode, dim, known, padding, &input)?),
            Dim::Batch { .. } if padding == (0, 0) => *extent,
            Dim::Batch { .. } => {
                let what = format!("it pads dimension {dim} of {rank}, the batch");
                return Err(ShapeError::BatchDependent { what });
            }
        };
    }
    Ok(result)
}

/// Only padding with a number works on any rank; the others on images with or without a batch.
fn first_padded(pad: &Pad, input: &Shape) -> Result<usize, ShapeError> {
    let padded = pad.padding.len();
    let expected = match pad.mode {
        PadMode::Constant(_) if input.rank() >= padded => return Ok(input.rank() - padded),
        PadMode::Constant(_) => vec![padded],
        PadMode::Reflect | PadMode::Replicate | PadMode::Circular => vec![padded + 1, padded + 2],
    };
    match input.rank().checked_sub(padded) {
        Some(first @ (1 | 2)) => Ok(first),
        Some(_) | None => Err(ShapeError::RankMismatch { expected, input: input.clone() }),
    }
}

fn padded(
    mode: PadMode,
    dim: usize,
    extent: u64,
    padding: (i64, i64),
    input: &Shape,
) -> Result<u64, ShapeError> {
    let largest = u64::try_from(padding.0.max(padding.1)).unwrap_or(0);
    let (name, too_large) = match mode {
        PadMode::Constant(_) => ("a number", false),
        PadMode::Reflect => ("reflection", largest > 0 && largest >= extent),
        PadMode::Replicate => ("replication", extent == 0),
        PadMode::Circular => ("repetition", largest > extent),
    };
    if too_large {
        return Err(ShapeError::PaddingTooLarge { mode: name, padding: largest, dim, extent });
    }
    let output = i128::from(extent) + i128::from(padding.0) + i128::from(padding.1);
    u64::try_from(output).map_err(|_| ShapeError::EmptyOutput {
        dim,
        extent: output,
        input: input.clone(),
    })
}

/// `[N, C, ...]` to the requested spatial extents.
pub(super) fn interpolate(
    interpolate: &Interpolate,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let spatial = interpolate.output.len();
    let cubic = interpolate.mode == InterpolateMode::Bicubic && spatial != 2;
    if input.shape.rank() != spatial + 2 || cubic {
        let expected = vec![if cubic { 4 } else { spatial + 2 }];
        return Err(ShapeError::RankMismatch { expected, input: input.shape.clone() });
    }
    let empty = input.shape.0.iter().skip(1).position(|&extent| extent == Dim::Known(0));
    if let Some(dim) = empty {
        let (dim, input) = (dim + 1, input.shape.clone());
        return Err(ShapeError::EmptySpatialDim { dim, window: 1, padded: 0, input });
    }
    if let Some(dim) = interpolate.output.iter().position(|&extent| extent == 0) {
        let (dim, input) = (dim + 2, input.shape.clone());
        return Err(ShapeError::EmptyOutput { dim, extent: 0, input });
    }
    let mut dims: Vec<Dim> = input.shape.0.iter().copied().take(2).collect();
    dims.extend(interpolate.output.iter().copied().map(Dim::Known));
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

/// `[.., C·f², H, W]` to `[.., C, H·f, W·f]`, or back.
pub(super) fn pixel_shuffle(
    shuffle: PixelShuffle,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let mut result = only(operands)?.clone();
    let input = result.shape.clone();
    let rank = input.rank();
    let [.., channels, height, width] = result.shape.0.as_mut_slice() else {
        return Err(ShapeError::RankMismatch { expected: vec![3, 4], input });
    };
    let area = shuffle.factor.saturating_mul(shuffle.factor);
    let multiply = |extent: Dim, factor: u64| {
        extent
            .checked_mul(Dim::Known(factor))
            .ok_or_else(|| ShapeError::TooLarge { shape: input.clone() })
    };
    if shuffle.inverse {
        *height = divide(*height, shuffle.factor, rank - 2, &input)?;
        *width = divide(*width, shuffle.factor, rank - 1, &input)?;
        *channels = multiply(*channels, area)?;
    } else {
        *channels = divide(*channels, area, rank - 3, &input)?;
        *height = multiply(*height, shuffle.factor)?;
        *width = multiply(*width, shuffle.factor)?;
    }
    Ok(result)
}

/// A dimension divided without remainder.
pub(super) fn divide(
    extent: Dim,
    divisor: u64,
    dim: usize,
    input: &Shape,
) -> Result<Dim, ShapeError> {
    extent.checked_div(Dim::Known(divisor)).ok_or_else(|| ShapeError::Indivisible {
        dim,
        extent,
        divisor,
        input: input.clone(),
    })
}

/// `[N, C, H, W]` to `[N, C · window, positions]`.
pub(super) fn unfold(unfold: &Unfold, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let channel_dim = channel_dim(&input.shape, 2)?;
    let mut positions = 1u64;
    let spatial = input.shape.0.iter().enumerate().skip(channel_dim + 1);
    for (position, (dim, &extent)) in spatial.enumerate() {
        positions = positions.saturating_mul(windows(unfold, position, dim, extent, &input.shape)?);
    }
    let window = Dim::Known(unfold.kernel.iter().product());
    let mut dims: Vec<Dim> = input.shape.0.iter().copied().take(channel_dim).collect();
    let channels = input.shape.0.get(channel_dim).copied().unwrap_or(Dim::Known(0));
    let columns = channels
        .checked_mul(window)
        .ok_or_else(|| ShapeError::TooLarge { shape: input.shape.clone() })?;
    dims.extend([columns, Dim::Known(positions)]);
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

fn windows(
    unfold: &Unfold,
    position: usize,
    dim: usize,
    extent: Dim,
    input: &Shape,
) -> Result<u64, ShapeError> {
    let at = |values: &[u64; 2]| values.get(position).copied().unwrap_or(1);
    let Dim::Known(extent) = extent else {
        let what = format!("its window moves along dimension {dim} of {input}");
        return Err(ShapeError::BatchDependent { what });
    };
    let reach = at(&unfold.kernel).saturating_sub(1).saturating_mul(at(&unfold.dilation));
    let window = reach.saturating_add(1);
    let padded = extent.saturating_add(at(&unfold.padding).saturating_mul(2));
    match padded.checked_sub(window) {
        Some(room) => Ok(room / at(&unfold.stride).max(1) + 1),
        None => Err(ShapeError::EmptySpatialDim { dim, window, padded, input: input.clone() }),
    }
}
