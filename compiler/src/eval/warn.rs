//! What is suspicious about a traced network: layers that are never called, layers that no module
//! registers, batch dimensions that were merged with others.

use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Fault, Label, Remedy, Severity};
use crate::ir::op::Op;
use crate::ir::{Dim, Producer, Provenance, Shape, ValueId};
use crate::shape::ShapeError;
use crate::source::Span;

use super::error::Mistake;
use super::interpreter::Interpreter;
use super::nn::all_modules;
use super::object::Instance;
use super::value::Value;

impl Interpreter<'_> {
    /// Records all warnings about a network that was traced.
    pub(crate) fn warn(&mut self, root: &Rc<Instance>) {
        for (path, module) in all_modules(root) {
            self.warn_unused(&path, &module);
            self.warn_plain_lists(&module);
        }
        self.warn_single_values();
        self.warn_made_in_forward();
        self.warn_shared();
    }

    fn warn_unused(&mut self, path: &str, module: &Rc<Instance>) {
        if module.class.layer_name().is_none() || self.called_modules.contains(&module.address()) {
            return;
        }
        let parameters = module.module.borrow().as_ref().map_or(0, |s| s.parameters.len());
        let Some(span) = module.declared.get().filter(|_| parameters > 0) else { return };
        let id = self.module_ids.get(&module.address()).copied();
        let used = self.builder.graph().values.iter().any(|value| match value.producer {
            Producer::Param(param) => self.builder.graph().param(param).map(|p| p.module) == id,
            Producer::Input(_) | Producer::Node(..) => false,
        });
        if !used {
            self.report(warning(
                Mistake::UnusedLayer,
                format!("`{path}` is never called"),
                span,
                "call it in `forward`, or remove it: its parameters are trained by nothing",
            ));
        }
    }

    fn warn_plain_lists(&mut self, module: &Instance) {
        let attributes = module.attributes.borrow();
        for (name, value) in attributes.iter() {
            let items = match value {
                Value::List(items) => items.borrow().clone(),
                Value::Tuple(items) => items.to_vec(),
                Value::Dict(entries) => {
                    entries.borrow().values().map(|(_, value)| value.clone()).collect()
                }
                _ => continue,
            };
            let lost = items.iter().filter_map(Value::module).find(|child| {
                !self.module_ids.contains_key(&child.address())
                    && !super::nn::all_parameters(child, true).is_empty()
            });
            let Some(span) = lost.and_then(|child| child.declared.get()) else { continue };
            self.report(warning(
                Mistake::PlainListOfLayers,
                format!("the layers in `self.{name}` are not registered: their parameters are never trained"),
                span,
                &format!("wrap them: `self.{name} = nn.ModuleList(...)`"),
            ));
        }
    }

    /// Batch normalisation of one value per channel fails in training at batch size 1.
    fn warn_single_values(&mut self) {
        let graph = self.builder.graph();
        let mut places: Vec<Span> = Vec::new();
        for node in &graph.nodes {
            let Op::BatchNorm(norm) = &node.op else { continue };
            let input = node.inputs.first().and_then(|&value| graph.tensor_type(value));
            let Some(elements) = input.and_then(|input| input.shape.elements()) else { continue };
            if elements == (Dim::Batch { factor: norm.num_features }) {
                places.push(node.provenance.call);
            }
        }
        for span in places {
            self.report(warning(
                Mistake::SingleValuePerChannel,
                String::from("batch normalisation sees one value per channel when a batch holds one sample: training fails there"),
                span,
                "train with larger batches and drop the last incomplete one",
            ));
        }
    }

    /// Warns about results whose first dimension is a multiple of the batch: samples may be mixed.
    pub(crate) fn check_batch(&mut self, outputs: &[ValueId]) {
        let graph = self.builder.graph();
        let merged = |value: ValueId| {
            let first = graph.tensor_type(value).and_then(|t| t.shape.0.first().copied());
            matches!(first, Some(Dim::Batch { factor }) if factor != 1)
        };
        if !outputs.iter().any(|&value| merged(value)) {
            return;
        }
        let starts = |value: &ValueId| {
            graph.tensor_type(*value).and_then(|t| t.shape.0.first().copied()) == Some(Dim::N)
        };
        let culprit = graph.nodes.iter().rev().find(|node| {
            matches!(node.op, Op::Reshape(_))
                && self.merged_batches.contains(&node.provenance.call)
                && node.inputs.iter().any(starts)
                && node.outputs.iter().any(|&value| merged(value))
        });
        let Some(span) = culprit.map(|node| node.provenance.call) else { return };
        self.report(warning(
            Mistake::BatchMerged,
            String::from(
                "the batch dimension is merged with others: a batch of N samples gives another number of rows",
            ),
            span,
            "keep the batch: write `x.view(x.size(0), -1)` or `torch.flatten(x, 1)`",
        ));
    }

    /// Where a view made rows of parts of samples, the view is wrong, not the layer behind it: its
    /// size becomes what a sample has.
    pub(crate) fn blame_view(
        &self,
        diagnostic: &mut Diagnostic,
        error: &ShapeError,
        provenance: &Provenance,
    ) {
        let ShapeError::FeatureMismatch { argument, expected, found, input } = error else {
            return;
        };
        let graph = self.builder.graph();
        let shape = |value: Option<&ValueId>| Some(&graph.tensor_type(*value?)?.shape);
        let culprit = graph.nodes.iter().rev().find(|node| {
            self.merged_batches.contains(&node.provenance.call)
                && diagnostic.trail.iter().any(|step| step.span == node.provenance.call)
                && shape(node.outputs.first()) == Some(input)
        });
        let Some(call) = culprit.map(|node| node.provenance.call) else { return };
        let Some(before) = culprit.and_then(|node| shape(node.inputs.first())) else { return };
        // Rows that keep the last dimension are positions, as of a sequence.
        let keeps_rows = before.0.last() == Some(found);
        let sample = Shape(before.0.iter().skip(1).copied().collect()).elements();
        let sample = sample.and_then(Dim::known).filter(|_| input.rank() == 2 && !keeps_rows);
        let Some(sample) = sample else { return };
        let Ok(value) = i64::try_from(sample) else { return };
        let view = Remedy::LastSize { call, value };
        diagnostic.help = Some(format!("write {sample} instead of {found} in the view before it"));
        diagnostic.remedies = if sample == *expected {
            vec![view]
        } else {
            let layer =
                provenance.declared.map(|call| Remedy::Argument { call, name: argument, value });
            vec![Remedy::All([view].into_iter().chain(layer).collect())]
        };
    }
}

pub(super) fn warning(mistake: Mistake, message: String, span: Span, help: &str) -> Diagnostic {
    Diagnostic {
        code: mistake.code(),
        severity: Severity::Warning,
        fault: Fault::Program,
        message,
        labels: vec![Label { span, text: String::from("here") }],
        help: Some(String::from(help)),
        remedies: Vec::new(),
        trail: Vec::new(),
    }
}
