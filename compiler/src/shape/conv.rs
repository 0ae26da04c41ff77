//! Convolutions, plain and transposed, of 1 to 3 spatial dimensions.
//! Formulas: torch.nn.Conv2d and torch.nn.ConvTranspose2d, section "Shape".

use super::{ShapeError, count, expect_shape, operand, same_dtype};
use crate::ir::op::{Conv, PaddingMode};
use crate::ir::{Dim, Shape, TensorType};

/// `[N, in, ...]` or `[in, ...]` to `[N, out, ...]` or `[out, ...]`.
pub(super) fn conv(conv: &Conv, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    count(operands, 2 + usize::from(conv.bias))?;
    let (input, weight) = (operand(operands, 0)?, operand(operands, 1)?);
    let channel_dim = channel_dim(&input.shape, conv.kernel.len())?;
    expect_channels(conv, &input.shape, channel_dim)?;
    expect_shape("weight", weight, weight_shape(conv))?;
    same_dtype(input.dtype, weight.dtype)?;
    if conv.bias {
        let bias = operand(operands, 2)?;
        expect_shape("bias", bias, Shape::known(&[conv.out_channels]))?;
        same_dtype(input.dtype, bias.dtype)?;
    }
    let mut dims: Vec<Dim> = input.shape.0.iter().copied().take(channel_dim).collect();
    dims.push(Dim::Known(conv.out_channels));
    let spatial = input.shape.0.iter().copied().enumerate().skip(channel_dim + 1);
    for ((dim, extent), window) in spatial.zip(windows(conv)) {
        window.expect_padding(conv.padding_mode, dim, extent)?;
        dims.push(window.output(dim, extent, &input.shape)?);
    }
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

/// The channel dimension: 1 with a batch dimension, 0 without.
pub(super) fn channel_dim(input: &Shape, spatial: usize) -> Result<usize, ShapeError> {
    match input.rank().checked_sub(spatial + 1) {
        Some(leading @ (0 | 1)) => Ok(leading),
        Some(_) | None => Err(ShapeError::RankMismatch {
            expected: vec![spatial + 1, spatial + 2],
            input: input.clone(),
        }),
    }
}

fn expect_channels(conv: &Conv, input: &Shape, channel_dim: usize) -> Result<(), ShapeError> {
    let found = input.0.get(channel_dim).copied().unwrap_or(Dim::Known(0));
    if found == Dim::Known(conv.in_channels) {
        return Ok(());
    }
    Err(ShapeError::ChannelMismatch {
        expected: conv.in_channels,
        found,
        input: input.clone(),
        groups: conv.groups,
    })
}

/// Shape of the weight: `[out, in / groups, ...]`, transposed `[in, out / groups, ...]`.
fn weight_shape(conv: &Conv) -> Shape {
    let per_group = |channels: u64| channels.checked_div(conv.groups).unwrap_or(0);
    let mut extents = match conv.transposed {
        None => vec![conv.out_channels, per_group(conv.in_channels)],
        Some(_) => vec![conv.in_channels, per_group(conv.out_channels)],
    };
    extents.extend(&conv.kernel);
    Shape::known(&extents)
}

/// One spatial dimension of a convolution.
struct Window {
    kernel: u64,
    stride: u64,
    padding: (u64, u64),
    dilation: u64,
    output_padding: Option<u64>,
}

fn windows(conv: &Conv) -> impl Iterator<Item = Window> {
    let at = |values: &[u64], position: usize| values.get(position).copied().unwrap_or(1);
    conv.kernel.iter().enumerate().map(move |(position, &kernel)| Window {
        kernel,
        stride: at(&conv.stride, position).max(1),
        padding: conv.padding.get(position).copied().unwrap_or((0, 0)),
        dilation: at(&conv.dilation, position),
        output_padding: conv
            .transposed
            .as_ref()
            .map(|padding| padding.get(position).copied().unwrap_or(0)),
    })
}

impl Window {
    /// Extent from the first to the last element of the dilated window.
    fn reach(&self) -> u64 {
        self.dilation.saturating_mul(self.kernel.saturating_sub(1)).saturating_add(1)
    }

    fn padding_sum(&self) -> u64 {
        self.padding.0.saturating_add(self.padding.1)
    }

    /// Reflection needs padding < extent, circular padding ≤ extent (torch.nn.functional.pad).
    fn expect_padding(&self, mode: PaddingMode, dim: usize, extent: Dim) -> Result<(), ShapeError> {
        let padding = self.padding.0.max(self.padding.1);
        let Dim::Known(extent) = extent else { return Ok(()) };
        let (name, too_large) = match mode {
            PaddingMode::Zeros => return Ok(()),
            PaddingMode::Reflect => ("reflection", padding > 0 && padding >= extent),
            PaddingMode::Replicate => ("replication", padding > 0 && extent == 0),
            PaddingMode::Circular => ("repetition", padding > extent),
        };
        if too_large {
            return Err(ShapeError::PaddingTooLarge { mode: name, padding, dim, extent });
        }
        Ok(())
    }

    fn output(&self, dim: usize, extent: Dim, input: &Shape) -> Result<Dim, ShapeError> {
        match (extent, self.output_padding) {
            (Dim::Known(extent), None) => self.forward(dim, extent, input),
            (Dim::Known(extent), Some(extra)) => self.transposed(dim, extent, extra, input),
            (Dim::Batch { .. }, None | Some(0)) if self.keeps_extent() => Ok(extent),
            (Dim::Batch { .. }, _) => Err(ShapeError::BatchDependent {
                what: format!("its window moves along dimension {dim} of {input}"),
            }),
        }
    }

    fn keeps_extent(&self) -> bool {
        self.stride == 1 && self.padding_sum() == self.reach() - 1
    }

    fn forward(&self, dim: usize, extent: u64, input: &Shape) -> Result<Dim, ShapeError> {
        let padded = extent.saturating_add(self.padding_sum());
        let window = self.reach();
        match padded.checked_sub(window) {
            Some(room) => Ok(Dim::Known(room / self.stride + 1)),
            None => Err(ShapeError::EmptySpatialDim { dim, window, padded, input: input.clone() }),
        }
    }

    fn transposed(
        &self,
        dim: usize,
        extent: u64,
        output_padding: u64,
        input: &Shape,
    ) -> Result<Dim, ShapeError> {
        let limit = self.stride.max(self.dilation);
        if output_padding >= limit {
            return Err(ShapeError::OutputPadding { output_padding, limit });
        }
        let full = (i128::from(extent) - 1) * i128::from(self.stride)
            + i128::from(self.reach())
            + i128::from(output_padding);
        let output = full - i128::from(self.padding_sum());
        match u64::try_from(output) {
            Ok(output) if output > 0 => Ok(Dim::Known(output)),
            Ok(_) | Err(_) => {
                Err(ShapeError::EmptyOutput { dim, extent: output, input: input.clone() })
            }
        }
    }
}
