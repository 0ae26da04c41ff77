//! Pieces that layers without a kernel of their own are put together from.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op::Binary;

use super::movement::{order_like, spread_strides, widened};
use super::{Lowering, Planned, walk_between};
use crate::backend::cpu::arithmetic::Arithmetic;
use crate::backend::cpu::arrange::{Copies, Walk};
use crate::backend::cpu::extreme::Fill;
use crate::backend::cpu::linear::{Linear, LinearSpec};
use crate::backend::cpu::pointwise::Pointwise;
use crate::backend::cpu::view::View;
use crate::error::RuntimeError;
use crate::kernel::pointwise::Function;

impl Lowering<'_> {
    /// A function of every element.
    pub(super) fn function(&mut self, input: &View, function: Function) -> View {
        let out = self.fresh(input.dims.clone(), input.order.clone(), &[input.storage]);
        let (from, to) = (input.storage, out.storage);
        let kernel = Pointwise { function, from, to };
        self.push(kernel, vec![from], vec![to], vec![from]).in_place = Some(0);
        out
    }

    /// `left op right`, broadcast to `dims`.
    pub(super) fn combined(
        &mut self,
        binary: Binary,
        left: &View,
        right: &View,
        dims: Vec<usize>,
    ) -> View {
        let count: usize = dims.iter().product();
        let full = [left.len() == count, right.len() == count];
        let order = match full {
            [true, _] => widened(left, dims.len()),
            [_, true] => widened(right, dims.len()),
            _ => (0..dims.len()).collect(),
        };
        let left = self.aligned(left, &order);
        let right = self.aligned(right, &order);
        let inputs = vec![left.storage, right.storage];
        let out = self.fresh(dims, order, &inputs);
        let (a, b) = (spread_strides(&left, &out.dims), spread_strides(&right, &out.dims));
        let walk: Vec<[usize; 3]> =
            out.order.iter().map(|&dim| [out.dims[dim], a[dim], b[dim]]).collect();
        let walk = Walk::new(&walk, [0, 0]);
        let operands = [left.storage, right.storage];
        let kernel = Arithmetic::new(binary, operands, out.storage, walk, full);
        let linear = matches!(binary, Binary::Add | Binary::Sub);
        let saved = if linear { Vec::new() } else { inputs.clone() };
        self.push(kernel, inputs, vec![out.storage], saved).in_place = full[0].then_some(0);
        out
    }

    /// Consecutive parts of one dimension, each of `size`.
    pub(super) fn parts(&mut self, input: &View, dim: usize, size: usize) -> Vec<View> {
        let count = input.dims[dim].div_ceil(size.max(1));
        self.cut(input, dim, &vec![size; count])
    }

    /// Consecutive parts that cover one dimension.
    pub(super) fn cut(&mut self, input: &View, dim: usize, sizes: &[usize]) -> Vec<View> {
        let strides = input.strides();
        let (mut views, mut pieces) = (Vec::new(), Vec::new());
        let mut start = 0;
        for &size in sizes {
            let mut dims = input.dims.clone();
            dims[dim] = size;
            let out = self.fresh(dims, order_like(input), &[input.storage]);
            let part = View { dims: out.dims.clone(), ..input.clone() };
            let walk = walk_between(&part, &strides, start * strides[dim], &out, 0);
            pieces.push((0, input.storage, out.storage, walk));
            views.push(out);
            start += size;
        }
        let outputs = views.iter().map(|view| view.storage).collect();
        self.push(Copies::new(pieces, false), vec![input.storage], outputs, Vec::new());
        views
    }

    /// Tensors one behind the other along one dimension.
    pub(super) fn joined(&mut self, views: &[View], dim: usize) -> View {
        let storages: Vec<_> = views.iter().map(|view| view.storage).collect();
        let mut dims = views.first().map(|view| view.dims.clone()).unwrap_or_default();
        dims[dim] = views.iter().map(|view| view.dims[dim]).sum();
        let order = views.first().map(order_like).unwrap_or_default();
        let out = self.fresh(dims, order, &storages);
        let stride = out.strides()[dim];
        let mut pieces = Vec::new();
        let mut start = 0;
        for (index, view) in views.iter().enumerate() {
            let walk = walk_between(view, &view.strides(), 0, &out, start * stride);
            pieces.push((index, view.storage, out.storage, walk));
            start += view.dims[dim];
        }
        self.push(Copies::new(pieces, false), storages, vec![out.storage], Vec::new());
        out
    }

    /// Places of one dimension, each copied to where its number stands in `sources`.
    pub(super) fn picked(&mut self, input: &View, dim: usize, sources: &[usize]) -> View {
        let mut dims = input.dims.clone();
        dims[dim] = sources.len();
        let out = self.fresh(dims, order_like(input), &[input.storage]);
        let (from, to) = (input.strides(), out.strides());
        let mut pieces = Vec::new();
        let mut start = 0;
        // runs of neighbours are one copy
        for run in sources.chunk_by(|one, next| one + 1 == *next) {
            let mut dims = input.dims.clone();
            dims[dim] = run.len();
            let part = View { dims, ..input.clone() };
            let walk = walk_between(&part, &from, run[0] * from[dim], &out, start * to[dim]);
            pieces.push((0, input.storage, out.storage, walk));
            start += run.len();
        }
        self.push(Copies::new(pieces, true), vec![input.storage], vec![out.storage], Vec::new());
        out
    }

    /// A tensor of one number.
    pub(super) fn filled(&mut self, dims: Vec<usize>, value: f32) -> View {
        let order = (0..dims.len()).collect();
        let out = self.fresh(dims, order, &[]);
        self.push(Fill { value, to: out.storage }, Vec::new(), vec![out.storage], Vec::new());
        out
    }

    /// An affine map of the last dimension of a row-major tensor.
    pub(super) fn mapped(
        &mut self,
        input: &View,
        weight: &View,
        bias: Option<&View>,
    ) -> Result<View, RuntimeError> {
        let features = [weight.dims[1], weight.dims[0]];
        let weight = self.in_rows(weight).storage;
        let rows = input.len() / features[0].max(1);
        let mut inputs = vec![input.storage, weight];
        inputs.extend(bias.map(|bias| bias.storage));
        let mut dims = input.dims.clone();
        if let Some(last) = dims.last_mut() {
            *last = features[1];
        }
        let order = (0..dims.len()).collect();
        let out = self.fresh(dims, order, &inputs);
        let (from, bias) = ([input.storage, weight], bias.map(|bias| bias.storage));
        let output = out.storage;
        if self.dry {
            self.push(Planned, inputs, vec![output], from.to_vec());
        } else {
            let spec = LinearSpec { rows, features, relu: false, inputs: from, bias, output };
            self.push(Linear::new(self.library, spec)?, inputs, vec![output], from.to_vec());
        }
        Ok(out)
    }
}
