//! The affine map's matrix products: rows `[rows, in]`, weight `[out, in]`. Parallel over blocks of
//! rows whose size is fixed, so that threads do not change the result.

use rayon::prelude::*;

use super::conv::sum_parts;
use super::gemm::{Matrix, multiply};

/// Extents of an affine map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extents {
    /// Samples, positions included.
    pub rows: usize,
    /// Features of the input.
    pub in_features: usize,
    /// Features of the output.
    pub out_features: usize,
}

/// Rows that one thread takes at a time.
const BLOCK: usize = 64;

/// `input · weightᵀ`.
pub fn forward(extents: &Extents, input: &[f32], weight: &[f32]) -> Vec<f32> {
    let Extents { rows, in_features, out_features } = *extents;
    let weight = Matrix::new(weight, out_features, in_features).t();
    let mut out = vec![0.0; rows * out_features];
    let blocks = out.par_chunks_mut((BLOCK * out_features).max(1));
    blocks.zip(input.par_chunks((BLOCK * in_features).max(1))).for_each(|(out, input)| {
        let rows = out.len() / out_features.max(1);
        multiply(out, Matrix::new(input, rows, in_features), weight, false);
    });
    out
}

/// The gradient of the input: `gradient · weight`.
pub fn input_gradient(extents: &Extents, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
    let Extents { rows, in_features, out_features } = *extents;
    let weight = Matrix::new(weight, out_features, in_features);
    let mut out = vec![0.0; rows * in_features];
    let blocks = out.par_chunks_mut((BLOCK * in_features).max(1));
    blocks.zip(gradient.par_chunks((BLOCK * out_features).max(1))).for_each(|(out, gradient)| {
        let rows = out.len() / in_features.max(1);
        multiply(out, Matrix::new(gradient, rows, out_features), weight, false);
    });
    out
}

/// The gradient of the weight: `gradientᵀ · input`.
pub fn weight_gradient(extents: &Extents, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let Extents { in_features, out_features, .. } = *extents;
    let blocks = input.par_chunks((BLOCK * in_features).max(1));
    let blocks = blocks.zip(gradient.par_chunks((BLOCK * out_features).max(1)));
    let parts = blocks.map(|(input, gradient)| {
        let rows = input.len() / in_features.max(1);
        let mut part = vec![0.0; out_features * in_features];
        let gradient = Matrix::new(gradient, rows, out_features).t();
        multiply(&mut part, gradient, Matrix::new(input, rows, in_features), false);
        part
    });
    sum_parts(parts.collect(), out_features * in_features)
}
