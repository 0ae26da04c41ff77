//! What is suspicious about how a traced network would be trained: layers that lose their state,
//! parameters with two owners, outputs that are no logits.

use std::rc::Rc;

use crate::ir::op::{Activation, Op};
use crate::ir::{Graph, ModuleId, Node, Producer, ValueId};
use crate::source::Span;

use super::error::Mistake;
use super::interpreter::Interpreter;
use super::object::Class;
use super::warn::warning;

/// Layers with parameters, running statistics, or a behaviour that depends on the mode; beginnings
/// of their names.
const STATEFUL: &[&str] = &[
    "AlphaDropout",
    "BatchNorm",
    "Bilinear",
    "Conv",
    "Dropout",
    "Embedding",
    "FeatureAlphaDropout",
    "GRU",
    "GroupNorm",
    "InstanceNorm",
    "LSTM",
    "LayerNorm",
    "Linear",
    "MultiheadAttention",
    "PReLU",
    "RMSNorm",
    "RNN",
    "Transformer",
];

impl Interpreter<'_> {
    /// Notes a layer that is made while a `forward` runs, unless it has no state to lose.
    pub(crate) fn note_made_in_forward(&mut self, class: &Rc<Class>) {
        let Some(name) = class.layer_name().filter(|_| !self.module_stack.is_empty()) else {
            return;
        };
        let is_stateful = STATEFUL.iter().any(|stem| name.starts_with(stem));
        if is_stateful && !super::prelude::is_here(self.site) {
            self.made_in_forward.push((name, self.site));
        }
    }

    pub(super) fn warn_made_in_forward(&mut self) {
        for (name, span) in std::mem::take(&mut self.made_in_forward) {
            let loss = match name {
                name if name.contains("Dropout") => "it drops in evaluation, too",
                name if name.contains("Norm") => "its statistics and weights start anew each time",
                _ => "its weights are random each time and never trained",
            };
            self.report(warning(
                Mistake::LayerMadeInForward,
                format!("`{name}` is made anew in each call of `forward`: {loss}"),
                span,
                "make it in `__init__` and call it here",
            ));
        }
    }

    /// Parameters that a layer uses and another layer owns.
    pub(super) fn warn_shared(&mut self) {
        let graph = self.builder.graph();
        let mut found: Vec<(String, Span)> = Vec::new();
        for node in &graph.nodes {
            let Some((owner, param)) = foreign_parameter(graph, node) else { continue };
            let user = graph.module(node.provenance.module);
            let (Some(user), Some(span)) = (user, node.provenance.declared) else { continue };
            let message = format!(
                "`{}` and `{}` share the parameter `{param}`",
                user.path,
                graph.module(owner).map_or("", |module| module.path.as_str()),
            );
            if !found.iter().any(|(known, _)| *known == message) {
                found.push((message, span));
            }
        }
        for (message, span) in found {
            self.report(warning(
                Mistake::SharedParameters,
                message,
                span,
                "nothing to do if the layers are tied on purpose: the parameter counts once",
            ));
        }
    }

    /// Softmax or ReLU as the last operation of a classifier, whose loss expects logits.
    pub(crate) fn warn_logits(&mut self, outputs: &[ValueId]) {
        let &[output] = outputs else { return };
        let graph = self.builder.graph();
        let is_row = graph.tensor_type(output).is_some_and(|output| output.shape.rank() == 2);
        let Some(node) = producer(graph, output).filter(|_| is_row) else { return };
        let span = node.provenance.call;
        let before = node.inputs.first().and_then(|&input| producer(graph, input));
        match &node.op {
            Op::Softmax(softmax) if softmax.dim == 1 && !softmax.log => self.report(warning(
                Mistake::SoftmaxBeforeLoss,
                String::from(
                    "the output is a softmax, and cross-entropy takes a softmax of its own",
                ),
                span,
                "return the logits, and take the softmax only where probabilities are read",
            )),
            Op::Activation(Activation::Relu | Activation::Relu6)
                if before.is_some_and(|node| matches!(node.op, Op::Linear(_))) =>
            {
                self.report(warning(
                    Mistake::ReluOnLogits,
                    String::from(
                        "the output is a ReLU of a linear layer: negative logits are lost",
                    ),
                    span,
                    "return the linear layer's result",
                ));
            }
            _ => {}
        }
    }
}

fn producer(graph: &Graph, value: ValueId) -> Option<&Node> {
    match graph.value(value)?.producer {
        Producer::Node(node, _) => graph.node(node),
        Producer::Input(_) | Producer::Param(_) => None,
    }
}

/// The owner and name of a parameter that another layer than the node's owns.
fn foreign_parameter(graph: &Graph, node: &Node) -> Option<(ModuleId, String)> {
    let user = node.provenance.module;
    let is_layer = |id| graph.module(id).is_some_and(|module| module.layer.is_some());
    node.inputs.iter().filter(|_| is_layer(user)).find_map(|&input| {
        let Producer::Param(id) = graph.value(input)?.producer else { return None };
        let param = graph.param(id).filter(|param| param.kind.is_parameter())?;
        let is_foreign = is_layer(param.module) && !is_within(graph, param.module, user);
        is_foreign.then(|| (param.module, param.path.to_string()))
    })
}

/// Whether a module is `outer` or lies below it.
fn is_within(graph: &Graph, inner: ModuleId, outer: ModuleId) -> bool {
    let mut module = Some(inner);
    while let Some(id) = module {
        if id == outer {
            return true;
        }
        module = graph.module(id).and_then(|module| module.parent);
    }
    false
}
