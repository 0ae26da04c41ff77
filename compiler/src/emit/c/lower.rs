//! `Lowering`: walks the graph and holds what became of each value: elements in memory, an
//! expression not yet computed, or a kernel whose end still takes element-wise operations in.

use std::collections::BTreeMap;

use super::super::{EmitError, Weights};
use super::expression::Expression;
use super::loops;
use super::product::Product;
use super::program::{Buffer, Program, Step};
use super::view::View;
use crate::ir::{CheckedGraph, Init, Node, Op, Param, ParamKind, Producer, ValueId};
use crate::source::{FileId, Span};

/// What became of a value.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// Its elements are in memory.
    View(View),
    /// It is computed where it is used.
    Lazy(Expression),
    /// It is computed by a kernel; the expression is over the kernel's sum.
    Pending(Box<Product>, Expression),
}

/// An expression of more pieces is computed before it is used further.
const LARGEST_EXPRESSION: usize = 48;

/// The place of a network without operations.
const NOWHERE: Span = Span { file: FileId(0), start: 0, end: 0 };

/// The state of the walk.
pub(super) struct Lowering<'a> {
    pub graph: &'a CheckedGraph,
    pub weights: &'a Weights<'a>,
    pub program: Program,
    held: BTreeMap<ValueId, Held>,
    uses: Vec<usize>,
    margins: BTreeMap<ValueId, Vec<(i64, i64)>>,
    node: Option<&'a Node>,
}

impl<'a> Lowering<'a> {
    pub fn new(graph: &'a CheckedGraph, weights: &'a Weights<'a>) -> Lowering<'a> {
        let mut lowering = Lowering {
            graph,
            weights,
            program: Program::default(),
            held: BTreeMap::new(),
            uses: uses(graph),
            margins: super::margin::wanted(graph),
            node: None,
        };
        for (position, &id) in graph.inputs.iter().enumerate() {
            let buffer = lowering.program.buffer(Buffer::Input(position));
            let view = View::plain(buffer, &lowering.extents(id));
            lowering.held.insert(id, Held::View(view));
        }
        lowering
    }

    /// Whether a result of the node is needed.
    pub fn is_live(&self, node: &Node) -> bool {
        node.outputs.iter().any(|&id| self.uses_of(id) > 0)
    }

    /// The node that errors are about from now on.
    pub fn begin(&mut self, node: &'a Node) {
        self.node = Some(node);
    }

    /// The error that the present operation has no form.
    pub fn unsupported(&self, reason: impl Into<String>) -> EmitError {
        let node = self.node.or(self.graph.nodes.first());
        EmitError::Unsupported {
            target: "c",
            operation: node.map_or("network", |node| node.op.name()),
            reason: reason.into(),
            call: node.map_or(NOWHERE, |node| node.provenance.call),
        }
    }

    pub fn uses_of(&self, id: ValueId) -> usize {
        self.uses.get(id.index()).copied().unwrap_or(0)
    }

    /// The shape of a value for one sample.
    pub fn extents(&self, id: ValueId) -> Vec<i64> {
        let shape = self.graph.tensor_type(id).map(|found| found.shape.0.as_slice());
        let dims = shape.unwrap_or_default().iter();
        dims.map(|dim| i64::try_from(dim.at_batch(1)).unwrap_or(i64::MAX)).collect()
    }

    /// The parameter behind a value, if it is one.
    pub fn param(&self, id: ValueId) -> Option<&'a Param> {
        match self.graph.value(id)?.producer {
            Producer::Param(param) => self.graph.graph().param(param),
            Producer::Input(_) | Producer::Node(..) => None,
        }
    }

    /// The elements of the parameter behind a value.
    pub fn elements(&self, id: ValueId) -> Result<Vec<f32>, EmitError> {
        let param = self.param(id).ok_or_else(|| {
            self.unsupported("its weights are computed, and have to be parameters")
        })?;
        let is_drawn = matches!(param.init, Init::Uniform { .. } | Init::Normal { .. });
        if is_drawn && matches!(param.kind, ParamKind::TransientBuffer | ParamKind::Unregistered) {
            return Err(self.unsupported("it reads random numbers that no state dict holds"));
        }
        let Init::Elements(elements) = &param.init else {
            return Ok(super::super::elements(param, self.weights)?.into_owned());
        };
        if param.dtype.is_float() {
            return Ok(super::super::elements(param, self.weights)?.into_owned());
        }
        if elements.iter().any(|element| element.abs() > 16_777_216.0) {
            return Err(self.unsupported("an integer above 2^24"));
        }
        Ok(elements.iter().map(|&element| element as f32).collect())
    }

    /// Operand `index` of a node.
    pub fn operand(&self, node: &Node, index: usize) -> Result<ValueId, EmitError> {
        node.inputs.get(index).copied().ok_or_else(|| self.unsupported("an operand is missing"))
    }

    /// A value's elements in memory.
    pub fn view(&mut self, id: ValueId) -> Result<View, EmitError> {
        let held = match self.held.get(&id) {
            Some(Held::View(view)) => return Ok(view.clone()),
            Some(held) => held.clone(),
            None => return self.constant(id),
        };
        let view = match held {
            Held::View(view) => view,
            Held::Lazy(expression) => self.compute(Some(id), &self.extents(id), &expression),
            Held::Pending(product, end) => {
                let view = self.image(id, &product.order());
                let step = product.emit(&mut self.program, &view, &end);
                self.program.steps.push(step);
                view
            }
        };
        self.held.insert(id, Held::View(view.clone()));
        Ok(view)
    }

    fn constant(&mut self, id: ValueId) -> Result<View, EmitError> {
        let (elements, extents) = (self.elements(id)?, self.extents(id));
        let view = self.program.constant(elements, &extents);
        self.held.insert(id, Held::View(view.clone()));
        Ok(view)
    }

    /// A value's elements in row-major order.
    pub fn plain(&mut self, id: ValueId) -> Result<View, EmitError> {
        let view = self.view(id)?;
        Ok(self.plain_view(&view))
    }

    /// The elements of a view in row-major order, copied if they are not.
    pub fn plain_view(&mut self, view: &View) -> View {
        if view.is_plain() {
            return view.clone();
        }
        let copy = self.program.allocate_plain(&view.extents());
        self.copy(view, &copy);
        copy
    }

    /// Memory for a value in the given order of dimensions, with the zeros around it that
    /// convolutions ask for.
    pub fn image(&mut self, id: ValueId, order: &[usize]) -> View {
        let extents = self.extents(id);
        let margins = self.margins.get(&id).cloned().unwrap_or_default();
        if margins.is_empty() {
            return self.program.allocate(&extents, order, &[]);
        }
        self.padded(&extents, &margins)
    }

    /// Memory for an image, channels last, with zeros around it.
    pub fn padded(&mut self, extents: &[i64], margins: &[(i64, i64)]) -> View {
        let view = self.program.allocate(extents, &channels_last(extents.len()), margins);
        self.program.steps.push(super::margin::zeros(&view));
        view
    }

    /// Copies elements between views of one shape.
    pub fn copy(&mut self, from: &View, to: &View) {
        self.store(&Expression::load(from.clone()), to);
    }

    /// Computes an expression into memory of its own.
    pub fn compute(
        &mut self,
        id: Option<ValueId>,
        extents: &[i64],
        expression: &Expression,
    ) -> View {
        let whole = |view: &&View| view.extents() == extents && view.elements() > 1;
        let broadcast =
            |view: &View| view.axes.iter().any(|axis| axis.stride == 0 && axis.extent > 1);
        let like = expression.loads.iter().filter(whole).find(|view| !broadcast(view));
        let order = like.map_or_else(|| (0..extents.len()).collect(), View::order);
        let to = match id {
            Some(id) => self.image(id, &order),
            None => self.program.allocate(extents, &order, &[]),
        };
        self.store(expression, &to);
        to
    }

    /// Computes an expression for every element of a view.
    pub fn store(&mut self, expression: &Expression, to: &View) {
        let extents = to.extents();
        let mut strides = vec![to.strides()];
        strides.extend(expression.loads.iter().map(|view| view.expand(&extents).strides()));
        let nest = loops::nest(&extents, &strides);
        let mut step = Step::new("elements");
        let target = step.write(to);
        let loads: Vec<String> = (1..)
            .zip(&expression.loads)
            .map(|(tensor, view)| {
                format!("{}[{}]", step.read(view), loops::index(&nest, "i", tensor))
            })
            .collect();
        let value = expression.render(&loads, "");
        let place = loops::index(&nest, "i", 0);
        step.body = format!(
            "{}{target}[{place}] = {value};\n{}",
            loops::heads(&nest, "i"),
            loops::tails(&nest)
        );
        self.program.steps.push(step);
    }

    /// Sets what became of the first result of a node.
    pub fn define(&mut self, node: &Node, held: Held) -> Result<(), EmitError> {
        node.outputs.first().map_or(Ok(()), |&id| self.define_value(id, held))
    }

    /// Sets the first result of a node to elements in memory.
    pub fn define_view(&mut self, node: &Node, view: View) -> Result<(), EmitError> {
        self.define(node, Held::View(view))
    }

    /// Sets what became of a value. What is used several times, or is large, is computed now.
    pub fn define_value(&mut self, id: ValueId, held: Held) -> Result<(), EmitError> {
        let size = match &held {
            Held::View(_) => 0,
            Held::Lazy(expression) | Held::Pending(_, expression) => expression.size(),
        };
        self.held.insert(id, held);
        if self.uses_of(id) > 1 || size > LARGEST_EXPRESSION {
            self.view(id)?;
        }
        Ok(())
    }

    /// Lets a result be an operand.
    pub fn alias(&mut self, node: &Node) -> Result<(), EmitError> {
        let from = self.operand(node, 0)?;
        if self.uses_of(from) > 1 || !self.held.contains_key(&from) {
            self.view(from)?;
        }
        let held = self.held.get(&from).cloned();
        let held = held.ok_or_else(|| self.unsupported("an operand is missing"))?;
        self.define(node, held)
    }

    /// A result whose elements follow from the elements of operands at the same place. Operands
    /// that are not yet computed are taken into the same loop.
    pub fn elementwise(
        &mut self,
        node: &Node,
        combine: impl FnOnce(Vec<Expression>) -> Expression,
    ) -> Result<(), EmitError> {
        self.elementwise_on(node, &node.inputs, combine)
    }

    /// As [`Lowering::elementwise`] over some of the operands.
    pub fn elementwise_on(
        &mut self,
        node: &Node,
        inputs: &[ValueId],
        combine: impl FnOnce(Vec<Expression>) -> Expression,
    ) -> Result<(), EmitError> {
        let Some(&output) = node.outputs.first() else { return Ok(()) };
        let extents = self.extents(output);
        let pending = inputs.iter().copied().find(|&id| self.can_end(id, &extents));
        let mut product = None;
        let mut operands = Vec::new();
        for &id in inputs {
            operands.push(match self.held.get(&id).cloned() {
                Some(Held::Pending(kernel, end)) if Some(id) == pending => {
                    product = Some(kernel);
                    end
                }
                Some(Held::Lazy(expression)) if self.extents(id) == extents => expression,
                _ => Expression::load(self.view(id)?.expand(&extents)),
            });
        }
        let expression = combine(operands);
        self.define_value(
            output,
            match product {
                Some(product) => Held::Pending(product, expression),
                None => Held::Lazy(expression),
            },
        )
    }

    fn can_end(&self, id: ValueId, extents: &[i64]) -> bool {
        let is_pending = matches!(self.held.get(&id), Some(Held::Pending(..)));
        is_pending && self.uses_of(id) == 1 && self.extents(id) == extents
    }

    /// The kernel behind a value, if nothing has been added to it and nobody else needs it.
    pub fn take_bare_product(&mut self, id: ValueId) -> Option<Box<Product>> {
        match self.held.get(&id) {
            Some(Held::Pending(product, end)) if end.is_result() && self.uses_of(id) == 1 => {
                Some(product.clone())
            }
            _ => None,
        }
    }

    /// Copies the results of the network to the caller.
    pub fn finish(mut self) -> Result<Program, EmitError> {
        for (position, &id) in self.graph.outputs.iter().enumerate() {
            let view = self.view(id)?;
            let buffer = self.program.buffer(Buffer::Output(position));
            let to = View::plain(buffer, &view.extents());
            self.copy(&view, &to);
        }
        Ok(self.program)
    }
}

/// Dimensions of an image from the outermost in memory: batch, rows, columns, channels.
pub(super) fn channels_last(rank: usize) -> Vec<usize> {
    std::iter::once(0).chain(2..rank).chain((rank > 1).then_some(1)).collect()
}

/// How often each value is read by an operation that a result depends on.
fn uses(graph: &CheckedGraph) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    let mut count = |id: &ValueId| {
        if let Some(count) = uses.get_mut(id.index()) {
            *count += 1;
        }
    };
    graph.outputs.iter().for_each(&mut count);
    let mut uses_now = uses;
    for node in graph.nodes.iter().rev() {
        let live = node.outputs.iter().any(|id| uses_now.get(id.index()).is_some_and(|n| *n > 0));
        for id in node.inputs.iter().filter(|_| live && !matches!(node.op, Op::Random(_))) {
            if let Some(count) = uses_now.get_mut(id.index()) {
                *count += 1;
            }
        }
    }
    uses_now
}
