//! Element-wise functions: one custom operation over nasc's kernels.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};
use nasc_compiler::ir::op::{Activation, Clamp, Glu, Unary};

use super::execute::{at, first};
use super::tensors;
use crate::kernel::pointwise::{self, Function};

pub(super) fn activation(activation: Activation, input: &Tensor) -> Result<Tensor> {
    apply(Function::Activation(activation), input)
}

pub(super) fn unary(unary: Unary, input: &Tensor) -> Result<Tensor> {
    match (unary, input.dtype()) {
        (Unary::LogicalNot, _) => input.eq(&input.zeros_like()?),
        // integers stay integers
        (Unary::Floor | Unary::Ceil | Unary::Round, DType::I64 | DType::U8) => Ok(input.clone()),
        (Unary::Neg, DType::I64) => input.zeros_like()?.sub(input),
        (Unary::Abs, DType::I64) => input.abs(),
        (Unary::Square, DType::I64) => input.mul(input),
        _ => apply(Function::Unary(unary), &input.to_dtype(DType::F32)?),
    }
}

fn apply(function: Function, input: &Tensor) -> Result<Tensor> {
    if tensors::is_native(input) {
        return input.contiguous()?.apply_op1(Pointwise(function));
    }
    match function {
        Function::Activation(Activation::Relu) => input.relu(),
        Function::Activation(Activation::Tanh) => input.tanh(),
        Function::Activation(Activation::Silu) => input.silu(),
        Function::Activation(Activation::Gelu { tanh: true }) => input.gelu(),
        Function::Activation(Activation::Gelu { tanh: false }) => input.gelu_erf(),
        Function::Activation(Activation::Elu { alpha }) => input.elu(alpha),
        Function::Activation(Activation::Sigmoid) => (input.neg()?.exp()? + 1.0)?.recip(),
        Function::Unary(Unary::Neg) => input.neg(),
        Function::Unary(Unary::Exp) => input.exp(),
        Function::Unary(Unary::Log) => input.log(),
        Function::Unary(Unary::Sqrt) => input.sqrt(),
        Function::Unary(Unary::Square) => input.sqr(),
        Function::Unary(Unary::Abs) => input.abs(),
        _ => candle_core::bail!("this function runs on the CPU only"),
    }
}

struct Pointwise(Function);

impl CustomOp1 for Pointwise {
    fn name(&self) -> &'static str {
        "nasc-pointwise"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let out = pointwise::forward(self.0, tensors::slice(input, layout)?);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let values = tensors::with_slice(input, |input| {
            tensors::with_slice(gradient, |gradient| pointwise::backward(self.0, input, gradient))
        })??;
        Tensor::from_vec(values, input.dims(), input.device()).map(Some)
    }
}

/// max(x, 0) + w · min(x, 0), one slope or one per channel.
pub(super) fn prelu(operands: &[Tensor]) -> Result<Tensor> {
    let (input, weight) = (first(operands)?, at(operands, 1)?);
    let mut shape = vec![1; input.rank()];
    if let Some(channels) = shape.get_mut(1) {
        *channels = weight.elem_count();
    }
    let positive = activation(Activation::Relu, input)?;
    let negative = input.sub(&positive)?;
    positive.add(&negative.broadcast_mul(&weight.reshape(shape)?)?)
}

/// The first half times the sigmoid of the second.
pub(super) fn glu(glu: &Glu, input: &Tensor) -> Result<Tensor> {
    let half = input.dim(glu.dim)? / 2;
    let gate = activation(Activation::Sigmoid, &input.narrow(glu.dim, half, half)?)?;
    input.narrow(glu.dim, 0, half)?.mul(&gate)
}

/// A missing bound is infinite.
pub(super) fn clamp(clamp: &Clamp, input: &Tensor) -> Result<Tensor> {
    let (min, max) = (clamp.min.unwrap_or(f64::NEG_INFINITY), clamp.max.unwrap_or(f64::INFINITY));
    activation(Activation::Hardtanh { min, max }, input)
}
