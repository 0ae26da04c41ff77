//! Resampling of images, dimension by dimension, as products with sparse matrices that are written out;
//! and power-average pooling.

use candle_core::{D, Result, Tensor};
use nasc_compiler::ir::op::{Interpolate, LpPool, Pool, PoolMode};

use super::pooling;
use crate::kernel::resample::taps;

pub(super) fn interpolate(attributes: &Interpolate, input: &Tensor) -> Result<Tensor> {
    let leading = input.rank() - attributes.output.len();
    let mut out = input.clone();
    for (index, &extent) in attributes.output.iter().enumerate() {
        let (dim, from, to) = (leading + index, input.dim(leading + index)?, extent as usize);
        let mut matrix = vec![0.0_f32; from * to];
        let taps = taps(attributes.mode, attributes.align_corners, from, to);
        for (column, taps) in taps.iter().enumerate() {
            for &(row, weight) in taps {
                if let Some(entry) = matrix.get_mut(row * to + column) {
                    *entry += weight;
                }
            }
        }
        let matrix = Tensor::from_vec(matrix, (from, to), input.device())?;
        let rows = out.transpose(dim, D::Minus1)?.contiguous()?;
        let product = rows.broadcast_matmul(&matrix)?;
        out = product.transpose(dim, D::Minus1)?.contiguous()?;
    }
    Ok(out)
}

/// (Σ xᵖ)^(1/p) of every window.
// PyTorch: torch/nn/functional.py, lp_pool2d
pub(super) fn lp_pool(pool: &LpPool, input: &Tensor) -> Result<Tensor> {
    let spatial = pool.kernel.len();
    let average = Pool {
        mode: PoolMode::Average,
        kernel: pool.kernel.clone(),
        stride: pool.stride.clone(),
        padding: vec![0; spatial],
        dilation: vec![1; spatial],
        ceil_mode: pool.ceil_mode,
        count_include_pad: true,
        divisor_override: None,
    };
    let count: u64 = pool.kernel.iter().product();
    let powers = if pool.norm == 2.0 { input.sqr()? } else { input.powf(pool.norm)? };
    let means = pooling::pool(&average, &powers)?;
    (means.relu()? * count as f64)?.powf(1.0 / pool.norm)
}
