//! Matrix products, and operations that move or make elements.

use candle_core::{DType, Device, Result, Tensor};
use nasc_compiler::ir::Shape;
use nasc_compiler::ir::op::{Full, Pad, PadMode, PixelShuffle, Repeat, Roll, Slice, Split};

use super::execute::{at, first};
use super::tensors;

pub(super) fn extents(shape: &Shape, batch: usize) -> Vec<usize> {
    shape.0.iter().map(|dim| dim.at_batch(batch as u64) as usize).collect()
}

pub(super) fn reshape(input: &Tensor, shape: &Shape, batch: usize) -> Result<Tensor> {
    input.contiguous()?.reshape(extents(shape, batch))
}

pub(super) fn expand(input: &Tensor, shape: &Shape, batch: usize) -> Result<Tensor> {
    input.broadcast_as(extents(shape, batch))
}

pub(super) fn full(full: &Full, batch: usize, device: &Device) -> Result<Tensor> {
    let shape = extents(&full.shape, batch);
    Tensor::new(full.value, device)?.to_dtype(tensors::dtype(full.dtype))?.broadcast_as(shape)
}

pub(super) fn cast(input: &Tensor, dtype: nasc_compiler::ir::DType) -> Result<Tensor> {
    let target = tensors::dtype(dtype);
    if dtype == nasc_compiler::ir::DType::Bool {
        return input.ne(&input.zeros_like()?);
    }
    if input.dtype() == target { Ok(input.clone()) } else { input.to_dtype(target) }
}

pub(super) fn slice(slice: &Slice, input: &Tensor) -> Result<Tensor> {
    let extent = input.dim(slice.dim)?;
    let end = slice.end.map_or(extent, |end| (end as usize).min(extent));
    let start = (slice.start as usize).min(end);
    if slice.step == 1 {
        return input.narrow(slice.dim, start, end - start);
    }
    let indices: Vec<u32> = (start..end).step_by(slice.step as usize).map(|at| at as u32).collect();
    select(input, slice.dim, indices)
}

/// Rows of one dimension in a given order; repeated rows add their gradients.
fn select(input: &Tensor, dim: usize, indices: Vec<u32>) -> Result<Tensor> {
    let count = indices.len();
    let indices = Tensor::from_vec(indices, count, input.device())?;
    input.contiguous()?.index_select(&indices, dim)
}

pub(super) fn split(split: &Split, input: &Tensor) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let parts = split.sizes.iter().map(|&size| {
        let part = input.narrow(split.dim, start, size as usize);
        start += size as usize;
        part
    });
    parts.collect()
}

pub(super) fn roll(roll: &Roll, input: &Tensor) -> Result<Tensor> {
    roll.shifts.iter().try_fold(input.clone(), |out, &(dim, shift)| {
        let extent = out.dim(dim)?;
        let by = shift.rem_euclid(extent.max(1) as i64) as usize;
        if by == 0 {
            return Ok(out);
        }
        let (tail, head) = (out.narrow(dim, extent - by, by)?, out.narrow(dim, 0, extent - by)?);
        Tensor::cat(&[tail, head], dim)
    })
}

pub(super) fn repeat(repeat: &Repeat, input: &Tensor) -> Result<Tensor> {
    let mut out = input.clone();
    while out.rank() < repeat.repeats.len() {
        out = out.unsqueeze(0)?;
    }
    for (dim, &times) in repeat.repeats.iter().enumerate() {
        if times != 1 {
            out = Tensor::cat(&vec![out.clone(); times as usize], dim)?;
        }
    }
    Ok(out)
}

/// `[n, c r², h, w]` to `[n, c, h r, w r]`, or back.
pub(super) fn pixel_shuffle(shuffle: &PixelShuffle, input: &Tensor) -> Result<Tensor> {
    let r = shuffle.factor as usize;
    let (n, c, h, w) = input.dims4()?;
    if shuffle.inverse {
        let split = input.contiguous()?.reshape((n * c, h / r, r, w / r, r))?;
        return split.permute([0, 2, 4, 1, 3])?.contiguous()?.reshape((n, c * r * r, h / r, w / r));
    }
    let split = input.contiguous()?.reshape((n * (c / (r * r)), r, r, h, w))?;
    split.permute([0, 3, 1, 4, 2])?.contiguous()?.reshape((n, c / (r * r), h * r, w * r))
}

/// Continuation of the last dimensions beyond their borders; negative amounts cut.
pub(super) fn pad(pad: &Pad, input: &Tensor) -> Result<Tensor> {
    let leading = input.rank().saturating_sub(pad.padding.len());
    let mut out = input.clone();
    for (dim, &(before, after)) in pad.padding.iter().enumerate() {
        if (before, after) != (0, 0) {
            out = pad_along(&out, leading + dim, before, after, pad.mode)?;
        }
    }
    Ok(out)
}

fn pad_along(input: &Tensor, dim: usize, before: i64, after: i64, mode: PadMode) -> Result<Tensor> {
    let extent = input.dim(dim)? as i64;
    if let PadMode::Constant(value) = mode {
        let (cut_before, cut_after) = ((-before).max(0), (-after).max(0));
        let kept = (extent - cut_before - cut_after).max(0) as usize;
        let inner = input.narrow(dim, cut_before as usize, kept)?;
        let mut dims = input.dims().to_vec();
        let mut parts = Vec::new();
        for (position, amount) in [(0, before), (2, after)] {
            if position == 2 {
                parts.push(inner.clone());
            }
            if amount > 0
                && let Some(extent) = dims.get_mut(dim)
            {
                *extent = amount as usize;
                let constant = Tensor::new(value, input.device())?.to_dtype(input.dtype())?;
                parts.push(constant.broadcast_as(dims.as_slice())?.contiguous()?);
            }
        }
        return Tensor::cat(&parts, dim);
    }
    let indices = (-before..extent + after).map(|at| source(at, extent, mode) as u32).collect();
    select(input, dim, indices)
}

/// Where an element beyond the border comes from.
fn source(at: i64, extent: i64, mode: PadMode) -> i64 {
    match mode {
        PadMode::Reflect if at < 0 => -at,
        PadMode::Reflect if at >= extent => 2 * (extent - 1) - at,
        PadMode::Circular => at.rem_euclid(extent.max(1)),
        PadMode::Constant(_) | PadMode::Reflect | PadMode::Replicate => at.clamp(0, extent - 1),
    }
}

/// `torch.matmul`: vectors become matrices for the product, leading dimensions broadcast.
pub(super) fn matmul(operands: &[Tensor]) -> Result<Tensor> {
    let (left, right) = (first(operands)?, at(operands, 1)?);
    let (left_vector, right_vector) = (left.rank() == 1, right.rank() == 1);
    let left = if left_vector { left.unsqueeze(0)? } else { left.clone() };
    let right = if right_vector { right.unsqueeze(1)? } else { right.clone() };
    let mut out = left.contiguous()?.broadcast_matmul(&right.contiguous()?)?;
    if left_vector {
        out = out.squeeze(out.rank() - 2)?;
    }
    if right_vector {
        out = out.squeeze(out.rank() - 1)?;
    }
    debug_assert_ne!(out.dtype(), DType::U8);
    Ok(out)
}
