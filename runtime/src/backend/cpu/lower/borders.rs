//! Images continued beyond their borders, convolutions of them, and transposed convolutions: those are
//! convolutions of the input with zeros between its elements.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op;
use nasc_compiler::ir::op::{PadMode, PaddingMode};

use super::{Lowering, unsupported};
use crate::backend::cpu::arrange::{Copies, Walk};
use crate::backend::cpu::view::{View, channels_last};
use crate::error::RuntimeError;
use crate::plan::Step;

impl Lowering<'_> {
    /// Padding of the last dimensions by elements of the image.
    pub(super) fn bordered(&mut self, input: &View, padding: &[(i64, i64)], mode: PadMode) -> View {
        let first = input.dims.len() - padding.len();
        let mut out = input.clone();
        for (dim, &(before, behind)) in (first..).zip(padding) {
            if (before, behind) != (0, 0) {
                let extent = out.dims[dim] as i64;
                let places = -before..extent + behind;
                let sources = places.map(|at| source(at, extent, mode) as usize);
                out = self.picked(&out, dim, &sources.collect::<Vec<usize>>());
            }
        }
        out
    }

    /// The input of a convolution with its border, and the convolution that is left.
    pub(super) fn with_border(&mut self, input: &View, conv: &op::Conv) -> (View, op::Conv) {
        let mode = match conv.padding_mode {
            PaddingMode::Zeros => return (input.clone(), conv.clone()),
            PaddingMode::Reflect => PadMode::Reflect,
            PaddingMode::Replicate => PadMode::Replicate,
            PaddingMode::Circular => PadMode::Circular,
        };
        let signed = |&(before, behind): &(u64, u64)| (before as i64, behind as i64);
        let padding: Vec<(i64, i64)> = conv.padding.iter().map(signed).collect();
        let input = self.bordered(input, &padding, mode);
        let padding = vec![(0, 0); padding.len()];
        (input, op::Conv { padding, padding_mode: PaddingMode::Zeros, ..conv.clone() })
    }

    /// A transposed convolution.
    pub(super) fn transposed(
        &mut self,
        step: &Step,
        conv: &op::Conv,
        relu: bool,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        if conv.padding_mode != PaddingMode::Zeros || input.dims.len() != conv.kernel.len() + 2 {
            return Err(unsupported(step));
        }
        let dims = self.result_dims(step);
        let spread = self.spread(&input, conv, &dims[2..]);
        let weight = self.input(step, 1)?;
        let weight = self.turned(&weight, conv.groups as usize);
        let bias = if conv.bias { Some(self.input(step, 2)?.storage) } else { None };
        let spatial = conv.kernel.len();
        let plain = op::Conv {
            stride: vec![1; spatial],
            padding: vec![(0, 0); spatial],
            transposed: None,
            ..conv.clone()
        };
        self.convolution(&spread, weight.storage, bias, &plain, dims, relu)
    }

    /// The input with zeros between its elements and around them, so that windows of step 1 fit.
    fn spread(&mut self, input: &View, conv: &op::Conv, output: &[usize]) -> View {
        let order = channels_last(input.dims.len());
        let mut dims = input.dims.clone();
        let (mut kept, mut starts) = (input.dims.clone(), [0, 0]);
        let from = input.strides();
        for (dim, &extent) in output.iter().enumerate() {
            dims[2 + dim] = extent + conv.dilation[dim] as usize * (conv.kernel[dim] as usize - 1);
        }
        let out = self.fresh(dims.clone(), order, &[input.storage]);
        let mut to = out.strides();
        for dim in 0..output.len() {
            let (stride, at) = (conv.stride[dim] as usize, 2 + dim);
            let reach = conv.dilation[dim] as usize * (conv.kernel[dim] as usize - 1);
            let padding = conv.padding[dim].0 as usize;
            // padding beyond the window's reach cuts elements off
            let skipped = padding.saturating_sub(reach).div_ceil(stride);
            let start = (skipped * stride + reach).saturating_sub(padding);
            let room = dims[at].saturating_sub(start).div_ceil(stride);
            kept[at] = (input.dims[at] - skipped.min(input.dims[at])).min(room);
            starts[0] += skipped * from[at];
            starts[1] += start * to[at];
            to[at] *= stride;
        }
        let walk: Vec<[usize; 3]> =
            out.order.iter().map(|&dim| [kept[dim], from[dim], to[dim]]).collect();
        let pieces = vec![(0, input.storage, out.storage, Walk::new(&walk, starts))];
        let kernel = Copies::new(pieces, true).filled(0.0);
        self.push(kernel, vec![input.storage], vec![out.storage], Vec::new());
        out
    }

    /// `[in, out / groups, k...]` as `[out, in / groups, k...]` with every window reversed.
    fn turned(&mut self, weight: &View, groups: usize) -> View {
        let weight = self.in_rows(weight);
        let taps: usize = weight.dims[2..].iter().product();
        let (inputs, outputs) = (weight.dims[0] / groups, weight.dims[1]);
        let mut dims = weight.dims.clone();
        (dims[0], dims[1]) = (outputs * groups, inputs);
        let rank = dims.len();
        let out = self.fresh(dims, (0..rank).collect(), &[weight.storage]);
        let pieces = (0..taps).map(|tap| {
            let walk = [
                [groups, inputs * outputs * taps, inputs * outputs * taps],
                [outputs, taps, inputs * taps],
                [inputs, outputs * taps, taps],
            ];
            (0, weight.storage, out.storage, Walk::new(&walk, [taps - 1 - tap, tap]))
        });
        let kernel = Copies::new(pieces.collect(), true);
        self.push(kernel, vec![weight.storage], vec![out.storage], Vec::new());
        out
    }

    /// Padding by elements of the image, or with a number.
    pub(super) fn padded_by(&mut self, step: &Step, pad: &op::Pad) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        Ok(self.bordered(&input, &pad.padding, pad.mode))
    }
}

/// Where an element beyond the border comes from.
fn source(at: i64, extent: i64, mode: PadMode) -> i64 {
    match mode {
        PadMode::Reflect if at < 0 => -at,
        PadMode::Reflect if at >= extent => 2 * (extent - 1) - at,
        PadMode::Circular => at.rem_euclid(extent.max(1)),
        PadMode::Constant(_) | PadMode::Reflect | PadMode::Replicate => at.clamp(0, extent - 1),
    }
}
