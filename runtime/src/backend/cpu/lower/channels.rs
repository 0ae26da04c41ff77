//! Layers on channels, gates, extremes and resampling.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op;
use nasc_compiler::ir::op::{Activation, Binary, ReduceKind, Unary};

use super::{Lowering, unsupported};
use crate::backend::cpu::arithmetic::Sum;
use crate::backend::cpu::arrange::Walk;
use crate::backend::cpu::channels::{LocalResponseNorm, Slopes};
use crate::backend::cpu::extreme::Extreme;
use crate::backend::cpu::resample::Resample;
use crate::backend::cpu::rows::{GroupNorm, GroupNormSpec};
use crate::backend::cpu::view::{View, channels_last};
use crate::error::RuntimeError;
use crate::kernel::pointwise::Function;
use crate::kernel::resample::taps;
use crate::plan::Step;

impl Lowering<'_> {
    /// Every channel is a group.
    pub(super) fn instance_norm(
        &mut self,
        step: &Step,
        norm: &op::InstanceNorm,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        if norm.track_running_stats || input.dims.len() != norm.spatial + 2 {
            return Err(unsupported(step));
        }
        let order = channels_last(input.dims.len());
        let input = self.in_order(&input, &order);
        let affine = if norm.affine {
            Some([self.input(step, 1)?.storage, self.input(step, 2)?.storage])
        } else {
            None
        };
        let mut inputs = vec![input.storage];
        inputs.extend(affine.into_iter().flatten());
        let out = self.fresh(input.dims.clone(), order, &inputs);
        let spec = GroupNormSpec {
            batch: input.dims[0],
            positions: input.dims[2..].iter().product(),
            channels: input.dims[1],
            groups: input.dims[1],
            eps: norm.eps as f32,
            from: input.storage,
            affine,
            to: out.storage,
        };
        let mut saved = vec![input.storage];
        saved.extend(affine.map(|[weight, _]| weight));
        self.push(GroupNorm::new(spec), inputs, vec![out.storage], saved);
        Ok(out)
    }

    pub(super) fn local_response_norm(
        &mut self,
        step: &Step,
        norm: &op::LocalResponseNorm,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let order = channels_last(input.dims.len());
        let input = self.in_order(&input, &order);
        let out = self.fresh(input.dims.clone(), order, &[input.storage]);
        let channels = input.dims[1];
        let (from, to) = (input.storage, out.storage);
        let kernel = LocalResponseNorm {
            channels,
            size: norm.size as usize,
            alpha: (norm.alpha / norm.size as f64) as f32,
            beta: norm.beta as f32,
            k: norm.k as f32,
            from,
            to,
            work: [vec![0.0; channels], vec![0.0; channels]],
        };
        self.push(kernel, vec![from], vec![to], vec![from]);
        Ok(out)
    }

    pub(super) fn prelu(&mut self, step: &Step) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let weight = self.input(step, 1)?;
        let slopes = weight.len();
        let single = slopes == 1;
        let order = if single { input.order.clone() } else { channels_last(input.dims.len()) };
        let input = self.in_order(&input, &order);
        let out = self.fresh(input.dims.clone(), order, &[input.storage, weight.storage]);
        let (from, weight, to) = (input.storage, weight.storage, out.storage);
        let kernel = Slopes { channels: slopes, from, weight, to };
        self.push(kernel, vec![from, weight], vec![to], vec![from, weight]);
        Ok(out)
    }

    pub(super) fn glu(&mut self, step: &Step, glu: &op::Glu) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let halves = self.parts(&input, glu.dim, input.dims[glu.dim] / 2);
        let [value, gate] = halves.as_slice() else { return Err(unsupported(step)) };
        let gate = self.function(gate, Function::Activation(Activation::Sigmoid));
        Ok(self.combined(Binary::Mul, value, &gate, value.dims.clone()))
    }

    /// Dimension by dimension.
    pub(super) fn interpolate(
        &mut self,
        step: &Step,
        attributes: &op::Interpolate,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let leading = input.dims.len() - attributes.output.len();
        let mut out = self.in_order(&input, &channels_last(input.dims.len()));
        for (index, &extent) in attributes.output.iter().enumerate() {
            let (from, dim) = (out, leading + index);
            let mut dims = from.dims.clone();
            dims[dim] = extent as usize;
            out = self.fresh(dims, from.order.clone(), &[from.storage]);
            let mode = attributes.mode;
            let kernel = Resample {
                taps: taps(mode, attributes.align_corners, from.dims[dim], extent as usize),
                extent: from.dims[dim],
                inner: from.strides()[dim],
                from: from.storage,
                to: out.storage,
            };
            self.push(kernel, vec![from.storage], vec![out.storage], Vec::new());
        }
        Ok(out)
    }

    /// Sums, extremes, and what follows from them.
    pub(super) fn reduce(
        &mut self,
        step: &Step,
        reduce: &op::Reduce,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let all: Vec<usize> = (0..input.dims.len()).collect();
        let dims = if reduce.dims.is_empty() { all } else { reduce.dims.clone() };
        let count: usize = dims.iter().map(|&dim| input.dims[dim]).product();
        let mean = 1.0 / count.max(1) as f32;
        let out = match reduce.kind {
            ReduceKind::Sum => self.summed(&input, &dims, 1.0),
            ReduceKind::Mean => self.summed(&input, &dims, mean),
            ReduceKind::Max => self.extreme(&input, &dims, true),
            ReduceKind::Min => self.extreme(&input, &dims, false),
            ReduceKind::Norm => {
                let squares = self.function(&input, Function::Unary(Unary::Square));
                let sum = self.summed(&squares, &dims, 1.0);
                self.function(&sum, Function::Unary(Unary::Sqrt))
            }
            ReduceKind::Variance { correction } => self.variance(&input, &dims, correction),
            ReduceKind::Deviation { correction } => {
                let variance = self.variance(&input, &dims, correction);
                self.function(&variance, Function::Unary(Unary::Sqrt))
            }
            ReduceKind::Product | ReduceKind::LogSumExp | ReduceKind::All | ReduceKind::Any => {
                return Err(unsupported(step));
            }
        };
        Ok(View::rows(out.storage, self.result_dims(step)))
    }

    fn variance(&mut self, input: &View, dims: &[usize], correction: u64) -> View {
        let count: usize = dims.iter().map(|&dim| input.dims[dim]).product();
        let mean = self.summed(input, dims, 1.0 / count.max(1) as f32);
        let centred = self.combined(Binary::Sub, input, &mean, input.dims.clone());
        let squares = self.function(&centred, Function::Unary(Unary::Square));
        let freedom = (count as f32 - correction as f32).max(0.0);
        self.summed(&squares, dims, 1.0 / freedom)
    }

    /// A row-major result in which the reduced dimensions stay with extent 1, and the walk to it.
    fn reduced(&mut self, input: &View, dims: &[usize]) -> (View, Walk) {
        let extents: Vec<usize> = (0..input.dims.len())
            .map(|dim| if dims.contains(&dim) { 1 } else { input.dims[dim] })
            .collect();
        let rank = extents.len();
        let out = self.fresh(extents, (0..rank).collect(), &[input.storage]);
        let (from, to) = (input.strides(), out.strides());
        let stride = |dim: usize| if dims.contains(&dim) { 0 } else { to[dim] };
        let walk: Vec<[usize; 3]> =
            input.order.iter().map(|&dim| [input.dims[dim], from[dim], stride(dim)]).collect();
        (out, Walk::new(&walk, [0, 0]))
    }

    fn summed(&mut self, input: &View, dims: &[usize], factor: f32) -> View {
        let (out, walk) = self.reduced(input, dims);
        let kernel = Sum { from: input.storage, to: out.storage, walk, factor };
        self.push(kernel, vec![input.storage], vec![out.storage], Vec::new());
        out
    }

    fn extreme(&mut self, input: &View, dims: &[usize], largest: bool) -> View {
        let (out, walk) = self.reduced(input, dims);
        let (from, to, ties) = (input.storage, out.storage, vec![0.0; out.len()]);
        let kernel = Extreme { largest, from, to, walk, ties };
        self.push(kernel, vec![from], vec![to], vec![from, to]);
        out
    }
}
