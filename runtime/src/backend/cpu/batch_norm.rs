//! Batch normalisation over rows of channels, with what often follows it: the addition of a residual
//! and ReLU. Statistics are those of the whole batch, gathered from the team.

#![expect(clippy::indexing_slicing, reason = "one entry per channel in every slice")]

use super::kernel::{Kernel, Pass, put, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// What a batch normalisation reads and writes.
#[derive(Debug, Clone)]
pub struct BatchNormSpec {
    /// Extent of the last dimension in memory.
    pub channels: usize,
    /// Rows of this member.
    pub rows: usize,
    /// Added to the variance.
    pub eps: f32,
    /// Weight of the newest batch; `None` is the cumulative average.
    pub momentum: Option<f64>,
    /// Which counter holds the number of batches seen, for the cumulative average.
    pub counter: Option<usize>,
    /// The input.
    pub input: Storage,
    /// Weight and bias.
    pub affine: Option<[Storage; 2]>,
    /// Running mean and variance.
    pub running: Option<[Storage; 2]>,
    /// What is added before the ReLU.
    pub residual: Option<Storage>,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// The output.
    pub output: Storage,
    /// Where the exchanges of this layer lie: `2 · channels + 1` floats forwards and backwards each.
    pub exchange: usize,
}

/// The kernel.
pub struct BatchNorm {
    spec: BatchNormSpec,
    mean: Vec<f32>,
    inverse: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    local: Vec<f32>,
    total: Vec<f64>,
}

/// Rows whose statistics are taken together while they are in the cache.
const BLOCK: usize = 128;

impl BatchNorm {
    /// Prepares the kernel.
    pub fn new(spec: BatchNormSpec) -> BatchNorm {
        let zeros = || vec![0.0; spec.channels];
        BatchNorm {
            mean: zeros(),
            inverse: zeros(),
            scale: zeros(),
            shift: zeros(),
            local: vec![0.0; 2 * spec.channels + 1],
            total: vec![0.0; 2 * spec.channels],
            spec,
        }
    }

    /// Mean and biased variance of the batch, into `mean` and `shift`; gives the number of rows.
    fn statistics(&mut self, input: &[f32], pass: &Pass<'_>) -> f64 {
        let channels = self.spec.channels;
        local_moments(input, channels, &mut self.local, &mut self.shift);
        self.local[2 * channels] = self.spec.rows as f32;
        let (mean, squares) = self.total.split_at_mut(channels);
        mean.fill(0.0);
        squares.fill(0.0);
        let mut count = 0.0;
        // Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm", 1979
        pass.member.exchange(self.spec.exchange, &self.local, |row| {
            let rows = f64::from(row[2 * channels]);
            if rows == 0.0 {
                return;
            }
            let together = count + rows;
            for channel in 0..channels {
                let delta = f64::from(row[channel]) - mean[channel];
                mean[channel] += delta * rows / together;
                squares[channel] +=
                    f64::from(row[channels + channel]) + delta * delta * count * rows / together;
            }
            count = together;
        });
        for channel in 0..channels {
            self.mean[channel] = mean[channel] as f32;
            self.shift[channel] = (squares[channel] / count.max(1.0)) as f32;
        }
        count
    }

    /// `shift` holds the variance and becomes the shift of the affine map.
    fn finish_scale(&mut self, memory: &Memory<'_>) {
        let affine =
            self.spec.affine.map(|[weight, bias]| (memory.value(weight), memory.value(bias)));
        for channel in 0..self.spec.channels {
            let inverse = 1.0 / (self.shift[channel] + self.spec.eps).sqrt();
            let (weight, bias) = affine.map_or((1.0, 0.0), |(w, b)| (w[channel], b[channel]));
            self.inverse[channel] = inverse;
            self.scale[channel] = weight * inverse;
            self.shift[channel] = bias - self.mean[channel] * weight * inverse;
        }
    }

    /// One member keeps the running statistics for all.
    fn keep_running(&mut self, memory: &Memory<'_>, pass: &Pass<'_>, count: f64) {
        let Some([mean, variance]) = self.spec.running else { return };
        if pass.member.rank != 0 {
            return;
        }
        let seen = self.spec.counter.and_then(|counter| pass.counters.get(counter));
        let cumulative = 1.0 / seen.copied().unwrap_or(1).max(1) as f64;
        let momentum = self.spec.momentum.unwrap_or(cumulative) as f32;
        let unbiased = (count / (count - 1.0).max(1.0)) as f32;
        let (mean, variance) = (memory.value_mut(mean), memory.value_mut(variance));
        for channel in 0..self.spec.channels {
            mean[channel] += momentum * (self.mean[channel] - mean[channel]);
            variance[channel] += momentum * (self.shift[channel] * unbiased - variance[channel]);
        }
    }
}

impl Kernel for BatchNorm {
    fn forward(&mut self, memory: &Memory<'_>, pass: &Pass<'_>) -> Result<(), RuntimeError> {
        let input = memory.value(self.spec.input);
        match self.spec.running {
            Some([mean, variance]) if !pass.training => {
                self.mean.copy_from_slice(memory.value(mean));
                self.shift.copy_from_slice(memory.value(variance));
            }
            _ => {
                let count = self.statistics(input, pass);
                if pass.training {
                    self.keep_running(memory, pass, count);
                }
            }
        }
        self.finish_scale(memory);
        let output = memory.value_mut(self.spec.output);
        let residual = self.spec.residual.map(|residual| memory.value(residual));
        let relu = self.spec.relu;
        simd(|| apply(input, &self.scale, &self.shift, residual, relu, output));
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        pass: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let channels = self.spec.channels;
        let gradient = memory.gradient_mut(self.spec.output);
        let input = memory.value(self.spec.input);
        if self.spec.relu {
            let output = memory.value(self.spec.output);
            simd(|| masked_sums(input, output, gradient, &self.mean, &mut self.local));
        } else {
            simd(|| sums(input, gradient, &self.mean, channels, &mut self.local));
        }
        let gradient = &*gradient;
        if self.spec.affine.is_some() {
            let (bias, weight) = self.local.split_at_mut(channels);
            target(targets, 2).with(memory, |out, add| put(out, bias, add));
            target(targets, 1).with(memory, |out, add| {
                for ((out, sum), inverse) in out.iter_mut().zip(weight).zip(&self.inverse) {
                    *out = if add { *out } else { 0.0 } + *sum * inverse;
                }
            });
        }
        self.local[2 * channels] = self.spec.rows as f32;
        self.total.fill(0.0);
        let offset = self.spec.exchange + 2 * channels + 1;
        let mut count = 0.0;
        let total = &mut self.total;
        pass.member.exchange(offset, &self.local, |row| {
            count += f64::from(row[2 * channels]);
            for (total, value) in total.iter_mut().zip(&row[..2 * channels]) {
                *total += f64::from(*value);
            }
        });
        // dx = scale (g − Σg/m − (x − mean) σ⁻² Σ(g (x − mean))/m), written as a g + b x + c
        let (b, c) = (&mut self.local, &mut self.shift);
        for channel in 0..channels {
            let (scale, inverse) = (self.scale[channel], self.inverse[channel]);
            let product = (self.total[channels + channel] / count) as f32;
            let mean_gradient = (self.total[channel] / count) as f32;
            b[channel] = -scale * inverse * inverse * product;
            c[channel] = -scale * mean_gradient - b[channel] * self.mean[channel];
        }
        let (a, b, c) = (&self.scale, &self.local[..channels], &self.shift);
        target(targets, 0).with(memory, |out, add| {
            simd(|| combine(input, gradient, [a, b, c], add, out));
        });
        let residual = if self.spec.affine.is_some() { 3 } else { 1 };
        target(targets, residual).with(memory, |out, add| put(out, gradient, add));
        Ok(())
    }
}

/// Mean and sum of squared deviations of every channel, block by block.
fn local_moments(input: &[f32], channels: usize, out: &mut [f32], block_mean: &mut [f32]) {
    out.fill(0.0);
    let mut seen = 0.0_f32;
    for block in input.chunks(BLOCK * channels) {
        let rows = (block.len() / channels) as f32;
        let (mean, squares) = out.split_at_mut(channels);
        let together = seen + rows;
        simd(|| add_block(block, channels, block_mean, mean, squares, [seen, rows, together]));
        seen = together;
    }
}

#[inline(always)]
fn add_block(
    block: &[f32],
    channels: usize,
    block_mean: &mut [f32],
    mean: &mut [f32],
    squares: &mut [f32],
    [seen, rows, together]: [f32; 3],
) {
    let (block_mean, squares) = (&mut block_mean[..channels], &mut squares[..channels]);
    block_mean.fill(0.0);
    for four in block.chunks(4 * channels) {
        if four.len() == 4 * channels {
            let (a, rest) = four.split_at(channels);
            let (b, rest) = rest.split_at(channels);
            let (c, d) = rest.split_at(channels);
            for i in 0..channels {
                block_mean[i] += (a[i] + b[i]) + (c[i] + d[i]);
            }
        } else {
            for row in four.chunks_exact(channels) {
                for (sum, x) in block_mean.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
    for (sum, mean) in block_mean.iter_mut().zip(&*mean) {
        // the mean of the block, kept as difference from the mean so far
        *sum = *sum / rows - mean;
    }
    for i in 0..channels {
        squares[i] += block_mean[i] * block_mean[i] * (seen * rows / together);
        let center = block_mean[i] + mean[i];
        mean[i] += block_mean[i] * (rows / together);
        block_mean[i] = center;
    }
    for two in block.chunks(2 * channels) {
        if two.len() == 2 * channels {
            let (a, b) = two.split_at(channels);
            for i in 0..channels {
                let (a, b) = (a[i] - block_mean[i], b[i] - block_mean[i]);
                squares[i] += a * a + b * b;
            }
        } else {
            for i in 0..channels {
                let a = two[i] - block_mean[i];
                squares[i] += a * a;
            }
        }
    }
}

#[inline(always)]
fn apply(
    input: &[f32],
    scale: &[f32],
    shift: &[f32],
    residual: Option<&[f32]>,
    relu: bool,
    output: &mut [f32],
) {
    let channels = scale.len();
    let shift = &shift[..channels];
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    match residual {
        None => {
            for (row, out) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
                for i in 0..channels {
                    let y = row[i] * scale[i] + shift[i];
                    out[i] = if y < floor { floor } else { y };
                }
            }
        }
        Some(residual) => {
            let rows = input.chunks_exact(channels).zip(residual.chunks_exact(channels));
            for ((row, add), out) in rows.zip(output.chunks_exact_mut(channels)) {
                for i in 0..channels {
                    let y = row[i] * scale[i] + shift[i] + add[i];
                    out[i] = if y < floor { floor } else { y };
                }
            }
        }
    }
}

/// Zero where the ReLU's output is.
pub fn mask(output: &[f32], gradient: &mut [f32]) {
    simd(|| {
        for (gradient, output) in gradient.iter_mut().zip(output) {
            *gradient = if *output > 0.0 { *gradient } else { 0.0 };
        }
    });
}

/// Σ g and Σ g (x − mean) per channel.
#[inline(always)]
fn sums(input: &[f32], gradient: &[f32], mean: &[f32], channels: usize, out: &mut [f32]) {
    out.fill(0.0);
    let (total, product) = out.split_at_mut(channels);
    let (product, mean) = (&mut product[..channels], &mean[..channels]);
    let rows = input.chunks(2 * channels).zip(gradient.chunks(2 * channels));
    for (x, g) in rows {
        if x.len() == 2 * channels {
            let ((x0, x1), (g0, g1)) = (x.split_at(channels), g.split_at(channels));
            for i in 0..channels {
                total[i] += g0[i] + g1[i];
                product[i] += g0[i] * (x0[i] - mean[i]) + g1[i] * (x1[i] - mean[i]);
            }
        } else {
            for i in 0..channels {
                total[i] += g[i];
                product[i] += g[i] * (x[i] - mean[i]);
            }
        }
    }
}

/// The same of the gradient where the ReLU's output is not zero, which is left in its place.
#[inline(always)]
fn masked_sums(input: &[f32], output: &[f32], gradient: &mut [f32], mean: &[f32], out: &mut [f32]) {
    let channels = mean.len();
    out.fill(0.0);
    let (total, product) = out.split_at_mut(channels);
    let product = &mut product[..channels];
    let rows = input.chunks_exact(channels).zip(output.chunks_exact(channels));
    for ((x, y), g) in rows.zip(gradient.chunks_exact_mut(channels)) {
        for i in 0..channels {
            let kept = if y[i] > 0.0 { g[i] } else { 0.0 };
            g[i] = kept;
            total[i] += kept;
            product[i] += kept * (x[i] - mean[i]);
        }
    }
}

/// a g + b x + c
#[inline(always)]
fn combine(input: &[f32], gradient: &[f32], [a, b, c]: [&[f32]; 3], add: bool, out: &mut [f32]) {
    let channels = a.len();
    let (b, c) = (&b[..channels], &c[..channels]);
    let rows = input.chunks_exact(channels).zip(gradient.chunks_exact(channels));
    for ((x, g), out) in rows.zip(out.chunks_exact_mut(channels)) {
        if add {
            for i in 0..channels {
                out[i] += a[i] * g[i] + b[i] * x[i] + c[i];
            }
        } else {
            for i in 0..channels {
                out[i] = a[i] * g[i] + b[i] * x[i] + c[i];
            }
        }
    }
}
