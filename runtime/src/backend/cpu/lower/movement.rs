//! Operations that move elements, and arithmetic.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op;
use nasc_compiler::ir::op::{Binary, PadMode};
use nasc_compiler::ir::{DType, Op};

use super::{Lowering, unsupported, walk_between};
use crate::backend::cpu::arithmetic::Arithmetic;
use crate::backend::cpu::arrange::{Copies, Walk};
use crate::backend::cpu::pointwise::Constant;
use crate::backend::cpu::view::{View, channels_last};
use crate::error::RuntimeError;
use crate::plan::{Operand, Step};

/// Channels-last where the input is, else row-major.
pub(super) fn order_like(input: &View) -> Vec<usize> {
    let rank = input.dims.len();
    let images = channels_last(rank);
    if rank >= 3 && !input.is_rows() && input.lies_in(&images) {
        images
    } else {
        (0..rank).collect()
    }
}

impl Lowering<'_> {
    pub(super) fn reshape(&mut self, step: &Step) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let input = self.in_rows(&input);
        Ok(View::rows(input.storage, self.result_dims(step)))
    }

    /// Floats stay what they are.
    pub(super) fn cast(&mut self, step: &Step) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let same = step.result_types.iter().all(|result| result.dtype == DType::F32);
        if same { Ok(input) } else { Err(unsupported(step)) }
    }

    pub(super) fn cat(&mut self, step: &Step, cat: &op::Cat) -> Result<View, RuntimeError> {
        let mut inputs = Vec::new();
        for index in 0..step.operands.len() {
            inputs.push(self.input(step, index)?);
        }
        let order = inputs.first().map(order_like).unwrap_or_default();
        let storages: Vec<_> = inputs.iter().map(|input| input.storage).collect();
        let dims = self.result_dims(step);
        let out = self.fresh(dims, order, &storages);
        let stride = out.strides()[cat.dim];
        let mut pieces = Vec::new();
        let mut start = 0;
        for (index, input) in inputs.iter().enumerate() {
            let walk = walk_between(input, &input.strides(), 0, &out, start * stride);
            pieces.push((index, input.storage, out.storage, walk));
            start += input.dims[cat.dim];
        }
        self.push(Copies::new(pieces, false), storages, vec![out.storage], Vec::new());
        Ok(out)
    }

    pub(super) fn expand(&mut self, step: &Step) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let dims = self.result_dims(step);
        let rank = dims.len();
        let out = self.fresh(dims, (0..rank).collect(), &[input.storage]);
        let strides = spread_strides(&input, &out.dims);
        let wide = View { dims: out.dims.clone(), order: out.order.clone(), ..input.clone() };
        let walk = walk_between(&wide, &strides, 0, &out, 0);
        let pieces = vec![(0, input.storage, out.storage, walk)];
        self.push(Copies::new(pieces, true), vec![input.storage], vec![out.storage], Vec::new());
        Ok(out)
    }

    /// One part of a tensor; where the other parts are taken as well, all of them at once, as gradients
    /// then need no zeros to be added to.
    pub(super) fn slice(&mut self, step: &Step, slice: &op::Slice) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        if let Some(parts) = self.partition(step, slice.dim, input.dims[slice.dim]) {
            let sizes: Vec<usize> = parts.iter().map(|part| part.1).collect();
            for (view, (slot, _)) in self.cut(&input, slice.dim, &sizes).into_iter().zip(parts) {
                self.slots[slot] = Some(view);
            }
            return self.operand(Operand::Slot(step.results[0]));
        }
        let dims = self.result_dims(step);
        let out = self.fresh(dims, order_like(&input), &[input.storage]);
        let mut strides = input.strides();
        let start = slice.start as usize * strides[slice.dim];
        strides[slice.dim] *= slice.step as usize;
        let part = View { dims: out.dims.clone(), ..input.clone() };
        let walk = walk_between(&part, &strides, start, &out, 0);
        let pieces = vec![(0, input.storage, out.storage, walk)];
        self.push(Copies::new(pieces, true), vec![input.storage], vec![out.storage], Vec::new());
        Ok(out)
    }

    pub(super) fn pad(&mut self, step: &Step, pad: &op::Pad) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let PadMode::Constant(fill) = pad.mode else { return self.padded_by(step, pad) };
        let dims = self.result_dims(step);
        let out = self.fresh(dims, order_like(&input), &[input.storage]);
        let (from, to) = (input.strides(), out.strides());
        let (mut starts, mut kept) = ([0, 0], input.dims.clone());
        let first = input.dims.len() - pad.padding.len();
        for (dim, &(before, behind)) in (first..).zip(&pad.padding) {
            // a negative amount cuts
            starts[0] += before.min(0).unsigned_abs() as usize * from[dim];
            starts[1] += before.max(0) as usize * to[dim];
            let cut = before.min(0).unsigned_abs() + behind.min(0).unsigned_abs();
            kept[dim] = input.dims[dim].saturating_sub(cut as usize);
        }
        let part = View { dims: kept, ..input.clone() };
        let walk = walk_between(&part, &from, starts[0], &out, starts[1]);
        let pieces = vec![(0, input.storage, out.storage, walk)];
        let kernel = Copies::new(pieces, true).filled(fill as f32);
        self.push(kernel, vec![input.storage], vec![out.storage], Vec::new());
        Ok(out)
    }

    pub(super) fn split(
        &mut self,
        step: &Step,
        split: &op::Split,
    ) -> Result<Vec<View>, RuntimeError> {
        let input = self.input(step, 0)?;
        let sizes: Vec<usize> = split.sizes.iter().map(|&size| size as usize).collect();
        Ok(self.cut(&input, split.dim, &sizes))
    }

    /// Slots and sizes of the slices that take all of what `step` slices, each element once.
    fn partition(&self, step: &Step, dim: usize, extent: usize) -> Option<Vec<(usize, usize)>> {
        let plan = self.plan;
        let mut parts = Vec::new();
        for other in plan.steps.iter().filter(|other| other.operands == step.operands) {
            if let Op::Slice(slice) = &other.op
                && slice.dim == dim
                && slice.step == 1
            {
                let end = slice.end.map_or(extent, |end| end as usize);
                parts.push((slice.start as usize, end, other.results.first()?.0));
            }
        }
        parts.sort_unstable();
        let mut reached = 0;
        for &(start, end, _) in &parts {
            if start != reached || end <= start {
                return None;
            }
            reached = end;
        }
        let whole = reached == extent && parts.len() > 1;
        whole.then(|| parts.into_iter().map(|(start, end, slot)| (slot, end - start)).collect())
    }

    pub(super) fn pixel_shuffle(
        &mut self,
        step: &Step,
        shuffle: &op::PixelShuffle,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let dims = self.result_dims(step);
        if input.dims.len() != 4 {
            return Err(unsupported(step));
        }
        let r = shuffle.factor as usize;
        let out = self.fresh(dims, (0..4).collect(), &[input.storage]);
        let (wide, narrow) = if shuffle.inverse { (&input, &out) } else { (&out, &input) };
        // `wide` has the pixels, `narrow` the channels: [n, c, h, i, w, j] of both
        let (w, n) = (wide.strides(), narrow.strides());
        let extents = [wide.dims[0], wide.dims[1], narrow.dims[2], r, narrow.dims[3], r];
        let of_wide = [w[0], w[1], w[2] * r, w[2], w[3] * r, w[3]];
        let of_narrow = [n[0], n[1] * r * r, n[2], n[1] * r, n[3], n[1]];
        let (from, to) = if shuffle.inverse { (of_wide, of_narrow) } else { (of_narrow, of_wide) };
        let dims: Vec<[usize; 3]> = (0..6).map(|dim| [extents[dim], from[dim], to[dim]]).collect();
        let pieces = vec![(0, input.storage, out.storage, Walk::new(&dims, [0, 0]))];
        self.push(Copies::new(pieces, false), vec![input.storage], vec![out.storage], Vec::new());
        Ok(out)
    }

    pub(super) fn scalar(
        &mut self,
        step: &Step,
        scalar: &op::Scalar,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        if !Constant::supports(scalar.op, scalar.reversed) {
            return Err(unsupported(step));
        }
        let out = self.fresh(input.dims.clone(), input.order.clone(), &[input.storage]);
        let (from, to) = (input.storage, out.storage);
        let (binary, value, reversed) = (scalar.op, scalar.value as f32, scalar.reversed);
        let kernel = Constant { binary, value, reversed, from, to };
        self.push(kernel, vec![from], vec![to], vec![from]).in_place = Some(0);
        Ok(out)
    }

    pub(super) fn binary(&mut self, step: &Step, binary: Binary) -> Result<View, RuntimeError> {
        if !Arithmetic::supports(binary) {
            return Err(unsupported(step));
        }
        let dims = self.result_dims(step);
        let (left, right) = (self.input(step, 0)?, self.input(step, 1)?);
        Ok(self.combined(binary, &left, &right, dims))
    }

    /// An operand whose elements lie in the order of the result's dimensions.
    pub(super) fn aligned(&mut self, view: &View, order: &[usize]) -> View {
        let missing = order.len() - view.dims.len();
        let own: Vec<usize> =
            order.iter().filter(|&&dim| dim >= missing).map(|&dim| dim - missing).collect();
        self.in_order(view, &own)
    }

    pub(super) fn roll(&mut self, step: &Step, roll: &op::Roll) -> Result<View, RuntimeError> {
        let mut out = self.input(step, 0)?;
        for &(dim, by) in &roll.shifts {
            let extent = out.dims[dim];
            let first = (-by).rem_euclid(extent.max(1) as i64) as usize;
            let sources: Vec<usize> = (first..extent).chain(0..first).collect();
            out = self.picked(&out, dim, &sources);
        }
        Ok(out)
    }

    pub(super) fn flip(&mut self, step: &Step, flip: &op::Flip) -> Result<View, RuntimeError> {
        let mut out = self.input(step, 0)?;
        for &dim in &flip.dims {
            let sources: Vec<usize> = (0..out.dims[dim]).rev().collect();
            out = self.picked(&out, dim, &sources);
        }
        Ok(out)
    }

    pub(super) fn repeat(
        &mut self,
        step: &Step,
        repeat: &op::Repeat,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let input = self.in_rows(&input);
        let missing = repeat.repeats.len() - input.dims.len();
        let dims = vec![1; missing].into_iter().chain(input.dims.iter().copied()).collect();
        let mut out = View::rows(input.storage, dims);
        for (dim, &times) in repeat.repeats.iter().enumerate() {
            if times != 1 {
                let once: Vec<usize> = (0..out.dims[dim]).collect();
                out = self.picked(&out, dim, &once.repeat(times as usize));
            }
        }
        Ok(out)
    }
}

/// The order of memory with leading dimensions of extent 1 added.
pub(super) fn widened(view: &View, rank: usize) -> Vec<usize> {
    let missing = rank - view.dims.len();
    (0..missing).chain(view.order.iter().map(|dim| dim + missing)).collect()
}

/// Strides of `view` along the dimensions that it is broadcast to; 0 where it repeats.
pub(super) fn spread_strides(view: &View, dims: &[usize]) -> Vec<usize> {
    let missing = dims.len() - view.dims.len();
    let own = view.strides();
    (0..dims.len())
        .map(|dim| match dim.checked_sub(missing) {
            Some(at) if view.dims[at] != 1 => own[at],
            _ => 0,
        })
        .collect()
}
