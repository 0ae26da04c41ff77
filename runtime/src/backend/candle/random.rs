//! Dropout with masks from the run's own generator.

use candle_core::{Result, Tensor};
use nasc_compiler::ir::op::{Dropout, DropoutKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Dropout in training mode.
pub(super) fn dropout(
    dropout: &Dropout,
    input: &Tensor,
    generator: &mut ChaCha8Rng,
) -> Result<Tensor> {
    match dropout.kind {
        DropoutKind::Element => input.mul(&mask(input.dims(), dropout.p, generator, input)?),
        DropoutKind::Channel => {
            let kept = input.dims().iter().take(2).copied();
            let ones = std::iter::repeat_n(1, input.rank().saturating_sub(2));
            let shape: Vec<usize> = kept.chain(ones).collect();
            input.broadcast_mul(&mask(&shape, dropout.p, generator, input)?)
        }
        DropoutKind::Alpha => alpha_dropout(dropout.p, input, generator),
    }
}

/// 1 / (1 − p) with probability 1 − p, else 0.
fn mask(shape: &[usize], p: f64, generator: &mut ChaCha8Rng, like: &Tensor) -> Result<Tensor> {
    let keep = if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 };
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| if generator.random::<f64>() < p { 0.0 } else { keep })
        .collect();
    Tensor::from_vec(values, shape, like.device())
}

/// Dropped elements become −λα; then a·x + b restores mean 0 and variance 1.
// Klambauer et al., "Self-Normalizing Neural Networks", 2017; PyTorch: aten/src/ATen/native/Dropout.cpp
fn alpha_dropout(p: f64, input: &Tensor, generator: &mut ChaCha8Rng) -> Result<Tensor> {
    const SATURATION: f64 = -1.758_099_340_847_376_6;
    if p >= 1.0 {
        return input.zeros_like();
    }
    let a = 1.0 / ((SATURATION * SATURATION * p + 1.0) * (1.0 - p)).sqrt();
    let b = -a * SATURATION * p;
    let kept = (mask(input.dims(), p, generator, input)? * (1.0 - p))?;
    let dropped = kept.affine(-SATURATION, SATURATION)?;
    input.mul(&kept)?.add(&dropped)?.affine(a, b)
}
