//! The largest or smallest elements along dimensions, and tensors of one number.

#![expect(clippy::indexing_slicing, reason = "strides were checked against the extents")]

use super::arrange::Walk;
use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;

/// The extreme element of every group. Equal ones share the gradient, as `torch.amax` has it.
pub struct Extreme {
    /// Whether the largest is sought.
    pub largest: bool,
    /// The input.
    pub from: Storage,
    /// The result.
    pub to: Storage,
    /// From the input to the result.
    pub walk: Walk,
    /// How many elements are the extreme one, for each result.
    pub ties: Vec<f32>,
}

/// Calls `visit` with the positions of every pair.
fn pairs(walk: &Walk, mut visit: impl FnMut(usize, usize)) {
    let [extent, step, stride] = walk.inner();
    walk.rows(|first, second| {
        for index in 0..extent {
            visit(first + index * step, second + index * stride);
        }
    });
}

impl Kernel for Extreme {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        out.fill(if self.largest { f32::NEG_INFINITY } else { f32::INFINITY });
        pairs(&self.walk, |from, to| {
            let (x, best) = (input[from], out[to]);
            let better = if self.largest { x > best } else { x < best };
            if better || x.is_nan() {
                out[to] = x;
            }
        });
        Ok(())
    }

    fn kept(&self) -> usize {
        size_of_val(self.ties.as_slice())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (input, best) = (memory.value(self.from), memory.value(self.to));
        let (gradient, ties) = (memory.gradient(self.to), &mut self.ties);
        ties.fill(0.0);
        pairs(&self.walk, |from, to| ties[to] += f32::from(input[from] == best[to]));
        target(targets, 0).with(memory, |out, add| {
            pairs(&self.walk, |from, to| {
                let own = if input[from] == best[to] { gradient[to] / ties[to] } else { 0.0 };
                out[from] = if add { out[from] } else { 0.0 } + own;
            });
        });
        Ok(())
    }
}

/// A tensor of one number.
pub struct Fill {
    /// The number.
    pub value: f32,
    /// The tensor.
    pub to: Storage,
}

impl Kernel for Fill {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        memory.value_mut(self.to).fill(self.value);
        Ok(())
    }

    fn backward(&mut self, _: &Memory<'_>, _: &[Target], _: &Pass<'_>) -> Result<(), RuntimeError> {
        Ok(())
    }
}
