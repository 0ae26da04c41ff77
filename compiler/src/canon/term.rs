//! A graph without names and without operations that change nothing. Chains of reshapes become
//! their last one, chains of permutations their composition.

use crate::ir::op::{Activation, Binary, Op, Permute};
use crate::ir::{Graph, Node, Producer, TensorType, ValueId};

/// A result of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ref {
    /// The term.
    pub term: usize,
    /// Which of its results.
    pub position: u32,
}

/// An input, a parameter or an operation.
pub(super) struct Term {
    /// Everything about it but its operands. The `Debug` form of an operation names every
    /// attribute, so none can be forgotten.
    pub key: String,
    /// What it is applied to, earlier terms.
    pub operands: Vec<Ref>,
    /// Whether the order of operands is free.
    pub is_commutative: bool,
    /// Whether two equal ones are the same: not if it draws random numbers, updates statistics or
    /// is a parameter.
    pub is_repeatable: bool,
    types: Vec<TensorType>,
    /// For a reshape or permutation the operation, so that the next one can absorb it.
    view: Option<Op>,
}

/// The terms of a graph and what its outputs are.
pub(super) struct Terms {
    pub terms: Vec<Term>,
    pub outputs: Vec<Ref>,
}

impl Terms {
    pub(super) fn of(graph: &Graph) -> Terms {
        let mut builder = Builder { terms: Vec::new(), refs: vec![None; graph.values.len()] };
        for (id, value) in (0u32..).map(ValueId).zip(&graph.values) {
            match value.producer {
                Producer::Input(position) => {
                    let key = format!("input {position} {:?}", value.tensor_type);
                    builder.leaf(graph, id, key, true);
                }
                Producer::Param(param) => {
                    let facts = graph.param(param).map(|param| {
                        (param.dtype, param.shape.as_slice(), param.kind, &param.init)
                    });
                    builder.leaf(graph, id, format!("param {facts:?}"), false);
                }
                Producer::Node(..) => {}
            }
        }
        for node in &graph.nodes {
            builder.node(graph, node);
        }
        let outputs = graph.outputs.iter().filter_map(|&id| builder.get(id)).collect();
        Terms { terms: builder.terms, outputs }
    }
}

struct Builder {
    terms: Vec<Term>,
    refs: Vec<Option<Ref>>,
}

impl Builder {
    fn get(&self, id: ValueId) -> Option<Ref> {
        self.refs.get(id.index()).copied().flatten()
    }

    fn set(&mut self, id: ValueId, reference: Ref) {
        if let Some(slot) = self.refs.get_mut(id.index()) {
            *slot = Some(reference);
        }
    }

    fn leaf(&mut self, graph: &Graph, id: ValueId, key: String, is_repeatable: bool) {
        self.set(id, Ref { term: self.terms.len(), position: 0 });
        self.terms.push(Term {
            key,
            operands: Vec::new(),
            is_commutative: false,
            is_repeatable,
            types: graph.tensor_type(id).cloned().into_iter().collect(),
            view: None,
        });
    }

    fn type_of(&self, reference: Ref) -> Option<&TensorType> {
        self.terms.get(reference.term)?.types.get(reference.position as usize)
    }

    fn node(&mut self, graph: &Graph, node: &Node) {
        let operands: Vec<Ref> = node.inputs.iter().filter_map(|&id| self.get(id)).collect();
        let types: Vec<TensorType> =
            node.outputs.iter().filter_map(|&id| graph.tensor_type(id)).cloned().collect();
        let (op, operands) = self.absorb(&node.op, operands);
        if let (&[operand], &[result]) = (operands.as_slice(), node.outputs.as_slice())
            && self.type_of(operand) == types.first()
            && changes_nothing(&op)
        {
            self.set(result, operand);
            return;
        }
        let term = self.terms.len();
        for (position, &id) in (0u32..).zip(&node.outputs) {
            self.set(id, Ref { term, position });
        }
        self.terms.push(Term {
            key: format!("{op:?}"),
            operands,
            is_commutative: is_commutative(&op),
            is_repeatable: is_repeatable(&op),
            types,
            view: matches!(op, Op::Reshape(_) | Op::Permute(_)).then_some(op),
        });
    }

    /// A view of a view of the same kind looks at what the first one looks at.
    fn absorb(&self, op: &Op, operands: Vec<Ref>) -> (Op, Vec<Ref>) {
        let inner = operands.first().and_then(|operand| self.terms.get(operand.term));
        let Some(Term { view: Some(view), operands: sources, .. }) = inner else {
            return (op.clone(), operands);
        };
        match (view, op) {
            (Op::Reshape(_), Op::Reshape(_)) => (op.clone(), sources.clone()),
            (Op::Permute(first), Op::Permute(second)) => {
                let composed = second.order.iter().filter_map(|&dim| first.order.get(dim));
                (Op::Permute(Permute { order: composed.copied().collect() }), sources.clone())
            }
            _ => (op.clone(), operands),
        }
    }
}

/// Whether an operation whose result has the type of its operand is the identity.
fn changes_nothing(op: &Op) -> bool {
    match op {
        Op::Contiguous
        | Op::Reshape(_)
        | Op::Expand(_)
        | Op::Slice(_)
        | Op::Cast(_)
        | Op::Cat(_) => true,
        Op::Permute(permute) => permute.order.is_sorted(),
        Op::Dropout(dropout) => dropout.p == 0.0,
        _ => false,
    }
}

const fn is_commutative(op: &Op) -> bool {
    matches!(
        op,
        Op::Binary(
            Binary::Add
                | Binary::Mul
                | Binary::Maximum
                | Binary::Minimum
                | Binary::Equal
                | Binary::NotEqual
                | Binary::LogicalAnd
                | Binary::LogicalOr
                | Binary::LogicalXor
        )
    )
}

/// Only what certainly computes the same from the same operands is listed.
fn is_repeatable(op: &Op) -> bool {
    match op {
        Op::Dropout(dropout) => dropout.p == 0.0,
        Op::Recurrent(recurrent) => recurrent.dropout == 0.0,
        Op::Attention(attention) => attention.dropout == 0.0,
        Op::InstanceNorm(norm) => !norm.track_running_stats,
        Op::BatchNorm(batch_norm) => !batch_norm.track_running_stats,
        Op::Activation(activation) => !matches!(activation, Activation::Rrelu { .. }),
        Op::Conv(_)
        | Op::Linear(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::Softmax(_)
        | Op::Reshape(_)
        | Op::Permute(_)
        | Op::Cat(_)
        | Op::Expand(_)
        | Op::Contiguous
        | Op::Slice(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Scalar(_)
        | Op::Reduce(_)
        | Op::MatMul
        | Op::Full(_)
        | Op::Cast(_)
        | Op::LayerNorm(_)
        | Op::GroupNorm(_)
        | Op::Split(_)
        | Op::Pad(_) => true,
        _ => false,
    }
}
