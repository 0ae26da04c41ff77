//! Convolution, batch norm, pooling and padding on the way through a cell.

use super::{Form, Reader, refuse, whole};
use crate::cell::circuit::Term;
use crate::cell::{CellError, CellOperation};
use crate::ir::Node;
use crate::ir::op::{BatchNorm, Conv, Pad, PadMode, PaddingMode, Pool, PoolMode};
use std::collections::BTreeMap;

impl Reader<'_> {
    pub(super) fn convolve(&self, node: &Node, conv: &Conv, of: Form) -> Result<Form, CellError> {
        let Form::Relu { of, bordered } = of else {
            return refuse(node, "a convolution of a cell comes behind a ReLU");
        };
        let Some(operation) = kind(conv, bordered) else {
            return refuse(
                node,
                "a convolution of a cell is 1x1 or 3x3, of stride 1, keeps the extents, and has neither groups nor dilation",
            );
        };
        let Some(&weight) = node.inputs.get(1).filter(|&&weight| self.is_trainable(weight)) else {
            return refuse(node, "the weights of a convolution are trained");
        };
        let of = whole(&of, Some(node.provenance.call))?;
        Ok(Form::Convolved { of, operation, weight })
    }

    pub(super) fn normalize(
        &mut self,
        node: &Node,
        norm: &BatchNorm,
        of: Form,
    ) -> Result<Form, CellError> {
        let Form::Convolved { of, operation, weight } = of else {
            return refuse(node, "a batch norm of a cell comes behind a convolution");
        };
        let scale = node.inputs.get(1).filter(|_| norm.affine);
        let Some(&scale) = scale.filter(|&&scale| self.is_trainable(scale)) else {
            return refuse(node, "the batch norm of a cell has weight and bias");
        };
        let owners = [self.owners.get(&weight), self.owners.get(&scale)];
        let term = match owners {
            [None, None] => {
                let result = self.circuit.apply(operation, of);
                result.keys().next().copied().unwrap_or(Term::Input)
            }
            // The same operation on the same sum, called twice.
            [Some(first), Some(second)] if first == second && self.applies(*first, &of) => *first,
            _ => return Err(CellError::SharedWeights { span: node.provenance.call }),
        };
        self.owners.insert(weight, term);
        self.owners.insert(scale, term);
        Ok(Form::Sum(BTreeMap::from([(term, 1.0)])))
    }

    /// Whether an operation's operand is this sum.
    fn applies(&self, term: Term, of: &crate::cell::circuit::Sum) -> bool {
        let Term::Operation(place) = term else { return false };
        self.circuit.applied.get(place).is_some_and(|applied| applied.input == *of)
    }

    pub(super) fn pool(&mut self, node: &Node, pool: &Pool, of: &Form) -> Result<Form, CellError> {
        let is_average = pool.mode == PoolMode::Average
            && pool.kernel == [3, 3]
            && pool.stride == [1, 1]
            && pool.padding == [1, 1]
            && pool.divisor_override.is_none_or(|divisor| divisor == 9);
        if !is_average {
            return refuse(node, "a cell pools by the average of 3x3, with stride 1 and padding 1");
        }
        let of = whole(&self.summand(node, of)?, Some(node.provenance.call))?;
        let result = self.circuit.apply(CellOperation::AveragePool3x3, of);
        Ok(Form::Sum(result.into_iter().map(|(term, times)| (term, f64::from(times))).collect()))
    }

    pub(super) fn pad(&self, node: &Node, pad: &Pad, of: Form) -> Result<Form, CellError> {
        let rank = pad.padding.len();
        let is_border =
            pad.mode == PadMode::Constant(0.0)
                && rank >= 2
                && pad.padding.iter().enumerate().all(|(dim, &padding)| {
                    padding == if dim + 2 >= rank { (1, 1) } else { (0, 0) }
                });
        match of {
            Form::Relu { of, bordered: false } if is_border => {
                Ok(Form::Relu { of, bordered: true })
            }
            Form::Sum(of) if is_border => Ok(Form::Bordered(of)),
            _ => {
                refuse(node, "padding in a cell is one zero on each side, before a 3x3 convolution")
            }
        }
    }
}

/// Which of a cell's convolutions this is, on an input with a border of zeros or without.
fn kind(conv: &Conv, bordered: bool) -> Option<CellOperation> {
    let plain = conv.stride == [1, 1]
        && conv.groups == 1
        && conv.transposed.is_none()
        && conv.in_channels == conv.out_channels;
    let padded = |amount| conv.padding == [(amount, amount); 2];
    let zeros = conv.padding_mode == PaddingMode::Zeros;
    let undilated = conv.dilation == [1, 1];
    match conv.kernel.as_slice() {
        [1, 1] if plain && padded(0) && !bordered => Some(CellOperation::Convolution1x1),
        [3, 3] if plain && undilated && bordered && padded(0) => {
            Some(CellOperation::Convolution3x3)
        }
        [3, 3] if plain && undilated && !bordered && padded(1) && zeros => {
            Some(CellOperation::Convolution3x3)
        }
        _ => None,
    }
}
