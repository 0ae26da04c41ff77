//! Scaled dot-product attention: heads are worked on in groups whose weights stay in the cache, with
//! one prepared product for the group. Not here: masks and dropout, which candle has.

#![expect(clippy::indexing_slicing, reason = "extents are fixed when the kernel is made")]

use super::affine::failed;
use super::kernel::{Kernel, Pass, put, target};
use super::memory::{Memory, Storage, Target};
use super::rows::softmax_row;
use super::sums::sum_of;
use crate::error::RuntimeError;
use crate::kernel::vector::simd;
use crate::onednn::{OneDnn, OneDnnError, Product, ProductCall, ProductSpec};

/// Floats of the weights of a group of heads.
const GROUP: usize = 1 << 16;

/// softmax(scale · query · keyᵀ) · value for every head of every sample.
pub struct Attention {
    spec: AttentionSpec,
    group: usize,
    products: Products,
    /// The weights of every head, kept for the backward pass.
    weights: Vec<f32>,
}

/// Extents and tensors of an attention.
#[derive(Debug, Clone, Copy)]
pub struct AttentionSpec {
    /// Heads of all samples.
    pub count: usize,
    /// Queries.
    pub queries: usize,
    /// Keys and values.
    pub keys: usize,
    /// Features of queries and keys.
    pub features: usize,
    /// Features of values.
    pub value_features: usize,
    /// Factor of the products.
    pub scale: f32,
    /// Whether positions see only earlier ones.
    pub is_causal: bool,
    /// Query, key and value.
    pub inputs: [Storage; 3],
    /// The result.
    pub to: Storage,
}

/// The products of one group of heads.
struct Products {
    scores: Product,
    output: Product,
    weight_gradient: Product,
    query_gradient: Product,
    key_gradient: Product,
    value_gradient: Product,
}

impl Products {
    fn new(library: &OneDnn, spec: &AttentionSpec, count: usize) -> Result<Products, OneDnnError> {
        let AttentionSpec { queries, keys, features, value_features, .. } = *spec;
        let product = |extents: [usize; 3], transposed: [bool; 2]| {
            Product::new(library, ProductSpec::plain(count, extents, transposed))
        };
        let (plain, left, right) = ([false, false], [true, false], [false, true]);
        Ok(Products {
            scores: product([queries, features, keys], right)?,
            output: product([queries, keys, value_features], plain)?,
            weight_gradient: product([queries, value_features, keys], right)?,
            query_gradient: product([queries, keys, features], plain)?,
            key_gradient: product([keys, queries, features], left)?,
            value_gradient: product([keys, queries, value_features], left)?,
        })
    }

    fn scratch(&self) -> usize {
        let all = [
            &self.scores,
            &self.output,
            &self.weight_gradient,
            &self.query_gradient,
            &self.key_gradient,
            &self.value_gradient,
        ];
        all.into_iter().map(Product::scratch).max().unwrap_or(0)
    }
}

impl AttentionSpec {
    /// Heads that are worked on together: a divisor of their number.
    fn group(&self) -> usize {
        let most = (GROUP / (self.queries * self.keys).max(1)).clamp(1, self.count.max(1));
        (1..=most).rev().find(|group| self.count.is_multiple_of(*group)).unwrap_or(1)
    }

    fn weights(&self) -> usize {
        self.queries * self.keys
    }

    /// Floats of one head's query, key and value.
    fn head(&self) -> [usize; 3] {
        let AttentionSpec { queries, keys, features, value_features, .. } = *self;
        [queries * features, keys * features, keys * value_features]
    }
}

impl Attention {
    /// Prepares the kernel.
    ///
    /// # Errors
    /// If the library has no such product.
    pub fn new(library: &OneDnn, spec: AttentionSpec) -> Result<Attention, RuntimeError> {
        let group = spec.group();
        let products = Products::new(library, &spec, group).map_err(failed("attention"))?;
        Ok(Attention { weights: vec![0.0; spec.count * spec.weights()], spec, group, products })
    }

    fn forward_groups(&mut self, memory: &Memory<'_>) -> Result<(), OneDnnError> {
        let (s, group) = (self.spec, self.group);
        let [query, key, value] = s.inputs.map(|input| memory.value(input));
        let [query_len, key_len, value_len] = s.head().map(|len| len * group);
        let out_len = s.queries * s.value_features * group;
        let (out, scratch) = (memory.value_mut(s.to), memory.scratch());
        for (index, weights) in self.weights.chunks_exact_mut(s.weights() * group).enumerate() {
            let query = &query[index * query_len..][..query_len];
            let key = &key[index * key_len..][..key_len];
            let value = &value[index * value_len..][..value_len];
            run(&mut self.products.scores, [query, key], weights, scratch)?;
            simd(|| distribute(weights, &s));
            let out = &mut out[index * out_len..][..out_len];
            run(&mut self.products.output, [weights, value], out, scratch)?;
        }
        Ok(())
    }

    fn backward_groups(
        &mut self,
        memory: &Memory<'_>,
        targets: [Target; 3],
    ) -> Result<(), OneDnnError> {
        let (s, group) = (self.spec, self.group);
        let [query, key, value] = s.inputs.map(|input| memory.value(input));
        let [query_len, key_len, value_len] = s.head().map(|len| len * group);
        let out_len = s.queries * s.value_features * group;
        let gradient = memory.gradient(s.to);
        let (scores, scratch) = memory.scratch().split_at_mut(s.weights() * group);
        let (part, scratch) = scratch.split_at_mut(query_len.max(key_len).max(value_len));
        for (index, weights) in self.weights.chunks_exact(s.weights() * group).enumerate() {
            let query = &query[index * query_len..][..query_len];
            let key = &key[index * key_len..][..key_len];
            let value = &value[index * value_len..][..value_len];
            let g = &gradient[index * out_len..][..out_len];
            run(&mut self.products.weight_gradient, [g, value], scores, scratch)?;
            simd(|| undistribute(scores, weights, &s));
            let products = &mut self.products;
            let steps: [(&mut Product, &[f32], &[f32], usize); 3] = [
                (&mut products.query_gradient, scores, key, query_len),
                (&mut products.key_gradient, scores, query, key_len),
                (&mut products.value_gradient, weights, g, value_len),
            ];
            for ((product, left, right, len), target) in steps.into_iter().zip(targets) {
                let mut result = Ok(());
                target.with(memory, |out, add| {
                    let out = &mut out[index * len..][..len];
                    let place = if add { &mut part[..len] } else { &mut *out };
                    result = run(product, [left, right], place, scratch);
                    if add {
                        put(out, &part[..len], true);
                    }
                });
                result?;
            }
        }
        Ok(())
    }
}

fn run(
    product: &mut Product,
    [left, right]: [&[f32]; 2],
    out: &mut [f32],
    scratch: &mut [f32],
) -> Result<(), OneDnnError> {
    product.run(ProductCall { left, right, bias: &[], out, scratch })
}

/// Scores become weights.
#[inline(always)]
fn distribute(scores: &mut [f32], spec: &AttentionSpec) {
    for (position, row) in scores.chunks_exact_mut(spec.keys).enumerate() {
        row.iter_mut().for_each(|x| *x *= spec.scale);
        if spec.is_causal {
            let seen = position % spec.queries + 1;
            row.iter_mut().skip(seen).for_each(|x| *x = f32::NEG_INFINITY);
        }
        softmax_row(row);
    }
}

/// The gradient of weights becomes that of the products of queries and keys.
#[inline(always)]
fn undistribute(gradient: &mut [f32], weights: &[f32], spec: &AttentionSpec) {
    let rows = gradient.chunks_exact_mut(spec.keys);
    for (d, p) in rows.zip(weights.chunks_exact(spec.keys)) {
        let sum = sum_of(d, p, |d, p| d * p);
        for (d, p) in d.iter_mut().zip(p) {
            *d = spec.scale * p * (*d - sum);
        }
    }
}

impl Kernel for Attention {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        self.forward_groups(memory).map_err(failed("attention"))
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let targets = [0, 1, 2].map(|index| target(targets, index));
        self.backward_groups(memory, targets).map_err(failed("attention"))
    }

    fn kept(&self) -> usize {
        size_of_val(self.weights.as_slice())
    }

    fn scratch(&self, _: &[Target]) -> usize {
        let part = self.spec.head().into_iter().max().unwrap_or(0);
        (self.spec.weights() + part) * self.group + self.products.scratch()
    }
}
