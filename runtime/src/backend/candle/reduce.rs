//! Reductions over dimensions.

use candle_core::{DType, Result, Tensor};
use nasc_compiler::ir::op::{Reduce, ReduceKind};

use super::tensors;
use crate::plan::Step;

pub(super) fn reduce(attributes: &Reduce, step: &Step, input: &Tensor) -> Result<Tensor> {
    let dtype = step.result_types.first().map_or(DType::F32, |result| tensors::dtype(result.dtype));
    let input = input.to_dtype(dtype)?;
    let dims: Vec<usize> = match attributes.dims.is_empty() {
        true => (0..input.rank()).collect(),
        false => attributes.dims.clone(),
    };
    let out = keep_dims(attributes.kind, &input, &dims)?;
    if attributes.keep_dim {
        return Ok(out);
    }
    let kept = out.dims().iter().enumerate().filter(|(dim, _)| !dims.contains(dim));
    let shape: Vec<usize> = kept.map(|(_, &extent)| extent).collect();
    out.reshape(shape)
}

fn keep_dims(kind: ReduceKind, input: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let each = |reduce: fn(&Tensor, usize) -> Result<Tensor>| {
        dims.iter().try_fold(input.clone(), |out, &dim| reduce(&out.contiguous()?, dim))
    };
    match kind {
        ReduceKind::Sum => input.sum_keepdim(dims),
        ReduceKind::Mean => input.mean_keepdim(dims),
        ReduceKind::Max => extreme(input, &each(|out, dim| out.detach().max_keepdim(dim))?, dims),
        ReduceKind::Min => extreme(input, &each(|out, dim| out.detach().min_keepdim(dim))?, dims),
        ReduceKind::Variance { correction } => variance(input, dims, correction),
        ReduceKind::Deviation { correction } => variance(input, dims, correction)?.sqrt(),
        ReduceKind::Norm => input.sqr()?.sum_keepdim(dims)?.sqrt(),
        ReduceKind::LogSumExp => {
            let largest = dims
                .iter()
                .try_fold(input.detach(), |out, &dim| out.contiguous()?.max_keepdim(dim))?;
            input.broadcast_sub(&largest)?.exp()?.sum_keepdim(dims)?.log()?.add(&largest)
        }
        ReduceKind::Product | ReduceKind::All | ReduceKind::Any => {
            candle_core::bail!("this reduction has no kernel")
        }
    }
}

/// The extreme elements, which share the gradient if several are equal, as `torch.amax` has it.
fn extreme(input: &Tensor, best: &Tensor, dims: &[usize]) -> Result<Tensor> {
    if !input.dtype().is_float() {
        return Ok(best.clone());
    }
    let chosen = input.detach().broadcast_eq(best)?;
    let count = chosen.to_dtype(input.dtype())?.sum_keepdim(dims)?;
    let kept = chosen.where_cond(&input.contiguous()?, &input.zeros_like()?)?;
    kept.sum_keepdim(dims)?.div(&count)
}

/// Sum of squared deviations over n − correction.
fn variance(input: &Tensor, dims: &[usize], correction: u64) -> Result<Tensor> {
    let count: usize = dims.iter().filter_map(|&dim| input.dims().get(dim)).product();
    let squares = input.broadcast_sub(&input.mean_keepdim(dims)?)?.sqr()?.sum_keepdim(dims)?;
    squares / (count as f64 - correction as f64).max(0.0)
}
