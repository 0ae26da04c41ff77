//! Matrix products of batches, and scaled dot-product attention made of them.

#![expect(clippy::indexing_slicing, reason = "extents are fixed when the kernel is made")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use super::rows::softmax_row;
use crate::error::RuntimeError;
use crate::kernel::gemm::Matrix;
use crate::kernel::vector::simd;
use crate::onednn::OneDnn;

/// One factor of a product of batches.
#[derive(Debug, Clone, Copy)]
pub struct Factor {
    /// Where it lies.
    pub storage: Storage,
    /// Rows and columns as stored.
    pub stored: [usize; 2],
    /// Whether it enters transposed.
    pub transposed: bool,
    /// Whether there is one matrix for the whole batch.
    pub shared: bool,
}

impl Factor {
    fn len(&self) -> usize {
        self.stored[0] * self.stored[1]
    }

    fn offset(&self, index: usize) -> usize {
        if self.shared { 0 } else { index * self.len() }
    }

    fn matrix<'a>(&self, values: &'a [f32], index: usize) -> Matrix<'a> {
        let matrix = Matrix::new(
            &values[self.offset(index)..][..self.len()],
            self.stored[0],
            self.stored[1],
        );
        if self.transposed { matrix.t() } else { matrix }
    }
}

/// `left · right` for every matrix of a batch.
pub struct MatMul {
    /// The library.
    pub library: &'static OneDnn,
    /// Matrices in the batch.
    pub count: usize,
    /// Rows and columns of the result.
    pub extents: [usize; 2],
    /// The left factor.
    pub left: Factor,
    /// The right factor.
    pub right: Factor,
    /// The result.
    pub to: Storage,
}

impl MatMul {
    fn result<'a>(&self, values: &'a [f32], index: usize) -> Matrix<'a> {
        let [rows, columns] = self.extents;
        Matrix::new(&values[index * rows * columns..][..rows * columns], rows, columns)
    }
}

impl Kernel for MatMul {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (left, right) = (memory.value(self.left.storage), memory.value(self.right.storage));
        let len = self.extents[0] * self.extents[1];
        for (index, out) in memory.value_mut(self.to).chunks_exact_mut(len).enumerate() {
            let (left, right) = (self.left.matrix(left, index), self.right.matrix(right, index));
            self.library.multiply(out, left, right, false);
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let gradient = memory.gradient(self.to);
        let (left, right) = (memory.value(self.left.storage), memory.value(self.right.storage));
        for (position, factor) in [(0, self.left), (1, self.right)] {
            target(targets, position).with(memory, |out, add| {
                if factor.shared && !add {
                    out.fill(0.0);
                }
                for index in 0..self.count {
                    let g = self.result(gradient, index);
                    // d left = g rightᵀ, d right = leftᵀ g; transposed where the factor is stored so
                    let (first, second) = if position == 0 {
                        (g, self.right.matrix(right, index).t())
                    } else {
                        (self.left.matrix(left, index).t(), g)
                    };
                    let (first, second) =
                        if factor.transposed { (second.t(), first.t()) } else { (first, second) };
                    let out = &mut out[factor.offset(index)..][..factor.len()];
                    self.library.multiply(out, first, second, add || factor.shared);
                }
            });
        }
        Ok(())
    }
}

/// softmax(scale · query · keyᵀ) · value for every head of every sample.
pub struct Attention {
    library: &'static OneDnn,
    spec: AttentionSpec,
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

impl Attention {
    /// Prepares the kernel.
    pub fn new(library: &'static OneDnn, spec: AttentionSpec) -> Attention {
        let weights = vec![0.0; spec.count * spec.queries * spec.keys];
        Attention { library, spec, weights }
    }
}

fn matrix(values: &[f32], index: usize, rows: usize, columns: usize) -> Matrix<'_> {
    Matrix::new(&values[index * rows * columns..][..rows * columns], rows, columns)
}

impl Kernel for Attention {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let s = self.spec;
        let [query, key, value] = s.inputs.map(|input| memory.value(input));
        let out = memory.value_mut(s.to).chunks_exact_mut(s.queries * s.value_features);
        let weights = self.weights.chunks_exact_mut(s.queries * s.keys);
        for (index, (out, weights)) in out.zip(weights).enumerate() {
            let query = matrix(query, index, s.queries, s.features);
            let key = matrix(key, index, s.keys, s.features);
            self.library.multiply(weights, query, key.t(), false);
            simd(|| {
                for (position, row) in weights.chunks_exact_mut(s.keys).enumerate() {
                    row.iter_mut().for_each(|x| *x *= s.scale);
                    if s.is_causal {
                        row.iter_mut().skip(position + 1).for_each(|x| *x = f32::NEG_INFINITY);
                    }
                    softmax_row(row);
                }
            });
            let value = matrix(value, index, s.keys, s.value_features);
            self.library.multiply(out, matrix(weights, 0, s.queries, s.keys), value, false);
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let s = self.spec;
        let [query, key, value] = s.inputs.map(|input| memory.value(input));
        let gradient = memory.gradient(s.to);
        let scratch = memory.scratch();
        for index in 0..s.count {
            let weights = matrix(&self.weights, index, s.queries, s.keys);
            let g = matrix(gradient, index, s.queries, s.value_features);
            let slot = |out: &mut [f32], len: usize, body: &mut dyn FnMut(&mut [f32])| {
                body(&mut out[index * len..][..len]);
            };
            let scores = &mut scratch[..s.queries * s.keys];
            self.library.multiply(
                scores,
                g,
                matrix(value, index, s.keys, s.value_features).t(),
                false,
            );
            simd(|| {
                let rows = scores.chunks_exact_mut(s.keys);
                for (d, p) in rows.zip(weights.data.chunks_exact(s.keys)) {
                    let sum: f32 = d.iter().zip(p).map(|(d, p)| d * p).sum();
                    for (d, p) in d.iter_mut().zip(p) {
                        *d = s.scale * p * (*d - sum);
                    }
                }
            });
            let scores = Matrix::new(scores, s.queries, s.keys);
            target(targets, 0).with(memory, |out, add| {
                let key = matrix(key, index, s.keys, s.features);
                slot(out, s.queries * s.features, &mut |out| {
                    self.library.multiply(out, scores, key, add);
                });
            });
            target(targets, 1).with(memory, |out, add| {
                let query = matrix(query, index, s.queries, s.features);
                slot(out, s.keys * s.features, &mut |out| {
                    self.library.multiply(out, scores.t(), query, add);
                });
            });
            target(targets, 2).with(memory, |out, add| {
                slot(out, s.keys * s.value_features, &mut |out| {
                    self.library.multiply(out, weights.t(), g, add);
                });
            });
        }
        Ok(())
    }

    fn scratch(&self, _: &[Target]) -> usize {
        self.spec.queries * self.spec.keys
    }
}
