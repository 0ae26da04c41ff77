//! Small custom operations: a bias per channel, softmax and its logarithm, mean cross-entropy.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor};

use super::tensors;
use crate::kernel::conv::bias_gradient;

/// Adds one number per channel (dimension 1).
pub(super) fn add_channels(input: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if tensors::is_native(input) {
        return input.contiguous()?.apply_op2(&bias.contiguous()?, AddChannels);
    }
    let mut shape = vec![1; input.rank()];
    if let Some(channels) = shape.get_mut(1) {
        *channels = bias.elem_count();
    }
    input.broadcast_add(&bias.reshape(shape)?)
}

struct AddChannels;

impl CustomOp2 for AddChannels {
    fn name(&self) -> &'static str {
        "nasc-add-channels"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut out = tensors::slice(input, layout)?.to_vec();
        let bias = tensors::slice(bias, bias_layout)?;
        let plane: usize = layout.dims().iter().skip(2).product();
        for (plane, bias) in out.chunks_exact_mut(plane.max(1)).zip(bias.iter().cycle()) {
            for value in plane {
                *value += bias;
            }
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let plane: usize = gradient.dims().iter().skip(2).product();
        let channels = bias.elem_count();
        let values =
            tensors::with_slice(gradient, |values| bias_gradient(values, channels, plane))?;
        let for_bias = Tensor::from_vec(values, bias.dims(), bias.device())?;
        Ok((Some(gradient.clone()), Some(for_bias)))
    }
}

/// Softmax along `dim`, or its logarithm.
pub(super) fn softmax(input: &Tensor, dim: usize, log: bool) -> Result<Tensor> {
    let shifted = input.broadcast_sub(&input.detach().max_keepdim(dim)?)?;
    let exponentials = shifted.exp()?;
    let sum = exponentials.sum_keepdim(dim)?;
    if log { shifted.broadcast_sub(&sum.log()?) } else { exponentials.broadcast_div(&sum) }
}

/// Mean over the batch of the cross-entropy of softmax(logits) with the targets, a scalar. A target is
/// 1 − s for the label and s spread over all classes; the gradient is (softmax − target) / batch.
pub(super) fn cross_entropy(logits: &Tensor, labels: &[u32], smoothing: f64) -> Result<Tensor> {
    if logits.dims().len() != 2 || logits.dim(0)? != labels.len() {
        candle_core::bail!("logits of shape {:?} for {} labels", logits.dims(), labels.len());
    }
    if tensors::is_native(logits) {
        let operation = CrossEntropy { labels: labels.to_vec(), smoothing };
        return logits.contiguous()?.apply_op1(operation);
    }
    let picked = Tensor::from_slice(labels, (labels.len(), 1), logits.device())?;
    let logarithms = softmax(&logits.to_dtype(candle_core::DType::F32)?, 1, true)?;
    let own = logarithms.gather(&picked, D::Minus1)?.mean_all()?;
    if smoothing == 0.0 {
        return own.neg();
    }
    ((own * (1.0 - smoothing))? + (logarithms.mean_all()? * smoothing)?)?.neg()
}

struct CrossEntropy {
    labels: Vec<u32>,
    smoothing: f64,
}

impl CrossEntropy {
    /// log Σ exp of a row, in 64 bits.
    fn log_sum(row: &[f32]) -> f64 {
        let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        largest + row.iter().map(|&x| (f64::from(x) - largest).exp()).sum::<f64>().ln()
    }

    /// The logits of a row, weighted by the target.
    fn target(&self, row: &[f32], label: u32) -> f64 {
        let own = f64::from(row.get(label as usize).copied().unwrap_or(f32::NAN));
        if self.smoothing == 0.0 {
            return own;
        }
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len().max(1) as f64;
        (1.0 - self.smoothing) * own + self.smoothing * mean
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "nasc-cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let rows = tensors::slice(logits, layout)?.chunks_exact(layout.dim(1)?.max(1));
        let losses = rows.zip(&self.labels);
        let losses =
            losses.map(|(row, &label)| CrossEntropy::log_sum(row) - self.target(row, label));
        let mean = losses.sum::<f64>() / self.labels.len().max(1) as f64;
        Ok((CpuStorage::F32(vec![mean as f32]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let scale = f64::from(gradient.to_scalar::<f32>()?) / self.labels.len().max(1) as f64;
        let classes = logits.dim(1)?.max(1);
        let each = self.smoothing / classes as f64;
        let values = tensors::with_slice(logits, |logits| {
            let mut out = Vec::with_capacity(logits.len());
            for (row, &label) in logits.chunks_exact(classes).zip(&self.labels) {
                let log_sum = CrossEntropy::log_sum(row);
                out.extend(row.iter().zip(0u32..).map(|(&x, class)| {
                    let own = if class == label { 1.0 - self.smoothing } else { 0.0 };
                    (scale * ((f64::from(x) - log_sum).exp() - own - each)) as f32
                }));
            }
            out
        })?;
        Tensor::from_vec(values, logits.dims(), logits.device()).map(Some)
    }
}
