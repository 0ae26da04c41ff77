//! Functions of one number: activations, and arithmetic with a constant.

use nasc_compiler::ir::op::Binary;

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::pointwise::{Function, Visitor};
use crate::kernel::vector::simd;

/// A function of every element.
pub struct Pointwise {
    /// The function.
    pub function: Function,
    /// Its argument.
    pub from: Storage,
    /// Its values.
    pub to: Storage,
}

struct Forward<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Visitor for Forward<'_> {
    type Result = ();

    fn visit(self, function: impl Fn(f32) -> (f32, f32) + Sync) {
        simd(|| {
            for (out, &x) in self.output.iter_mut().zip(self.input) {
                *out = function(x).0;
            }
        });
    }
}

/// Multiplies the gradient by the derivative: in place if there is no output, else to it.
struct Backward<'a> {
    input: &'a [f32],
    gradient: &'a mut [f32],
    output: Option<(&'a mut [f32], bool)>,
}

impl Visitor for Backward<'_> {
    type Result = ();

    fn visit(self, function: impl Fn(f32) -> (f32, f32) + Sync) {
        match self.output {
            None => simd(|| {
                for (g, &x) in self.gradient.iter_mut().zip(self.input) {
                    *g *= function(x).1;
                }
            }),
            Some((out, add)) => simd(|| {
                for ((out, &x), g) in out.iter_mut().zip(self.input).zip(self.gradient) {
                    *out = if add { *out } else { 0.0 } + *g * function(x).1;
                }
            }),
        }
    }
}

impl Kernel for Pointwise {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, output) = (memory.value(self.from), memory.value_mut(self.to));
        self.function.visit(Forward { input, output });
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (input, gradient) = (memory.value(self.from), memory.gradient_mut(self.to));
        let output = match target(targets, 0) {
            Target::Nothing => return Ok(()),
            Target::InPlace(_) => None,
            Target::Write(storage) => Some((memory.gradient_mut(storage), false)),
            Target::Add(storage) => Some((memory.gradient_mut(storage), true)),
        };
        self.function.visit(Backward { input, gradient, output });
        Ok(())
    }
}

/// Arithmetic of every element with one number.
pub struct Constant {
    /// What is done.
    pub binary: Binary,
    /// The number.
    pub value: f32,
    /// Whether the number is the left operand.
    pub reversed: bool,
    /// The tensor.
    pub from: Storage,
    /// The result.
    pub to: Storage,
}

impl Constant {
    /// Whether the operation has a kernel here.
    pub fn supports(binary: Binary, reversed: bool) -> bool {
        match binary {
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div => true,
            Binary::Pow => !reversed,
            Binary::Maximum
            | Binary::Minimum
            | Binary::FloorDivide
            | Binary::Remainder
            | Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual
            | Binary::LogicalAnd
            | Binary::LogicalOr
            | Binary::LogicalXor => false,
        }
    }

    /// Value and derivative of every element.
    fn visit<V: Visitor<Result = ()>>(&self, visitor: V) {
        let c = self.value;
        match (self.binary, self.reversed) {
            (Binary::Add, _) => visitor.visit(move |x| (x + c, 1.0)),
            (Binary::Sub, false) => visitor.visit(move |x| (x - c, 1.0)),
            (Binary::Sub, true) => visitor.visit(move |x| (c - x, -1.0)),
            (Binary::Mul, _) => visitor.visit(move |x| (x * c, c)),
            (Binary::Div, false) => visitor.visit(move |x| (x / c, 1.0 / c)),
            (Binary::Div, true) => visitor.visit(move |x| (c / x, -c / (x * x))),
            _ if c == 2.0 => visitor.visit(move |x| (x * x, 2.0 * x)),
            _ => visitor.visit(move |x| (x.powf(c), c * x.powf(c - 1.0))),
        }
    }
}

impl Kernel for Constant {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, output) = (memory.value(self.from), memory.value_mut(self.to));
        self.visit(Forward { input, output });
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (input, gradient) = (memory.value(self.from), memory.gradient_mut(self.to));
        let output = match target(targets, 0) {
            Target::Nothing => return Ok(()),
            Target::InPlace(_) => None,
            Target::Write(storage) => Some((memory.gradient_mut(storage), false)),
            Target::Add(storage) => Some((memory.gradient_mut(storage), true)),
        };
        self.visit(Backward { input, gradient, output });
        Ok(())
    }
}
