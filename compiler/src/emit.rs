//! Back ends: a checked graph and its weights become a standalone artefact. Weights come in as
//! plain slices; bytes go out. Deliberately not here: files, and where the weights were trained.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ir::{CheckedGraph, Init, Param, ParamKind};
use crate::source::Span;

pub mod c;
pub mod fold;
pub mod json;
pub mod onnx;
pub mod rust;

/// The weights of a network, by their names in the state dict.
#[derive(Debug, Clone, Default)]
pub struct Weights<'a> {
    tensors: BTreeMap<&'a str, &'a [f32]>,
}

impl<'a> Weights<'a> {
    /// No weights yet.
    #[must_use]
    pub fn new() -> Self {
        Weights::default()
    }

    /// Adds the tensor `name`, its elements in row-major order.
    pub fn insert(&mut self, name: &'a str, elements: &'a [f32]) {
        self.tensors.insert(name, elements);
    }

    /// The elements of a parameter.
    ///
    /// # Errors
    /// [`EmitError::MissingWeight`] and [`EmitError::WrongSize`].
    pub fn get(&self, param: &Param) -> Result<&'a [f32], EmitError> {
        let name = param.path.as_str();
        let elements = self
            .tensors
            .get(name)
            .ok_or_else(|| EmitError::MissingWeight { name: name.to_owned() })?;
        if elements.len() as u64 == param.elements() {
            Ok(elements)
        } else {
            Err(EmitError::WrongSize {
                name: name.to_owned(),
                expected: param.elements(),
                found: elements.len() as u64,
            })
        }
    }

    /// Names that are in the weights but not in the network.
    #[must_use]
    pub fn unexpected(&self, graph: &CheckedGraph) -> Vec<String> {
        let known = |name: &str| {
            graph.params.iter().any(|param| {
                param.path.as_str() == name && param.kind != ParamKind::TransientBuffer
            })
        };
        self.tensors.keys().filter(|name| !known(name)).map(|name| (*name).to_owned()).collect()
    }
}

/// The elements of a float parameter: those of the weights, or for a tensor that a state dict leaves
/// out those that it was constructed with.
///
/// # Errors
/// As [`Weights::get`].
#[expect(clippy::cast_possible_truncation, reason = "networks are emitted in 32-bit floats")]
pub fn elements<'a>(param: &Param, weights: &Weights<'a>) -> Result<Cow<'a, [f32]>, EmitError> {
    let stored = match param.kind {
        ParamKind::Trainable | ParamKind::Frozen | ParamKind::Buffer => true,
        ParamKind::TransientBuffer | ParamKind::Unregistered => false,
    };
    match (stored, &param.init) {
        (false, Init::Elements(elements)) => {
            Ok(elements.iter().map(|&element| element as f32).collect())
        }
        (false, Init::Constant(number)) => {
            let count = usize::try_from(param.elements()).unwrap_or(0);
            Ok(Cow::Owned(vec![*number as f32; count]))
        }
        (true, _) | (false, Init::Uniform { .. } | Init::Normal { .. }) => {
            weights.get(param).map(Cow::Borrowed)
        }
    }
}

/// Why a network cannot be emitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The back end has no form for an operation.
    #[error("{target} has no form for `{operation}`: {reason}")]
    Unsupported {
        /// The back end.
        target: &'static str,
        /// The operation.
        operation: &'static str,
        /// What about it.
        reason: String,
        /// The call in `forward`.
        call: Span,
    },
    /// The weights lack a tensor.
    #[error("the weights have no tensor `{name}`; they belong to another network")]
    MissingWeight {
        /// Its name in the state dict.
        name: String,
    },
    /// A tensor of the weights has another size.
    #[error("`{name}` has {found} elements in the weights and {expected} in the network")]
    WrongSize {
        /// Its name in the state dict.
        name: String,
        /// Elements in the network.
        expected: u64,
        /// Elements in the weights.
        found: u64,
    },
    /// The network's input cannot be made from an image.
    #[error("the input cannot be made from an image: {reason}")]
    Preprocessing {
        /// Why.
        reason: String,
    },
    /// The option is outside of what the back end writes.
    #[error("opset {opset} is not supported; choose one from 13 to 21")]
    Opset {
        /// The opset asked for.
        opset: i64,
    },
}
