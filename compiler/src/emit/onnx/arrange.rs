//! Operations that move, select or make elements as ONNX operators.

use super::super::EmitError;
use super::attribute::{int, signed, signed_all, string};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::DType;
use crate::ir::op::{Arange, Clamp, Flip, Pad, PadMode, Repeat, Roll, Scatter, Split, Triangle};

type Emitted = Result<(), EmitError>;

/// Rows of a table.
pub(super) fn embedding(builder: &mut Builder<'_>, operands: &Operands) -> Emitted {
    let inputs = vec![operands.input(1), operands.input(0)];
    builder.push("Gather", inputs, operands.output(0), vec![int("axis", 0)]);
    Ok(())
}

/// Rows along a dimension.
pub(super) fn index(builder: &mut Builder<'_>, operands: &Operands, dim: usize) -> Emitted {
    let attributes = vec![int("axis", signed(dim as u64))];
    builder.push("Gather", operands.inputs.clone(), operands.output(0), attributes);
    Ok(())
}

/// Elements along a dimension.
/// `ScatterElements`; adding needs opset 16.
pub(super) fn scatter(builder: &mut Builder<'_>, operands: &Operands, scatter: Scatter) -> Emitted {
    let mut attributes = vec![int("axis", signed(scatter.dim as u64))];
    if let [_, indices, source] = operands.input_types.as_slice()
        && indices.shape != source.shape
    {
        return Err(operands.unsupported("a source that is larger than the indices"));
    }
    if scatter.add {
        if builder.opset < 16 {
            return Err(operands.unsupported("opset 16 or later is needed"));
        }
        attributes.push(string("reduction", "add"));
    }
    builder.push("ScatterElements", operands.inputs.clone(), operands.output(0), attributes);
    Ok(())
}

pub(super) fn gather(builder: &mut Builder<'_>, operands: &Operands, dim: usize) -> Emitted {
    let attributes = vec![int("axis", signed(dim as u64))];
    builder.push("GatherElements", operands.inputs.clone(), operands.output(0), attributes);
    Ok(())
}

/// Continuation beyond the border. PyTorch lists the last dimension first.
pub(super) fn pad(builder: &mut Builder<'_>, operands: &Operands, pad: &Pad) -> Emitted {
    let rank = operands.input_dims(0).len();
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    let first = rank.saturating_sub(pad.padding.len());
    for (dim, &(low, high)) in pad.padding.iter().enumerate() {
        if let (Some(start), Some(end)) = (before.get_mut(first + dim), after.get_mut(first + dim))
        {
            (*start, *end) = (low, high);
        }
    }
    let amounts = builder.integers(&[before, after].concat());
    let (mode, value) = match pad.mode {
        PadMode::Constant(value) => ("constant", Some(value)),
        PadMode::Reflect => ("reflect", None),
        PadMode::Replicate => ("edge", None),
        // The mode `wrap` came with opset 19.
        PadMode::Circular if builder.opset >= 19 => ("wrap", None),
        PadMode::Circular => {
            return Err(operands.unsupported("circular padding needs opset 19 or newer"));
        }
    };
    let dtype = operands.input_dtype(0);
    let mut inputs = vec![operands.input(0), amounts];
    inputs.extend(value.map(|value| builder.number_of(value, dtype)));
    builder.push("Pad", inputs, operands.output(0), vec![string("mode", mode)]);
    Ok(())
}

/// Consecutive parts.
pub(super) fn split(builder: &mut Builder<'_>, operands: &Operands, split: &Split) -> Emitted {
    let sizes = builder.integers(&signed_all(&split.sizes));
    let attributes = vec![int("axis", signed(split.dim as u64))];
    let inputs = vec![operands.input(0), sizes];
    builder.push_many("Split", inputs, operands.outputs.clone(), attributes);
    Ok(())
}

/// A range along a dimension, of any direction.
fn range(
    builder: &mut Builder<'_>,
    input: String,
    dim: usize,
    [start, end, step]: [i64; 3],
) -> String {
    let numbers = [start, end, signed(dim as u64), step].map(|number| builder.integers(&[number]));
    let inputs = std::iter::once(input).chain(numbers).collect();
    builder.apply("Slice", inputs, vec![])
}

/// A cyclic shift: the end, then the beginning.
pub(super) fn roll(builder: &mut Builder<'_>, operands: &Operands, roll: &Roll) -> Emitted {
    let mut value = operands.input(0);
    for &(dim, shift) in &roll.shifts {
        let extent = operands.input_dims(0).get(dim).and_then(|dim| dim.known());
        let Some(extent) = extent else {
            return Err(operands.unsupported("a shift along the batch"));
        };
        let extent = signed(extent).max(1);
        let cut = (extent - shift).rem_euclid(extent);
        let tail = range(builder, value.clone(), dim, [cut, i64::MAX, 1]);
        let head = range(builder, value, dim, [0, cut, 1]);
        value = builder.apply("Concat", vec![tail, head], vec![int("axis", signed(dim as u64))]);
    }
    builder.push("Identity", vec![value], operands.output(0), vec![]);
    Ok(())
}

/// Reversal.
pub(super) fn flip(builder: &mut Builder<'_>, operands: &Operands, flip: &Flip) -> Emitted {
    let mut value = operands.input(0);
    for &dim in &flip.dims {
        value = range(builder, value, dim, [-1, i64::MIN, -1]);
    }
    builder.push("Identity", vec![value], operands.output(0), vec![]);
    Ok(())
}

/// Tiling; new dimensions in front come first.
pub(super) fn repeat(builder: &mut Builder<'_>, operands: &Operands, repeat: &Repeat) -> Emitted {
    let rank = operands.input_dims(0).len();
    let mut value = operands.input(0);
    if repeat.repeats.len() > rank {
        let axes: Vec<i64> = (0..signed((repeat.repeats.len() - rank) as u64)).collect();
        let axes = builder.integers(&axes);
        value = builder.apply("Unsqueeze", vec![value, axes], vec![]);
    }
    let repeats = builder.integers(&signed_all(&repeat.repeats));
    builder.push("Tile", vec![value, repeats], operands.output(0), vec![]);
    Ok(())
}

/// One of two tensors by a condition.
pub(super) fn choose(builder: &mut Builder<'_>, operands: &Operands) -> Emitted {
    let dtype = operands.output_dtype();
    let inputs = vec![
        operands.input_as(builder, 0, DType::Bool),
        operands.input_as(builder, 1, dtype),
        operands.input_as(builder, 2, dtype),
    ];
    builder.push("Where", inputs, operands.output(0), vec![]);
    Ok(())
}

/// A number where a condition holds.
pub(super) fn masked_fill(builder: &mut Builder<'_>, operands: &Operands, value: f64) -> Emitted {
    let number = builder.number_of(value, operands.input_dtype(0));
    let condition = operands.input_as(builder, 1, DType::Bool);
    let inputs = vec![condition, number, operands.input(0)];
    builder.push("Where", inputs, operands.output(0), vec![]);
    Ok(())
}

/// Restriction to a range.
pub(super) fn clamp(builder: &mut Builder<'_>, operands: &Operands, clamp: Clamp) -> Emitted {
    let dtype = operands.output_dtype();
    let input = operands.input_as(builder, 0, dtype);
    let low = clamp.min.map(|min| builder.number_of(min, dtype)).unwrap_or_default();
    let high = clamp.max.map(|max| builder.number_of(max, dtype)).unwrap_or_default();
    builder.push("Clip", vec![input, low, high], operands.output(0), vec![]);
    Ok(())
}

/// Equally spaced numbers, as a constant.
pub(super) fn arange(builder: &mut Builder<'_>, operands: &Operands, arange: Arange) -> Emitted {
    let count = operands.output_dims().first().and_then(|dim| dim.known()).unwrap_or(0);
    let number = |index: u64| arange.start + index as f64 * arange.step;
    let name = if arange.dtype.is_float() {
        let elements: Vec<f32> = (0..count).map(|index| number(index) as f32).collect();
        let name = builder.temporary();
        builder.floats(&name, &[count], &elements);
        builder.converted(name, DType::F32, arange.dtype)
    } else {
        let elements: Vec<i64> = (0..count).map(|index| number(index) as i64).collect();
        let name = builder.integers(&elements);
        builder.converted(name, DType::I64, arange.dtype)
    };
    builder.push("Identity", vec![name], operands.output(0), vec![]);
    Ok(())
}

/// The part of matrices on one side of a diagonal; the operator came with opset 14.
pub(super) fn triangle(
    builder: &mut Builder<'_>,
    operands: &Operands,
    triangle: Triangle,
) -> Emitted {
    if builder.opset < 14 {
        return Err(operands.unsupported("opset 14 or later is needed"));
    }
    let diagonal = builder.integers(&[triangle.diagonal]);
    let attributes = vec![int("upper", i64::from(triangle.upper))];
    builder.push("Trilu", vec![operands.input(0), diagonal], operands.output(0), attributes);
    Ok(())
}
