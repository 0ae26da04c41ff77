//! Kernels on the channels of one position, channels innermost: learnt slopes, and normalisation over
//! neighbouring channels.

#![expect(clippy::indexing_slicing, reason = "rows have the length that the kernel was made for")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;

/// max(x, 0) + w · min(x, 0), one slope for each channel or one for all.
pub struct Slopes {
    /// Channels of a position; 1 if there is one slope.
    pub channels: usize,
    /// The input.
    pub from: Storage,
    /// The slopes.
    pub weight: Storage,
    /// The result.
    pub to: Storage,
}

impl Kernel for Slopes {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, weight) = (memory.value(self.from), memory.value(self.weight));
        let out = memory.value_mut(self.to);
        let rows = input.chunks_exact(self.channels).zip(out.chunks_exact_mut(self.channels));
        for (row, out) in rows {
            for ((x, w), out) in row.iter().zip(weight).zip(out) {
                *out = if *x > 0.0 { *x } else { w * x };
            }
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (input, weight) = (memory.value(self.from), memory.value(self.weight));
        let gradient = memory.gradient(self.to);
        let rows = || input.chunks_exact(self.channels).zip(gradient.chunks_exact(self.channels));
        target(targets, 0).with(memory, |out, add| {
            for ((row, g), out) in rows().zip(out.chunks_exact_mut(self.channels)) {
                for (((x, w), g), out) in row.iter().zip(weight).zip(g).zip(out) {
                    let slope = if *x > 0.0 { 1.0 } else { *w };
                    *out = if add { *out } else { 0.0 } + g * slope;
                }
            }
        });
        target(targets, 1).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            for (row, g) in rows() {
                for ((x, g), out) in row.iter().zip(g).zip(out.iter_mut()) {
                    *out += g * x.min(0.0);
                }
            }
        });
        Ok(())
    }
}

/// x / (k + α/n · Σ x²)^β over the `n` channels around each.
pub struct LocalResponseNorm {
    /// Channels of a position.
    pub channels: usize,
    /// Channels that count, `n`.
    pub size: usize,
    /// α / n.
    pub alpha: f32,
    /// β.
    pub beta: f32,
    /// k.
    pub k: f32,
    /// The input.
    pub from: Storage,
    /// The result.
    pub to: Storage,
    /// One row of sums, and one of what they give.
    pub work: [Vec<f32>; 2],
}

impl LocalResponseNorm {
    /// Channels around `channel`.
    // PyTorch: torch/nn/functional.py, local_response_norm pads size/2 before and (size−1)/2 behind
    fn window(&self, channel: usize) -> std::ops::Range<usize> {
        let start = channel.saturating_sub(self.size / 2);
        start..(channel + (self.size - 1) / 2 + 1).min(self.channels)
    }

    /// Channels whose window holds `channel`.
    fn seen_by(&self, channel: usize) -> std::ops::Range<usize> {
        let start = channel.saturating_sub((self.size - 1) / 2);
        start..(channel + self.size / 2 + 1).min(self.channels)
    }

    fn sum(&self, row: &[f32], channel: usize) -> f32 {
        self.k + self.alpha * row[self.window(channel)].iter().map(|x| x * x).sum::<f32>()
    }
}

impl Kernel for LocalResponseNorm {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        let rows = input.chunks_exact(self.channels).zip(out.chunks_exact_mut(self.channels));
        for (row, out) in rows {
            for channel in 0..self.channels {
                out[channel] = row[channel] * self.sum(row, channel).powf(-self.beta);
            }
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (input, gradient) = (memory.value(self.from), memory.gradient(self.to));
        let [mut powers, mut terms] = std::mem::take(&mut self.work);
        target(targets, 0).with(memory, |out, add| {
            let rows = input.chunks_exact(self.channels).zip(gradient.chunks_exact(self.channels));
            for ((row, g), out) in rows.zip(out.chunks_exact_mut(self.channels)) {
                for channel in 0..self.channels {
                    let sum = self.sum(row, channel);
                    powers[channel] = sum.powf(-self.beta);
                    terms[channel] = g[channel] * row[channel] * powers[channel] / sum;
                }
                for channel in 0..self.channels {
                    let others: f32 = terms[self.seen_by(channel)].iter().sum();
                    let through = 2.0 * self.alpha * self.beta * row[channel] * others;
                    let own = g[channel] * powers[channel] - through;
                    out[channel] = if add { out[channel] } else { 0.0 } + own;
                }
            }
        });
        self.work = [powers, terms];
        Ok(())
    }
}
