//! Pooling of channels-last images: largest element or mean of a window, and adaptive pooling, which
//! is the same with windows of different sizes.

#![expect(clippy::indexing_slicing, reason = "windows are computed from the extents")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// The inputs that one output sees along one dimension: from, to, step.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// First input.
    pub from: usize,
    /// One past the last input.
    pub to: usize,
    /// Distance.
    pub step: usize,
}

impl Span {
    fn count(self) -> usize {
        (self.to - self.from).div_ceil(self.step)
    }

    fn positions(self) -> impl Iterator<Item = usize> {
        (self.from..self.to).step_by(self.step)
    }
}

/// Largest element or mean.
#[derive(Debug, Clone)]
pub enum Reduction {
    /// The largest element.
    Largest,
    /// The sum times a factor, one for each output position.
    Mean(Vec<f32>),
}

/// Extents of a pooling over height and width.
#[derive(Debug, Clone)]
pub struct PoolSpec {
    /// Images.
    pub batch: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// For each output row and column what it sees.
    pub spans: [Vec<Span>; 2],
    /// What is taken.
    pub reduction: Reduction,
}

/// The kernel.
pub struct Pooling {
    spec: PoolSpec,
    from: Storage,
    to: Storage,
    /// Where each largest element was, within its image; empty for means.
    chosen: Vec<u32>,
}

impl Pooling {
    /// Prepares the kernel.
    pub fn new(spec: PoolSpec, from: Storage, to: Storage) -> Pooling {
        let outputs = spec.batch * spec.spans[0].len() * spec.spans[1].len() * spec.channels;
        let chosen = match spec.reduction {
            Reduction::Largest => vec![0; outputs],
            Reduction::Mean(_) => Vec::new(),
        };
        Pooling { spec, from, to, chosen }
    }
}

impl PoolSpec {
    fn image(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    fn result(&self) -> usize {
        self.spans[0].len() * self.spans[1].len() * self.channels
    }

    /// Calls `body` with the position of each output and the offsets of the pixels it sees.
    #[inline(always)]
    fn windows(&self, mut body: impl FnMut(usize, Span, Span)) {
        let mut position = 0;
        for &row in &self.spans[0] {
            for &column in &self.spans[1] {
                body(position, row, column);
                position += 1;
            }
        }
    }

    #[inline(always)]
    fn pixels(&self, row: Span, column: Span, mut body: impl FnMut(usize)) {
        for y in row.positions() {
            for x in column.positions() {
                body((y * self.input[1] + x) * self.channels);
            }
        }
    }

    #[inline(always)]
    fn largest(&self, image: &[f32], out: &mut [f32], chosen: &mut [u32]) {
        let channels = self.channels;
        self.windows(|position, row, column| {
            let out = &mut out[position * channels..][..channels];
            let chosen = &mut chosen[position * channels..][..channels];
            if row.count() == 2 && column.count() == 2 {
                let at = |y: usize, x: usize| (y * self.input[1] + x) * channels;
                let (top, bottom) = (row.from, row.from + row.step);
                let (left, right) = (column.from, column.from + column.step);
                let offsets = [at(top, left), at(top, right), at(bottom, left), at(bottom, right)];
                return largest_of_four(image, offsets, out, chosen);
            }
            out.fill(f32::NEG_INFINITY);
            chosen.fill(u32::MAX);
            self.pixels(row, column, |offset| {
                let pixel = &image[offset..][..channels];
                let indices = offset as u32..;
                for ((out, chosen), (&x, index)) in
                    out.iter_mut().zip(chosen.iter_mut()).zip(pixel.iter().zip(indices))
                {
                    // a NaN wins and stays, as in PyTorch
                    let wins = x > *out || x.is_nan() || *chosen == u32::MAX;
                    *out = if wins { x } else { *out };
                    *chosen = if wins { index } else { *chosen };
                }
            });
        });
    }

    #[inline(always)]
    fn mean(&self, factors: &[f32], image: &[f32], out: &mut [f32]) {
        let channels = self.channels;
        self.windows(|position, row, column| {
            let out = &mut out[position * channels..][..channels];
            out.fill(0.0);
            self.pixels(row, column, |offset| {
                for (out, x) in out.iter_mut().zip(&image[offset..][..channels]) {
                    *out += x;
                }
            });
            for out in out {
                *out *= factors[position];
            }
        });
    }

    #[inline(always)]
    fn spread(&self, factors: &[f32], gradient: &[f32], out: &mut [f32]) {
        let channels = self.channels;
        self.windows(|position, row, column| {
            let (gradient, factor) =
                (&gradient[position * channels..][..channels], factors[position]);
            self.pixels(row, column, |offset| {
                for (out, g) in out[offset..][..channels].iter_mut().zip(gradient) {
                    *out += g * factor;
                }
            });
        });
    }
}

/// The largest of four pixels, channel by channel; of equal ones the first, of NaNs the last.
#[inline(always)]
fn largest_of_four(image: &[f32], offsets: [usize; 4], out: &mut [f32], chosen: &mut [u32]) {
    let channels = out.len();
    let [a, b, c, d] = offsets.map(|offset| &image[offset..][..channels]);
    let [at_a, at_b, at_c, at_d] = offsets.map(|offset| offset as u32);
    let pick = |one: (f32, u32), x: f32, at: u32| {
        let wins = x > one.0 || x.is_nan();
        (if wins { x } else { one.0 }, if wins { at } else { one.1 })
    };
    let chosen = &mut chosen[..channels];
    for i in 0..channels {
        let best = pick((a[i], at_a), b[i], at_b);
        let best = pick(best, c[i], at_c);
        let best = pick(best, d[i], at_d);
        out[i] = best.0;
        chosen[i] = best.1 + i as u32;
    }
}

impl Kernel for Pooling {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (spec, chosen) = (&self.spec, &mut self.chosen);
        let images = memory.value(self.from).chunks_exact(spec.image());
        let results = memory.value_mut(self.to).chunks_exact_mut(spec.result());
        simd(|| match &spec.reduction {
            Reduction::Largest => {
                let chosen = chosen.chunks_exact_mut(spec.result());
                for ((image, out), chosen) in images.zip(results).zip(chosen) {
                    spec.largest(image, out, chosen);
                }
            }
            Reduction::Mean(factors) => {
                for (image, out) in images.zip(results) {
                    spec.mean(factors, image, out);
                }
            }
        });
        Ok(())
    }

    fn kept(&self) -> usize {
        size_of_val(self.chosen.as_slice())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let spec = &self.spec;
        let gradients = memory.gradient(self.to).chunks_exact(spec.result());
        target(targets, 0).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            let images = out.chunks_exact_mut(spec.image());
            match &spec.reduction {
                Reduction::Largest => {
                    let chosen = self.chosen.chunks_exact(spec.result());
                    for ((out, gradient), chosen) in images.zip(gradients).zip(chosen) {
                        for (g, &index) in gradient.iter().zip(chosen) {
                            out[index as usize] += g;
                        }
                    }
                }
                Reduction::Mean(factors) => simd(|| {
                    for (out, gradient) in images.zip(gradients) {
                        spec.spread(factors, gradient, out);
                    }
                }),
            }
        });
        Ok(())
    }
}
