//! `StateDict`: the parameters and buffers of a network by PyTorch's names, without any library's
//! tensor type. Not here: files (`checkpoint`), first values (`init`).

use std::collections::BTreeMap;

use nasc_compiler::ir::{DType, Graph, Param, ParamKind};

use crate::error::RuntimeError;

/// Elements of a stored tensor, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Weights, biases, running statistics.
    F32(Vec<f32>),
    /// Counters, such as `num_batches_tracked`.
    I64(Vec<i64>),
}

impl Elements {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Elements::F32(values) => values.len(),
            Elements::I64(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a parameter of this type is stored so.
    fn stores(&self, dtype: DType) -> bool {
        matches!(self, Elements::F32(_)) == dtype.is_float()
    }
}

/// One stored tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Extents; none for a scalar.
    pub shape: Vec<usize>,
    /// As many elements as the extents multiply to.
    pub elements: Elements,
}

/// Parameters and buffers by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict {
    /// The tensors.
    pub tensors: BTreeMap<String, StateTensor>,
}

impl StateDict {
    /// The float elements of a tensor; `None` if there is no such tensor or it holds integers.
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        match &self.tensors.get(name)?.elements {
            Elements::F32(values) => Some(values),
            Elements::I64(_) => None,
        }
    }

    /// Strict comparison of names, shapes and types with what `graph` needs.
    ///
    /// # Errors
    /// [`RuntimeError::State`] with everything that differs.
    pub fn check(&self, graph: &Graph) -> Result<(), RuntimeError> {
        self.check_params(&graph.params)
    }

    pub(crate) fn check_params(&self, params: &[Param]) -> Result<(), RuntimeError> {
        let wanted: BTreeMap<&str, &Param> =
            stored_params(params).map(|param| (param.path.as_str(), param)).collect();
        let mut missing = Vec::new();
        let mut mismatched = Vec::new();
        for (name, param) in &wanted {
            match self.tensors.get(*name) {
                None => missing.push((*name).to_owned()),
                Some(tensor) if !fits(tensor, param) => mismatched.push(mismatch(tensor, param)),
                Some(_) => {}
            }
        }
        let unexpected: Vec<String> = self
            .tensors
            .keys()
            .filter(|name| !wanted.contains_key(name.as_str()))
            .cloned()
            .collect();
        if missing.is_empty() && unexpected.is_empty() && mismatched.is_empty() {
            return Ok(());
        }
        Err(RuntimeError::State { missing, unexpected, mismatched })
    }
}

/// Parameters that belong into a state dict.
pub(crate) fn stored_params(params: &[Param]) -> impl Iterator<Item = &Param> {
    params.iter().filter(|param| is_stored(param.kind))
}

/// Whether a tensor of this kind belongs into a state dict.
pub(crate) fn is_stored(kind: ParamKind) -> bool {
    match kind {
        ParamKind::Trainable | ParamKind::Frozen | ParamKind::Buffer => true,
        ParamKind::TransientBuffer | ParamKind::Unregistered => false,
    }
}

/// `fc.weight (f32[10, 64] in the weights, f32[10, 32] in the network)`.
fn mismatch(tensor: &StateTensor, param: &Param) -> String {
    let found = match tensor.elements {
        Elements::F32(_) => DType::F32,
        Elements::I64(_) => DType::I64,
    };
    let Param { path, dtype, shape, .. } = param;
    format!("{path} ({found}{:?} in the weights, {dtype}{shape:?} in the network)", tensor.shape)
}

fn fits(tensor: &StateTensor, param: &Param) -> bool {
    let shape = tensor.shape.iter().map(|&extent| extent as u64).eq(param.shape.iter().copied());
    shape && tensor.elements.stores(param.dtype) && tensor.elements.len() as u64 == param.elements()
}
