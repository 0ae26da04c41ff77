//! Convolutions over oneDNN, with the ReLU that may follow.

#![expect(clippy::indexing_slicing, reason = "extents are fixed when the kernel is made")]

use super::batch_norm::mask;
use super::kernel::{Kernel, Pass, put, target};
use super::memory::{LINE, Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;
use crate::onednn::{Convolution, ForwardCall, Geometry, OneDnn, OneDnnError};

/// The error of an operation that the library refused.
pub fn failed(op: &'static str) -> impl Fn(OneDnnError) -> RuntimeError {
    move |source| RuntimeError::OneDnn { op, source }
}

/// A convolution; inputs are input, weight and perhaps bias.
pub struct Conv {
    primitives: Convolution,
    relu: bool,
    inputs: [Storage; 2],
    bias: Option<Storage>,
    output: Storage,
    lengths: [usize; 3],
}

impl Conv {
    /// Prepares the primitives.
    pub fn new(
        library: &'static OneDnn,
        geometry: &Geometry,
        with_input_gradient: bool,
        inputs: [Storage; 2],
        bias: Option<Storage>,
        output: Storage,
    ) -> Result<Conv, RuntimeError> {
        let primitives = Convolution::new(library, geometry, with_input_gradient)
            .map_err(failed("convolution"))?;
        let product = |values: &[usize]| values.iter().product::<usize>();
        let lengths = [
            geometry.batch * geometry.in_channels * product(&geometry.input),
            geometry.out_channels * geometry.in_channels / geometry.groups
                * product(&geometry.kernel),
            if bias.is_some() { geometry.out_channels } else { 0 },
        ];
        Ok(Conv { primitives, relu: geometry.relu, inputs, bias, output, lengths })
    }

    /// Scratch floats for a gradient that has to be added to another.
    fn spare(&self, index: usize, target: Target) -> usize {
        if matches!(target, Target::Add(_)) {
            self.lengths[index].next_multiple_of(LINE)
        } else {
            0
        }
    }

    fn backward_input(
        &mut self,
        memory: &Memory<'_>,
        target: Target,
        scratch: &mut [f32],
    ) -> Result<(), RuntimeError> {
        let spare = self.spare(0, target);
        let (spare, scratch) = scratch.split_at_mut(spare);
        let (weight, gradient) = (memory.value(self.inputs[1]), memory.gradient(self.output));
        let mut result = Ok(());
        target.with(memory, |out, add| {
            let place: &mut [f32] = if add { &mut *spare } else { &mut *out };
            result = self.primitives.input_gradient(weight, gradient, place, scratch);
            if add {
                put(out, &spare[..out.len()], true);
            }
        });
        result.map_err(failed("convolution"))
    }

    fn backward_weight(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        scratch: &mut [f32],
    ) -> Result<(), RuntimeError> {
        let (weight, bias) = (target(targets, 1), target(targets, 2));
        if !weight.is_wanted() && !bias.is_wanted() {
            return Ok(());
        }
        let aligned = |index: usize| self.lengths[index].next_multiple_of(LINE);
        let (weights, scratch) = scratch.split_at_mut(aligned(1));
        let (biases, scratch) = scratch.split_at_mut(aligned(2));
        let (input, gradient) = (memory.value(self.inputs[0]), memory.gradient(self.output));
        self.primitives
            .weight_gradient(input, gradient, weights, biases, scratch)
            .map_err(failed("convolution"))?;
        weight.with(memory, |out, add| put(out, &weights[..out.len()], add));
        bias.with(memory, |out, add| put(out, &biases[..out.len()], add));
        Ok(())
    }
}

impl Kernel for Conv {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let call = ForwardCall {
            input: memory.value(self.inputs[0]),
            weight: memory.value(self.inputs[1]),
            bias: self.bias.map(|bias| memory.value(bias)).unwrap_or_default(),
            output: memory.value_mut(self.output),
            scratch: memory.scratch(),
        };
        self.primitives.forward(call).map_err(failed("convolution"))
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        if self.relu {
            mask(memory.value(self.output), memory.gradient_mut(self.output));
        }
        let scratch = memory.scratch();
        self.backward_weight(memory, targets, scratch)?;
        self.backward_input(memory, target(targets, 0), scratch)
    }

    fn scratch(&self, targets: &[Target]) -> usize {
        let weights = (self.lengths[1] + self.lengths[2]).next_multiple_of(LINE) + 2 * LINE;
        self.primitives.scratch() + weights.max(self.spare(0, target(targets, 0)))
    }
}

/// Sums rows of as many numbers as `out` has.
pub fn sum_rows(rows: &[f32], out: &mut [f32], add: bool) {
    if !add {
        out.fill(0.0);
    }
    simd(|| {
        for row in rows.chunks_exact(out.len()) {
            for (out, value) in out.iter_mut().zip(row) {
                *out += value;
            }
        }
    });
}
