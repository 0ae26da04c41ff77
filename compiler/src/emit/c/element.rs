//! Element-wise operations as expressions. Integers and conditions are held as floats: exact up to
//! 2^24, conditions as one and zero.

use super::expression::Expression;
use crate::ir::DType;
use crate::ir::op::{Activation, Binary, Clamp, Scalar, Unary};

fn call(name: &str, x: Expression, constants: &[f64]) -> Expression {
    let constants = constants.iter().map(|&constant| Expression::number(constant));
    Expression::call(name, std::iter::once(x).chain(constants).collect())
}

/// An activation in evaluation mode.
pub(super) fn activation(activation: Activation, x: Expression) -> Expression {
    match activation {
        Activation::Relu => call("op_relu", x, &[]),
        Activation::Relu6 => call("op_clamp", x, &[0.0, 6.0]),
        Activation::LeakyRelu { negative_slope } => call("op_leaky_relu", x, &[negative_slope]),
        Activation::Rrelu { lower, upper } => call("op_leaky_relu", x, &[(lower + upper) / 2.0]),
        Activation::Elu { alpha } => call("op_elu", x, &[alpha]),
        Activation::Selu => call("op_selu", x, &[]),
        Activation::Celu { alpha } => call("op_celu", x, &[alpha]),
        Activation::Gelu { tanh: false } => call("op_gelu", x, &[]),
        Activation::Gelu { tanh: true } => call("op_gelu_tanh", x, &[]),
        Activation::Silu => call("op_silu", x, &[]),
        Activation::Mish => call("op_mish", x, &[]),
        Activation::Sigmoid => call("op_sigmoid", x, &[]),
        Activation::Tanh => call("op_tanh", x, &[]),
        Activation::Hardswish => call("op_hardswish", x, &[]),
        Activation::Hardsigmoid => call("op_hardsigmoid", x, &[]),
        Activation::Hardtanh { min, max } => call("op_clamp", x, &[min, max]),
        Activation::Softplus { beta, threshold } => call("op_softplus", x, &[beta, threshold]),
        Activation::Softsign => call("op_softsign", x, &[]),
        Activation::LogSigmoid => call("op_log_sigmoid", x, &[]),
        Activation::Hardshrink { lambda } => call("op_hardshrink", x, &[lambda]),
        Activation::Softshrink { lambda } => call("op_softshrink", x, &[lambda]),
        Activation::Tanhshrink => call("op_tanhshrink", x, &[]),
        Activation::Threshold { threshold, value } => call("op_threshold", x, &[threshold, value]),
    }
}

/// A function of one tensor.
pub(super) fn unary(unary: Unary, x: Expression) -> Expression {
    let name = match unary {
        Unary::Neg => return Expression::infix(Expression::number(0.0), "-", x),
        Unary::Reciprocal => return Expression::infix(Expression::number(1.0), "/", x),
        Unary::Rsqrt => {
            let root = call("sqrtf", x, &[]);
            return Expression::infix(Expression::number(1.0), "/", root);
        }
        Unary::Abs => "fabsf",
        Unary::Exp => "expf",
        Unary::Log => "logf",
        Unary::Sqrt => "sqrtf",
        Unary::Square => "op_square",
        Unary::Sin => "sinf",
        Unary::Cos => "cosf",
        Unary::Tan => "tanf",
        Unary::Floor => "floorf",
        Unary::Ceil => "ceilf",
        Unary::Round => "nearbyintf",
        Unary::Sign => "op_sign",
        Unary::Erf => "erff",
        Unary::Expm1 => "expm1f",
        Unary::Log1p => "log1pf",
        Unary::Log2 => "log2f",
        Unary::LogicalNot => "op_not",
    };
    call(name, x, &[])
}

/// A function of two tensors.
pub(super) fn binary(binary: Binary, left: Expression, right: Expression) -> Expression {
    let operator = match binary {
        Binary::Add => Some("+"),
        Binary::Sub => Some("-"),
        Binary::Mul => Some("*"),
        Binary::Div => Some("/"),
        _ => None,
    };
    if let Some(operator) = operator {
        return Expression::infix(left, operator, right);
    }
    if binary == Binary::FloorDivide {
        return call("floorf", Expression::infix(left, "/", right), &[]);
    }
    let swapped = matches!(binary, Binary::Greater | Binary::GreaterEqual);
    let (left, right) = if swapped { (right, left) } else { (left, right) };
    Expression::call(comparison(binary), vec![left, right])
}

/// The function of an operation that is no operator of C; `>` is `<` with its operands exchanged.
fn comparison(binary: Binary) -> &'static str {
    match binary {
        Binary::Pow => "powf",
        Binary::Maximum => "op_maximum",
        Binary::Minimum => "op_minimum",
        Binary::Equal => "op_equal",
        Binary::NotEqual => "op_not_equal",
        Binary::Less | Binary::Greater => "op_less",
        Binary::LessEqual | Binary::GreaterEqual => "op_less_equal",
        Binary::LogicalAnd => "op_and",
        Binary::LogicalOr => "op_or",
        Binary::LogicalXor => "op_xor",
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::FloorDivide => "fmodf",
        Binary::Remainder => "op_remainder",
    }
}

/// Arithmetic with a number.
pub(super) fn scalar(scalar: &Scalar, x: Expression) -> Expression {
    if scalar.op == Binary::Pow && !scalar.reversed {
        if scalar.value.to_bits() == 2f64.to_bits() {
            return call("op_square", x, &[]);
        }
        if scalar.value.to_bits() == 0.5f64.to_bits() {
            return call("sqrtf", x, &[]);
        }
    }
    let number = Expression::number(scalar.value);
    if scalar.reversed { binary(scalar.op, number, x) } else { binary(scalar.op, x, number) }
}

/// Restriction to a range.
pub(super) fn clamp(clamp: Clamp, x: Expression) -> Expression {
    let low = clamp.min.unwrap_or(f64::NEG_INFINITY);
    call("op_clamp", x, &[low, clamp.max.unwrap_or(f64::INFINITY)])
}

/// Another element type.
pub(super) fn cast(from: DType, to: DType, x: Expression) -> Expression {
    match (from.is_float(), to) {
        (_, DType::Bool) => call("op_truth", x, &[]),
        (true, DType::I64 | DType::I32 | DType::U8) => call("truncf", x, &[]),
        _ => x,
    }
}
