//! Pooling in one, two and three dimensions over nasc's kernels; other devices compose it from slices.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use nasc_compiler::ir::op::{AdaptivePool, Pool, PoolMode};

use super::convolution::{extents, three};
use super::tensors;
use crate::kernel::pool;
use crate::kernel::window::Window;

/// Window pooling of `[batch, channels, ...]` or, without a batch dimension, of `[channels, ...]`.
pub(super) fn pool(attributes: &Pool, input: &Tensor) -> Result<Tensor> {
    if input.rank() == attributes.kernel.len() + 1 {
        return pool(attributes, &input.unsqueeze(0)?)?.squeeze(0);
    }
    let sizes = |values: &[u64], fill| three(values.iter().map(|&value| value as usize), fill);
    let (kernel, stride) = (sizes(&attributes.kernel, 1), sizes(&attributes.stride, 1));
    let (padding, dilation) = (sizes(&attributes.padding, 0), sizes(&attributes.dilation, 1));
    let given = extents(input);
    let mut output = [1; 3];
    let rows = given.iter().zip(kernel).zip(stride).zip(padding).zip(dilation);
    for (out, ((((&given, kernel), stride), padding), dilation)) in output.iter_mut().zip(rows) {
        *out = output_extent(given, kernel, stride, padding, dilation, attributes.ceil_mode);
    }
    let window = Window { input: given, output, kernel, stride, padding, dilation };
    let scales = match attributes.mode {
        PoolMode::Max => None,
        PoolMode::Average => Some(average_scales(attributes, &window)),
    };
    apply(window, scales, attributes.kernel.len(), input)
}

// PyTorch: aten/src/ATen/native/Pool.h, pooling_output_shape_pad_lr
fn output_extent(
    given: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil: bool,
) -> usize {
    let reach = dilation * (kernel - 1) + 1;
    let room = (given + 2 * padding).saturating_sub(reach);
    let out = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
    // the last window has to start inside the input or its left padding
    if ceil && (out - 1) * stride >= given + padding { out - 1 } else { out }
}

/// One over the divisor of every output.
// PyTorch: aten/src/ATen/native/cpu/AvgPoolKernel.cpp
fn average_scales(attributes: &Pool, window: &Window) -> Vec<f32> {
    let counts = window.outputs().map(|output| {
        if let Some(divisor) = attributes.divisor_override {
            return divisor as usize;
        }
        let rows = output.iter().zip(window.input).zip(window.kernel);
        let rows = rows.zip(window.stride).zip(window.padding);
        rows.map(|((((&output, input), kernel), stride), padding)| {
            let start = output * stride;
            let end = (start + kernel).min(input + 2 * padding);
            if attributes.count_include_pad {
                end - start
            } else {
                end.min(input + padding).saturating_sub(start.max(padding))
            }
        })
        .product()
    });
    counts.map(|count: usize| 1.0 / count.max(1) as f32).collect()
}

fn apply(
    window: Window,
    scales: Option<Vec<f32>>,
    spatial: usize,
    input: &Tensor,
) -> Result<Tensor> {
    if !tensors::is_native(input) {
        candle_core::bail!("this pooling runs on the CPU only")
    }
    let leading = input.dims().iter().take(2).copied();
    let dims = leading.chain(window.output.iter().skip(3 - spatial).copied()).collect();
    input.contiguous()?.apply_op1(PoolOp { window, scales, dims })
}

struct PoolOp {
    window: Window,
    /// One factor per output for the mean; `None` for the largest element.
    scales: Option<Vec<f32>>,
    dims: Vec<usize>,
}

impl CustomOp1 for PoolOp {
    fn name(&self) -> &'static str {
        "nasc-pool"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = tensors::slice(input, layout)?;
        let out = match &self.scales {
            Some(scales) => pool::average_forward(&self.window, scales, input),
            None => pool::max_forward(&self.window, input),
        };
        Ok((CpuStorage::F32(out), self.dims.clone().into()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let values = tensors::with_slice(input, |input| {
            tensors::with_slice(gradient, |gradient| match &self.scales {
                Some(scales) => pool::average_backward(&self.window, scales, gradient),
                None => pool::max_backward(&self.window, input, gradient),
            })
        })??;
        Tensor::from_vec(values, input.dims(), input.device()).map(Some)
    }
}

/// Adaptive pooling, one dimension after the other: both the mean and the largest element of a box
/// are found so, since along one dimension all windows of a line have one size.
pub(super) fn adaptive(attributes: &AdaptivePool, input: &Tensor) -> Result<Tensor> {
    let leading = input.rank() - attributes.output.len();
    let mut out = input.clone();
    for (dim, output) in attributes.output.iter().enumerate() {
        if let Some(output) = output {
            out = adaptive_along(attributes.mode, &out, leading + dim, *output as usize)?;
        }
    }
    Ok(out)
}

fn adaptive_along(mode: PoolMode, input: &Tensor, dim: usize, output: usize) -> Result<Tensor> {
    let extent = input.dim(dim)?;
    if extent == output {
        return Ok(input.clone());
    }
    // PyTorch: aten/src/ATen/native/AdaptivePooling.h, start_index and end_index
    let parts = (0..output).map(|index| {
        let start = index * extent / output;
        let end = ((index + 1) * extent).div_ceil(output);
        let part = input.narrow(dim, start, end - start)?;
        match mode {
            PoolMode::Max => part.contiguous()?.max_keepdim(dim),
            PoolMode::Average => part.mean_keepdim(dim),
        }
    });
    let parts = parts.collect::<Result<Vec<Tensor>>>()?;
    if parts.len() == 1 {
        parts.into_iter().next().map_or_else(|| Ok(input.clone()), Ok)
    } else {
        Tensor::cat(&parts, dim)
    }
}
