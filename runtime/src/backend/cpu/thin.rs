//! 1×1 convolutions between few channels, on row-major images: planes are combined as they lie. A
//! library call per image, and a change of layout, would cost more than the work itself.

#![expect(clippy::indexing_slicing, reason = "extents are fixed when the kernel is made")]

use super::batch_norm::mask;
use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// Products of channels up to which planes are combined directly.
pub const FEW: usize = 32;

/// Extents and tensors of a thin convolution.
#[derive(Debug, Clone, Copy)]
pub struct ThinConv {
    /// Channels of input and output.
    pub channels: [usize; 2],
    /// Elements of a plane.
    pub plane: usize,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Input and weight `[out, in]`.
    pub inputs: [Storage; 2],
    /// The bias.
    pub bias: Option<Storage>,
    /// The output.
    pub output: Storage,
}

impl ThinConv {
    fn images<'a>(&self, values: &'a [f32], side: usize) -> std::slice::ChunksExact<'a, f32> {
        values.chunks_exact(self.channels[side] * self.plane)
    }
}

#[inline(always)]
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (left, right) = (left.chunks_exact(16), right.chunks_exact(16));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for i in 0..16 {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

impl Kernel for ThinConv {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let [inner, outer] = self.channels;
        let (input, weight) = (memory.value(self.inputs[0]), memory.value(self.inputs[1]));
        let bias = self.bias.map(|bias| memory.value(bias));
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let results = memory.value_mut(self.output).chunks_exact_mut(outer * self.plane);
        simd(|| {
            for (image, result) in self.images(input, 0).zip(results) {
                for (channel, out) in result.chunks_exact_mut(self.plane).enumerate() {
                    out.fill(bias.map_or(0.0, |bias| bias[channel]));
                    let row = &weight[channel * inner..][..inner];
                    for (plane, &w) in image.chunks_exact(self.plane).zip(row) {
                        for (out, x) in out.iter_mut().zip(plane) {
                            *out += w * x;
                        }
                    }
                    for out in out {
                        *out = if *out < floor { floor } else { *out };
                    }
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
        let [inner, _] = self.channels;
        let gradient = memory.gradient_mut(self.output);
        if self.relu {
            mask(memory.value(self.output), gradient);
        }
        let gradient = &*gradient;
        let (input, weight) = (memory.value(self.inputs[0]), memory.value(self.inputs[1]));
        let plane = self.plane;
        target(targets, 1).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            simd(|| {
                for (image, g) in self.images(input, 0).zip(self.images(gradient, 1)) {
                    for (row, g) in out.chunks_exact_mut(inner).zip(g.chunks_exact(plane)) {
                        for (out, x) in row.iter_mut().zip(image.chunks_exact(plane)) {
                            *out += dot(x, g);
                        }
                    }
                }
            });
        });
        target(targets, 2).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            simd(|| {
                for g in self.images(gradient, 1) {
                    for (out, g) in out.iter_mut().zip(g.chunks_exact(plane)) {
                        *out += g.iter().sum::<f32>();
                    }
                }
            });
        });
        target(targets, 0).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            simd(|| {
                let images = out.chunks_exact_mut(inner * plane);
                for (image, g) in images.zip(self.images(gradient, 1)) {
                    for (row, g) in weight.chunks_exact(inner).zip(g.chunks_exact(plane)) {
                        for (out, &w) in image.chunks_exact_mut(plane).zip(row) {
                            for (out, g) in out.iter_mut().zip(g) {
                                *out += w * g;
                            }
                        }
                    }
                }
            });
        });
        Ok(())
    }
}
