//! Kernels on rows: softmax, group normalisation, dropout.

#![expect(clippy::indexing_slicing, reason = "rows have the length that the kernel was made for")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use super::sums::{largest, sum, sum_of};
use crate::error::RuntimeError;
use crate::kernel::vector::{exp, simd};

/// Softmax of rows, or its logarithm.
pub struct Softmax {
    /// Length of a row.
    pub len: usize,
    /// Whether the logarithm is taken.
    pub log: bool,
    /// The input.
    pub from: Storage,
    /// The result.
    pub to: Storage,
}

/// Softmax of a row where it lies; gives the logarithm of the sum.
#[inline(always)]
pub fn softmax_row(row: &mut [f32]) -> f32 {
    let largest = largest(row);
    for x in row.iter_mut() {
        *x = exp(*x - largest);
    }
    let sum = sum(row);
    let factor = 1.0 / sum;
    row.iter_mut().for_each(|x| *x *= factor);
    largest + sum.ln()
}

impl Kernel for Softmax {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        simd(|| {
            for (row, out) in input.chunks_exact(self.len).zip(out.chunks_exact_mut(self.len)) {
                out.copy_from_slice(row);
                let log_sum = softmax_row(out);
                if self.log {
                    out.iter_mut().zip(row).for_each(|(out, x)| *out = x - log_sum);
                }
            }
        });
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (values, gradient) = (memory.value(self.to), memory.gradient(self.to));
        target(targets, 0).with(memory, |out, add| {
            simd(|| {
                let rows = values.chunks_exact(self.len).zip(gradient.chunks_exact(self.len));
                for ((y, g), out) in rows.zip(out.chunks_exact_mut(self.len)) {
                    let old = if add { 1.0 } else { 0.0 };
                    if self.log {
                        let sum = sum(g);
                        for i in 0..out.len() {
                            let kept = if add { out[i] } else { 0.0 };
                            out[i] = kept + g[i] - exp(y[i]) * sum;
                        }
                    } else {
                        let sum = sum_of(y, g, |y, g| y * g);
                        for i in 0..out.len() {
                            let kept = if old == 1.0 { out[i] } else { 0.0 };
                            out[i] = kept + y[i] * (g[i] - sum);
                        }
                    }
                }
            });
        });
        Ok(())
    }
}

/// Group normalisation of channels-last images.
pub struct GroupNorm {
    spec: GroupNormSpec,
    /// Mean and inverse deviation of each group of each sample.
    moments: Vec<[f32; 2]>,
}

/// Extents and tensors of a group normalisation.
#[derive(Debug, Clone)]
pub struct GroupNormSpec {
    /// Samples.
    pub batch: usize,
    /// Positions of a sample.
    pub positions: usize,
    /// Channels.
    pub channels: usize,
    /// Groups.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f32,
    /// The input.
    pub from: Storage,
    /// Weight and bias.
    pub affine: Option<[Storage; 2]>,
    /// The output.
    pub to: Storage,
}

impl GroupNorm {
    /// Prepares the kernel.
    pub fn new(spec: GroupNormSpec) -> GroupNorm {
        GroupNorm { moments: vec![[0.0; 2]; spec.batch * spec.groups], spec }
    }
}

impl GroupNormSpec {
    fn width(&self) -> usize {
        self.channels / self.groups
    }

    /// The elements of one group of a sample, position by position.
    fn pieces<'a>(&self, sample: &'a [f32], group: usize) -> impl Iterator<Item = &'a [f32]> {
        let (width, channels) = (self.width(), self.channels);
        sample.chunks_exact(channels).map(move |row| &row[group * width..][..width])
    }

    fn affine_at(&self, affine: Option<(&[f32], &[f32])>, channel: usize) -> (f32, f32) {
        affine.map_or((1.0, 0.0), |(weight, bias)| (weight[channel], bias[channel]))
    }
}

impl Kernel for GroupNorm {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let spec = &self.spec;
        let (input, out) = (memory.value(spec.from), memory.value_mut(spec.to));
        let affine = spec.affine.map(|[w, b]| (memory.value(w), memory.value(b)));
        let (sample, count) =
            (spec.positions * spec.channels, (spec.positions * spec.width()) as f32);
        let samples = input.chunks_exact(sample).zip(out.chunks_exact_mut(sample));
        for ((input, out), moments) in samples.zip(self.moments.chunks_exact_mut(spec.groups)) {
            for (group, moments) in moments.iter_mut().enumerate() {
                let sum: f32 =
                    spec.pieces(input, group).map(|piece| piece.iter().sum::<f32>()).sum();
                let mean = sum / count;
                let squares =
                    |piece: &[f32]| piece.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
                let variance = spec.pieces(input, group).map(squares).sum::<f32>() / count;
                *moments = [mean, 1.0 / (variance + spec.eps).sqrt()];
            }
            let rows = input.chunks_exact(spec.channels).zip(out.chunks_exact_mut(spec.channels));
            for (row, out) in rows {
                for channel in 0..spec.channels {
                    let [mean, inverse] = moments[channel / spec.width()];
                    let (weight, bias) = spec.affine_at(affine, channel);
                    out[channel] = (row[channel] - mean) * inverse * weight + bias;
                }
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
        let spec = &self.spec;
        let (input, gradient) = (memory.value(spec.from), memory.gradient(spec.to));
        let affine = spec.affine.map(|[w, b]| (memory.value(w), memory.value(b)));
        let sample = spec.positions * spec.channels;
        let samples = || {
            let pairs = input.chunks_exact(sample).zip(gradient.chunks_exact(sample));
            pairs.zip(self.moments.chunks_exact(spec.groups))
        };
        if affine.is_some() {
            target(targets, 2).with(memory, |out, add| super::affine::sum_rows(gradient, out, add));
            target(targets, 1).with(memory, |out, add| {
                if !add {
                    out.fill(0.0);
                }
                for ((x, g), moments) in samples() {
                    for (x, g) in x.chunks_exact(spec.channels).zip(g.chunks_exact(spec.channels)) {
                        for channel in 0..spec.channels {
                            let [mean, inverse] = moments[channel / spec.width()];
                            out[channel] += g[channel] * (x[channel] - mean) * inverse;
                        }
                    }
                }
            });
        }
        target(targets, 0).with(memory, |out, add| {
            let count = (spec.positions * spec.width()) as f32;
            for (((x, g), moments), out) in samples().zip(out.chunks_exact_mut(sample)) {
                for (group, [mean, inverse]) in moments.iter().enumerate() {
                    let first = group * spec.width();
                    let (mut sum, mut product) = (0.0, 0.0);
                    for (x, g) in spec.pieces(x, group).zip(spec.pieces(g, group)) {
                        for (i, (x, g)) in x.iter().zip(g).enumerate() {
                            let g = g * spec.affine_at(affine, first + i).0;
                            sum += g;
                            product += g * (x - mean);
                        }
                    }
                    let (sum, product) = (sum / count, product * inverse * inverse / count);
                    for position in 0..spec.positions {
                        for i in 0..spec.width() {
                            let at = position * spec.channels + first + i;
                            let g = g[at] * spec.affine_at(affine, first + i).0;
                            let value = inverse * (g - sum - (x[at] - mean) * product);
                            out[at] = if add { out[at] } else { 0.0 } + value;
                        }
                    }
                }
            }
        });
        Ok(())
    }
}

/// Dropout of single elements or of whole channels; the identity in evaluation.
pub struct Dropout {
    /// Probability of a zero.
    pub p: f64,
    /// Floats of one sample.
    pub sample: usize,
    /// Channels that are dropped together, innermost in memory; `None` drops elements.
    pub channels: Option<usize>,
    /// Distinguishes the layers of a network.
    pub layer: u64,
    /// The input.
    pub from: Storage,
    /// The output.
    pub to: Storage,
}

/// A generator of 64-bit numbers for one sample of one layer in one step.
// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SplitMix(u64);

impl SplitMix {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Dropout {
    /// Calls `body` with positions and factors of the elements of every sample.
    #[inline(always)]
    fn each(&self, len: usize, pass: &Pass<'_>, mut body: impl FnMut(usize, f32)) {
        let keep = if self.p < 1.0 { (1.0 / (1.0 - self.p)) as f32 } else { 0.0 };
        let limit = (self.p * 4_294_967_296.0) as u64;
        for sample in 0..len / self.sample.max(1) {
            let number = (pass.first_sample + sample) as u64;
            let mut seed = SplitMix(pass.seed ^ self.layer.rotate_left(40));
            let start = seed.next() ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93);
            let mut generator = SplitMix(start);
            match self.channels {
                None => {
                    for index in 0..self.sample {
                        let dropped = (generator.next() >> 32) < limit;
                        body(sample * self.sample + index, if dropped { 0.0 } else { keep });
                    }
                }
                Some(channels) => {
                    for channel in 0..channels {
                        let dropped = (generator.next() >> 32) < limit;
                        let factor = if dropped { 0.0 } else { keep };
                        for row in 0..self.sample / channels {
                            body(sample * self.sample + row * channels + channel, factor);
                        }
                    }
                }
            }
        }
    }
}

impl Kernel for Dropout {
    fn forward(&mut self, memory: &Memory<'_>, pass: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        if pass.training {
            self.each(input.len(), pass, |at, factor| out[at] = input[at] * factor);
        } else {
            out.copy_from_slice(input);
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        pass: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let gradient = memory.gradient_mut(self.to);
        let len = gradient.len();
        match target(targets, 0) {
            Target::Nothing => {}
            Target::InPlace(_) => self.each(len, pass, |at, factor| gradient[at] *= factor),
            Target::Write(storage) => {
                let out = memory.gradient_mut(storage);
                self.each(len, pass, |at, factor| out[at] = gradient[at] * factor);
            }
            Target::Add(storage) => {
                let out = memory.gradient_mut(storage);
                self.each(len, pass, |at, factor| out[at] += gradient[at] * factor);
            }
        }
        Ok(())
    }
}
