//! Convolutions and affine maps as ONNX operators.

use super::super::EmitError;
use super::attribute::{int, ints, signed, signed_all, string};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::op::{Conv, Linear, PaddingMode};

/// A convolution or transposed convolution; borders that are not zero are padded before it.
pub(super) fn conv(
    builder: &mut Builder<'_>,
    operands: &Operands,
    conv: &Conv,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() != conv.kernel.len() + 2 {
        return Err(operands.unsupported("an input without a batch dimension"));
    }
    let mut inputs = operands.inputs.clone();
    let mut attributes = vec![
        ints("kernel_shape", signed_all(&conv.kernel)),
        ints("strides", signed_all(&conv.stride)),
        ints("dilations", signed_all(&conv.dilation)),
        int("group", signed(conv.groups)),
    ];
    if conv.padding_mode == PaddingMode::Zeros {
        attributes.push(ints("pads", begins_then_ends(&conv.padding)));
    } else if let Some(first) = inputs.first_mut() {
        *first = border(builder, operands, conv)?;
    }
    let op_type = match &conv.transposed {
        Some(output_padding) => {
            attributes.push(ints("output_padding", signed_all(output_padding)));
            "ConvTranspose"
        }
        None => "Conv",
    };
    builder.push(op_type, inputs, operands.output(0), attributes);
    Ok(())
}

/// Amounts as the format has them.
pub(super) fn begins_then_ends(padding: &[(u64, u64)]) -> Vec<i64> {
    let begins = padding.iter().map(|&(begin, _)| signed(begin));
    begins.chain(padding.iter().map(|&(_, end)| signed(end))).collect()
}

/// The input of a convolution, padded by its border rule.
fn border(
    builder: &mut Builder<'_>,
    operands: &Operands,
    conv: &Conv,
) -> Result<String, EmitError> {
    let mode = match conv.padding_mode {
        PaddingMode::Zeros => "constant",
        PaddingMode::Reflect => "reflect",
        PaddingMode::Replicate => "edge",
        // The mode `wrap` came with opset 19.
        PaddingMode::Circular if builder.opset >= 19 => "wrap",
        PaddingMode::Circular => {
            return Err(operands.unsupported("circular padding needs opset 19 or newer"));
        }
    };
    let mut whole = vec![(0, 0), (0, 0)];
    whole.extend(&conv.padding);
    let pads = builder.integers(&begins_then_ends(&whole));
    Ok(builder.apply("Pad", vec![operands.input(0), pads], vec![string("mode", mode)]))
}

/// x Wᵀ + b: one Gemm for a matrix, a product and a sum otherwise.
pub(super) fn linear(
    builder: &mut Builder<'_>,
    operands: &Operands,
    linear: &Linear,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() == 2 {
        let attributes = vec![int("transB", 1)];
        builder.push("Gemm", operands.inputs.clone(), operands.output(0), attributes);
        return Ok(());
    }
    let transposed =
        builder.apply("Transpose", vec![operands.input(1)], vec![ints("perm", vec![1, 0])]);
    let factors = vec![operands.input(0), transposed];
    if linear.bias {
        let product = builder.apply("MatMul", factors, vec![]);
        builder.push("Add", vec![product, operands.input(2)], operands.output(0), vec![]);
    } else {
        builder.push("MatMul", factors, operands.output(0), vec![]);
    }
    Ok(())
}
