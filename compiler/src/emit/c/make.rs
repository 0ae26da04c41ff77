//! Operations that make elements, choose between them, or gate one by another.

use super::arrange::{Emitted, input, output};
use super::convolution::first;
use super::expression::Expression;
use super::lower::{Held, Lowering};
use crate::ir::Node;
use crate::ir::op::{Arange, Full, Glu, MaskedFill, Triangle};

/// A tensor of one number.
pub(super) fn full(lowering: &mut Lowering<'_>, node: &Node, full: &Full) -> Emitted {
    if !full.dtype.is_float() && full.value.abs() > 16_777_216.0 {
        return Err(lowering.unsupported("an integer above 2^24"));
    }
    lowering.define(node, Held::Lazy(Expression::number(full.value)))
}

/// Equally spaced numbers.
#[expect(clippy::cast_possible_truncation, reason = "elements are 32-bit floats")]
pub(super) fn arange(lowering: &mut Lowering<'_>, node: &Node, arange: Arange) -> Emitted {
    let extents = output(lowering, node);
    let count: i64 = extents.iter().product();
    let element = |index: i64| (arange.start + index as f64 * arange.step) as f32;
    let elements: Vec<f32> = (0..count).map(element).collect();
    if !arange.dtype.is_float() && elements.iter().any(|element| element.abs() > 16_777_216.0) {
        return Err(lowering.unsupported("an integer above 2^24"));
    }
    let view = lowering.program.constant(elements, &extents);
    lowering.define_view(node, view)
}

/// The part of matrices on one side of a diagonal.
pub(super) fn triangle(lowering: &mut Lowering<'_>, node: &Node, triangle: Triangle) -> Emitted {
    let extents = output(lowering, node);
    let [.., rows, columns] = extents.as_slice() else {
        return Err(lowering.unsupported("an input of fewer than two dimensions"));
    };
    let kept = |row: i64, column: i64| match triangle.upper {
        true => column - row >= triangle.diagonal,
        false => column - row <= triangle.diagonal,
    };
    let mask = (0..*rows)
        .flat_map(|row| (0..*columns).map(move |column| f32::from(u8::from(kept(row, column)))));
    let mask = lowering.program.constant(mask.collect(), &[*rows, *columns]).expand(&extents);
    let input = lowering.operand(node, 0)?;
    lowering.elementwise_on(node, &[input], |operands| {
        let zero = Expression::number(0.0);
        Expression::call("op_select", vec![Expression::load(mask), first(operands), zero])
    })
}

/// One of two tensors by a condition.
pub(super) fn choose(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    lowering.elementwise(node, |operands| Expression::call("op_select", operands))
}

/// A number where a condition holds.
pub(super) fn masked_fill(lowering: &mut Lowering<'_>, node: &Node, fill: MaskedFill) -> Emitted {
    lowering.elementwise(node, |operands| {
        let mut operands = operands.into_iter();
        let input = operands.next().unwrap_or_else(|| Expression::number(0.0));
        let condition = operands.next().unwrap_or_else(|| Expression::number(0.0));
        Expression::call("op_select", vec![condition, Expression::number(fill.value), input])
    })
}

/// One half of a dimension times the sigmoid of the other.
pub(super) fn glu(lowering: &mut Lowering<'_>, node: &Node, glu: Glu) -> Emitted {
    let view = input(lowering, node)?;
    let half = view.axis(glu.dim).extent / 2;
    let part = |start: i64| Expression::load(view.slice(glu.dim, start, half, 1));
    let gate = Expression::call("op_sigmoid", vec![part(half)]);
    lowering.define(node, Held::Lazy(Expression::infix(part(0), "*", gate)))
}

/// Leaky ReLU with learnt slopes.
pub(super) fn prelu(lowering: &mut Lowering<'_>, node: &Node) -> Emitted {
    let slopes = lowering.elements(lowering.operand(node, 1)?)?;
    let extents = output(lowering, node);
    let slopes = if slopes.len() == 1 {
        lowering.program.constant(slopes, &[1]).expand(&extents)
    } else {
        super::convolution::per_channel(lowering, slopes, &extents)
    };
    let input = lowering.operand(node, 0)?;
    lowering.elementwise_on(node, &[input], |operands| {
        Expression::call("op_leaky_relu", vec![first(operands), Expression::load(slopes)])
    })
}
