//! Convolution in one, two and three dimensions, plain and transposed, over nasc's kernels on the CPU
//! and candle's on other devices.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use nasc_compiler::ir::op::{Conv, PadMode, PaddingMode};

use super::execute::{at, first};
use super::{graph_ops, tensors};
use crate::kernel::conv::{self, ConvShape};
use crate::kernel::window::Window;

/// `operands`: input, weight, bias if there is one. An input without batch dimension is accepted.
pub(super) fn conv(attributes: &Conv, operands: &[Tensor]) -> Result<Tensor> {
    let (input, weight) = (first(operands)?, at(operands, 1)?);
    let spatial = attributes.kernel.len();
    if input.rank() == spatial + 1 {
        let mut batched = operands.to_vec();
        if let Some(input) = batched.first_mut() {
            *input = input.unsqueeze(0)?;
        }
        return conv(attributes, &batched)?.squeeze(0);
    }
    let (input, padding) = pad_border(attributes, input)?;
    let out = if tensors::is_native(&input) {
        native(attributes, &padding, &input, weight)?
    } else {
        library(attributes, &padding, &input, weight)?
    };
    match operands.get(2) {
        Some(bias) => super::native::add_channels(&out, bias),
        None => Ok(out),
    }
}

/// Border modes other than zeros are written out first; the convolution then pads nothing.
fn pad_border(attributes: &Conv, input: &Tensor) -> Result<(Tensor, Vec<(u64, u64)>)> {
    let mode = match attributes.padding_mode {
        PaddingMode::Zeros => return Ok((input.clone(), attributes.padding.clone())),
        PaddingMode::Reflect => PadMode::Reflect,
        PaddingMode::Replicate => PadMode::Replicate,
        PaddingMode::Circular => PadMode::Circular,
    };
    let amounts = attributes.padding.iter();
    let padding = amounts.map(|&(before, after)| (before as i64, after as i64)).collect();
    let padded = graph_ops::pad(&nasc_compiler::ir::op::Pad { padding, mode }, input)?;
    Ok((padded, vec![(0, 0); attributes.padding.len()]))
}

/// Three extents, the missing leading ones filled.
pub(super) fn three(values: impl DoubleEndedIterator<Item = usize>, fill: usize) -> [usize; 3] {
    let mut out = [fill; 3];
    for (out, value) in out.iter_mut().rev().zip(values.rev()) {
        *out = value;
    }
    out
}

/// Spatial extents of a tensor `[batch, channels, ...]`.
pub(super) fn extents(tensor: &Tensor) -> [usize; 3] {
    three(tensor.dims().iter().skip(2).copied(), 1)
}

fn sizes(values: &[u64], fill: usize) -> [usize; 3] {
    three(values.iter().map(|&value| value as usize), fill)
}

fn native(
    attributes: &Conv,
    padding: &[(u64, u64)],
    input: &Tensor,
    weight: &Tensor,
) -> Result<Tensor> {
    let kernel = sizes(&attributes.kernel, 1);
    let stride = sizes(&attributes.stride, 1);
    let dilation = sizes(&attributes.dilation, 1);
    let before = three(padding.iter().map(|padding| padding.0 as usize), 0);
    let after = three(padding.iter().map(|padding| padding.1 as usize), 0);
    let extra = attributes.transposed.as_deref().map_or([0; 3], |extra| sizes(extra, 0));
    let given = extents(input);
    let mut other = [1; 3];
    let rows = given.iter().zip(before).zip(after).zip(kernel).zip(stride).zip(dilation).zip(extra);
    for (other, ((((((&given, before), after), kernel), stride), dilation), extra)) in
        other.iter_mut().zip(rows)
    {
        let reach = dilation * (kernel - 1) + 1;
        *other = match attributes.transposed {
            None => (given + before + after).saturating_sub(reach) / stride + 1,
            Some(_) => ((given - 1) * stride + reach + extra).saturating_sub(before + after),
        };
    }
    let transposed = attributes.transposed.is_some();
    let (from, to) = if transposed { (other, given) } else { (given, other) };
    let window = Window { input: from, output: to, kernel, stride, padding: before, dilation };
    let (wide, narrow) = (attributes.in_channels as usize, attributes.out_channels as usize);
    let (in_channels, out_channels) = if transposed { (narrow, wide) } else { (wide, narrow) };
    let batch = input.dim(0)?;
    let groups = attributes.groups as usize;
    let shape = ConvShape { batch, in_channels, out_channels, groups, window };
    let channels = attributes.out_channels as usize;
    let spatial = other.iter().skip(3 - attributes.kernel.len()).copied();
    let dims = [batch, channels].into_iter().chain(spatial).collect();
    let op = ConvOp { shape, transposed, dims };
    input.contiguous()?.apply_op2(&weight.contiguous()?, op)
}

/// candle's convolutions, for devices without kernels of nasc's own.
fn library(
    attributes: &Conv,
    padding: &[(u64, u64)],
    input: &Tensor,
    weight: &Tensor,
) -> Result<Tensor> {
    let same = |values: &[u64]| values.iter().all(|value| Some(value) == values.first());
    if attributes.transposed.is_some() || !same(&attributes.stride) || !same(&attributes.dilation) {
        candle_core::bail!("this convolution runs on the CPU only")
    }
    let mut input = input.clone();
    for (dim, &(before, after)) in padding.iter().enumerate() {
        if (before, after) != (0, 0) {
            input = input.pad_with_zeros(dim + 2, before as usize, after as usize)?;
        }
    }
    let number = |values: &[u64]| values.first().map_or(1, |&value| value as usize);
    let (stride, dilation) = (number(&attributes.stride), number(&attributes.dilation));
    let groups = attributes.groups as usize;
    match attributes.kernel.len() {
        1 => input.conv1d(weight, 0, stride, dilation, groups),
        2 => input.conv2d(weight, 0, stride, dilation, groups),
        _ => candle_core::bail!("this convolution runs on the CPU only"),
    }
}

/// Convolution with explicit gradients. A transposed one computes the input gradient of the
/// convolution that `shape` describes.
struct ConvOp {
    shape: ConvShape,
    transposed: bool,
    dims: Vec<usize>,
}

impl CustomOp2 for ConvOp {
    fn name(&self) -> &'static str {
        "nasc-convolution"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let input = tensors::slice(input, input_layout)?;
        let weight = tensors::slice(weight, weight_layout)?;
        let out = if self.transposed {
            conv::input_gradient(&self.shape, weight, input)
        } else {
            conv::forward(&self.shape, input, weight)
        };
        Ok((CpuStorage::F32(out), self.dims.clone().into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let for_input = if input.track_op() {
            Some(self.input_gradient(input, weight, gradient)?)
        } else {
            None
        };
        let for_weight = if weight.track_op() {
            Some(self.weight_gradient(input, weight, gradient)?)
        } else {
            None
        };
        Ok((for_input, for_weight))
    }
}

impl ConvOp {
    fn input_gradient(&self, input: &Tensor, weight: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let values = tensors::with_slice(weight, |weight| {
            tensors::with_slice(gradient, |gradient| match self.transposed {
                true => conv::forward(&self.shape, gradient, weight),
                false => conv::input_gradient(&self.shape, weight, gradient),
            })
        })??;
        Tensor::from_vec(values, input.dims(), input.device())
    }

    fn weight_gradient(
        &self,
        input: &Tensor,
        weight: &Tensor,
        gradient: &Tensor,
    ) -> Result<Tensor> {
        let values = tensors::with_slice(input, |input| {
            tensors::with_slice(gradient, |gradient| match self.transposed {
                true => conv::weight_gradient(&self.shape, gradient, input),
                false => conv::weight_gradient(&self.shape, input, gradient),
            })
        })??;
        Tensor::from_vec(values, weight.dims(), weight.device())
    }
}
