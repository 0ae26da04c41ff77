//! Arithmetic of two tensors with broadcasting, and sums and means over dimensions.

#![expect(clippy::indexing_slicing, reason = "strides were checked against the extents")]

use nasc_compiler::ir::op::Binary;

use super::arrange::Walk;
use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// `left op right`, with the walk over both; the result is dense in the order of the walk.
pub struct Arithmetic {
    binary: Binary,
    left: Storage,
    right: Storage,
    to: Storage,
    walk: Walk,
    /// Whether each operand has an element for every element of the result.
    full: [bool; 2],
}

/// Value, derivative by the left operand, derivative by the right one.
type Terms = (f32, f32, f32);

/// Something done with a function of two numbers.
trait Visitor {
    fn visit(self, function: impl Fn(f32, f32) -> Terms);
}

impl Arithmetic {
    /// Prepares the kernel.
    pub fn new(
        binary: Binary,
        operands: [Storage; 2],
        to: Storage,
        walk: Walk,
        full: [bool; 2],
    ) -> Arithmetic {
        let [left, right] = operands;
        Arithmetic { binary, left, right, to, walk, full }
    }

    /// Whether the operation has a kernel here.
    pub fn supports(binary: Binary) -> bool {
        matches!(
            binary,
            Binary::Add
                | Binary::Sub
                | Binary::Mul
                | Binary::Div
                | Binary::Maximum
                | Binary::Minimum
        )
    }

    fn visit(&self, visitor: impl Visitor) {
        match self.binary {
            Binary::Sub => visitor.visit(|a, b| (a - b, 1.0, -1.0)),
            Binary::Mul => visitor.visit(|a, b| (a * b, b, a)),
            Binary::Div => visitor.visit(|a, b| (a / b, 1.0 / b, -a / (b * b))),
            // PyTorch halves the gradient between equal operands
            Binary::Maximum => visitor.visit(|a, b| {
                if a > b || a.is_nan() {
                    (a, 1.0, 0.0)
                } else if a == b {
                    (a, 0.5, 0.5)
                } else {
                    (b, 0.0, 1.0)
                }
            }),
            Binary::Minimum => visitor.visit(|a, b| {
                if a < b || a.is_nan() {
                    (a, 1.0, 0.0)
                } else if a == b {
                    (a, 0.5, 0.5)
                } else {
                    (b, 0.0, 1.0)
                }
            }),
            _ => visitor.visit(|a, b| (a + b, 1.0, 1.0)),
        }
    }

    /// The gradient of one operand.
    fn operand(&self, memory: &Memory<'_>, side: usize, wanted: Target) {
        let gradient = memory.gradient_mut(self.to);
        let values = [memory.value(self.left), memory.value(self.right)];
        let in_place = matches!(wanted, Target::InPlace(_));
        if in_place {
            if matches!(self.binary, Binary::Add) || (self.binary == Binary::Sub && side == 0) {
                return;
            }
            return self.visit(InPlace { walk: &self.walk, values, gradient, side });
        }
        wanted.with(memory, |out, add| {
            let add = add || {
                let zeroed = !self.full[side];
                if zeroed {
                    out.fill(0.0);
                }
                zeroed
            };
            self.visit(Backward { walk: &self.walk, values, gradient, side, out, add });
        });
    }
}

struct Forward<'a> {
    walk: &'a Walk,
    values: [&'a [f32]; 2],
    out: &'a mut [f32],
}

impl Visitor for Forward<'_> {
    fn visit(self, function: impl Fn(f32, f32) -> Terms) {
        let [extent, left, right] = self.walk.inner();
        let [a, b] = self.values;
        let mut rows = self.out.chunks_exact_mut(extent);
        self.walk.rows(|i, j| {
            let Some(out) = rows.next() else { return };
            simd(|| match (left, right) {
                (1, 1) => {
                    for ((out, &a), &b) in out.iter_mut().zip(&a[i..]).zip(&b[j..]) {
                        *out = function(a, b).0;
                    }
                }
                (1, 0) => {
                    let b = b[j];
                    for (out, &a) in out.iter_mut().zip(&a[i..]) {
                        *out = function(a, b).0;
                    }
                }
                _ => {
                    for (k, out) in out.iter_mut().enumerate() {
                        *out = function(a[i + k * left], b[j + k * right]).0;
                    }
                }
            });
        });
    }
}

struct Backward<'a> {
    walk: &'a Walk,
    values: [&'a [f32]; 2],
    gradient: &'a [f32],
    side: usize,
    out: &'a mut [f32],
    add: bool,
}

impl Visitor for Backward<'_> {
    fn visit(self, function: impl Fn(f32, f32) -> Terms) {
        let [extent, left, right] = self.walk.inner();
        let step = [left, right][self.side];
        let ([a, b], out) = (self.values, self.out);
        let mut rows = self.gradient.chunks_exact(extent);
        let slope = |i: usize, j: usize| {
            let (_, first, second) = function(a[i], b[j]);
            if self.side == 0 { first } else { second }
        };
        self.walk.rows(|i, j| {
            let Some(gradient) = rows.next() else { return };
            let at = [i, j][self.side];
            simd(|| {
                if step == 0 {
                    let terms = gradient.iter().enumerate();
                    out[at] +=
                        terms.map(|(k, g)| g * slope(i + k * left, j + k * right)).sum::<f32>();
                } else if (left, right) == (1, 1) {
                    let (a, b, out) =
                        (&a[i..][..extent], &b[j..][..extent], &mut out[at..][..extent]);
                    for k in 0..extent {
                        let (_, first, second) = function(a[k], b[k]);
                        let term = gradient[k] * if self.side == 0 { first } else { second };
                        out[k] = if self.add { out[k] } else { 0.0 } + term;
                    }
                } else {
                    for (k, g) in gradient.iter().enumerate() {
                        let term = g * slope(i + k * left, j + k * right);
                        let out = &mut out[at + k * step];
                        *out = if self.add { *out } else { 0.0 } + term;
                    }
                }
            });
        });
    }
}

struct InPlace<'a> {
    walk: &'a Walk,
    values: [&'a [f32]; 2],
    gradient: &'a mut [f32],
    side: usize,
}

impl Visitor for InPlace<'_> {
    fn visit(self, function: impl Fn(f32, f32) -> Terms) {
        let [extent, left, right] = self.walk.inner();
        let [a, b] = self.values;
        let mut rows = self.gradient.chunks_exact_mut(extent);
        self.walk.rows(|i, j| {
            let Some(gradient) = rows.next() else { return };
            simd(|| {
                for (k, g) in gradient.iter_mut().enumerate() {
                    let (_, first, second) = function(a[i + k * left], b[j + k * right]);
                    *g *= if self.side == 0 { first } else { second };
                }
            });
        });
    }
}

impl Kernel for Arithmetic {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let values = [memory.value(self.left), memory.value(self.right)];
        self.visit(Forward { walk: &self.walk, values, out: memory.value_mut(self.to) });
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let (left, right) = (target(targets, 0), target(targets, 1));
        if matches!(left, Target::InPlace(_)) {
            self.operand(memory, 1, right);
            self.operand(memory, 0, left);
        } else {
            self.operand(memory, 0, left);
            self.operand(memory, 1, right);
        }
        Ok(())
    }
}

/// A sum or mean: the walk goes over input and output, whose steps are 0 along reduced dimensions.
pub struct Sum {
    /// What is summed.
    pub from: Storage,
    /// The sums.
    pub to: Storage,
    /// Over input and output.
    pub walk: Walk,
    /// What sums are multiplied by.
    pub factor: f32,
}

impl Kernel for Sum {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (input, out) = (memory.value(self.from), memory.value_mut(self.to));
        let [extent, from, to] = self.walk.inner();
        out.fill(0.0);
        self.walk.rows(|i, j| {
            if (from, to) == (1, 1) {
                simd(|| {
                    for (out, x) in out[j..][..extent].iter_mut().zip(&input[i..][..extent]) {
                        *out += x;
                    }
                });
            } else {
                for k in 0..extent {
                    out[j + k * to] += input[i + k * from];
                }
            }
        });
        out.iter_mut().for_each(|out| *out *= self.factor);
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let gradient = memory.gradient(self.to);
        let [extent, from, to] = self.walk.inner();
        let factor = self.factor;
        target(targets, 0).with(memory, |out, add| {
            self.walk.rows(|i, j| {
                if from == 1 && to <= 1 {
                    let out = &mut out[i..][..extent];
                    simd(|| {
                        for (k, out) in out.iter_mut().enumerate() {
                            *out = if add { *out } else { 0.0 } + gradient[j + k * to] * factor;
                        }
                    });
                } else {
                    for k in 0..extent {
                        let out = &mut out[i + k * from];
                        *out = if add { *out } else { 0.0 } + gradient[j + k * to] * factor;
                    }
                }
            });
        });
        Ok(())
    }
}
