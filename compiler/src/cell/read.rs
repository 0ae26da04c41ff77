//! A checked graph as a circuit of a cell's operations: every value is followed as a combination of
//! the input and of results, or as one of the stages of ReLU, convolution and batch norm.

mod window;

use std::collections::BTreeMap;

use super::circuit::{Circuit, Sum, Term};
use super::{CellError, CellOperation};
use crate::ir::op::{Activation, Binary, Clamp, Op, ReduceKind, Scalar, Unary};
use crate::ir::{CheckedGraph, DType, Node, ParamKind, Producer, ValueId};
use crate::source::Span;

/// Factors of summands.
type Combination = BTreeMap<Term, f64>;

/// What a value is on the way through a cell.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// A sum; the empty one is zero.
    Sum(Combination),
    /// A sum with a border of zeros, for a convolution without padding.
    Bordered(Combination),
    /// Its ReLU; with a border or without.
    Relu { of: Combination, bordered: bool },
    /// A convolution of a ReLU, by its weights, without batch norm yet.
    Convolved { of: Sum, operation: CellOperation, weight: ValueId },
    /// Sums side by side along a new dimension, to be reduced: what is left is their sum.
    Stack { total: Combination, dim: usize, count: usize },
    /// All elements equal.
    Constant(f64),
    /// Something else, such as a parameter.
    Other,
}

/// The circuit that a graph computes.
pub(super) fn circuit(graph: &CheckedGraph) -> Result<Circuit, CellError> {
    let (input, output) = signature(graph)?;
    let mut reader = Reader::new(graph, input);
    for node in &graph.nodes {
        // What the output does not need may be anything.
        if node.outputs.iter().any(|value| reader.needed.get(value.index()) == Some(&true)) {
            let form = reader.form(node)?;
            for value in &node.outputs {
                reader.set(*value, form.clone());
            }
        }
    }
    let result = reader.form_of(output);
    let combination = reader.combination(&result, "output", None)?;
    reader.circuit.output = whole(&combination, None)?;
    Ok(reader.circuit)
}

/// Input and output, if they are images of one shape.
fn signature(graph: &CheckedGraph) -> Result<(ValueId, ValueId), CellError> {
    let shapes = |values: &[ValueId]| {
        let types = values.iter().filter_map(|&value| graph.tensor_type(value));
        types.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    if let ([input], [output]) = (graph.inputs.as_slice(), graph.outputs.as_slice())
        && let (Some(taken), Some(given)) = (graph.tensor_type(*input), graph.tensor_type(*output))
        && taken == given
        && taken.dtype == DType::F32
        && taken.shape.rank() == 4
    {
        return Ok((*input, *output));
    }
    let found = format!("{} -> {}", shapes(&graph.inputs), shapes(&graph.outputs));
    Err(CellError::Signature { found })
}

struct Reader<'a> {
    graph: &'a CheckedGraph,
    forms: Vec<Form>,
    needed: Vec<bool>,
    circuit: Circuit,
    /// The parameters of convolutions and norms, and the operation that uses them.
    owners: BTreeMap<ValueId, Term>,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a CheckedGraph, input: ValueId) -> Self {
        let forms = vec![Form::Other; graph.values.len()];
        let (circuit, owners) = (Circuit::default(), BTreeMap::new());
        let mut reader = Self { graph, forms, needed: needed(graph), circuit, owners };
        reader.set(input, Form::Sum(BTreeMap::from([(Term::Input, 1.0)])));
        reader
    }

    fn set(&mut self, value: ValueId, form: Form) {
        if let Some(slot) = self.forms.get_mut(value.index()) {
            *slot = form;
        }
    }

    fn form_of(&self, value: ValueId) -> Form {
        self.forms.get(value.index()).cloned().unwrap_or(Form::Other)
    }

    /// A form as a sum.
    fn combination(
        &self,
        form: &Form,
        operation: &'static str,
        span: Option<Span>,
    ) -> Result<Combination, CellError> {
        let reason = match form {
            Form::Sum(combination) => return Ok(combination.clone()),
            Form::Constant(0.0) => return Ok(Combination::new()),
            Form::Constant(_) => "a node is a sum of edges, without constants",
            Form::Relu { .. } => "a ReLU is followed by a 1x1 or 3x3 convolution",
            Form::Convolved { .. } => "a convolution is followed by a batch norm",
            Form::Bordered(_) => "padding comes before a 3x3 convolution only",
            Form::Stack { .. } | Form::Other => "it is no sum of edges",
        };
        let span = span.or_else(|| self.last_call());
        Err(CellError::Operation { operation, reason, span })
    }

    /// The call that gives the output.
    fn last_call(&self) -> Option<Span> {
        let output = self.graph.outputs.first().and_then(|&value| self.graph.value(value));
        let node = match output.map(|value| value.producer) {
            Some(Producer::Node(node, _)) => self.graph.node(node),
            _ => None,
        };
        node.map(|node| node.provenance.call)
    }

    fn operand(&self, node: &Node, place: usize) -> Form {
        node.inputs.get(place).map_or(Form::Other, |&value| self.form_of(value))
    }

    /// What a node computes.
    fn form(&mut self, node: &Node) -> Result<Form, CellError> {
        let first = self.operand(node, 0);
        if self.keeps(node) {
            return Ok(first);
        }
        match &node.op {
            Op::Full(full) => Ok(Form::Constant(full.value)),
            Op::Activation(Activation::Relu)
            | Op::Activation(Activation::Threshold { threshold: 0.0, value: 0.0 })
            | Op::Clamp(Clamp { min: Some(0.0), max: None })
            | Op::Scalar(Scalar { op: Binary::Maximum, value: 0.0, .. }) => self.relu(node, first),
            Op::Conv(conv) => self.convolve(node, conv, first),
            Op::BatchNorm(norm) => self.normalize(node, norm, first),
            Op::Pool(pool) => self.pool(node, pool, &first),
            Op::Pad(pad) => self.pad(node, pad, first),
            Op::Binary(binary) => self.binary(node, *binary, &first),
            Op::Scalar(scalar) => self.scalar(node, scalar, &first),
            Op::Unary(Unary::Neg) => Ok(Form::Sum(scaled(&self.summand(node, &first)?, -1.0))),
            Op::Reshape(_) => self.reshape(node, first),
            Op::Cat(cat) => self.cat(node, cat.dim),
            Op::Reduce(reduce) => match (first, reduce.kind, reduce.dims.as_slice()) {
                (Form::Stack { total, dim, .. }, ReduceKind::Sum, &[reduced])
                    if dim == reduced && !reduce.keep_dim =>
                {
                    Ok(Form::Sum(total))
                }
                (Form::Stack { total, dim, count }, ReduceKind::Mean, &[reduced])
                    if dim == reduced && !reduce.keep_dim =>
                {
                    Ok(Form::Sum(scaled(&total, 1.0 / count as f64)))
                }
                _ => refuse(node, "a cell reduces nothing but a stack of its edges to their sum"),
            },
            _ => refuse(
                node,
                "a cell has skip connections, 1x1 and 3x3 convolutions behind a ReLU and before a batch norm, and 3x3 average pooling",
            ),
        }
    }

    /// Whether a node gives back its operand.
    fn keeps(&self, node: &Node) -> bool {
        let (Some(&operand), Some(&result)) = (node.inputs.first(), node.outputs.first()) else {
            return false;
        };
        let same_type = self.graph.tensor_type(operand) == self.graph.tensor_type(result);
        same_type
            && match &node.op {
                Op::Contiguous | Op::Reshape(_) | Op::Expand(_) | Op::Slice(_) | Op::Cast(_) => {
                    true
                }
                Op::Permute(permute) => permute.order.is_sorted(),
                Op::Dropout(dropout) => dropout.p == 0.0,
                Op::Cat(_) | Op::Split(_) => node.inputs.len() == 1 && node.outputs.len() == 1,
                _ => false,
            }
    }

    fn summand(&self, node: &Node, form: &Form) -> Result<Combination, CellError> {
        self.combination(form, node.op.name(), Some(node.provenance.call))
    }

    fn relu(&self, node: &Node, of: Form) -> Result<Form, CellError> {
        match of {
            Form::Relu { .. } => Ok(of),
            Form::Bordered(of) => Ok(Form::Relu { of, bordered: true }),
            of => Ok(Form::Relu { of: self.summand(node, &of)?, bordered: false }),
        }
    }

    fn binary(&self, node: &Node, binary: Binary, left: &Form) -> Result<Form, CellError> {
        let right = self.operand(node, 1);
        match (binary, left, &right) {
            (Binary::Mul, Form::Constant(factor), form)
            | (Binary::Mul, form, Form::Constant(factor)) => {
                Ok(Form::Sum(scaled(&self.summand(node, form)?, *factor)))
            }
            (Binary::Add | Binary::Sub, ..) => {
                let sign = if binary == Binary::Add { 1.0 } else { -1.0 };
                let mut sum = self.summand(node, left)?;
                for (term, factor) in self.summand(node, &right)? {
                    *sum.entry(term).or_insert(0.0) += sign * factor;
                }
                Ok(Form::Sum(sum))
            }
            _ => refuse(node, "the edges of a node are added"),
        }
    }

    fn scalar(&self, node: &Node, scalar: &Scalar, of: &Form) -> Result<Form, CellError> {
        let sum = self.summand(node, of)?;
        match scalar.op {
            Binary::Mul => Ok(Form::Sum(scaled(&sum, scalar.value))),
            Binary::Div if !scalar.reversed && scalar.value != 0.0 => {
                Ok(Form::Sum(scaled(&sum, 1.0 / scalar.value)))
            }
            Binary::Add if scalar.value == 0.0 => Ok(Form::Sum(sum)),
            Binary::Sub if scalar.value == 0.0 => {
                Ok(Form::Sum(scaled(&sum, if scalar.reversed { -1.0 } else { 1.0 })))
            }
            _ => refuse(node, "a node is a sum of edges, without constants"),
        }
    }

    /// A sum with a new dimension of extent 1 is a stack of one.
    fn reshape(&self, node: &Node, of: Form) -> Result<Form, CellError> {
        let shape = |value: Option<&ValueId>| {
            let found = value.and_then(|&value| self.graph.tensor_type(value));
            found.map(|found| found.shape.0.clone()).unwrap_or_default()
        };
        let (before, after) = (shape(node.inputs.first()), shape(node.outputs.first()));
        let one = crate::ir::Dim::Known(1);
        let new = (0..after.len()).find(|&dim| {
            let mut rest = after.clone();
            rest.remove(dim) == one && rest == before
        });
        match (of, new) {
            (Form::Sum(total), Some(dim)) => Ok(Form::Stack { total, dim, count: 1 }),
            (Form::Constant(value), _) => Ok(Form::Constant(value)),
            _ => refuse(node, "a cell changes no shapes"),
        }
    }

    fn cat(&self, node: &Node, along: usize) -> Result<Form, CellError> {
        let (mut all, mut many) = (Combination::new(), 0);
        for place in 0..node.inputs.len() {
            match self.operand(node, place) {
                Form::Stack { total, dim, count } if dim == along => {
                    total.into_iter().for_each(|(term, factor)| {
                        *all.entry(term).or_insert(0.0) += factor;
                    });
                    many += count;
                }
                Form::Constant(0.0) => many += 1,
                _ => return refuse(node, "the edges of a node are added, not concatenated"),
            }
        }
        Ok(Form::Stack { total: all, dim: along, count: many })
    }

    /// Whether a value is a tensor that training changes.
    fn is_trainable(&self, value: ValueId) -> bool {
        let producer = self.graph.value(value).map(|value| value.producer);
        let Some(Producer::Param(id)) = producer else { return false };
        self.graph.param(id).is_some_and(|param| param.kind == ParamKind::Trainable)
    }
}

/// Which values the output is made of.
fn needed(graph: &CheckedGraph) -> Vec<bool> {
    let mut needed = vec![false; graph.values.len()];
    let mark = |values: &[ValueId], needed: &mut Vec<bool>| {
        for value in values {
            if let Some(slot) = needed.get_mut(value.index()) {
                *slot = true;
            }
        }
    };
    mark(&graph.outputs, &mut needed);
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|value| needed.get(value.index()) == Some(&true)) {
            mark(&node.inputs, &mut needed);
        }
    }
    needed
}

fn scaled(sum: &Combination, factor: f64) -> Combination {
    sum.iter().map(|(&term, &own)| (term, own * factor)).collect()
}

/// A combination as a plain sum: every factor is a count.
fn whole(sum: &Combination, span: Option<Span>) -> Result<Sum, CellError> {
    let mut counted = Sum::new();
    for (&term, &factor) in sum {
        let count = factor.round();
        if (factor - count).abs() > 1e-6 || !(0.0..=1e6).contains(&count) {
            return Err(CellError::Factor { factor: factor.to_string(), span });
        }
        if count > 0.0 {
            counted.insert(term, count as u32);
        }
    }
    Ok(counted)
}

fn refuse<T>(node: &Node, reason: &'static str) -> Result<T, CellError> {
    Err(CellError::Operation {
        operation: node.op.name(),
        reason,
        span: Some(node.provenance.call),
    })
}
