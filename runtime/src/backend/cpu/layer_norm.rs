//! Layer or root-mean-square normalisation of rows.

use super::affine::sum_rows;
use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use super::sums::{sum, sum_of};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// The kernel.
pub struct LayerNorm {
    spec: LayerNormSpec,
    /// Mean and inverse deviation of each row.
    moments: Vec<[f32; 2]>,
    /// Stand for an absent weight and bias.
    ones: Vec<f32>,
    zeros: Vec<f32>,
}

/// Extents and tensors of a layer normalisation.
#[derive(Debug, Clone, Copy)]
pub struct LayerNormSpec {
    /// Rows.
    pub rows: usize,
    /// Numbers in a row.
    pub len: usize,
    /// Added to the variance.
    pub eps: f32,
    /// Whether the mean is left where it is.
    pub root_mean_square: bool,
    /// The input.
    pub from: Storage,
    /// Weight, if there is one.
    pub weight: Option<Storage>,
    /// Bias, if there is one.
    pub bias: Option<Storage>,
    /// The output.
    pub to: Storage,
}

impl LayerNorm {
    /// Prepares the kernel.
    pub fn new(spec: LayerNormSpec) -> LayerNorm {
        let (moments, ones) = (vec![[0.0; 2]; spec.rows], vec![1.0; spec.len]);
        LayerNorm { spec, moments, ones, zeros: vec![0.0; spec.len] }
    }

    fn forward_rows(&mut self, input: &[f32], out: &mut [f32], weight: &[f32], bias: &[f32]) {
        let LayerNormSpec { len, eps, root_mean_square, .. } = self.spec;
        let scale = 1.0 / len as f32;
        let rows = input.chunks_exact(len).zip(out.chunks_exact_mut(len));
        simd(|| {
            for ((row, out), moments) in rows.zip(self.moments.iter_mut()) {
                let mean = if root_mean_square { 0.0 } else { sum(row) * scale };
                let variance = sum_of(row, row, |x, _| (x - mean) * (x - mean)) * scale;
                let inverse = 1.0 / (variance + eps).sqrt();
                *moments = [mean, inverse];
                for ((out, x), (w, b)) in out.iter_mut().zip(row).zip(weight.iter().zip(bias)) {
                    *out = (x - mean) * inverse * w + b;
                }
            }
        });
    }

    /// Adds Σ g (x − mean) / deviation to `out`.
    fn backward_weight(&self, input: &[f32], gradient: &[f32], out: &mut [f32]) {
        let len = self.spec.len;
        let rows = input.chunks_exact(len).zip(gradient.chunks_exact(len));
        simd(|| {
            for ((x, g), [mean, inverse]) in rows.zip(&self.moments) {
                for ((out, x), g) in out.iter_mut().zip(x).zip(g) {
                    *out += g * (x - mean) * inverse;
                }
            }
        });
    }

    /// (h − mean(h) − y mean(h y)) / deviation with h = g w and y the normalised row.
    fn backward_input(
        &self,
        [input, gradient, weight]: [&[f32]; 3],
        weighted: &mut [f32],
        out: &mut [f32],
        add: bool,
    ) {
        let LayerNormSpec { len, root_mean_square, .. } = self.spec;
        let scale = 1.0 / len as f32;
        let rows = input.chunks_exact(len).zip(gradient.chunks_exact(len)).zip(&self.moments);
        simd(|| {
            for (((x, g), &[mean, inverse]), out) in rows.zip(out.chunks_exact_mut(len)) {
                for ((h, g), w) in weighted.iter_mut().zip(g).zip(weight) {
                    *h = g * w;
                }
                let sum = if root_mean_square { 0.0 } else { sum(weighted) * scale };
                let product = sum_of(weighted, x, |h, x| h * (x - mean)) * scale;
                let product = product * inverse * inverse;
                let terms = out.iter_mut().zip(&*weighted).zip(x);
                if add {
                    for ((out, h), x) in terms {
                        *out += inverse * (h - sum - (x - mean) * product);
                    }
                } else {
                    for ((out, h), x) in terms {
                        *out = inverse * (h - sum - (x - mean) * product);
                    }
                }
            }
        });
    }
}

impl Kernel for LayerNorm {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let spec = self.spec;
        let (ones, zeros) = (std::mem::take(&mut self.ones), std::mem::take(&mut self.zeros));
        let weight = spec.weight.map_or(ones.as_slice(), |weight| memory.value(weight));
        let bias = spec.bias.map_or(zeros.as_slice(), |bias| memory.value(bias));
        self.forward_rows(memory.value(spec.from), memory.value_mut(spec.to), weight, bias);
        (self.ones, self.zeros) = (ones, zeros);
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let spec = self.spec;
        let (input, gradient) = (memory.value(spec.from), memory.gradient(spec.to));
        let mut next = 1;
        if spec.weight.is_some() {
            target(targets, next).with(memory, |out, add| {
                if !add {
                    out.fill(0.0);
                }
                self.backward_weight(input, gradient, out);
            });
            next += 1;
        }
        if spec.bias.is_some() {
            target(targets, next).with(memory, |out, add| sum_rows(gradient, out, add));
        }
        let weight = spec.weight.map_or(self.ones.as_slice(), |weight| memory.value(weight));
        let weighted = memory.scratch().get_mut(..spec.len).unwrap_or_default();
        target(targets, 0).with(memory, |out, add| {
            self.backward_input([input, gradient, weight], weighted, out, add);
        });
        Ok(())
    }

    fn scratch(&self, _: &[Target]) -> usize {
        self.spec.len
    }
}
