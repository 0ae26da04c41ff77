//! Layers: convolution, linear, normalisations, pooling, softmax, attention, products, dropout.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op;
use nasc_compiler::ir::op::{Binary, DropoutKind, PoolMode};

use super::{Lowering, Planned, unsupported};
use crate::backend::cpu::affine::Conv;
use crate::backend::cpu::attention::{Attention, AttentionSpec};
use crate::backend::cpu::batch_norm::{BatchNorm, BatchNormSpec};
use crate::backend::cpu::fuse::Group;
use crate::backend::cpu::layer_norm::{LayerNorm, LayerNormSpec};
use crate::backend::cpu::linear::{Linear, LinearSpec};
use crate::backend::cpu::memory::Storage;
use crate::backend::cpu::pointwise::Constant;
use crate::backend::cpu::pooling::{PoolSpec, Pooling, Reduction, Span};
use crate::backend::cpu::products::{Factor, MatMul};
use crate::backend::cpu::rows::{Dropout, GroupNorm, GroupNormSpec, Softmax};
use crate::backend::cpu::thin::{FEW, ThinConv};
use crate::backend::cpu::view::{View, channels_last};
use crate::error::RuntimeError;
use crate::onednn::Geometry;
use crate::plan::{Operand, Step};

fn sizes(values: &[u64]) -> Vec<usize> {
    values.iter().map(|&value| value as usize).collect()
}

impl Lowering<'_> {
    pub(super) fn conv(
        &mut self,
        step: &Step,
        conv: &op::Conv,
        relu: bool,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        if conv.transposed.is_some() {
            return self.transposed(step, conv, relu);
        }
        if input.dims.len() != conv.kernel.len() + 2 {
            return Err(unsupported(step));
        }
        let (input, conv) = self.with_border(&input, conv);
        if is_thin(&conv) && input.is_rows() {
            return self.thin_conv(step, &conv, relu, &input);
        }
        let weight = self.input(step, 1)?;
        let weight = self.in_rows(&weight).storage;
        let bias = if conv.bias { Some(self.input(step, 2)?.storage) } else { None };
        let dims = self.result_dims(step);
        self.convolution(&input, weight, bias, &conv, dims, relu)
    }

    /// A convolution that is padded with zeros; weights are `[out, in / groups, k...]`.
    pub(super) fn convolution(
        &mut self,
        input: &View,
        weight: Storage,
        bias: Option<Storage>,
        conv: &op::Conv,
        dims: Vec<usize>,
        relu: bool,
    ) -> Result<View, RuntimeError> {
        let order = channels_last(dims.len());
        let input = self.in_order(input, &order);
        let geometry = Geometry {
            batch: input.dims[0],
            in_channels: conv.in_channels as usize,
            out_channels: conv.out_channels as usize,
            groups: conv.groups as usize,
            input: input.dims[2..].to_vec(),
            output: dims[2..].to_vec(),
            kernel: sizes(&conv.kernel),
            stride: sizes(&conv.stride),
            before: conv.padding.iter().map(|&(before, _)| before as usize).collect(),
            behind: behind(conv, &input.dims[2..], &dims[2..]),
            dilation: sizes(&conv.dilation),
            bias: conv.bias,
            relu,
        };
        let mut inputs = vec![input.storage, weight];
        inputs.extend(bias);
        let out = self.fresh(dims, order, &inputs);
        let (from, to) = ([input.storage, weight], out.storage);
        let saved = vec![input.storage, weight, to];
        let saved = if relu { saved } else { saved[..2].to_vec() };
        if self.dry {
            self.push(Planned, inputs, vec![to], saved);
        } else {
            let wanted = self.tensors[input.storage.0].differentiable;
            let kernel = Conv::new(self.library, &geometry, wanted, from, bias, to)?;
            self.push(kernel, inputs, vec![to], saved);
        }
        Ok(out)
    }

    fn thin_conv(
        &mut self,
        step: &Step,
        conv: &op::Conv,
        relu: bool,
        input: &View,
    ) -> Result<View, RuntimeError> {
        let weight = self.input(step, 1)?;
        let weight = self.in_rows(&weight).storage;
        let bias = if conv.bias { Some(self.input(step, 2)?.storage) } else { None };
        let mut inputs = vec![input.storage, weight];
        inputs.extend(bias);
        let dims = self.result_dims(step);
        let order = (0..dims.len()).collect();
        let out = self.fresh(dims, order, &inputs);
        let kernel = ThinConv {
            channels: [conv.in_channels as usize, conv.out_channels as usize],
            plane: input.dims[2..].iter().product(),
            relu,
            inputs: [input.storage, weight],
            bias,
            output: out.storage,
        };
        let saved = vec![input.storage, weight, out.storage];
        self.push(kernel, inputs, vec![out.storage], saved);
        Ok(out)
    }

    pub(super) fn linear(
        &mut self,
        step: &Step,
        linear: &op::Linear,
        relu: bool,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let input = self.in_rows(&input);
        let weight = self.input(step, 1)?;
        let weight = self.in_rows(&weight).storage;
        let bias = if linear.bias { Some(self.input(step, 2)?.storage) } else { None };
        let features = [linear.in_features as usize, linear.out_features as usize];
        let rows = input.len() / features[0].max(1);
        let mut inputs = vec![input.storage, weight];
        inputs.extend(bias);
        let dims = self.result_dims(step);
        let order = (0..dims.len()).collect();
        let out = self.fresh(dims, order, &inputs);
        let (from, to) = ([input.storage, weight], out.storage);
        let saved = vec![input.storage, weight, to];
        let saved = if relu { saved } else { saved[..2].to_vec() };
        if self.dry {
            self.push(Planned, inputs, vec![to], saved);
        } else {
            let spec = LinearSpec { rows, features, relu, inputs: from, bias, output: to };
            self.push(Linear::new(self.library, spec)?, inputs, vec![to], saved);
        }
        Ok(out)
    }

    pub(super) fn batch_norm(
        &mut self,
        step: &Step,
        norm: &op::BatchNorm,
        group: &Group,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let order = channels_last(input.dims.len());
        let input = self.in_order(&input, &order);
        let affine = if norm.affine {
            Some([self.input(step, 1)?.storage, self.input(step, 2)?.storage])
        } else {
            None
        };
        let first = if norm.affine { 3 } else { 1 };
        let running = if norm.track_running_stats {
            Some([self.input(step, first)?.storage, self.input(step, first + 1)?.storage])
        } else {
            None
        };
        let counter = match step.operands.get(first + 2) {
            Some(Operand::Param(index)) => self.layout.counter(*index),
            _ => None,
        };
        let residual = match group.add {
            Some((add, other)) => {
                let other = self.input(&self.plan.steps[add], other)?;
                Some(self.in_order(&other, &order).storage)
            }
            None => None,
        };
        let mut inputs = vec![input.storage];
        inputs.extend(affine.into_iter().flatten());
        inputs.extend(residual);
        let out = self.fresh(input.dims.clone(), order, &inputs);
        let channels = norm.num_features as usize;
        let exchange = self.exchange;
        self.exchange += 2 * (2 * channels + 1);
        let relu = group.relu.is_some();
        let kernel = BatchNorm::new(BatchNormSpec {
            channels,
            rows: input.len() / channels.max(1),
            eps: norm.eps as f32,
            momentum: norm.momentum,
            counter,
            input: input.storage,
            affine,
            running,
            residual,
            relu,
            output: out.storage,
            exchange,
        });
        let mut saved = vec![input.storage];
        saved.extend(affine.map(|[weight, _]| weight));
        saved.extend(relu.then_some(out.storage));
        // the residual's gradient is the output's, once the ReLU has masked it
        let in_place = residual.map(|_| inputs.len() - 1);
        self.push(kernel, inputs, vec![out.storage], saved).in_place = in_place;
        Ok(out)
    }

    pub(super) fn dropout(
        &mut self,
        step: &Step,
        dropout: &op::Dropout,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let rank = input.dims.len();
        let (input, channels) = match dropout.kind {
            DropoutKind::Element => (input, None),
            DropoutKind::Channel if rank >= 2 => {
                let channels = input.dims[1];
                (self.in_order(&input, &channels_last(rank)), Some(channels))
            }
            DropoutKind::Channel | DropoutKind::Alpha => return Err(unsupported(step)),
        };
        Ok(self.dropped(&input, dropout.p, channels))
    }

    fn dropped(&mut self, input: &View, p: f64, channels: Option<usize>) -> View {
        let out = self.fresh(input.dims.clone(), input.order.clone(), &[input.storage]);
        let samples = if input.order.first() == Some(&0) { input.dims[0].max(1) } else { 1 };
        let (from, to) = (input.storage, out.storage);
        let (sample, layer) = (input.len() / samples, self.nodes.len() as u64);
        let kernel = Dropout { p, sample, channels, layer, from, to };
        self.push(kernel, vec![from], vec![to], Vec::new()).in_place = Some(0);
        out
    }

    pub(super) fn pool(&mut self, step: &Step, pool: &op::Pool) -> Result<View, RuntimeError> {
        let spatial = pool.kernel.len();
        let input = self.input(step, 0)?;
        if spatial > 2 || input.dims.len() != spatial + 2 {
            return Err(unsupported(step));
        }
        let dims = self.result_dims(step);
        let mut spans: Vec<Vec<Span>> = Vec::new();
        let mut counts: Vec<Vec<usize>> = Vec::new();
        for dim in 0..spatial {
            let (extent, outputs) = (input.dims[2 + dim], dims[2 + dim]);
            let at = |values: &[u64]| values[dim] as usize;
            let (kernel, stride, padding, dilation) =
                (at(&pool.kernel), at(&pool.stride), at(&pool.padding), at(&pool.dilation));
            let span = |output: usize| window(output * stride, padding, kernel, dilation, extent);
            spans.push((0..outputs).map(span).collect());
            // PyTorch: aten/src/ATen/native/cpu/AvgPoolKernel.cpp
            let count = |output: usize| {
                let (start, end) = (output * stride, output * stride + kernel);
                let end = end.min(extent + 2 * padding);
                if pool.count_include_pad {
                    end - start
                } else {
                    end.min(extent + padding).saturating_sub(start.max(padding))
                }
            };
            counts.push((0..outputs).map(count).collect());
        }
        let divisor = pool.divisor_override.map(|divisor| divisor as usize);
        self.pooling(input, dims, pool.mode, spans, &counts, divisor)
    }

    pub(super) fn adaptive_pool(
        &mut self,
        step: &Step,
        pool: &op::AdaptivePool,
    ) -> Result<View, RuntimeError> {
        let spatial = pool.output.len();
        let input = self.input(step, 0)?;
        if spatial > 2 || input.dims.len() != spatial + 2 {
            return Err(unsupported(step));
        }
        let dims = self.result_dims(step);
        let spans: Vec<Vec<Span>> = (0..spatial)
            .map(|dim| {
                let (extent, outputs) = (input.dims[2 + dim], dims[2 + dim]);
                // PyTorch: aten/src/ATen/native/AdaptivePooling.h, start_index and end_index
                let span = |output: usize| Span {
                    from: output * extent / outputs,
                    to: ((output + 1) * extent).div_ceil(outputs),
                    step: 1,
                };
                (0..outputs).map(span).collect()
            })
            .collect();
        let count = |spans: &Vec<Span>| spans.iter().map(|span| span.to - span.from).collect();
        let counts: Vec<Vec<usize>> = spans.iter().map(count).collect();
        self.pooling(input, dims, pool.mode, spans, &counts, None)
    }

    fn pooling(
        &mut self,
        input: View,
        dims: Vec<usize>,
        mode: PoolMode,
        mut spans: Vec<Vec<Span>>,
        counts: &[Vec<usize>],
        divisor: Option<usize>,
    ) -> Result<View, RuntimeError> {
        let order = channels_last(dims.len());
        let input = self.in_order(&input, &order);
        let mut extents = input.dims[2..].to_vec();
        if spans.len() == 1 {
            spans.insert(0, vec![Span { from: 0, to: 1, step: 1 }]);
            extents.insert(0, 1);
        }
        let single = vec![1];
        let (rows, columns) = match counts {
            [columns] => (&single, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(RuntimeError::Malformed { reason: "a pooling of three dimensions" }),
        };
        let reduction = match mode {
            PoolMode::Max => Reduction::Largest,
            PoolMode::Average => {
                let factor = |row: &usize, column: &usize| {
                    1.0 / divisor.unwrap_or(row * column).max(1) as f32
                };
                let all = rows.iter().flat_map(|row| columns.iter().map(move |c| factor(row, c)));
                Reduction::Mean(all.collect())
            }
        };
        let [columns, rows] = [spans.pop().unwrap_or_default(), spans.pop().unwrap_or_default()];
        let spec = PoolSpec {
            batch: input.dims[0],
            input: [extents[0], extents[1]],
            channels: input.dims[1],
            spans: [rows, columns],
            reduction,
        };
        let out = self.fresh(dims, order, &[input.storage]);
        let kernel = Pooling::new(spec, input.storage, out.storage);
        self.push(kernel, vec![input.storage], vec![out.storage], Vec::new());
        Ok(out)
    }

    pub(super) fn softmax(
        &mut self,
        step: &Step,
        softmax: &op::Softmax,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        Ok(self.softened(&input, softmax.dim, softmax.log))
    }

    fn softened(&mut self, input: &View, dim: usize, log: bool) -> View {
        let mut order: Vec<usize> = input.order.clone();
        order.retain(|&other| other != dim);
        order.push(dim);
        let input = self.in_order(input, &order);
        let out = self.fresh(input.dims.clone(), order, &[input.storage]);
        let (len, from, to) = (input.dims[dim], input.storage, out.storage);
        self.push(Softmax { len, log, from, to }, vec![from], vec![to], vec![to]);
        out
    }

    pub(super) fn layer_norm(
        &mut self,
        step: &Step,
        norm: &op::LayerNorm,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        let rank = input.dims.len();
        let normalized = norm.normalized_shape.len();
        // the normalised dimensions innermost, the others as they lie
        let mut order: Vec<usize> = input.order.clone();
        order.retain(|&dim| dim + normalized < rank);
        order.extend(rank - normalized..rank);
        let input = self.in_order(&input, &order);
        let weight = if norm.weight { Some(self.input(step, 1)?.storage) } else { None };
        let position = 1 + usize::from(norm.weight);
        let bias = if norm.bias { Some(self.input(step, position)?.storage) } else { None };
        let mut inputs = vec![input.storage];
        inputs.extend(weight);
        inputs.extend(bias);
        let out = self.fresh(input.dims.clone(), order, &inputs);
        let len: usize = sizes(&norm.normalized_shape).iter().product();
        let rows = input.len() / len.max(1);
        let eps = norm.eps.map_or(f32::EPSILON, |eps| eps as f32);
        let (root_mean_square, from, to) = (norm.root_mean_square, input.storage, out.storage);
        let spec = LayerNormSpec { rows, len, eps, root_mean_square, from, weight, bias, to };
        let kernel = LayerNorm::new(spec);
        let mut saved = vec![input.storage];
        saved.extend(weight);
        self.push(kernel, inputs, vec![out.storage], saved);
        Ok(out)
    }

    pub(super) fn group_norm(
        &mut self,
        step: &Step,
        norm: &op::GroupNorm,
    ) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
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
            groups: norm.num_groups as usize,
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

    pub(super) fn attention(
        &mut self,
        step: &Step,
        attention: &op::Attention,
    ) -> Result<View, RuntimeError> {
        let mut views = Vec::new();
        for index in 0..3 {
            let view = self.input(step, index)?;
            views.push(self.in_rows(&view));
        }
        let [query, key, value] = views.as_slice() else { return Err(unsupported(step)) };
        let rank = query.dims.len();
        let leading = |view: &View| view.dims[..view.dims.len().saturating_sub(2)].to_vec();
        let alike = leading(query) == leading(key) && leading(key) == leading(value);
        if !alike || rank < 2 {
            return Err(unsupported(step));
        }
        let features = query.dims[rank - 1];
        let scale = attention.scale.unwrap_or(1.0 / (features as f64).sqrt()) as f32;
        if attention.mask || attention.dropout > 0.0 {
            if attention.is_causal {
                return Err(unsupported(step));
            }
            let mask = if attention.mask { Some(self.input(step, 3)?) } else { None };
            let [query, key, value] = [query.clone(), key.clone(), value.clone()];
            return self.long_attention([query, key, value], scale, mask, attention.dropout);
        }
        let inputs = [query.storage, key.storage, value.storage];
        let dims = self.result_dims(step);
        let out = self.fresh(dims, (0..rank).collect(), &inputs);
        let spec = AttentionSpec {
            count: leading(query).iter().product(),
            queries: query.dims[rank - 2],
            keys: key.dims[rank - 2],
            features,
            value_features: value.dims[rank - 1],
            scale,
            is_causal: attention.is_causal,
            inputs,
            to: out.storage,
        };
        if self.dry {
            self.push(Planned, inputs.to_vec(), vec![out.storage], inputs.to_vec());
        } else {
            let kernel = Attention::new(self.library, spec)?;
            self.push(kernel, inputs.to_vec(), vec![out.storage], inputs.to_vec());
        }
        Ok(out)
    }

    /// Attention in steps, for a mask that is added or dropout of the weights.
    fn long_attention(
        &mut self,
        [query, key, value]: [View; 3],
        scale: f32,
        mask: Option<View>,
        dropout: f64,
    ) -> Result<View, RuntimeError> {
        let rank = query.dims.len();
        let (queries, keys) = (query.dims[rank - 2], key.dims[rank - 2]);
        let mut turned: Vec<usize> = (0..rank).collect();
        turned.swap(rank - 2, rank - 1);
        let with_last = |rows: usize, columns: usize| {
            let leading = query.dims[..rank - 2].iter().copied();
            leading.chain([rows, columns]).collect::<Vec<usize>>()
        };
        let products = self.product(&query, &key.permuted(&turned), with_last(queries, keys));
        let mut scores =
            self.fresh(products.dims.clone(), products.order.clone(), &[products.storage]);
        let (from, to) = (products.storage, scores.storage);
        let kernel = Constant { binary: Binary::Mul, value: scale, reversed: false, from, to };
        self.push(kernel, vec![from], vec![to], vec![from]).in_place = Some(0);
        if let Some(mask) = mask {
            scores = self.combined(Binary::Add, &scores, &mask, scores.dims.clone());
        }
        let mut weights = self.softened(&scores, rank - 1, false);
        if dropout > 0.0 {
            weights = self.dropped(&weights, dropout, None);
        }
        Ok(self.product(&weights, &value, with_last(queries, value.dims[rank - 1])))
    }

    pub(super) fn matmul(&mut self, step: &Step) -> Result<View, RuntimeError> {
        let (left, right) = (self.input(step, 0)?, self.input(step, 1)?);
        if left.dims.len() < 2 || right.dims.len() < 2 {
            return Err(unsupported(step));
        }
        let batches = |view: &View| view.dims[..view.dims.len() - 2].to_vec();
        let (of_left, of_right) = (batches(&left), batches(&right));
        if of_left != of_right && !of_left.is_empty() && !of_right.is_empty() {
            return Err(unsupported(step));
        }
        let dims = self.result_dims(step);
        Ok(self.product(&left, &right, dims))
    }

    /// Matrix products with the same leading dimensions, or none on one side.
    fn product(&mut self, left: &View, right: &View, dims: Vec<usize>) -> View {
        let wide = dims[..dims.len() - 2].to_vec();
        let (left, right) = (self.factor(left, &wide), self.factor(right, &wide));
        let rank = dims.len();
        let inputs = vec![left.storage, right.storage];
        let extents = [dims[rank - 2], dims[rank - 1]];
        let out = self.fresh(dims, (0..rank).collect(), &inputs);
        let count = wide.iter().product();
        let kernel = MatMul { library: self.library, count, extents, left, right, to: out.storage };
        self.push(kernel, inputs.clone(), vec![out.storage], inputs);
        out
    }

    /// A factor as it lies, or turned, or copied into rows.
    fn factor(&mut self, view: &View, batches: &[usize]) -> Factor {
        let rank = view.dims.len();
        let mut turned: Vec<usize> = (0..rank).collect();
        turned.swap(rank - 2, rank - 1);
        let transposed = !view.is_rows() && view.lies_in(&turned);
        let view = if transposed { view.clone() } else { self.in_rows(view) };
        let [rows, columns] = [view.dims[rank - 2], view.dims[rank - 1]];
        let stored = if transposed { [columns, rows] } else { [rows, columns] };
        let shared = rank == 2 && !batches.is_empty();
        Factor { storage: view.storage, stored, transposed, shared }
    }
}

/// Whether a convolution combines few planes position by position.
fn is_thin(conv: &op::Conv) -> bool {
    let ones = |values: &[u64]| values.iter().all(|&value| value == 1);
    let unpadded = conv.padding.iter().all(|&padding| padding == (0, 0));
    let few = conv.in_channels.saturating_mul(conv.out_channels) <= FEW as u64;
    few && conv.groups == 1 && ones(&conv.kernel) && ones(&conv.stride) && unpadded
}

/// Inputs that the window starting at `start` (padding included) sees.
fn window(start: usize, padding: usize, kernel: usize, dilation: usize, extent: usize) -> Span {
    let skipped = padding.saturating_sub(start).div_ceil(dilation);
    let from = (start + skipped * dilation).saturating_sub(padding);
    let end = (start + (kernel - 1) * dilation + 1).saturating_sub(padding);
    Span { from, to: end.min(extent), step: dilation }
}

/// Padding behind each dimension, such that the library finds the same output: rows that no window
/// reaches are left out.
fn behind(conv: &op::Conv, input: &[usize], output: &[usize]) -> Vec<usize> {
    let dims = conv.padding.iter().enumerate();
    dims.map(|(dim, &(before, behind))| {
        let reach = (conv.kernel[dim] as usize - 1) * conv.dilation[dim] as usize + 1;
        let needed = (output[dim] - 1) * conv.stride[dim] as usize + reach;
        needed.saturating_sub(input[dim] + before as usize).min(behind as usize)
    })
    .collect()
}
