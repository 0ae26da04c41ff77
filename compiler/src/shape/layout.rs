//! Where elements lie in memory, as far as that is certain: `view` needs a layout that `reshape`
//! does not. Rule: `computeStride` in PyTorch's aten/src/ATen/TensorUtils.cpp. Deliberately not
//! here: guesses; an unknown layout can always be viewed.

use super::ShapeError;
use crate::ir::{Dim, Graph, Node, Op, Producer, Shape, ValueId};

/// Distances between neighbours along each dimension, in elements.
type Strides = Vec<u64>;

/// The layouts of a graph's values at one batch size. It follows a growing graph: each call looks
/// at the nodes that are new.
#[derive(Debug, Clone)]
pub struct Layouts {
    batch: u64,
    /// `None` where the layout is uncertain.
    strides: Vec<Option<Strides>>,
}

impl Layouts {
    /// Layouts at `batch` samples; a view that works with one sample may fail with more.
    #[must_use]
    pub fn new(batch: u64) -> Layouts {
        Layouts { batch, strides: Vec::new() }
    }

    /// Whether `value` may be seen as `target` without a copy, as `Tensor.view` needs.
    ///
    /// # Errors
    /// [`ShapeError::NotViewable`] if it certainly may not.
    pub fn expect_viewable(
        &mut self,
        graph: &Graph,
        value: ValueId,
        target: &Shape,
    ) -> Result<(), ShapeError> {
        self.follow(graph);
        let (Some(strides), Some(tensor_type)) = (self.get(value), graph.tensor_type(value)) else {
            return Ok(());
        };
        let extents = self.extents(&tensor_type.shape);
        match view(&extents, strides, &self.extents(target)) {
            Some(_) => Ok(()),
            None => Err(ShapeError::NotViewable {
                input: tensor_type.shape.clone(),
                target: target.clone(),
            }),
        }
    }

    /// Whether the elements of `value` certainly lie in order; where they do not,
    /// `Tensor.contiguous` makes a copy.
    pub fn is_contiguous(&mut self, graph: &Graph, value: ValueId) -> bool {
        self.follow(graph);
        let shape = graph.tensor_type(value).map(|tensor_type| self.extents(&tensor_type.shape));
        shape.is_some_and(|extents| self.get(value) == Some(&contiguous(&extents)))
    }

    fn get(&self, value: ValueId) -> Option<&Strides> {
        self.strides.get(value.index()).and_then(Option::as_ref)
    }

    fn extents(&self, shape: &Shape) -> Vec<u64> {
        shape.0.iter().map(|dim: &Dim| dim.at_batch(self.batch)).collect()
    }

    fn follow(&mut self, graph: &Graph) {
        for value in graph.values.iter().skip(self.strides.len()) {
            let strides = value.tensor_type.as_ref().and_then(|tensor_type| {
                let extents = self.extents(&tensor_type.shape);
                match value.producer {
                    Producer::Input(_) | Producer::Param(_) => Some(contiguous(&extents)),
                    Producer::Node(node, _) => self.result(graph, graph.node(node)?, &extents),
                }
            });
            self.strides.push(strides);
        }
    }

    /// Layout of a result of `node` with these extents.
    fn result(&self, graph: &Graph, node: &Node, extents: &[u64]) -> Option<Strides> {
        let operands: Option<Vec<(Vec<u64>, &Strides)>> = node
            .inputs
            .iter()
            .map(|&id| Some((self.extents(&graph.tensor_type(id)?.shape), self.get(id)?)))
            .collect();
        match &node.op {
            Op::Full(_) | Op::Arange(_) | Op::Random(_) | Op::Contiguous => {
                Some(contiguous(extents))
            }
            Op::Cat(_) | Op::Binary(_) => {
                let in_order =
                    |(extents, strides): &(Vec<u64>, &Strides)| **strides == contiguous(extents);
                operands?.iter().all(in_order).then(|| contiguous(extents))
            }
            op => {
                let operands = operands?;
                let (from, strides) = operands.first()?;
                derived(op, from, strides, extents)
            }
        }
    }
}

/// Layout of a result made from one tensor, parameters aside.
fn derived(op: &Op, from: &[u64], strides: &Strides, extents: &[u64]) -> Option<Strides> {
    match op {
        Op::Permute(permute) => {
            permute.order.iter().map(|&dim| strides.get(dim).copied()).collect()
        }
        Op::Reshape(_) => Some(view(from, strides, extents).unwrap_or_else(|| contiguous(extents))),
        Op::Expand(_) => Some(expanded(from, strides, extents)),
        Op::Slice(slice) => {
            let mut strides = strides.clone();
            let stride = strides.get_mut(slice.dim)?;
            *stride = stride.saturating_mul(slice.step);
            Some(strides)
        }
        Op::Split(_) | Op::Dropout(_) => Some(strides.clone()),
        // element by element: a dense layout stays as it is
        Op::Activation(_) | Op::Unary(_) | Op::Scalar(_) | Op::Clamp(_) => {
            is_dense(from, strides).then(|| strides.clone())
        }
        Op::Conv(_)
        | Op::Linear(_)
        | Op::BatchNorm(_)
        | Op::LayerNorm(_)
        | Op::GroupNorm(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::Softmax(_) => (*strides == contiguous(from)).then(|| contiguous(extents)),
        _ => None,
    }
}

/// Strides of a tensor whose elements lie in order without gaps.
fn contiguous(extents: &[u64]) -> Strides {
    let mut strides = vec![1u64; extents.len()];
    let mut step = 1u64;
    for (stride, &extent) in strides.iter_mut().zip(extents).rev() {
        *stride = step;
        step = step.saturating_mul(extent.max(1));
    }
    strides
}

/// Whether the elements fill a block of memory, in whatever order of dimensions.
fn is_dense(extents: &[u64], strides: &[u64]) -> bool {
    let mut dims: Vec<(u64, u64)> =
        strides.iter().copied().zip(extents.iter().copied()).filter(|dim| dim.1 != 1).collect();
    dims.sort_unstable();
    let mut step = 1u64;
    dims.into_iter().all(|(stride, extent)| {
        let fits = stride == step;
        step = step.saturating_mul(extent);
        fits
    })
}

fn expanded(from: &[u64], strides: &[u64], to: &[u64]) -> Strides {
    let added = to.len().saturating_sub(from.len());
    let kept = from.iter().zip(strides).zip(to.iter().skip(added));
    let kept = kept.map(|((&from, &stride), &to)| if from == to { stride } else { 0 });
    std::iter::repeat_n(0, added).chain(kept).collect()
}

/// Strides of a view, if the new dimensions split or join old ones that lie in one piece.
fn view(from: &[u64], strides: &[u64], to: &[u64]) -> Option<Strides> {
    if from.contains(&0) || from.is_empty() {
        return Some(contiguous(to));
    }
    let mut new = vec![0u64; to.len()];
    let mut open = new.iter_mut().zip(to).rev().peekable();
    let mut piece = 1u64;
    let mut base = *strides.last()?;
    let outer = from.iter().zip(strides).rev().skip(1).map(Some).chain([None]);
    for (&extent, outer) in from.iter().rev().zip(outer) {
        piece = piece.saturating_mul(extent);
        let joins = outer
            .is_some_and(|(&outer, &stride)| outer == 1 || stride == piece.saturating_mul(base));
        if joins {
            continue;
        }
        let mut filled = 1u64;
        while let Some((stride, &extent)) =
            open.next_if(|(_, extent)| filled < piece || **extent == 1)
        {
            *stride = filled.saturating_mul(base);
            filled = filled.saturating_mul(extent);
        }
        if filled != piece {
            return None;
        }
        piece = 1;
        base = outer.map_or(1, |(_, &stride)| stride);
    }
    open.next().is_none().then_some(new)
}
