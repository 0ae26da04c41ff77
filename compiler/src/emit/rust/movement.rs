//! Element-wise operations, reductions, and operations that move elements, as calls of kernels.

use super::super::EmitError;
use super::step::Steps;
use crate::ir::Node;
use crate::ir::op::{Activation, Binary, Clamp, Reduce, ReduceKind, Scalar, Slice, Split, Unary};

type Emitted = Result<(), EmitError>;

/// Strides of a tensor in row-major order.
pub(super) fn strides_of(extents: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; extents.len()];
    let mut product = 1;
    for (stride, extent) in strides.iter_mut().zip(extents).rev() {
        *stride = product;
        product *= extent;
    }
    strides
}

/// Strides of a tensor that is broadcast to larger extents.
pub(super) fn broadcast(extents: &[usize], to: &[usize]) -> Vec<usize> {
    let lead = to.len().saturating_sub(extents.len());
    let own = strides_of(extents).into_iter().zip(extents);
    let own = own.map(|(stride, &extent)| if extent == 1 { 0 } else { stride });
    std::iter::repeat_n(0, lead).chain(own).collect()
}

/// A number as a constant.
#[expect(clippy::cast_possible_truncation, reason = "networks are emitted in 32-bit floats")]
fn number(value: f64) -> String {
    let value = value as f32;
    match value {
        _ if value.is_nan() => "f32::NAN".to_owned(),
        _ if value.is_infinite() && value > 0.0 => "f32::INFINITY".to_owned(),
        _ if value.is_infinite() => "f32::NEG_INFINITY".to_owned(),
        _ => format!("({value:?}f32)"),
    }
}

fn map(steps: &mut Steps<'_>, node: &Node, body: &str) -> Emitted {
    let x = steps.operand(node, 0)?;
    steps.push(format!("kernel::map(out, {x}, |x: f32| {body});"));
    Ok(())
}

pub(super) fn activation(steps: &mut Steps<'_>, node: &Node, op: Activation) -> Emitted {
    let body = match op {
        Activation::Relu => "x.max(0.0)".to_owned(),
        Activation::Relu6 => "x.clamp(0.0, 6.0)".to_owned(),
        Activation::LeakyRelu { negative_slope } => slope(negative_slope),
        Activation::Rrelu { lower, upper } => slope((lower + upper) / 2.0),
        Activation::Elu { alpha } => {
            format!("if x > 0.0 {{ x }} else {{ {} * (math::exp(x) - 1.0) }}", number(alpha))
        }
        Activation::Celu { alpha } => {
            let alpha = number(alpha);
            format!("if x > 0.0 {{ x }} else {{ {alpha} * (math::exp(x / {alpha}) - 1.0) }}")
        }
        // Klambauer et al., "Self-Normalizing Neural Networks", 2017
        Activation::Selu => {
            "1.050_701 * if x > 0.0 { x } else { 1.673_263_2 * (math::exp(x) - 1.0) }".to_owned()
        }
        Activation::Gelu { tanh: false } => {
            format!("0.5 * x * (1.0 + math::erf(x * {}))", number(std::f64::consts::FRAC_1_SQRT_2))
        }
        Activation::Gelu { tanh: true } => {
            let root = number((2.0 / std::f64::consts::PI).sqrt());
            format!("0.5 * x * (1.0 + math::tanh({root} * (x + 0.044_715 * x * x * x)))")
        }
        Activation::Silu => "x * math::sigmoid(x)".to_owned(),
        Activation::Mish => "x * math::tanh(math::softplus(x))".to_owned(),
        Activation::Sigmoid => "math::sigmoid(x)".to_owned(),
        Activation::Tanh => "math::tanh(x)".to_owned(),
        Activation::Hardswish => "x * (x + 3.0).clamp(0.0, 6.0) / 6.0".to_owned(),
        Activation::Hardsigmoid => "(x + 3.0).clamp(0.0, 6.0) / 6.0".to_owned(),
        Activation::Hardtanh { min, max } => format!("x.clamp({}, {})", number(min), number(max)),
        Activation::Softplus { beta, threshold: _ } => {
            let beta = number(beta);
            format!("math::softplus(x * {beta}) / {beta}")
        }
        Activation::Softsign => "x / (1.0 + x.abs())".to_owned(),
        Activation::LogSigmoid => "-math::softplus(-x)".to_owned(),
        Activation::Hardshrink { lambda } => {
            format!("if x.abs() > {} {{ x }} else {{ 0.0 }}", number(lambda))
        }
        Activation::Softshrink { lambda } => {
            let lambda = number(lambda);
            format!(
                "if x > {lambda} {{ x - {lambda} }} else if x < -{lambda} {{ x + {lambda} }} else {{ 0.0 }}"
            )
        }
        Activation::Tanhshrink => "x - math::tanh(x)".to_owned(),
        Activation::Threshold { threshold, value } => {
            format!("if x > {} {{ x }} else {{ {} }}", number(threshold), number(value))
        }
    };
    map(steps, node, &body)
}

fn slope(slope: f64) -> String {
    format!("if x > 0.0 {{ x }} else {{ {} * x }}", number(slope))
}

pub(super) fn unary(steps: &mut Steps<'_>, node: &Node, op: Unary) -> Emitted {
    let body = match op {
        Unary::Neg => "-x",
        Unary::Abs => "x.abs()",
        Unary::Exp => "math::exp(x)",
        Unary::Log => "math::ln(x)",
        Unary::Sqrt => "math::sqrt(x)",
        Unary::Rsqrt => "1.0 / math::sqrt(x)",
        Unary::Square => "x * x",
        Unary::Reciprocal => "1.0 / x",
        Unary::Erf => "math::erf(x)",
        Unary::Log2 => "math::ln(x) * core::f32::consts::LOG2_E",
        Unary::Sin
        | Unary::Cos
        | Unary::Tan
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Sign
        | Unary::Expm1
        | Unary::Log1p
        | Unary::LogicalNot => return Err(steps.unsupported("the Rust form does not have it")),
    };
    map(steps, node, body)
}

/// A function of `a` and `b`; `None` where the result is no float or the form is missing.
fn arithmetic(op: Binary) -> Option<&'static str> {
    Some(match op {
        Binary::Add => "a + b",
        Binary::Sub => "a - b",
        Binary::Mul => "a * b",
        Binary::Div => "a / b",
        Binary::Pow => "math::pow(a, b)",
        Binary::Maximum => "a.max(b)",
        Binary::Minimum => "a.min(b)",
        Binary::FloorDivide
        | Binary::Remainder
        | Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual
        | Binary::LogicalAnd
        | Binary::LogicalOr
        | Binary::LogicalXor => return None,
    })
}

pub(super) fn binary(steps: &mut Steps<'_>, node: &Node, op: Binary) -> Emitted {
    let Some(body) = arithmetic(op) else {
        return Err(steps.unsupported("the Rust form does not have it"));
    };
    let out = steps.result_extents();
    let of = |extents: Vec<usize>| broadcast(&extents, &out);
    let (left, right) = (of(steps.operand_extents(node, 0)), of(steps.operand_extents(node, 1)));
    let strides = strides_of(&out).into_iter().zip(left.into_iter().zip(right));
    let strides: Vec<[usize; 3]> = strides.map(|(o, (a, b))| [o, a, b]).collect();
    let (a, b) = (steps.operand(node, 0)?, steps.operand(node, 1)?);
    steps.push(format!(
        "kernel::zip(out, &{out:?}, &{strides:?}, [{a}, {b}], |a: f32, b: f32| {body});"
    ));
    Ok(())
}

pub(super) fn scalar(steps: &mut Steps<'_>, node: &Node, op: &Scalar) -> Emitted {
    let Some(body) = arithmetic(op.op) else {
        return Err(steps.unsupported("the Rust form does not have it"));
    };
    let number = number(op.value);
    let (a, b) = if op.reversed { (number.as_str(), "x") } else { ("x", number.as_str()) };
    map(steps, node, &format!("{{ let (a, b) = ({a}, {b}); {body} }}"))
}

pub(super) fn clamp(steps: &mut Steps<'_>, node: &Node, op: Clamp) -> Emitted {
    let low = number(op.min.unwrap_or(f64::NEG_INFINITY));
    let high = number(op.max.unwrap_or(f64::INFINITY));
    map(steps, node, &format!("x.max({low}).min({high})"))
}

pub(super) fn reduce(steps: &mut Steps<'_>, node: &Node, op: &Reduce) -> Emitted {
    let extents = steps.operand_extents(node, 0);
    let all = op.dims.is_empty();
    let is_reduced = |axis: usize| all || op.dims.contains(&axis);
    let count: usize =
        extents.iter().enumerate().filter(|(axis, _)| is_reduced(*axis)).map(|(_, n)| n).product();
    let (first, fold, last) = match op.kind {
        ReduceKind::Sum => ("0.0", "a + b", "a".to_owned()),
        ReduceKind::Mean => ("0.0", "a + b", format!("a / {count} as f32")),
        ReduceKind::Max => ("f32::NEG_INFINITY", "a.max(b)", "a".to_owned()),
        ReduceKind::Min => ("f32::INFINITY", "a.min(b)", "a".to_owned()),
        ReduceKind::Product => ("1.0", "a * b", "a".to_owned()),
        ReduceKind::Norm => ("0.0", "a + b * b", "math::sqrt(a)".to_owned()),
        ReduceKind::Variance { .. }
        | ReduceKind::Deviation { .. }
        | ReduceKind::LogSumExp
        | ReduceKind::All
        | ReduceKind::Any => return Err(steps.unsupported("the Rust form does not have it")),
    };
    let strides = strides_of(&extents);
    let axes = || extents.iter().copied().zip(strides.iter().copied()).enumerate();
    let kept: Vec<(usize, usize)> =
        axes().filter(|(axis, _)| !is_reduced(*axis)).map(|(_, both)| both).collect();
    let reduced = axes().filter(|(axis, _)| is_reduced(*axis)).map(|(_, both)| both);
    let (reduced, inner): (Vec<usize>, Vec<[usize; 1]>) =
        reduced.map(|(extent, stride)| (extent, [stride])).unzip();
    let kept_extents: Vec<usize> = kept.iter().map(|(extent, _)| *extent).collect();
    let outer: Vec<[usize; 2]> =
        strides_of(&kept_extents).into_iter().zip(&kept).map(|(o, (_, i))| [o, *i]).collect();
    let x = steps.operand(node, 0)?;
    steps.push(format!(
        "kernel::reduce(out, (&{kept_extents:?}, &{outer:?}), (&{reduced:?}, &{inner:?}), {x}, \
         {first}, |a: f32, b: f32| {fold}, |a: f32| {last});"
    ));
    Ok(())
}

/// A strided copy of an operand.
fn copied(x: &str, extents: &[usize], to: &[usize], from: &[usize], starts: [usize; 2]) -> String {
    let strides: Vec<[usize; 2]> = to.iter().zip(from).map(|(to, from)| [*to, *from]).collect();
    format!("kernel::copy(out, &{extents:?}, &{strides:?}, {starts:?}, {x});")
}

pub(super) fn permute(steps: &mut Steps<'_>, node: &Node, order: &[usize]) -> Emitted {
    let own = strides_of(&steps.operand_extents(node, 0));
    let from: Vec<usize> = order.iter().filter_map(|&axis| own.get(axis).copied()).collect();
    let out = steps.result_extents();
    let x = steps.operand(node, 0)?;
    steps.push(copied(&x, &out, &strides_of(&out), &from, [0, 0]));
    Ok(())
}

pub(super) fn expand(steps: &mut Steps<'_>, node: &Node) -> Emitted {
    let out = steps.result_extents();
    let from = broadcast(&steps.operand_extents(node, 0), &out);
    let x = steps.operand(node, 0)?;
    steps.push(copied(&x, &out, &strides_of(&out), &from, [0, 0]));
    Ok(())
}

pub(super) fn slice(steps: &mut Steps<'_>, node: &Node, op: &Slice) -> Emitted {
    let out = steps.result_extents();
    let mut from = strides_of(&steps.operand_extents(node, 0));
    let (start, step) = (to_usize(op.start), to_usize(op.step));
    let stride = from.get_mut(op.dim);
    let start = stride.map_or(0, |stride| {
        let first = start * *stride;
        *stride *= step;
        first
    });
    let x = steps.operand(node, 0)?;
    steps.push(copied(&x, &out, &strides_of(&out), &from, [0, start]));
    Ok(())
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn cat(steps: &mut Steps<'_>, node: &Node, dim: usize) -> Emitted {
    let to = strides_of(&steps.result_extents());
    let stride = to.get(dim).copied().unwrap_or(1);
    let (mut lines, mut at) = (Vec::new(), 0);
    for operand in 0..node.inputs.len() {
        let extents = steps.operand_extents(node, operand);
        let x = steps.operand(node, operand)?;
        lines.push(copied(&x, &extents, &to, &strides_of(&extents), [at * stride, 0]));
        at += extents.get(dim).copied().unwrap_or(0);
    }
    steps.push(lines.join("\n        "));
    Ok(())
}

pub(super) fn split(steps: &mut Steps<'_>, node: &Node, op: &Split) -> Emitted {
    let from = strides_of(&steps.operand_extents(node, 0));
    let stride = from.get(op.dim).copied().unwrap_or(1);
    let x = steps.operand(node, 0)?;
    let mut at = 0;
    for (&output, &size) in node.outputs.iter().zip(&op.sizes) {
        let extents = steps.extents(output);
        let text = copied(&x, &extents, &strides_of(&extents), &from, [0, at * stride]);
        steps.push_to(output, text);
        at += to_usize(size);
    }
    Ok(())
}
