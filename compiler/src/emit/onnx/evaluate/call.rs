//! One operation with its operands: how operators read operands and attributes.

use super::super::message::{AttributeProto, NodeProto};
use super::{EvaluateError, Tensor};

/// One operation with its operands.
pub(super) struct Call<'a> {
    pub node: &'a NodeProto,
    /// `None` for an operand that is left out.
    pub inputs: Vec<Option<&'a Tensor>>,
}

impl<'a> Call<'a> {
    pub fn operator(&self) -> &'a str {
        &self.node.op_type
    }

    /// The error that this operation cannot be evaluated.
    pub fn wrong(&self, reason: impl Into<String>) -> EvaluateError {
        let operator = self.operator().to_owned();
        EvaluateError::Operation { operator, reason: reason.into() }
    }

    pub fn optional(&self, index: usize) -> Option<&'a Tensor> {
        self.inputs.get(index).copied().flatten()
    }

    pub fn input(&self, index: usize) -> Result<&'a Tensor, EvaluateError> {
        self.optional(index).ok_or_else(|| self.wrong(format!("operand {index} is missing")))
    }

    /// A float operand's elements.
    pub fn floats(&self, index: usize) -> Result<&'a [f32], EvaluateError> {
        let found = self.input(index)?.floats();
        found.ok_or_else(|| self.wrong(format!("operand {index} holds no floats")))
    }

    /// The whole numbers of an operand, or where it is left out those of an attribute.
    pub fn integers(&self, index: usize, name: &str) -> Result<Option<Vec<i64>>, EvaluateError> {
        match self.optional(index) {
            Some(tensor) => match tensor.integers() {
                Some(integers) => Ok(Some(integers.to_vec())),
                None => Err(self.wrong(format!("operand {index} holds no whole numbers"))),
            },
            None => Ok(self.attribute(name).map(|found| found.ints.clone())),
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |found| found.i)
    }

    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |found| found.f)
    }

    pub fn text(&self, name: &str, default: &str) -> String {
        let found = self.attribute(name).map(|found| String::from_utf8_lossy(&found.s));
        found.map_or_else(|| default.to_owned(), |text| text.into_owned())
    }

    /// An attribute of one number for each of `count` dimensions.
    pub fn sizes(&self, name: &str, count: usize, default: usize) -> Vec<usize> {
        let all = self.attribute(name).map(|found| found.ints.as_slice()).unwrap_or_default();
        let at = |index: usize| all.get(index).and_then(|&size| usize::try_from(size).ok());
        (0..count).map(|index| at(index).unwrap_or(default)).collect()
    }

    /// Amounts before and after each of `count` dimensions.
    pub fn pads(&self, count: usize) -> Vec<(usize, usize)> {
        let all = self.sizes("pads", 2 * count, 0);
        let (before, after) = all.split_at(count.min(all.len()));
        before.iter().copied().zip(after.iter().copied()).collect()
    }

    /// An axis, counted from the end if it is negative.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, EvaluateError> {
        let found = match usize::try_from(axis) {
            Ok(axis) => Some(axis),
            Err(_) => usize::try_from(axis.unsigned_abs()).ok().and_then(|b| rank.checked_sub(b)),
        };
        found
            .filter(|&found| found < rank)
            .ok_or_else(|| self.wrong(format!("it has no axis {axis} among {rank}")))
    }
}
