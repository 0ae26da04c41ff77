//! Runs the steps of a plan over a table of tensors. One arm per operation; the operations
//! themselves are in their families' files.

use std::time::Instant;

use candle_core::{Result, Tensor};
use nasc_compiler::ir::Op;
use rand_chacha::ChaCha8Rng;

use super::{
    arithmetic, attention, convolution, graph_ops, linear, native, normalize, pointwise, pooling,
    random, recurrent, reduce, resample, select, support,
};
use crate::error::RuntimeError;
use crate::plan::{ExecutionPlan, Operand, Step};

/// Training or evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Batch statistics, dropout, gradients.
    Training,
    /// Running statistics, no dropout, no gradients.
    Evaluation,
}

/// What the steps of one run share.
pub(super) struct Run<'a, 'w> {
    /// Parameters and buffers; buffers are replaced by steps that update them.
    pub params: &'a mut Vec<Tensor>,
    /// Source of dropout masks.
    pub generator: &'a mut ChaCha8Rng,
    /// Training or evaluation.
    pub mode: Mode,
    /// Samples in the batch.
    pub batch: usize,
    /// When the run is broken off.
    pub deadline: Option<Instant>,
    /// Told of every activation's operand.
    pub watch: Option<Watch<'w>>,
}

/// Hears of values before activation functions are applied.
pub(super) type Watch<'a> = &'a mut dyn FnMut(&Tensor) -> Result<()>;

impl Run<'_, '_> {
    /// The network's results.
    pub fn execute(
        mut self,
        plan: &ExecutionPlan,
        inputs: Vec<Tensor>,
    ) -> std::result::Result<Vec<Tensor>, RuntimeError> {
        let mut table: Vec<Option<Tensor>> = vec![None; plan.slots];
        for (slot, tensor) in plan.inputs.iter().zip(inputs) {
            set(&mut table, slot.0, Some(tensor));
        }
        for step in &plan.steps {
            self.step(step, &mut table)?;
        }
        plan.outputs.iter().map(|&operand| self.read(operand, &table)).collect()
    }

    fn step(
        &mut self,
        step: &Step,
        table: &mut [Option<Tensor>],
    ) -> std::result::Result<(), RuntimeError> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(RuntimeError::TimeLimit);
        }
        let operands = step
            .operands
            .iter()
            .map(|&operand| self.read(operand, table))
            .collect::<std::result::Result<Vec<Tensor>, RuntimeError>>()?;
        let results = self.apply(step, &operands).map_err(RuntimeError::backend(step.op.name()))?;
        for (slot, tensor) in step.results.iter().zip(results) {
            set(table, slot.0, Some(tensor));
        }
        for slot in &step.releases {
            set(table, slot.0, None);
        }
        Ok(())
    }

    fn read(
        &self,
        operand: Operand,
        table: &[Option<Tensor>],
    ) -> std::result::Result<Tensor, RuntimeError> {
        let tensor = match operand {
            Operand::Slot(slot) => table.get(slot.0).cloned().flatten(),
            Operand::Param(index) => self.params.get(index).cloned(),
        };
        tensor.ok_or(RuntimeError::Malformed { reason: "a value is read before it is made" })
    }

    fn apply(&mut self, step: &Step, operands: &[Tensor]) -> Result<Vec<Tensor>> {
        let training = self.mode == Mode::Training;
        let one = |tensor: Tensor| vec![tensor];
        match &step.op {
            Op::Conv(conv) => convolution::conv(conv, operands).map(one),
            Op::Linear(_) => linear::linear(operands).map(one),
            Op::BatchNorm(norm) => self.batch_norm(norm, step, operands).map(one),
            Op::Dropout(dropout) if training => {
                random::dropout(dropout, first(operands)?, self.generator).map(one)
            }
            Op::Dropout(_) => first(operands).cloned().map(one),
            Op::Pool(pool) => pooling::pool(pool, first(operands)?).map(one),
            Op::AdaptivePool(pool) => pooling::adaptive(pool, first(operands)?).map(one),
            Op::Activation(activation) => {
                if let Some(watch) = &mut self.watch {
                    watch(first(operands)?)?;
                }
                pointwise::activation(*activation, first(operands)?).map(one)
            }
            Op::Softmax(softmax) => {
                native::softmax(first(operands)?, softmax.dim, softmax.log).map(one)
            }
            Op::Recurrent(layers) => {
                recurrent::recurrent(layers, operands, training, self.generator)
            }
            Op::Reshape(reshape) => {
                graph_ops::reshape(first(operands)?, &reshape.shape, self.batch).map(one)
            }
            Op::Permute(permute) => first(operands)?.permute(permute.order.as_slice()).map(one),
            Op::Cat(cat) => Tensor::cat(operands, cat.dim).map(one),
            Op::Expand(expand) => {
                graph_ops::expand(first(operands)?, &expand.shape, self.batch).map(one)
            }
            Op::Slice(slice) => graph_ops::slice(slice, first(operands)?).map(one),
            Op::Unary(unary) => pointwise::unary(*unary, first(operands)?).map(one),
            Op::Binary(binary) => arithmetic::binary(*binary, step, operands).map(one),
            Op::Scalar(scalar) => arithmetic::scalar(scalar, step, first(operands)?).map(one),
            Op::Reduce(op) => reduce::reduce(op, step, first(operands)?).map(one),
            Op::MatMul => graph_ops::matmul(operands).map(one),
            Op::Full(full) => graph_ops::full(full, self.batch, &candle_core::Device::Cpu).map(one),
            Op::Cast(cast) => graph_ops::cast(first(operands)?, cast.dtype).map(one),
            Op::LayerNorm(norm) => normalize::layer_norm(norm, operands).map(one),
            Op::GroupNorm(norm) => normalize::group_norm(norm, operands).map(one),
            Op::PRelu => pointwise::prelu(operands).map(one),
            Op::Glu(glu) => pointwise::glu(glu, first(operands)?).map(one),
            Op::Clamp(clamp) => pointwise::clamp(clamp, first(operands)?).map(one),
            Op::Split(split) => graph_ops::split(split, first(operands)?),
            Op::Flip(flip) => first(operands)?.contiguous()?.flip(&flip.dims).map(one),
            Op::Roll(roll) => graph_ops::roll(roll, first(operands)?).map(one),
            Op::Repeat(repeat) => graph_ops::repeat(repeat, first(operands)?).map(one),
            Op::PixelShuffle(shuffle) => {
                graph_ops::pixel_shuffle(shuffle, first(operands)?).map(one)
            }
            Op::Pad(pad) => graph_ops::pad(pad, first(operands)?).map(one),
            Op::Contiguous => first(operands)?.contiguous().map(one),
            Op::InstanceNorm(norm) => normalize::instance_norm(norm, operands).map(one),
            Op::LocalResponseNorm(norm) => {
                normalize::local_response_norm(norm, first(operands)?).map(one)
            }
            Op::Embedding(_) => select::index(at(operands, 1)?, first(operands)?, 0).map(one),
            Op::Bilinear(_) => attention::bilinear(operands).map(one),
            Op::Attention(op) => {
                attention::attention(op, operands, training, self.generator).map(one)
            }
            Op::LpPool(pool) => resample::lp_pool(pool, first(operands)?).map(one),
            Op::Unfold(unfold) => select::unfold(unfold, first(operands)?).map(one),
            Op::Interpolate(op) => resample::interpolate(op, first(operands)?).map(one),
            Op::Index(op) => select::index(first(operands)?, at(operands, 1)?, op.dim).map(one),
            Op::Gather(gather) => select::gather(operands, gather.dim).map(one),
            Op::Scatter(scatter) => select::scatter(operands, *scatter).map(one),
            Op::Einsum(op) => attention::einsum(op, operands).map(one),
            Op::Where => select::choose(operands).map(one),
            Op::MaskedFill(fill) => select::masked_fill(fill, operands).map(one),
            Op::Arange(op) => select::arange(op, &candle_core::Device::Cpu).map(one),
            Op::Cumulate(op) => select::cumulate(op, first(operands)?).map(one),
            Op::ArgExtreme(extreme) => select::extreme(extreme, first(operands)?).map(one),
            Op::TopK(top) => select::top(top, first(operands)?),
            Op::Triangle(op) => select::triangle(op, first(operands)?).map(one),
            Op::Windows(op) => select::windows(op, first(operands)?).map(one),
            Op::Random(_) => {
                candle_core::bail!("{}", support::gap(step).unwrap_or("unsupported"))
            }
        }
    }

    /// Batch normalisation writes its new running statistics back where they were read.
    fn batch_norm(
        &mut self,
        norm: &nasc_compiler::ir::op::BatchNorm,
        step: &Step,
        operands: &[Tensor],
    ) -> Result<Tensor> {
        let training = self.mode == Mode::Training;
        let result = normalize::batch_norm(norm, operands, training)?;
        let first = if norm.affine { 3 } else { 1 };
        for (operand, tensor) in step.operands.iter().skip(first).zip(result.running) {
            if let Operand::Param(index) = *operand
                && let Some(slot) = self.params.get_mut(index)
            {
                *slot = tensor;
            }
        }
        Ok(result.output)
    }
}

/// The only operand, or the input among several.
pub(super) fn first(operands: &[Tensor]) -> Result<&Tensor> {
    at(operands, 0)
}

/// An operand by position.
pub(super) fn at(operands: &[Tensor], index: usize) -> Result<&Tensor> {
    match operands.get(index) {
        Some(tensor) => Ok(tensor),
        None => candle_core::bail!("operand {index} is missing"),
    }
}

fn set(table: &mut [Option<Tensor>], slot: usize, tensor: Option<Tensor>) {
    if let Some(entry) = table.get_mut(slot) {
        *entry = tensor;
    }
}
