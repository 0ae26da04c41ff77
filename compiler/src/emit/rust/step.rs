//! `Steps`: calls of kernels in order, the buffers that they fill, and the weights that they read.

use std::collections::BTreeMap;

use super::super::fold::Fold;
use super::super::{EmitError, Weights, elements};
use super::length;
use crate::ir::{CheckedGraph, Node, Producer, ValueId};
use crate::source::Span;

/// Stands before and behind the number of a buffer in a step's text, until its place is known.
pub(super) const USE: char = '\u{1}';

/// A call of a kernel.
pub(super) struct Step {
    /// What it does, for a comment.
    pub title: String,
    pub text: String,
    /// The buffer that it fills.
    pub output: usize,
    /// The buffers that it reads.
    pub inputs: Vec<usize>,
}

/// A network as calls of kernels.
pub(super) struct Steps<'a> {
    graph: &'a CheckedGraph,
    params: &'a Weights<'a>,
    pub steps: Vec<Step>,
    /// All weights, one behind the other.
    pub weights: Vec<f32>,
    places: BTreeMap<String, (usize, usize)>,
    lengths: Vec<usize>,
    buffers: BTreeMap<ValueId, usize>,
    folded: Option<(Vec<f32>, Vec<f32>)>,
    output: Option<ValueId>,
    operation: &'static str,
    call: Option<Span>,
    reads: Vec<usize>,
}

impl<'a> Steps<'a> {
    pub fn new(graph: &'a CheckedGraph, params: &'a Weights<'a>) -> Result<Self, EmitError> {
        let mut steps = Steps {
            graph,
            params,
            steps: Vec::new(),
            weights: Vec::new(),
            places: BTreeMap::new(),
            lengths: Vec::new(),
            buffers: BTreeMap::new(),
            folded: None,
            output: None,
            operation: "network",
            call: None,
            reads: Vec::new(),
        };
        let ([input], [_]) = (graph.inputs.as_slice(), graph.outputs.as_slice()) else {
            return Err(steps.unsupported("it has several inputs or outputs"));
        };
        steps.define(*input);
        Ok(steps)
    }

    /// Turns to a node, and to the batch norm that it takes over.
    pub fn begin(&mut self, node: &Node, fold: Option<&Fold>) {
        self.operation = node.op.name();
        self.call = Some(node.provenance.call);
        self.folded = fold.map(|fold| (fold.weight.clone(), fold.bias.clone()));
        self.output = fold.map(|fold| fold.output).or_else(|| node.outputs.first().copied());
        self.reads.clear();
    }

    /// The error that the node has no form.
    pub fn unsupported(&self, reason: impl Into<String>) -> EmitError {
        let start = Span { file: crate::source::FileId(0), start: 0, end: 0 };
        EmitError::Unsupported {
            target: "rust",
            operation: self.operation,
            reason: reason.into(),
            call: self.call.unwrap_or(start),
        }
    }

    pub fn buffers(&self) -> usize {
        self.lengths.len()
    }

    pub fn length(&self, buffer: usize) -> usize {
        self.lengths.get(buffer).copied().unwrap_or_default()
    }

    pub fn buffer_of(&self, id: ValueId) -> usize {
        self.buffers.get(&id).copied().unwrap_or_default()
    }

    fn define(&mut self, id: ValueId) -> usize {
        let buffer = self.lengths.len();
        self.lengths.push(length(self.graph, id));
        self.buffers.insert(id, buffer);
        buffer
    }

    /// Extents for one sample.
    pub fn extents(&self, id: ValueId) -> Vec<usize> {
        let dims = self.graph.tensor_type(id).map(|found| found.shape.0.as_slice());
        let extent = |dim: &crate::ir::Dim| usize::try_from(dim.at_batch(1)).unwrap_or(usize::MAX);
        dims.unwrap_or_default().iter().map(extent).collect()
    }

    /// Extents of an operand.
    pub fn operand_extents(&self, node: &Node, operand: usize) -> Vec<usize> {
        node.inputs.get(operand).map(|&id| self.extents(id)).unwrap_or_default()
    }

    /// Extents of the result.
    pub fn result_extents(&self) -> Vec<usize> {
        self.output.map(|id| self.extents(id)).unwrap_or_default()
    }

    /// Text of the elements of an operand; parameters are loaded into a buffer.
    pub fn operand(&mut self, node: &Node, operand: usize) -> Result<String, EmitError> {
        let Some(&id) = node.inputs.get(operand) else {
            return Err(self.unsupported("an operand is missing"));
        };
        self.value(id)
    }

    fn value(&mut self, id: ValueId) -> Result<String, EmitError> {
        let is_float = self.graph.tensor_type(id).is_some_and(|found| found.dtype.is_float());
        if !is_float {
            return Err(self.unsupported("tensors of integers or truth values"));
        }
        let buffer = match (self.buffers.get(&id), self.graph.value(id).map(|v| v.producer)) {
            (Some(buffer), _) => *buffer,
            (None, Some(Producer::Param(_))) => self.loaded(id)?,
            (None, _) => return Err(self.unsupported("an operand without a value")),
        };
        self.reads.push(buffer);
        let length = self.length(buffer);
        Ok(format!("parts.at({USE}{buffer}{USE}, {length})"))
    }

    fn loaded(&mut self, id: ValueId) -> Result<usize, EmitError> {
        let text = self.parameter(id)?;
        let buffer = self.define(id);
        let text = format!("kernel::load(out, {text});");
        let title = "load a parameter".to_owned();
        self.steps.push(Step { title, text, output: buffer, inputs: Vec::new() });
        Ok(buffer)
    }

    /// Text of the bytes of a parameter.
    fn parameter(&mut self, id: ValueId) -> Result<String, EmitError> {
        let param = match self.graph.value(id).map(|value| value.producer) {
            Some(Producer::Param(param)) => self.graph.param(param),
            Some(Producer::Input(_) | Producer::Node(..)) | None => None,
        };
        let Some(param) = param else {
            return Err(self.unsupported("weights that are computed"));
        };
        let elements = elements(param, self.params)?;
        Ok(self.constant(param.path.as_str(), &elements))
    }

    /// Text of bytes that are kept under a name.
    pub fn constant(&mut self, name: &str, elements: &[f32]) -> String {
        let known = self.places.get(name).copied();
        let (start, length) = known.unwrap_or_else(|| {
            let place = (self.weights.len(), elements.len());
            self.weights.extend_from_slice(elements);
            self.places.insert(name.to_owned(), place);
            place
        });
        format!("weights({start}, {length})")
    }

    /// Texts of weight and bias of a layer, with the batch norm that it takes over.
    pub fn weight_and_bias(&mut self, node: &Node, bias: bool) -> Result<[String; 2], EmitError> {
        if let Some((weight, bias)) = self.folded.take() {
            let name = format!("folded {}", self.steps.len());
            let weight = self.constant(&format!("{name} weight"), &weight);
            return Ok([weight, self.constant(&format!("{name} bias"), &bias)]);
        }
        let weight = node.inputs.get(1).copied();
        let weight = weight.map(|id| self.parameter(id)).transpose()?.unwrap_or_default();
        let bias = node.inputs.get(2).copied().filter(|_| bias);
        let bias = bias.map(|id| self.parameter(id)).transpose()?;
        Ok([weight, bias.unwrap_or_else(|| "&[]".to_owned())])
    }

    /// Appends the call that makes the node's result.
    pub fn push(&mut self, text: String) {
        if let Some(output) = self.output {
            self.push_to(output, text);
        }
    }

    /// Appends the call that makes one of the node's results.
    pub fn push_to(&mut self, id: ValueId, text: String) {
        let output = self.define(id);
        let title = self.operation.to_owned();
        self.steps.push(Step { title, text, output, inputs: self.reads.clone() });
    }

    /// Lets the result be the operand.
    pub fn alias(&mut self, node: &Node) -> Result<(), EmitError> {
        self.operand(node, 0)?;
        let (Some(&input), Some(&output)) = (node.inputs.first(), node.outputs.first()) else {
            return Ok(());
        };
        let buffer = self.buffer_of(input);
        self.buffers.insert(output, buffer);
        Ok(())
    }

    /// The elements of the parameter behind an operand.
    pub fn elements(&self, node: &Node, operand: usize) -> Result<Vec<f32>, EmitError> {
        let value = node.inputs.get(operand).and_then(|&id| self.graph.value(id));
        match value.map(|value| value.producer) {
            Some(Producer::Param(param)) => match self.graph.param(param) {
                Some(param) => Ok(elements(param, self.params)?.into_owned()),
                None => Ok(Vec::new()),
            },
            Some(Producer::Input(_) | Producer::Node(..)) | None => {
                Err(self.unsupported("weights that are computed"))
            }
        }
    }
}
