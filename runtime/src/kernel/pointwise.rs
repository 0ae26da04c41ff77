//! Element-wise functions with their derivatives, each stated once as x -> (value, derivative) in
//! `f32`. Random slopes (RReLU) are drawn elsewhere.

use nasc_compiler::ir::op::{Activation, Unary};
use rayon::prelude::*;

use super::vector::{erf, exp, sigmoid, tanh};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// An activation.
    Activation(Activation),
    /// Any other function.
    Unary(Unary),
}

/// Elements that one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// The function of every element.
pub fn forward(function: Function, input: &[f32]) -> Vec<f32> {
    function.visit(Forward { input })
}

/// `gradient` times the derivative at `input`.
pub fn backward(function: Function, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    function.visit(Backward { input, gradient })
}

/// Something done with a function; generic, so that the compiler makes one loop per function.
pub(crate) trait Visitor {
    /// What comes of it.
    type Result;

    /// Takes the function as x -> (value, derivative).
    fn visit(self, function: impl Fn(f32) -> (f32, f32) + Sync) -> Self::Result;
}

struct Forward<'a> {
    input: &'a [f32],
}

impl Visitor for Forward<'_> {
    type Result = Vec<f32>;

    fn visit(self, function: impl Fn(f32) -> (f32, f32) + Sync) -> Vec<f32> {
        let mut out = vec![0.0; self.input.len()];
        let chunks = out.par_chunks_mut(CHUNK).zip(self.input.par_chunks(CHUNK));
        chunks.for_each(|(out, input)| {
            for (out, &x) in out.iter_mut().zip(input) {
                *out = function(x).0;
            }
        });
        out
    }
}

struct Backward<'a> {
    input: &'a [f32],
    gradient: &'a [f32],
}

impl Visitor for Backward<'_> {
    type Result = Vec<f32>;

    fn visit(self, function: impl Fn(f32) -> (f32, f32) + Sync) -> Vec<f32> {
        let mut out = self.gradient.to_vec();
        let chunks = out.par_chunks_mut(CHUNK).zip(self.input.par_chunks(CHUNK));
        chunks.for_each(|(out, input)| {
            for (out, &x) in out.iter_mut().zip(input) {
                *out *= function(x).1;
            }
        });
        out
    }
}

impl Function {
    pub(crate) fn visit<V: Visitor>(self, visitor: V) -> V::Result {
        match self {
            Function::Activation(activation) => visit_activation(activation, visitor),
            Function::Unary(unary) => visit_unary(unary, visitor),
        }
    }
}

/// `value` where `condition` holds, with the derivative 1 or 0.
#[inline(always)]
fn gate(condition: bool, inside: f32, outside: f32) -> (f32, f32) {
    if condition { (inside, 1.0) } else { (outside, 0.0) }
}

/// log(1 + eˣ) without overflow.
#[inline(always)]
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// α (eˣ − 1) scaled below zero, `scale`·x above.
#[inline(always)]
fn exponential(x: f32, scale: f32, alpha: f32, rate: f32) -> (f32, f32) {
    if x > 0.0 {
        (scale * x, scale)
    } else {
        (scale * alpha * (x * rate).exp_m1(), scale * alpha * rate * (x * rate).exp())
    }
}

// Klambauer et al., "Self-Normalizing Neural Networks", 2017; PyTorch: aten/src/ATen/native/Activation.cpp
const SELU_ALPHA: f32 = 1.673_263_2;
const SELU_SCALE: f32 = 1.050_701;

#[inline(always)]
fn gelu(x: f32) -> (f32, f32) {
    let cumulative = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    let density = exp(-0.5 * x * x)
        * (0.5 * std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2);
    (x * cumulative, cumulative + x * density)
}

/// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))
#[inline(always)]
fn gelu_tanh(x: f32) -> (f32, f32) {
    let factor = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2;
    let tanh = tanh(factor * (x + 0.044_715 * x * x * x));
    let inner = factor * (1.0 + 3.0 * 0.044_715 * x * x);
    (0.5 * x * (1.0 + tanh), 0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner)
}

#[inline(always)]
fn mish(x: f32) -> (f32, f32) {
    let tanh = tanh(softplus(x));
    (x * tanh, tanh + x * sigmoid(x) * (1.0 - tanh * tanh))
}

#[inline(always)]
fn hardswish(x: f32) -> (f32, f32) {
    if x <= -3.0 {
        (0.0, 0.0)
    } else if x >= 3.0 {
        (x, 1.0)
    } else {
        (x * (x + 3.0) / 6.0, (2.0 * x + 3.0) / 6.0)
    }
}

#[inline(always)]
fn hardsigmoid(x: f32) -> (f32, f32) {
    ((x / 6.0 + 0.5).clamp(0.0, 1.0), if x.abs() < 3.0 { 1.0 / 6.0 } else { 0.0 })
}

#[inline(always)]
fn softshrink(x: f32, lambda: f32) -> (f32, f32) {
    if x.abs() <= lambda { (0.0, 0.0) } else { (x - lambda.copysign(x), 1.0) }
}

fn visit_activation<V: Visitor>(activation: Activation, visitor: V) -> V::Result {
    match activation {
        // not f32::max, which would hide a NaN
        Activation::Relu => visitor.visit(|x| gate(x > 0.0 || x.is_nan(), x, 0.0)),
        Activation::Relu6 => visit_bounds(0.0, 6.0, visitor),
        Activation::Hardtanh { min, max } => visit_bounds(min as f32, max as f32, visitor),
        Activation::LeakyRelu { negative_slope } => visit_slope(negative_slope as f32, visitor),
        Activation::Rrelu { lower, upper } => visit_slope(0.5 * (lower + upper) as f32, visitor),
        Activation::Elu { alpha } => visitor.visit(move |x| exponential(x, 1.0, alpha as f32, 1.0)),
        Activation::Selu => visitor.visit(|x| exponential(x, SELU_SCALE, SELU_ALPHA, 1.0)),
        Activation::Celu { alpha } => {
            visitor.visit(move |x| exponential(x, 1.0, alpha as f32, 1.0 / alpha as f32))
        }
        Activation::Gelu { tanh: true } => visitor.visit(gelu_tanh),
        Activation::Gelu { tanh: false } => visitor.visit(gelu),
        Activation::Silu => visitor.visit(|x| {
            let s = sigmoid(x);
            (x * s, s * (1.0 + x * (1.0 - s)))
        }),
        Activation::Mish => visitor.visit(mish),
        Activation::Sigmoid => visitor.visit(|x| (sigmoid(x), sigmoid(x) * (1.0 - sigmoid(x)))),
        Activation::Tanh => visitor.visit(|x| (tanh(x), 1.0 - tanh(x) * tanh(x))),
        Activation::Hardswish => visitor.visit(hardswish),
        Activation::Hardsigmoid => visitor.visit(hardsigmoid),
        Activation::Softplus { beta, threshold } => visit_softplus(beta, threshold, visitor),
        Activation::Softsign => {
            visitor.visit(|x| (x / (1.0 + x.abs()), 1.0 / ((1.0 + x.abs()) * (1.0 + x.abs()))))
        }
        Activation::LogSigmoid => visitor.visit(|x| (-softplus(-x), sigmoid(-x))),
        Activation::Hardshrink { lambda } => {
            visitor.visit(move |x| gate(x.abs() > lambda as f32 || x.is_nan(), x, 0.0))
        }
        Activation::Softshrink { lambda } => visitor.visit(move |x| softshrink(x, lambda as f32)),
        Activation::Tanhshrink => visitor.visit(|x| (x - x.tanh(), x.tanh() * x.tanh())),
        Activation::Threshold { threshold, value } => {
            visitor.visit(move |x| gate(x > threshold as f32 || x.is_nan(), x, value as f32))
        }
    }
}

fn visit_bounds<V: Visitor>(min: f32, max: f32, visitor: V) -> V::Result {
    visitor.visit(move |x| {
        if x <= min {
            (min, 0.0)
        } else if x >= max {
            (max, 0.0)
        } else {
            (x, 1.0)
        }
    })
}

fn visit_slope<V: Visitor>(slope: f32, visitor: V) -> V::Result {
    visitor.visit(move |x| if x > 0.0 { (x, 1.0) } else { (slope * x, slope) })
}

fn visit_softplus<V: Visitor>(beta: f64, threshold: f64, visitor: V) -> V::Result {
    let (beta, threshold) = (beta as f32, threshold as f32);
    visitor.visit(move |x| {
        if beta * x > threshold { (x, 1.0) } else { (softplus(beta * x) / beta, sigmoid(beta * x)) }
    })
}

fn visit_unary<V: Visitor>(unary: Unary, visitor: V) -> V::Result {
    match unary {
        Unary::Neg => visitor.visit(|x| (-x, -1.0)),
        Unary::Abs => visitor.visit(|x| (x.abs(), sign(x))),
        Unary::Exp => visitor.visit(|x| (exp(x), exp(x))),
        Unary::Log => visitor.visit(|x| (x.ln(), 1.0 / x)),
        Unary::Sqrt => visitor.visit(|x| (x.sqrt(), 0.5 / x.sqrt())),
        Unary::Rsqrt => visitor.visit(|x| (1.0 / x.sqrt(), -0.5 / (x * x.sqrt()))),
        Unary::Square => visitor.visit(|x| (x * x, 2.0 * x)),
        Unary::Sin => visitor.visit(|x| (x.sin(), x.cos())),
        Unary::Cos => visitor.visit(|x| (x.cos(), -x.sin())),
        Unary::Tan => visitor.visit(|x| (x.tan(), 1.0 + x.tan() * x.tan())),
        Unary::Reciprocal => visitor.visit(|x| (1.0 / x, -1.0 / (x * x))),
        Unary::Floor => visitor.visit(|x| (x.floor(), 0.0)),
        Unary::Ceil => visitor.visit(|x| (x.ceil(), 0.0)),
        Unary::Round => visitor.visit(|x| (x.round_ties_even(), 0.0)),
        Unary::Sign => visitor.visit(|x| (sign(x), 0.0)),
        Unary::Erf => visitor.visit(|x| {
            (candle_core::cpu::erf::erf_f32(x), std::f32::consts::FRAC_2_SQRT_PI * (-x * x).exp())
        }),
        Unary::Expm1 => visitor.visit(|x| (x.exp_m1(), x.exp())),
        Unary::Log1p => visitor.visit(|x| (x.ln_1p(), 1.0 / (1.0 + x))),
        Unary::Log2 => visitor.visit(|x| (x.log2(), std::f32::consts::LOG2_E / x)),
        Unary::LogicalNot => visitor.visit(|x| (if x == 0.0 { 1.0 } else { 0.0 }, 0.0)),
    }
}

/// −1, 0 or 1; a NaN stays.
fn sign(x: f32) -> f32 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}
