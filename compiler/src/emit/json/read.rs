//! A document as a graph again. Types are not trusted: `shape::check` infers them anew. Deliberately
//! not here: which operation a name and its attributes are (`operation`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operation::operation;
use super::{Constant, Document, Extent, FORMAT, Param, Tensor, VERSION};
use crate::ir::{
    CheckedGraph, DType, Dim, GraphBuilder, Init, Module, ModuleId, ModulePath, ParamKind,
    Provenance, Shape, TensorType, ValueId,
};
use crate::shape;
use crate::source::{FileId, Span};

/// Why a document is no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is something else, or of another version.
    #[error("it is no {FORMAT} of version {VERSION}, but {format} of version {version}")]
    Format {
        /// What it says it is.
        format: String,
        /// Its version.
        version: u32,
    },
    /// A part of it cannot be understood.
    #[error("{place}: {reason}")]
    Part {
        /// Which part.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Its operations do not fit each other.
    #[error("its graph does not check: {reason}")]
    Graph {
        /// The first mistake.
        reason: String,
    },
}

/// The graph of a document.
///
/// # Errors
/// [`ReadError`].
pub fn read(document: &Document) -> Result<CheckedGraph, ReadError> {
    if document.format != FORMAT || document.version != VERSION {
        let (format, version) = (document.format.to_string(), document.version);
        return Err(ReadError::Format { format, version });
    }
    let mut reader = Reader::new(document);
    reader.inputs(document)?;
    reader.params(document)?;
    reader.nodes(document)?;
    let outputs = document.outputs.iter().map(|&id| reader.value(id, "outputs"));
    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    let graph = reader.builder.finish(outputs);
    shape::check(graph).map_err(|diagnostics| {
        let first = diagnostics.as_slice().first().map(|diagnostic| diagnostic.message.clone());
        ReadError::Graph { reason: first.unwrap_or_default() }
    })
}

fn wrong(place: impl Into<String>, reason: impl Into<String>) -> ReadError {
    ReadError::Part { place: place.into(), reason: reason.into() }
}

struct Reader {
    builder: GraphBuilder,
    values: BTreeMap<u32, ValueId>,
}

impl Reader {
    fn new(document: &Document) -> Reader {
        let mut builder = GraphBuilder::new();
        builder.module(Module {
            path: ModulePath::root(),
            class_name: Arc::from(document.name.as_str()),
            layer: None,
            is_derived: false,
            out_features: None,
            parent: None,
            declared: None,
        });
        Reader { builder, values: BTreeMap::new() }
    }

    fn value(&self, id: u32, place: &str) -> Result<ValueId, ReadError> {
        let known = self.values.get(&id).copied();
        known.ok_or_else(|| wrong(place, format!("nothing before it makes value {id}")))
    }

    fn define(&mut self, id: u32, value: ValueId, place: &str) -> Result<(), ReadError> {
        match self.values.insert(id, value) {
            None => Ok(()),
            Some(_) => Err(wrong(place, format!("value {id} is made twice"))),
        }
    }

    fn inputs(&mut self, document: &Document) -> Result<(), ReadError> {
        for input in &document.inputs {
            let value = self.builder.input(tensor_type(input)?);
            self.define(input.value, value, "inputs")?;
        }
        Ok(())
    }

    fn params(&mut self, document: &Document) -> Result<(), ReadError> {
        for param in &document.params {
            let id = self.builder.param(parameter(param)?);
            let value = param.value.and_then(|own| Some((own, self.builder.param_value(id)?)));
            if let Some((own, value)) = value {
                self.define(own, value, &param.name)?;
            }
        }
        Ok(())
    }

    fn nodes(&mut self, document: &Document) -> Result<(), ReadError> {
        for (index, node) in document.nodes.iter().enumerate() {
            let place = format!("nodes[{index}] ({})", node.op);
            let operands = node.inputs.iter().map(|&id| self.value(id, &place));
            let operands = operands.collect::<Result<Vec<_>, _>>()?;
            let first = operands.first().and_then(|&id| self.builder.graph().tensor_type(id));
            let rank = first.map_or(0, |found| found.shape.rank());
            let op = operation(&node.op, &node.attributes, rank)
                .map_err(|reason| wrong(place.as_str(), reason))?;
            let types = node.outputs.iter().map(|output| tensor_type(output).map(Some));
            let types = types.collect::<Result<Vec<_>, _>>()?;
            let provenance = Provenance {
                call: Span { file: FileId(0), start: 0, end: 0 },
                declared: None,
                module: ModuleId(0),
                by_name: false,
            };
            let results = self.builder.node(op, operands, types, provenance);
            for (output, value) in node.outputs.iter().zip(results) {
                self.define(output.value, value, &place)?;
            }
        }
        Ok(())
    }
}

fn tensor_type(tensor: &Tensor) -> Result<TensorType, ReadError> {
    let place = || format!("value {}", tensor.value);
    let shape = shape_of(&tensor.shape).map_err(|reason| wrong(place(), reason))?;
    let dtype = dtype(&tensor.dtype).map_err(|reason| wrong(place(), reason))?;
    Ok(TensorType { dtype, shape })
}

/// The element type of a name.
pub(super) fn dtype(name: &str) -> Result<DType, String> {
    use DType::{Bf16, Bool, F16, F32, F64, I32, I64, U8};
    let all = [F32, F64, F16, Bf16, I64, I32, U8, Bool];
    let found = all.into_iter().find(|dtype| dtype.name() == name);
    found.ok_or_else(|| format!("there is no element type {name}"))
}

/// Extents as a shape.
pub(super) fn shape_of(extents: &[Extent]) -> Result<Shape, String> {
    let dim = |extent: &Extent| match extent {
        Extent::Known(extent) => Ok(Dim::Known(*extent)),
        Extent::Batch(text) => {
            let factor = text.strip_suffix('N').map(|f| if f.is_empty() { "1" } else { f });
            let factor = factor.and_then(|factor| factor.parse().ok());
            factor.map(|factor| Dim::Batch { factor }).ok_or_else(|| format!("{text} is no extent"))
        }
    };
    extents.iter().map(dim).collect::<Result<_, _>>().map(Shape)
}

fn parameter(param: &Param) -> Result<crate::ir::Param, ReadError> {
    let named = |reason: String| wrong(param.name.as_str(), reason);
    let kind = match param.kind.as_ref() {
        "trainable" => ParamKind::Trainable,
        "frozen" => ParamKind::Frozen,
        "buffer" => ParamKind::Buffer,
        "transient" => ParamKind::TransientBuffer,
        "unregistered" => ParamKind::Unregistered,
        other => return Err(named(format!("there is no kind {other}"))),
    };
    let init = match &param.elements {
        Some(Constant::Filled(number)) => Init::Constant(number.0),
        Some(Constant::Elements(all)) => Init::Elements(all.iter().map(|real| real.0).collect()),
        None => Init::Normal { mean: 0.0, std: 1.0 },
    };
    Ok(crate::ir::Param {
        path: ModulePath::root().join(&param.name),
        module: ModuleId(0),
        dtype: dtype(&param.dtype).map_err(named)?,
        shape: param.shape.clone(),
        kind,
        init,
    })
}
