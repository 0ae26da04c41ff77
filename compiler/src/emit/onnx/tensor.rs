//! Shapes and arithmetic as ONNX operators. Operands are brought to the element type that PyTorch
//! promotes them to, since the operators take one type. Reductions are in `reduce`.

use super::super::EmitError;
use super::attribute::{element_type, int, ints, signed};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::op::{Binary, Cast, Cat, Full, Permute, Scalar, Slice, Unary};
use crate::ir::{DType, Dim};

/// A reshape; one extent that depends on the batch is left to be computed, several are computed
/// from an input's.
pub(super) fn reshape(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    let dims = operands.output_dims();
    let symbolic = dims.iter().filter(|dim| dim.known().is_none()).count();
    // an extent of 0 otherwise stands for the operand's own
    let empty = dims.contains(&Dim::Known(0));
    let attributes = if empty { vec![int("allowzero", 1)] } else { vec![] };
    let shape = if symbolic > 1 || empty {
        builder.extents(dims)
    } else {
        let target: Vec<i64> = dims.iter().map(|dim| dim.known().map_or(-1, signed)).collect();
        builder.integers(&target)
    };
    builder.push("Reshape", vec![operands.input(0), shape], operands.output(0), attributes);
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

/// Concatenation of the operands that hold something.
pub(super) fn cat(
    builder: &mut Builder<'_>,
    operands: &Operands,
    cat: &Cat,
) -> Result<(), EmitError> {
    let attributes = vec![int("axis", signed(cat.dim as u64))];
    let mut inputs = operands.inputs_as_output(builder);
    let mut index = 0..;
    inputs.retain(|_| {
        let dims = index.next().map(|index| operands.input_dims(index));
        !dims.is_some_and(|dims| dims.contains(&Dim::Known(0)))
    });
    builder.push("Concat", inputs, operands.output(0), attributes);
    Ok(())
}

/// Broadcast to a larger shape. An extent of 1 keeps the operand's own, so that a batch dimension
/// of the operand need not be computed.
pub(super) fn expand(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    let output = operands.output_dims();
    let input = operands.input_dims(0);
    let lead = output.len().saturating_sub(input.len());
    let own = |axis: usize| axis.checked_sub(lead).and_then(|axis| input.get(axis));
    let target = output.iter().enumerate().map(|(axis, dim)| match own(axis) == Some(dim) {
        true => Dim::Known(1),
        false => *dim,
    });
    let target: Vec<Dim> = target.collect();
    let shape = builder.extents(&target);
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
    // functions of integers give floats; signs and roundings stay what they are
    let dtype = if unary == Unary::LogicalNot { DType::Bool } else { operands.output_dtype() };
    let x = operands.input_as(builder, 0, dtype);
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

/// A function of two named tensors of one element type.
fn combine(
    builder: &mut Builder<'_>,
    output: String,
    binary: Binary,
    inputs: Vec<String>,
    dtype: DType,
) {
    match (operator(binary), binary) {
        (Some(op_type), _) => builder.push(op_type, inputs, output, vec![]),
        (None, Binary::NotEqual) => {
            let equal = builder.apply("Equal", inputs, vec![]);
            builder.push("Not", vec![equal], output, vec![]);
        }
        (None, Binary::FloorDivide) => floor_divide(builder, output, inputs, dtype),
        (None, _) => remainder(builder, output, inputs, dtype),
    }
}

/// The quotient rounded down. The operator for integers rounds towards zero, so those take the way
/// over the remainder, which has the sign of the divisor: (a − a mod b) / b.
fn floor_divide(builder: &mut Builder<'_>, output: String, inputs: Vec<String>, dtype: DType) {
    if dtype.is_float() {
        let quotient = builder.apply("Div", inputs, vec![]);
        builder.push("Floor", vec![quotient], output, vec![]);
        return;
    }
    let rest = builder.apply("Mod", inputs.clone(), vec![]);
    let mut inputs = inputs.into_iter();
    let (left, right) = (inputs.next().unwrap_or_default(), inputs.next().unwrap_or_default());
    let whole = builder.apply("Sub", vec![left, rest], vec![]);
    builder.push("Div", vec![whole, right], output, vec![]);
}

/// a mod b with the sign of b; for floats a − ⌊a / b⌋ b.
fn remainder(builder: &mut Builder<'_>, output: String, inputs: Vec<String>, dtype: DType) {
    if !dtype.is_float() {
        builder.push("Mod", inputs, output, vec![]);
        return;
    }
    let quotient = builder.apply("Div", inputs.clone(), vec![]);
    let floor = builder.apply("Floor", vec![quotient], vec![]);
    let mut inputs = inputs.into_iter();
    let (left, right) = (inputs.next().unwrap_or_default(), inputs.next().unwrap_or_default());
    let whole = builder.apply("Mul", vec![floor, right], vec![]);
    builder.push("Sub", vec![left, whole], output, vec![]);
}

/// The element type that operands are brought to: that of the result for arithmetic, truth values
/// for logic, the widest for comparisons.
fn operand_type(binary: Binary, operands: &Operands, number: Option<&Scalar>) -> DType {
    match binary {
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Pow
        | Binary::Maximum
        | Binary::Minimum
        | Binary::FloorDivide
        | Binary::Remainder => operands.output_dtype(),
        Binary::LogicalAnd | Binary::LogicalOr | Binary::LogicalXor => DType::Bool,
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual => widest(operands, number),
    }
}

fn widest(operands: &Operands, number: Option<&Scalar>) -> DType {
    let types = || operands.input_types.iter().map(|found| found.dtype);
    if let Some(float) = types().find(|dtype| dtype.is_float()) {
        return float;
    }
    match types().next() {
        _ if number.is_some_and(|number| number.is_float) => DType::F32,
        Some(first) if types().all(|dtype| dtype == first) && number.is_none() => first,
        _ => DType::I64,
    }
}

/// A function of two tensors.
pub(super) fn binary(
    builder: &mut Builder<'_>,
    operands: &Operands,
    binary: Binary,
) -> Result<(), EmitError> {
    let dtype = operand_type(binary, operands, None);
    let inputs = (0..2).map(|index| operands.input_as(builder, index, dtype)).collect();
    combine(builder, operands.output(0), binary, inputs, dtype);
    Ok(())
}

/// A function of a tensor and a number.
pub(super) fn scalar(
    builder: &mut Builder<'_>,
    operands: &Operands,
    scalar: &Scalar,
) -> Result<(), EmitError> {
    let dtype = operand_type(scalar.op, operands, Some(scalar));
    let tensor = operands.input_as(builder, 0, dtype);
    let mut inputs = vec![tensor, builder.number_of(scalar.value, dtype)];
    if scalar.reversed {
        inputs.reverse();
    }
    combine(builder, operands.output(0), scalar.op, inputs, dtype);
    Ok(())
}

/// A matrix product.
pub(super) fn matmul(builder: &mut Builder<'_>, operands: &Operands) -> Result<(), EmitError> {
    builder.push("MatMul", operands.inputs.clone(), operands.output(0), vec![]);
    Ok(())
}

/// A filled tensor.
pub(super) fn full(
    builder: &mut Builder<'_>,
    operands: &Operands,
    full: &Full,
) -> Result<(), EmitError> {
    let number = builder.number_of(full.value, full.dtype);
    let shape = builder.extents(&full.shape.0);
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
