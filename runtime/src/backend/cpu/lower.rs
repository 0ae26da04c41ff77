//! From an execution plan to kernels for one batch size: extents become numbers, layouts are chosen
//! (channels-last for images), and copies are put in where an operation needs another one.
//! One function per family; what has none is left to the candle backend.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

mod borders;
mod channels;
mod compose;
mod layers;
mod movement;
mod recurrent;

use std::collections::BTreeMap;

use nasc_compiler::ir::op::Activation;
use nasc_compiler::ir::{DType, Op, TensorType};

use super::arrange::{Copies, Walk};
use super::fuse::{Group, groups};
use super::kernel::{Kernel, Node, Pass};
use super::memory::{Memory, Place, Storage, Target};
use super::parameters::Layout;
use super::schedule::Tensor;
use super::view::View;
use crate::error::RuntimeError;
use crate::kernel::pointwise::Function;
use crate::onednn::OneDnn;
use crate::plan::{ExecutionPlan, Operand, Step};

/// Kernels with the storages they touch.
pub struct Lowered {
    /// In order.
    pub nodes: Vec<Node>,
    /// All storages.
    pub tensors: Vec<Tensor>,
    /// `[batch, classes]`, row-major.
    pub logits: View,
    /// Floats that team members exchange.
    pub exchange: usize,
}

/// Lowers a plan for `batch` samples. With `dry`, nothing is prepared: it only tells whether it can be.
///
/// # Errors
/// [`RuntimeError::Unsupported`] for an operation without a kernel here.
pub fn lower(
    library: &'static OneDnn,
    plan: &ExecutionPlan,
    layout: &Layout,
    batch: usize,
    dry: bool,
) -> Result<Lowered, RuntimeError> {
    let mut lowering = Lowering::new(library, plan, layout, batch, dry)?;
    for group in groups(plan) {
        lowering.group(&group)?;
    }
    let logits = plan.outputs.first().copied();
    let logits = logits.ok_or(RuntimeError::Malformed { reason: "there is no result" })?;
    let logits = lowering.operand(logits)?;
    let logits = lowering.in_rows(&logits);
    Ok(Lowered {
        logits,
        nodes: lowering.nodes,
        tensors: lowering.tensors,
        exchange: lowering.exchange,
    })
}

struct Lowering<'a> {
    library: &'static OneDnn,
    plan: &'a ExecutionPlan,
    layout: &'a Layout,
    batch: usize,
    dry: bool,
    tensors: Vec<Tensor>,
    nodes: Vec<Node>,
    slots: Vec<Option<View>>,
    params: Vec<Option<View>>,
    exchange: usize,
    moved: BTreeMap<(Storage, Vec<usize>, Vec<usize>), View>,
}

/// Stands for a kernel where only its possibility is asked for.
struct Planned;

impl Kernel for Planned {
    fn forward(&mut self, _: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        Ok(())
    }

    fn backward(&mut self, _: &Memory<'_>, _: &[Target], _: &Pass<'_>) -> Result<(), RuntimeError> {
        Ok(())
    }
}

impl<'a> Lowering<'a> {
    fn new(
        library: &'static OneDnn,
        plan: &'a ExecutionPlan,
        layout: &'a Layout,
        batch: usize,
        dry: bool,
    ) -> Result<Lowering<'a>, RuntimeError> {
        let mut lowering = Lowering {
            library,
            plan,
            layout,
            batch,
            dry,
            tensors: Vec::new(),
            nodes: Vec::new(),
            slots: vec![None; plan.slots],
            params: Vec::new(),
            exchange: 0,
            moved: BTreeMap::new(),
        };
        for index in 0..plan.params.len() {
            let view = lowering.parameter(index);
            lowering.params.push(view);
        }
        for (slot, input) in plan.inputs.iter().zip(&plan.input_types) {
            let dims = lowering.dims(input);
            let tensor = Tensor {
                len: dims.iter().product(),
                fixed: Some(Place::Input),
                differentiable: false,
            };
            let storage = lowering.storage(tensor);
            lowering.slots[slot.0] = Some(View::rows(storage, dims));
        }
        Ok(lowering)
    }

    fn parameter(&mut self, index: usize) -> Option<View> {
        let part = self.layout.parts.get(index)?.as_ref()?;
        let dims = part.shape.clone();
        let fixed = Some(Place::Parameter(part.offset));
        let tensor = Tensor { len: dims.iter().product(), fixed, differentiable: part.trainable };
        let storage = self.storage(tensor);
        Some(View::rows(storage, dims))
    }

    fn storage(&mut self, tensor: Tensor) -> Storage {
        self.tensors.push(tensor);
        Storage(self.tensors.len() - 1)
    }

    /// Extents with the batch size put in.
    fn dims(&self, tensor: &TensorType) -> Vec<usize> {
        tensor.shape.0.iter().map(|dim| dim.at_batch(self.batch as u64) as usize).collect()
    }

    fn result_dims(&self, step: &Step) -> Vec<usize> {
        step.result_types.first().map(|result| self.dims(result)).unwrap_or_default()
    }

    fn operand(&self, operand: Operand) -> Result<View, RuntimeError> {
        let view = match operand {
            Operand::Slot(slot) => self.slots.get(slot.0).cloned().flatten(),
            Operand::Param(index) => self.params.get(index).cloned().flatten(),
        };
        view.ok_or(RuntimeError::Malformed { reason: "a value is read before it is made" })
    }

    fn input(&self, step: &Step, index: usize) -> Result<View, RuntimeError> {
        let missing = RuntimeError::Malformed { reason: "an operand is missing" };
        self.operand(*step.operands.get(index).ok_or(missing)?)
    }

    /// A new tensor with extents in the given order of memory.
    fn fresh(&mut self, dims: Vec<usize>, order: Vec<usize>, from: &[Storage]) -> View {
        let differentiable = from.iter().any(|input| self.tensors[input.0].differentiable);
        let tensor = Tensor { len: dims.iter().product(), fixed: None, differentiable };
        View { storage: self.storage(tensor), dims, order }
    }

    fn push(
        &mut self,
        kernel: impl Kernel + 'static,
        inputs: Vec<Storage>,
        outputs: Vec<Storage>,
        saved: Vec<Storage>,
    ) -> &mut Node {
        let node = Node { kernel: Box::new(kernel), inputs, outputs, saved, in_place: None };
        self.nodes.push(node);
        let last = self.nodes.len() - 1;
        &mut self.nodes[last]
    }

    /// The same tensor with its elements in another order.
    fn in_order(&mut self, view: &View, order: &[usize]) -> View {
        if view.lies_in(order) {
            return View { order: order.to_vec(), ..view.clone() };
        }
        let key = (view.storage, view.order.clone(), order.to_vec());
        if let Some(moved) = self.moved.get(&key)
            && moved.dims == view.dims
        {
            return moved.clone();
        }
        let out = self.fresh(view.dims.clone(), order.to_vec(), &[view.storage]);
        let walk = walk_between(view, &view.strides(), 0, &out, 0);
        let pieces = vec![(0, view.storage, out.storage, walk)];
        self.push(Copies::new(pieces, false), vec![view.storage], vec![out.storage], Vec::new());
        self.moved.insert(key, out.clone());
        out
    }

    fn in_rows(&mut self, view: &View) -> View {
        let order: Vec<usize> = (0..view.dims.len()).collect();
        self.in_order(view, &order)
    }

    fn group(&mut self, group: &Group) -> Result<(), RuntimeError> {
        let plan = self.plan;
        let step = &plan.steps[group.main];
        let last = &plan.steps[group.last()];
        if last.results.iter().all(|slot| self.slots[slot.0].is_some()) {
            // made together with an earlier one
            return Ok(());
        }
        if step.result_types.iter().any(|result| result.dtype != DType::F32) {
            return Err(unsupported(step));
        }
        let results = match &step.op {
            Op::Conv(conv) => vec![self.conv(step, conv, group.relu.is_some())?],
            Op::Linear(linear) => vec![self.linear(step, linear, group.relu.is_some())?],
            Op::BatchNorm(norm) => vec![self.batch_norm(step, norm, group)?],
            Op::Dropout(dropout) => vec![self.dropout(step, dropout)?],
            Op::Pool(pool) => vec![self.pool(step, pool)?],
            Op::AdaptivePool(pool) => vec![self.adaptive_pool(step, pool)?],
            Op::Activation(activation) => {
                vec![self.pointwise(step, Function::Activation(*activation))?]
            }
            Op::Unary(unary) => vec![self.pointwise(step, Function::Unary(*unary))?],
            Op::Clamp(clamp) => {
                let min = clamp.min.unwrap_or(f64::NEG_INFINITY);
                let max = clamp.max.unwrap_or(f64::INFINITY);
                vec![self.pointwise(step, Function::Activation(Activation::Hardtanh { min, max }))?]
            }
            Op::Softmax(softmax) => vec![self.softmax(step, softmax)?],
            Op::LayerNorm(norm) => vec![self.layer_norm(step, norm)?],
            Op::GroupNorm(norm) => vec![self.group_norm(step, norm)?],
            Op::Attention(attention) => vec![self.attention(step, attention)?],
            Op::MatMul => vec![self.matmul(step)?],
            Op::Scalar(scalar) => vec![self.scalar(step, scalar)?],
            Op::Binary(binary) => vec![self.binary(step, *binary)?],
            Op::Reduce(reduce) => vec![self.reduce(step, reduce)?],
            Op::Reshape(_) => vec![self.reshape(step)?],
            Op::Permute(permute) => vec![self.input(step, 0)?.permuted(&permute.order)],
            Op::Contiguous => vec![self.input(step, 0)?],
            Op::Cast(_) => vec![self.cast(step)?],
            Op::Cat(cat) => vec![self.cat(step, cat)?],
            Op::Expand(_) => vec![self.expand(step)?],
            Op::Slice(slice) => vec![self.slice(step, slice)?],
            Op::Pad(pad) => vec![self.pad(step, pad)?],
            Op::Split(split) => self.split(step, split)?,
            Op::PixelShuffle(shuffle) => vec![self.pixel_shuffle(step, shuffle)?],
            Op::Recurrent(layers) => self.recurrent(step, layers)?,
            Op::Full(full) => vec![self.filled(self.result_dims(step), full.value as f32)],
            Op::InstanceNorm(norm) => vec![self.instance_norm(step, norm)?],
            Op::LocalResponseNorm(norm) => vec![self.local_response_norm(step, norm)?],
            Op::PRelu => vec![self.prelu(step)?],
            Op::Glu(glu) => vec![self.glu(step, glu)?],
            Op::Interpolate(op) => vec![self.interpolate(step, op)?],
            Op::Roll(roll) => vec![self.roll(step, roll)?],
            Op::Flip(flip) => vec![self.flip(step, flip)?],
            Op::Repeat(repeat) => vec![self.repeat(step, repeat)?],
            Op::Embedding(_)
            | Op::Bilinear(_)
            | Op::LpPool(_)
            | Op::Unfold(_)
            | Op::Index(_)
            | Op::Gather(_)
            | Op::Scatter(_)
            | Op::Einsum(_)
            | Op::Where
            | Op::MaskedFill(_)
            | Op::Arange(_)
            | Op::Random(_)
            | Op::Cumulate(_)
            | Op::ArgExtreme(_)
            | Op::TopK(_)
            | Op::Triangle(_)
            | Op::Windows(_) => return Err(unsupported(step)),
        };
        for (slot, view) in last.results.iter().zip(results) {
            self.slots[slot.0] = Some(view);
        }
        Ok(())
    }

    fn pointwise(&mut self, step: &Step, function: Function) -> Result<View, RuntimeError> {
        let input = self.input(step, 0)?;
        Ok(self.function(&input, function))
    }
}

/// For operations that this backend leaves to candle.
fn unsupported(step: &Step) -> RuntimeError {
    let detail = "the static plan has no kernel for it";
    RuntimeError::Unsupported { op: step.op.name(), detail, span: step.span }
}

/// The walk over the elements of `from`, read with `strides`, to where they lie in `to`.
fn walk_between(
    from: &View,
    strides: &[usize],
    from_start: usize,
    to: &View,
    to_start: usize,
) -> Walk {
    let target = to.strides();
    let dims: Vec<[usize; 3]> =
        to.order.iter().map(|&dim| [from.dims[dim], strides[dim], target[dim]]).collect();
    Walk::new(&dims, [from_start, to_start])
}
