//! Batch normalisation of `[batch, channels, plane]`: statistics, forward, backward.
//! Running statistics are the caller's.

#![expect(clippy::indexing_slicing, reason = "one entry per channel in every slice")]

use rayon::prelude::*;

/// Extents of a normalised tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extents {
    /// Samples.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Elements of one channel of one sample.
    pub plane: usize,
}

impl Extents {
    /// Elements that one channel's statistics are taken over.
    pub fn count(&self) -> usize {
        self.batch * self.plane
    }

    /// The planes of one channel.
    fn planes<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        let Extents { batch, channels, plane } = *self;
        (0..batch).map(move |sample| &values[(sample * channels + channel) * plane..][..plane])
    }
}

/// Mean and biased variance of every channel, accumulated in 64 bits.
pub fn moments(extents: &Extents, input: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let count = extents.count() as f64;
    let channel = |channel: usize| {
        let sum: f64 = extents.planes(input, channel).map(sum).sum();
        let mean = sum / count;
        let squares = |plane: &[f32]| sum_of(plane.iter().map(|&x| (x - mean as f32).powi(2)));
        let variance: f64 = extents.planes(input, channel).map(squares).sum();
        (mean as f32, (variance / count) as f32)
    };
    (0..extents.channels).into_par_iter().map(channel).unzip()
}

/// A sum of `f32` in eight lanes, which the compiler turns into vector additions.
fn sum(values: &[f32]) -> f64 {
    sum_of(values.iter().copied())
}

fn sum_of(values: impl Iterator<Item = f32>) -> f64 {
    let mut lanes = [0.0_f32; 8];
    for (index, value) in values.enumerate() {
        lanes[index % 8] += value;
    }
    lanes.iter().map(|&lane| f64::from(lane)).sum()
}

/// `input · scale + shift` with one scale and shift per channel.
pub fn affine(extents: &Extents, input: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; input.len()];
    let plane = extents.plane.max(1);
    out.par_chunks_exact_mut(plane).zip(input.par_chunks_exact(plane)).enumerate().for_each(
        |(index, (out, input))| {
            let (scale, shift) = (scale[index % extents.channels], shift[index % extents.channels]);
            for (out, &x) in out.iter_mut().zip(input) {
                *out = x * scale + shift;
            }
        },
    );
    out
}

/// What the backward pass needs of a forward pass in training mode.
#[derive(Debug, Clone, Copy)]
pub struct Statistics<'a> {
    /// Mean of every channel.
    pub mean: &'a [f32],
    /// 1 / √(variance + ε) of every channel.
    pub inverse_deviation: &'a [f32],
}

/// Per channel: the sum of the gradient, and of gradient x normalised input. They are the gradients
/// of bias and weight.
pub fn sums(
    extents: &Extents,
    input: &[f32],
    gradient: &[f32],
    statistics: Statistics<'_>,
) -> (Vec<f32>, Vec<f32>) {
    let channel = |channel: usize| {
        let (mean, scale) = (statistics.mean[channel], statistics.inverse_deviation[channel]);
        let planes = extents.planes(input, channel).zip(extents.planes(gradient, channel));
        let (mut total, mut product) = (0.0_f64, 0.0_f64);
        for (input, gradient) in planes {
            total += sum(gradient);
            product += sum_of(input.iter().zip(gradient).map(|(&x, &g)| (x - mean) * scale * g));
        }
        (total as f32, product as f32)
    };
    (0..extents.channels).into_par_iter().map(channel).unzip()
}

/// The gradient of the input in training mode, where mean and variance depend on it:
/// w σ⁻¹ (g − Σg/m − x̂ Σ(g x̂)/m).
pub fn input_gradient(
    extents: &Extents,
    input: &[f32],
    gradient: &[f32],
    weight: &[f32],
    statistics: Statistics<'_>,
    sums: (&[f32], &[f32]),
) -> Vec<f32> {
    let mut out = vec![0.0; input.len()];
    let (plane, count) = (extents.plane.max(1), extents.count() as f32);
    let planes = input.par_chunks_exact(plane).zip(gradient.par_chunks_exact(plane));
    out.par_chunks_exact_mut(plane).zip(planes).enumerate().for_each(
        |(index, (out, (input, gradient)))| {
            let channel = index % extents.channels;
            let (mean, inverse) = (statistics.mean[channel], statistics.inverse_deviation[channel]);
            let (total, product) = (sums.0[channel] / count, sums.1[channel] / count);
            let scale = weight[channel] * inverse;
            for ((out, &x), &g) in out.iter_mut().zip(input).zip(gradient) {
                *out = scale * (g - total - (x - mean) * inverse * product);
            }
        },
    );
    out
}
