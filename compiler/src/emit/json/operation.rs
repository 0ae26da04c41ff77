//! Names and attributes of a document as operations: the way back from `attribute`.

use std::collections::BTreeMap;

use super::arrangement::arrangement;
use super::fields::{Attributes, Read};
use super::layer::layer;
use super::{Attribute, Word};
use crate::ir::op::{Activation, Binary, Op, Reduce, ReduceKind, Scalar, Unary};

/// The operation of a node; `rank` is that of its first operand.
pub(super) fn operation(name: &str, all: &BTreeMap<Word, Attribute>, rank: usize) -> Read<Op> {
    let a = Attributes(all);
    if let Some(unary) = UNARY.iter().find(|unary| unary.name() == name) {
        return Ok(Op::Unary(*unary));
    }
    if let Some(&binary) = BINARY.iter().find(|binary| binary.name() == name) {
        return match a.is_given("number") {
            true => scalar(&a, binary),
            false => Ok(Op::Binary(binary)),
        };
    }
    if let Some(activation) = activation(name, &a)? {
        return Ok(Op::Activation(activation));
    }
    if let Some(kind) = reduction(name, &a)? {
        let (dims, keep_dim) = (a.positions("dims")?, a.flag("keepdim")?);
        return Ok(Op::Reduce(Reduce { kind, dims, keep_dim }));
    }
    layer(name, &a, rank)?.map_or_else(|| arrangement(name, &a), Ok)
}

const UNARY: [Unary; 20] = [
    Unary::Neg,
    Unary::Abs,
    Unary::Exp,
    Unary::Log,
    Unary::Sqrt,
    Unary::Rsqrt,
    Unary::Square,
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Reciprocal,
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Sign,
    Unary::Erf,
    Unary::Expm1,
    Unary::Log1p,
    Unary::Log2,
    Unary::LogicalNot,
];

const BINARY: [Binary; 18] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Maximum,
    Binary::Minimum,
    Binary::FloorDivide,
    Binary::Remainder,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::LogicalAnd,
    Binary::LogicalOr,
    Binary::LogicalXor,
];

fn scalar(a: &Attributes<'_>, op: Binary) -> Read<Op> {
    let (value, is_float) = (a.number("number")?, a.flag("is_float")?);
    Ok(Op::Scalar(Scalar { op, value, is_float, reversed: a.flag("reversed")? }))
}

fn activation(name: &str, a: &Attributes<'_>) -> Read<Option<Activation>> {
    Ok(Some(match name {
        "relu" => Activation::Relu,
        "relu6" => Activation::Relu6,
        "selu" => Activation::Selu,
        "silu" => Activation::Silu,
        "mish" => Activation::Mish,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "hardswish" => Activation::Hardswish,
        "hardsigmoid" => Activation::Hardsigmoid,
        "softsign" => Activation::Softsign,
        "logsigmoid" => Activation::LogSigmoid,
        "tanhshrink" => Activation::Tanhshrink,
        "gelu" => Activation::Gelu { tanh: a.flag("tanh")? },
        "leaky_relu" => Activation::LeakyRelu { negative_slope: a.number("negative_slope")? },
        "elu" => Activation::Elu { alpha: a.number("alpha")? },
        "celu" => Activation::Celu { alpha: a.number("alpha")? },
        "hardshrink" => Activation::Hardshrink { lambda: a.number("lambda")? },
        "softshrink" => Activation::Softshrink { lambda: a.number("lambda")? },
        "hardtanh" => Activation::Hardtanh { min: a.number("min")?, max: a.number("max")? },
        "rrelu" => Activation::Rrelu { lower: a.number("lower")?, upper: a.number("upper")? },
        "softplus" => {
            Activation::Softplus { beta: a.number("beta")?, threshold: a.number("threshold")? }
        }
        "threshold" => {
            Activation::Threshold { threshold: a.number("threshold")?, value: a.number("value")? }
        }
        _ => return Ok(None),
    }))
}

fn reduction(name: &str, a: &Attributes<'_>) -> Read<Option<ReduceKind>> {
    Ok(Some(match name {
        "sum" => ReduceKind::Sum,
        "mean" => ReduceKind::Mean,
        "amax" => ReduceKind::Max,
        "amin" => ReduceKind::Min,
        "prod" => ReduceKind::Product,
        "norm" => ReduceKind::Norm,
        "logsumexp" => ReduceKind::LogSumExp,
        "all" => ReduceKind::All,
        "any" => ReduceKind::Any,
        "var" => ReduceKind::Variance { correction: a.count("correction")? },
        "std" => ReduceKind::Deviation { correction: a.count("correction")? },
        _ => return Ok(None),
    }))
}
