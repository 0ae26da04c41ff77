//! Shapes, arithmetic and reductions as ONNX operators.

use super::super::EmitError;
use super::builder::{Builder, Operands, element_type, int, ints, signed};
use crate::ir::op::{Binary, Cast, Cat, Full, Permute, Reduce, ReduceKind, Scalar, Slice, Unary};
use crate::ir::{DType, Dim};

/// A reshape; the one extent that depends on the batch is left to be computed.
pub(super) fn reshape(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    let symbolic = operands.output_dims().iter().filter(|dim| dim.known().is_none()).count();
    if symbolic > 1 {
        return Err(operands.unsupported("two extents that depend on the batch"));
    }
    let target: Vec<i64> =
        operands.output_dims().iter().map(|dim| dim.known().map_or(-1, signed)).collect();
    let shape = builder.integers(&target);
    builder.push("Reshape", vec![operands.input(0), shape], operands.output(0), vec![]);
    Ok(())
}

/// Dimensions in another order.
pub(super) fn permute(
    builder: &mut Builder<'_>,
    operands: &Operands,
    permute: &Permute,
) -> Result<(), EmitError> {
    let order = permute.order.iter().map(|&axis| signed(axis as u64)).collect();
    let attributes = vec![ints("perm", order)];
    builder.push("Transpose", vec![operands.input(0)], operands.output(0), attributes);
    Ok(())
}

/// Concatenation.
pub(super) fn cat(
    builder: &mut Builder<'_>,
    operands: &Operands,
    cat: &Cat,
) -> Result<(), EmitError> {
    let attributes = vec![int("axis", signed(cat.dim as u64))];
    builder.push("Concat", operands.inputs.clone(), operands.output(0), attributes);
    Ok(())
}

/// Broadcast to a larger shape. An extent of 1 keeps the operand's own, so that a batch dimension
/// of the operand stays symbolic; a batch dimension that only the result has cannot be written.
pub(super) fn expand(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    let output = operands.output_dims();
    let input = operands.input_dims(0);
    let lead = output.len().saturating_sub(input.len());
    let mut target = Vec::with_capacity(output.len());
    for (axis, dim) in output.iter().enumerate() {
        let own = axis.checked_sub(lead).and_then(|axis| input.get(axis));
        match dim {
            Dim::Known(extent) => target.push(signed(*extent)),
            Dim::Batch { .. } if own == Some(dim) => target.push(1),
            Dim::Batch { .. } => {
                return Err(operands.unsupported("a result repeated once per sample"));
            }
        }
    }
    let shape = builder.integers(&target);
    builder.push("Expand", vec![operands.input(0), shape], operands.output(0), vec![]);
    Ok(())
}

/// A strided range along one dimension.
pub(super) fn slice(
    builder: &mut Builder<'_>,
    operands: &Operands,
    slice: &Slice,
) -> Result<(), EmitError> {
    let start = builder.integers(&[signed(slice.start)]);
    let end = builder.integers(&[slice.end.map_or(i64::MAX, signed)]);
    let axis = builder.integers(&[signed(slice.dim as u64)]);
    let step = builder.integers(&[signed(slice.step)]);
    let inputs = vec![operands.input(0), start, end, axis, step];
    builder.push("Slice", inputs, operands.output(0), vec![]);
    Ok(())
}

/// A function of one tensor.
pub(super) fn unary(
    builder: &mut Builder<'_>,
    operands: &Operands,
    unary: Unary,
) -> Result<(), EmitError> {
    let x = operands.input(0);
    let output = operands.output(0);
    match unary {
        Unary::Neg => builder.push("Neg", vec![x], output, vec![]),
        Unary::Abs => builder.push("Abs", vec![x], output, vec![]),
        Unary::Exp => builder.push("Exp", vec![x], output, vec![]),
        Unary::Log => builder.push("Log", vec![x], output, vec![]),
        Unary::Sqrt => builder.push("Sqrt", vec![x], output, vec![]),
        Unary::Square => builder.push("Mul", vec![x.clone(), x], output, vec![]),
        Unary::Rsqrt => {
            let root = builder.apply("Sqrt", vec![x], vec![]);
            builder.push("Reciprocal", vec![root], output, vec![]);
        }
        Unary::Sin => builder.push("Sin", vec![x], output, vec![]),
        Unary::Cos => builder.push("Cos", vec![x], output, vec![]),
        Unary::Tan => builder.push("Tan", vec![x], output, vec![]),
        Unary::Reciprocal => builder.push("Reciprocal", vec![x], output, vec![]),
        Unary::Floor => builder.push("Floor", vec![x], output, vec![]),
        Unary::Ceil => builder.push("Ceil", vec![x], output, vec![]),
        Unary::Round => builder.push("Round", vec![x], output, vec![]),
        Unary::Sign => builder.push("Sign", vec![x], output, vec![]),
        Unary::Erf => builder.push("Erf", vec![x], output, vec![]),
        Unary::LogicalNot => builder.push("Not", vec![x], output, vec![]),
        Unary::Expm1 => {
            let (exp, one) = (builder.apply("Exp", vec![x], vec![]), builder.number(1.0));
            builder.push("Sub", vec![exp, one], output, vec![]);
        }
        Unary::Log1p => {
            let one = builder.number(1.0);
            let sum = builder.apply("Add", vec![x, one], vec![]);
            builder.push("Log", vec![sum], output, vec![]);
        }
        Unary::Log2 => {
            let (log, base) =
                (builder.apply("Log", vec![x], vec![]), builder.number(std::f64::consts::LN_2));
            builder.push("Div", vec![log, base], output, vec![]);
        }
    }
    Ok(())
}

/// The operator of a function of two tensors; `None` where it is composed or not exported.
const fn operator(binary: Binary) -> Option<&'static str> {
    Some(match binary {
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        Binary::Div => "Div",
        Binary::Pow => "Pow",
        Binary::Maximum => "Max",
        Binary::Minimum => "Min",
        Binary::Equal => "Equal",
        Binary::Less => "Less",
        Binary::LessEqual => "LessOrEqual",
        Binary::Greater => "Greater",
        Binary::GreaterEqual => "GreaterOrEqual",
        Binary::LogicalAnd => "And",
        Binary::LogicalOr => "Or",
        Binary::LogicalXor => "Xor",
        Binary::FloorDivide | Binary::Remainder | Binary::NotEqual => return None,
    })
}

/// A function of two named tensors.
fn combine(
    builder: &mut Builder<'_>,
    operands: &Operands,
    binary: Binary,
    inputs: Vec<String>,
) -> Result<(), EmitError> {
    let output = operands.output(0);
    match (operator(binary), binary) {
        (Some(op_type), _) => builder.push(op_type, inputs, output, vec![]),
        (None, Binary::NotEqual) => {
            let equal = builder.apply("Equal", inputs, vec![]);
            builder.push("Not", vec![equal], output, vec![]);
        }
        (None, Binary::FloorDivide) => {
            let quotient = builder.apply("Div", inputs, vec![]);
            builder.push("Floor", vec![quotient], output, vec![]);
        }
        (None, _) => return Err(operands.unsupported("nasc does not export it yet")),
    }
    Ok(())
}

/// A function of two tensors.
pub(super) fn binary(
    builder: &mut Builder<'_>,
    operands: &Operands,
    binary: Binary,
) -> Result<(), EmitError> {
    combine(builder, operands, binary, operands.inputs.clone())
}

/// A function of a tensor and a number.
pub(super) fn scalar(
    builder: &mut Builder<'_>,
    operands: &Operands,
    scalar: &Scalar,
) -> Result<(), EmitError> {
    let dtype = operands.input_types.first().map_or(DType::F32, |found| found.dtype);
    let number = builder.number(scalar.value);
    let number = match dtype {
        DType::F32 => number,
        other => {
            let to = int("to", i64::from(element_type(other)));
            builder.apply("Cast", vec![number], vec![to])
        }
    };
    let mut inputs = vec![operands.input(0), number];
    if scalar.reversed {
        inputs.reverse();
    }
    combine(builder, operands, scalar.op, inputs)
}

/// A reduction.
pub(super) fn reduce(
    builder: &mut Builder<'_>,
    operands: &Operands,
    reduce: &Reduce,
) -> Result<(), EmitError> {
    let op_type = match reduce.kind {
        ReduceKind::Sum => "ReduceSum",
        ReduceKind::Mean => "ReduceMean",
        ReduceKind::Max => "ReduceMax",
        ReduceKind::Min => "ReduceMin",
        ReduceKind::Product => "ReduceProd",
        ReduceKind::Norm => "ReduceL2",
        ReduceKind::LogSumExp => "ReduceLogSumExp",
        ReduceKind::Variance { .. }
        | ReduceKind::Deviation { .. }
        | ReduceKind::All
        | ReduceKind::Any => return Err(operands.unsupported("nasc does not export it yet")),
    };
    let axes = reduce.dims.iter().map(|&axis| signed(axis as u64)).collect();
    reduce_with(builder, operands, op_type, axes, reduce.keep_dim)
}

/// A reduction by its operator. The axes became an operand in opset 13 for sums and in opset 18
/// for the others.
pub(super) fn reduce_with(
    builder: &mut Builder<'_>,
    operands: &Operands,
    op_type: &str,
    axes: Vec<i64>,
    keep_dim: bool,
) -> Result<(), EmitError> {
    let mut inputs = vec![operands.input(0)];
    let mut attributes = vec![int("keepdims", i64::from(keep_dim))];
    if op_type == "ReduceSum" || builder.opset >= 18 {
        inputs.push(builder.integers(&axes));
    } else {
        attributes.push(ints("axes", axes));
    }
    builder.push(op_type, inputs, operands.output(0), attributes);
    Ok(())
}

/// A matrix product.
pub(super) fn matmul(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    builder.push("MatMul", operands.inputs.clone(), operands.output(0), vec![]);
    Ok(())
}

/// A filled tensor of known extents.
pub(super) fn full(
    builder: &mut Builder<'_>,
    operands: &Operands,
    full: &Full,
) -> Result<(), EmitError> {
    let extents: Option<Vec<i64>> =
        full.shape.0.iter().map(|dim| dim.known().map(signed)).collect();
    let Some(extents) = extents else {
        return Err(operands.unsupported("a filled tensor whose size depends on the batch"));
    };
    let number = builder.number(full.value);
    let number = if full.dtype.is_float() {
        number
    } else {
        let to = int("to", i64::from(element_type(full.dtype)));
        builder.apply("Cast", vec![number], vec![to])
    };
    let shape = builder.integers(&extents);
    builder.push("Expand", vec![number, shape], operands.output(0), vec![]);
    Ok(())
}

/// Another element type.
pub(super) fn cast(
    builder: &mut Builder<'_>,
    operands: &Operands,
    cast: Cast,
) -> Result<(), EmitError> {
    let to = int("to", i64::from(element_type(cast.dtype)));
    builder.push("Cast", vec![operands.input(0)], operands.output(0), vec![to]);
    Ok(())
}
