//! Batch, layer and group normalisation.

use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Tensor};
use nasc_compiler::ir::op::{BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm};

use super::execute::{at, first};
use super::tensors;
use crate::kernel::batch_norm::{self, Extents, Statistics};

/// A normalised tensor and the running statistics after it: mean, variance, counter; empty if they
/// did not change.
pub(super) struct Normalized {
    pub output: Tensor,
    pub running: Vec<Tensor>,
}

/// `operands` as the operation documents them.
pub(super) fn batch_norm(
    norm: &BatchNorm,
    operands: &[Tensor],
    training: bool,
) -> Result<Normalized> {
    let input = first(operands)?;
    let channels = norm.num_features as usize;
    let (weight, bias, running) = match norm.affine {
        true => (at(operands, 1)?.clone(), at(operands, 2)?.clone(), operands.get(3..)),
        false => {
            let ones = Tensor::ones(channels, DType::F32, input.device())?;
            (ones.clone(), ones.zeros_like()?, operands.get(1..))
        }
    };
    let running = running.filter(|running| running.len() >= 3 && norm.track_running_stats);
    if let Some([mean, variance, ..]) = running.filter(|_| !training) {
        let output = scale_and_shift(input, mean, variance, norm.eps, &weight, &bias)?;
        return Ok(Normalized { output, running: Vec::new() });
    }
    let extents = extents_of(input, channels);
    let (mean, variance) = moments(&extents, input)?;
    let output = if tensors::is_native(input) {
        let op = BatchNormOp::new(extents, &mean, &variance, norm.eps)?;
        input.contiguous()?.apply_op3(&weight, &bias, op)?
    } else {
        let (mean, variance) = differentiable_moments(input, channels)?;
        scale_and_shift(input, &mean, &variance, norm.eps, &weight, &bias)?
    };
    let running = match running.filter(|_| training) {
        Some(running) => updated(norm, &extents, running, &mean, &variance)?,
        None => Vec::new(),
    };
    Ok(Normalized { output, running })
}

fn extents_of(input: &Tensor, channels: usize) -> Extents {
    let batch = input.dims().first().copied().unwrap_or(0);
    Extents { batch, channels, plane: input.dims().iter().skip(2).product() }
}

/// Mean and biased variance of each channel, outside the gradient.
fn moments(extents: &Extents, input: &Tensor) -> Result<(Tensor, Tensor)> {
    if !tensors::is_native(input) {
        return differentiable_moments(&input.detach(), extents.channels);
    }
    let (mean, variance) = tensors::with_slice(input, |input| batch_norm::moments(extents, input))?;
    let vector = |values| Tensor::from_vec(values, extents.channels, input.device());
    Ok((vector(mean)?, vector(variance)?))
}

fn differentiable_moments(input: &Tensor, channels: usize) -> Result<(Tensor, Tensor)> {
    let rows = input.transpose(0, 1)?.contiguous()?.reshape((channels, ()))?;
    let mean = rows.mean_keepdim(1)?;
    let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(1)?;
    Ok((mean.squeeze(1)?, variance))
}

/// (x − mean) / √(variance + ε) · weight + bias, per channel.
fn scale_and_shift(
    input: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    eps: f64,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let scale = weight.div(&(variance + eps)?.sqrt()?)?;
    let shift = bias.sub(&mean.mul(&scale)?)?;
    if tensors::is_native(input) && !input.track_op() {
        let extents = extents_of(input, scale.elem_count());
        let values = tensors::with_slice(input, |input| {
            tensors::with_slice(&scale, |scale| {
                tensors::with_slice(&shift, |shift| {
                    batch_norm::affine(&extents, input, scale, shift)
                })
            })
        })???;
        return Tensor::from_vec(values, input.dims(), input.device());
    }
    let mut shape = vec![1; input.rank()];
    if let Some(channels) = shape.get_mut(1) {
        *channels = scale.elem_count();
    }
    input.broadcast_mul(&scale.reshape(shape.as_slice())?)?.broadcast_add(&shift.reshape(shape)?)
}

/// Running statistics after one batch; the variance is unbiased there.
// PyTorch: torch/nn/modules/batchnorm.py, _BatchNorm.forward
fn updated(
    norm: &BatchNorm,
    extents: &Extents,
    running: &[Tensor],
    mean: &Tensor,
    variance: &Tensor,
) -> Result<Vec<Tensor>> {
    let [old_mean, old_variance, counter, ..] = running else { return Ok(Vec::new()) };
    let counter = (counter + 1.0)?;
    let seen = counter.flatten_all()?.to_vec1::<i64>()?.first().copied().unwrap_or(1);
    let momentum = norm.momentum.unwrap_or(1.0 / seen as f64);
    let count = extents.count() as f64;
    let unbiased = (variance * (count / (count - 1.0).max(1.0)))?;
    let blend = |old: &Tensor, new: &Tensor| (old * (1.0 - momentum))?.add(&(new * momentum)?);
    Ok(vec![blend(old_mean, mean)?.detach(), blend(old_variance, &unbiased)?.detach(), counter])
}

struct BatchNormOp {
    extents: Extents,
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
}

impl BatchNormOp {
    fn new(extents: Extents, mean: &Tensor, variance: &Tensor, eps: f64) -> Result<BatchNormOp> {
        let variance = variance.to_vec1::<f32>()?.into_iter();
        let inverse = variance.map(|variance| (1.0 / (f64::from(variance) + eps).sqrt()) as f32);
        Ok(BatchNormOp { extents, mean: mean.to_vec1()?, inverse_deviation: inverse.collect() })
    }

    fn statistics(&self) -> Statistics<'_> {
        Statistics { mean: &self.mean, inverse_deviation: &self.inverse_deviation }
    }
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        "nasc-batch-norm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let input = tensors::slice(input, layout)?;
        let weight = tensors::slice(weight, weight_layout)?;
        let bias = tensors::slice(bias, bias_layout)?;
        let scale: Vec<f32> =
            weight.iter().zip(&self.inverse_deviation).map(|(w, inverse)| w * inverse).collect();
        let terms = bias.iter().zip(&self.mean).zip(&scale);
        let shift: Vec<f32> = terms.map(|((bias, mean), scale)| bias - mean * scale).collect();
        let out = batch_norm::affine(&self.extents, input, &scale, &shift);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let weights = weight.to_vec1::<f32>()?;
        let statistics = self.statistics();
        let (for_input, for_bias, for_weight) = tensors::with_slice(input, |x| {
            tensors::with_slice(gradient, |g| {
                let (total, product) = batch_norm::sums(&self.extents, x, g, statistics);
                let sums = (total.as_slice(), product.as_slice());
                let out = input.track_op().then(|| {
                    batch_norm::input_gradient(&self.extents, x, g, &weights, statistics, sums)
                });
                (out, total, product)
            })
        })??;
        let tensor =
            |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.dims(), like.device());
        let for_input = for_input.map(|values| tensor(values, input)).transpose()?;
        Ok((for_input, Some(tensor(for_weight, weight)?), Some(tensor(for_bias, bias)?)))
    }
}

/// Normalisation over the last dimensions.
pub(super) fn layer_norm(norm: &LayerNorm, operands: &[Tensor]) -> Result<Tensor> {
    let input = first(operands)?;
    let dims = input.dims().to_vec();
    let count: usize = norm.normalized_shape.iter().map(|&extent| extent as usize).product();
    let rows = input.contiguous()?.reshape(((), count))?;
    let eps = norm.eps.unwrap_or(f64::from(f32::EPSILON));
    let mut out = normalize_rows(&rows, eps, !norm.root_mean_square)?;
    let mut rest = operands.iter().skip(1);
    if let Some(weight) = rest.next().filter(|_| norm.weight) {
        out = out.broadcast_mul(&weight.reshape((1, count))?)?;
    }
    let bias = if norm.bias { operands.last() } else { None };
    if let Some(bias) = bias {
        out = out.broadcast_add(&bias.reshape((1, count))?)?;
    }
    out.reshape(dims)
}

/// Each row with mean 0 (if `center`) and mean square 1.
fn normalize_rows(rows: &Tensor, eps: f64, center: bool) -> Result<Tensor> {
    let centred =
        if center { rows.broadcast_sub(&rows.mean_keepdim(D::Minus1)?)? } else { rows.clone() };
    let scale = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    centred.broadcast_div(&scale)
}

/// Normalisation of groups of channels.
pub(super) fn group_norm(norm: &GroupNorm, operands: &[Tensor]) -> Result<Tensor> {
    let input = first(operands)?;
    let dims = input.dims().to_vec();
    let groups = input.dim(0)? * norm.num_groups as usize;
    let rows = input.contiguous()?.reshape((groups, ()))?;
    let out = normalize_rows(&rows, norm.eps, true)?.reshape(dims.as_slice())?;
    if !norm.affine {
        return Ok(out);
    }
    let mut shape = vec![1; dims.len()];
    if let Some(channels) = shape.get_mut(1) {
        *channels = norm.num_channels as usize;
    }
    let weight = at(operands, 1)?.reshape(shape.as_slice())?;
    out.broadcast_mul(&weight)?.broadcast_add(&at(operands, 2)?.reshape(shape)?)
}

/// Normalisation of each channel of each sample by itself.
pub(super) fn instance_norm(norm: &InstanceNorm, operands: &[Tensor]) -> Result<Tensor> {
    let input = first(operands)?;
    let dims = input.dims().to_vec();
    let planes: usize = dims.iter().take(dims.len().saturating_sub(norm.spatial)).product();
    let rows = input.contiguous()?.reshape((planes, ()))?;
    let out = normalize_rows(&rows, norm.eps, true)?.reshape(dims.as_slice())?;
    if !norm.affine {
        return Ok(out);
    }
    let mut shape = vec![1; norm.spatial + 1];
    if let Some(channels) = shape.first_mut() {
        *channels = norm.num_features as usize;
    }
    let weight = at(operands, 1)?.reshape(shape.as_slice())?;
    out.broadcast_mul(&weight)?.broadcast_add(&at(operands, 2)?.reshape(shape)?)
}

/// x / (k + α · mean of squares over neighbouring channels)^β
// Krizhevsky et al., "ImageNet Classification with Deep CNNs", 2012, section 3.3;
// PyTorch: torch/nn/functional.py, local_response_norm, which divides the sum by the size
pub(super) fn local_response_norm(norm: &LocalResponseNorm, input: &Tensor) -> Result<Tensor> {
    let (size, channels) = (norm.size as usize, input.dim(1)?);
    let padded = input.sqr()?.pad_with_zeros(1, size / 2, (size - 1) / 2)?;
    let mut sum = padded.narrow(1, 0, channels)?;
    for offset in 1..size {
        sum = (sum + padded.narrow(1, offset, channels)?)?;
    }
    let scale = sum.affine(norm.alpha / norm.size as f64, norm.k)?.powf(norm.beta)?;
    input.div(&scale)
}
