//! Activations and softmax as ONNX operators; those without an operator of their own are composed.

use super::super::EmitError;
use super::attribute::{float, int, signed};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::op::{Activation, Softmax};

/// One activation.
pub(super) fn activation(
    builder: &mut Builder<'_>,
    operands: &Operands,
    activation: Activation,
) -> Result<(), EmitError> {
    match activation {
        Activation::Relu => simple(builder, operands, "Relu", vec![]),
        Activation::Sigmoid => simple(builder, operands, "Sigmoid", vec![]),
        Activation::Tanh => simple(builder, operands, "Tanh", vec![]),
        Activation::Selu => simple(builder, operands, "Selu", vec![]),
        Activation::Softsign => simple(builder, operands, "Softsign", vec![]),
        Activation::Relu6 => clip(builder, operands, 0.0, 6.0),
        Activation::Hardtanh { min, max } => clip(builder, operands, min, max),
        Activation::LeakyRelu { negative_slope } => {
            simple(builder, operands, "LeakyRelu", vec![float("alpha", negative_slope)])
        }
        Activation::Elu { alpha } => simple(builder, operands, "Elu", vec![float("alpha", alpha)]),
        Activation::Celu { alpha } => {
            simple(builder, operands, "Celu", vec![float("alpha", alpha)])
        }
        Activation::Hardsigmoid => simple(builder, operands, "HardSigmoid", hard_sigmoid()),
        Activation::Hardswish => gate(builder, operands, "HardSigmoid", hard_sigmoid()),
        Activation::Silu => gate(builder, operands, "Sigmoid", vec![]),
        Activation::Mish => mish(builder, operands),
        Activation::Gelu { tanh } => gelu(builder, operands, tanh),
        Activation::Softplus { beta, threshold: _ } => softplus(builder, operands, beta),
        Activation::LogSigmoid => log_sigmoid(builder, operands),
        Activation::Hardshrink { lambda } => shrink(builder, operands, lambda, 0.0),
        Activation::Softshrink { lambda } => shrink(builder, operands, lambda, lambda),
        Activation::Tanhshrink => {
            let curve = builder.apply("Tanh", vec![operands.input(0)], vec![]);
            builder.push("Sub", vec![operands.input(0), curve], operands.output(0), vec![]);
        }
        Activation::Threshold { threshold, value } => {
            let numbers = [threshold, value].map(|number| builder.number(number));
            let [threshold, value] = numbers;
            let above = builder.apply("Greater", vec![operands.input(0), threshold], vec![]);
            let inputs = vec![above, operands.input(0), value];
            builder.push("Where", inputs, operands.output(0), vec![]);
        }
        // in evaluation the slope is the mean
        Activation::Rrelu { lower, upper } => {
            let slope = float("alpha", (lower + upper) / 2.0);
            simple(builder, operands, "LeakyRelu", vec![slope]);
        }
    }
    Ok(())
}

/// Leaky ReLU with learnt slopes, one for all channels or one for each.
pub(super) fn prelu(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    let rank = operands.input_dims(0).len();
    let slopes = operands.input_dims(1).first().and_then(|dim| dim.known()).unwrap_or(1);
    let mut shape = vec![1; rank.saturating_sub(1).max(1)];
    if let Some(channels) = shape.first_mut() {
        *channels = signed(slopes);
    }
    let shape = builder.integers(&shape);
    let slope = builder.apply("Reshape", vec![operands.input(1), shape], vec![]);
    builder.push("PRelu", vec![operands.input(0), slope], operands.output(0), vec![]);
    Ok(())
}

/// One half of a dimension times the sigmoid of the other.
pub(super) fn glu(
    builder: &mut Builder<'_>,
    operands: &Operands,
    dim: usize,
) -> Result<(), EmitError> {
    let Some(half) = operands.output_dims().get(dim).and_then(|dim| dim.known()) else {
        return Err(operands.unsupported("a gate along the batch"));
    };
    let sizes = builder.integers(&[signed(half), signed(half)]);
    let (left, right) = (builder.temporary(), builder.temporary());
    let parts = vec![left.clone(), right.clone()];
    let attributes = vec![int("axis", signed(dim as u64))];
    builder.push_many("Split", vec![operands.input(0), sizes], parts, attributes);
    let gate = builder.apply("Sigmoid", vec![right], vec![]);
    builder.push("Mul", vec![left, gate], operands.output(0), vec![]);
    Ok(())
}

/// relu6(x + 3) / 6 = max(0, min(1, x/6 + 1/2))
fn hard_sigmoid() -> Vec<super::message::AttributeProto> {
    vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]
}

fn simple(
    builder: &mut Builder<'_>,
    operands: &Operands,
    op_type: &str,
    attributes: Vec<super::message::AttributeProto>,
) {
    builder.push(op_type, vec![operands.input(0)], operands.output(0), attributes);
}

/// Zero within λ of zero, elsewhere moved towards it by the bias.
fn shrink(builder: &mut Builder<'_>, operands: &Operands, lambda: f64, bias: f64) {
    simple(builder, operands, "Shrink", vec![float("lambd", lambda), float("bias", bias)]);
}

fn clip(builder: &mut Builder<'_>, operands: &Operands, min: f64, max: f64) {
    let (min, max) = (builder.number(min), builder.number(max));
    builder.push("Clip", vec![operands.input(0), min, max], operands.output(0), vec![]);
}

/// x · f(x)
fn gate(
    builder: &mut Builder<'_>,
    operands: &Operands,
    op_type: &str,
    attributes: Vec<super::message::AttributeProto>,
) {
    let gate = builder.apply(op_type, vec![operands.input(0)], attributes);
    builder.push("Mul", vec![operands.input(0), gate], operands.output(0), vec![]);
}

/// x · tanh(softplus(x))
fn mish(builder: &mut Builder<'_>, operands: &Operands) {
    let softplus = builder.apply("Softplus", vec![operands.input(0)], vec![]);
    let gate = builder.apply("Tanh", vec![softplus], vec![]);
    builder.push("Mul", vec![operands.input(0), gate], operands.output(0), vec![]);
}

/// x/2 · (1 + erf(x/√2)), or with tanh(√(2/π) (x + 0.044715 x³)) for the error function.
fn gelu(builder: &mut Builder<'_>, operands: &Operands, tanh: bool) {
    let x = operands.input(0);
    let curve = if tanh {
        let (cube, factor) = (builder.number(3.0), builder.number(0.044_715));
        let cubed = builder.apply("Pow", vec![x.clone(), cube], vec![]);
        let scaled = builder.apply("Mul", vec![cubed, factor], vec![]);
        let sum = builder.apply("Add", vec![x.clone(), scaled], vec![]);
        let root = builder.number((2.0 / std::f64::consts::PI).sqrt());
        let inner = builder.apply("Mul", vec![sum, root], vec![]);
        builder.apply("Tanh", vec![inner], vec![])
    } else {
        let root = builder.number(std::f64::consts::FRAC_1_SQRT_2);
        let inner = builder.apply("Mul", vec![x.clone(), root], vec![]);
        builder.apply("Erf", vec![inner], vec![])
    };
    let (one, half) = (builder.number(1.0), builder.number(0.5));
    let sum = builder.apply("Add", vec![curve, one], vec![]);
    let gate = builder.apply("Mul", vec![sum, half], vec![]);
    builder.push("Mul", vec![x, gate], operands.output(0), vec![]);
}

/// softplus(βx) / β. The operator is exact where PyTorch switches to the line above the threshold.
fn softplus(builder: &mut Builder<'_>, operands: &Operands, beta: f64) {
    let beta = builder.number(beta);
    let scaled = builder.apply("Mul", vec![operands.input(0), beta.clone()], vec![]);
    let curve = builder.apply("Softplus", vec![scaled], vec![]);
    builder.push("Div", vec![curve, beta], operands.output(0), vec![]);
}

/// −softplus(−x)
fn log_sigmoid(builder: &mut Builder<'_>, operands: &Operands) {
    let negated = builder.apply("Neg", vec![operands.input(0)], vec![]);
    let curve = builder.apply("Softplus", vec![negated], vec![]);
    builder.push("Neg", vec![curve], operands.output(0), vec![]);
}

/// Softmax or its logarithm.
pub(super) fn softmax(
    builder: &mut Builder<'_>,
    operands: &Operands,
    softmax: &Softmax,
) -> Result<(), EmitError> {
    let op_type = if softmax.log { "LogSoftmax" } else { "Softmax" };
    simple(builder, operands, op_type, vec![int("axis", signed(softmax.dim as u64))]);
    Ok(())
}
