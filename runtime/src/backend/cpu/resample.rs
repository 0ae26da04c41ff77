//! Resampling along one dimension: every output is a weighted sum of a few inputs.

#![expect(clippy::indexing_slicing, reason = "taps were made for these extents")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::resample::Taps;
use crate::kernel::vector::simd;

/// The tensor as `[outer, extent, inner]` in memory, with another extent.
pub struct Resample {
    /// Inputs of each output, and their weights.
    pub taps: Taps,
    /// Extent of the input.
    pub extent: usize,
    /// Elements that lie together.
    pub inner: usize,
    /// The input.
    pub from: Storage,
    /// The result.
    pub to: Storage,
}

impl Kernel for Resample {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        let (inner, count) = (self.inner, self.taps.len());
        simd(|| {
            let boxes = input.chunks_exact(self.extent * inner);
            for (input, out) in boxes.zip(out.chunks_exact_mut(count * inner)) {
                for (taps, out) in self.taps.iter().zip(out.chunks_exact_mut(inner)) {
                    out.fill(0.0);
                    for &(at, weight) in taps {
                        let row = &input[at * inner..][..inner];
                        out.iter_mut().zip(row).for_each(|(out, x)| *out += weight * x);
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
        let gradient = memory.gradient(self.to);
        let (inner, count) = (self.inner, self.taps.len());
        target(targets, 0).with(memory, |out, add| {
            if !add {
                out.fill(0.0);
            }
            simd(|| {
                let boxes = gradient.chunks_exact(count * inner);
                for (gradient, out) in boxes.zip(out.chunks_exact_mut(self.extent * inner)) {
                    for (taps, gradient) in self.taps.iter().zip(gradient.chunks_exact(inner)) {
                        for &(at, weight) in taps {
                            let row = &mut out[at * inner..][..inner];
                            row.iter_mut().zip(gradient).for_each(|(out, g)| *out += weight * g);
                        }
                    }
                }
            });
        });
        Ok(())
    }
}
