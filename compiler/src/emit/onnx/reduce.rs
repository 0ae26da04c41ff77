//! Reductions, positions and running sums as ONNX operators.

use super::super::EmitError;
use super::attribute::{int, ints, signed};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::DType;
use crate::ir::op::{ArgExtreme, Cumulate, Reduce, ReduceKind, TopK};

type Emitted = Result<(), EmitError>;

/// A reduction; without dimensions over all of them.
pub(super) fn reduce(builder: &mut Builder<'_>, operands: &Operands, reduce: &Reduce) -> Emitted {
    let axes = axes(operands, reduce);
    let keep = reduce.keep_dim;
    let plain = |builder: &mut Builder<'_>, op_type: &str| {
        let input = operands.input_as(builder, 0, operands.output_dtype());
        builder.push_reduction(op_type, input, &axes, keep, operands.output(0));
    };
    match reduce.kind {
        ReduceKind::Sum => plain(builder, "ReduceSum"),
        ReduceKind::Mean => plain(builder, "ReduceMean"),
        ReduceKind::Max => plain(builder, "ReduceMax"),
        ReduceKind::Min => plain(builder, "ReduceMin"),
        ReduceKind::Product => plain(builder, "ReduceProd"),
        ReduceKind::Norm => plain(builder, "ReduceL2"),
        ReduceKind::LogSumExp => plain(builder, "ReduceLogSumExp"),
        ReduceKind::All => truth(builder, operands, "ReduceMin", &axes, keep),
        ReduceKind::Any => truth(builder, operands, "ReduceMax", &axes, keep),
        ReduceKind::Variance { correction } => {
            let variance = variance(builder, operands, &axes, keep, correction)?;
            builder.push("Identity", vec![variance], operands.output(0), vec![]);
        }
        ReduceKind::Deviation { correction } => {
            let variance = variance(builder, operands, &axes, keep, correction)?;
            builder.push("Sqrt", vec![variance], operands.output(0), vec![]);
        }
    }
    Ok(())
}

fn axes(operands: &Operands, reduce: &Reduce) -> Vec<i64> {
    if reduce.dims.is_empty() {
        return (0..operands.input_dims(0).len()).map(|axis| signed(axis as u64)).collect();
    }
    reduce.dims.iter().map(|&axis| signed(axis as u64)).collect()
}

/// Whether all or any are true, by way of integers.
fn truth(
    builder: &mut Builder<'_>,
    operands: &Operands,
    op_type: &str,
    axes: &[i64],
    keep_dim: bool,
) {
    let bits = operands.input_as(builder, 0, DType::Bool);
    let bits = builder.converted(bits, DType::Bool, DType::I32);
    let reduced = builder.temporary();
    builder.push_reduction(op_type, bits, axes, keep_dim, reduced.clone());
    let to = super::attribute::element_type(DType::Bool);
    builder.push("Cast", vec![reduced], operands.output(0), vec![int("to", i64::from(to))]);
}

/// Mean of squared distances from the mean, times n / (n − correction).
fn variance(
    builder: &mut Builder<'_>,
    operands: &Operands,
    axes: &[i64],
    keep_dim: bool,
    correction: u64,
) -> Result<String, EmitError> {
    let dims = operands.input_dims(0);
    let reduced = axes.iter().map(|&axis| {
        usize::try_from(axis).ok().and_then(|axis| dims.get(axis)).and_then(|dim| dim.known())
    });
    let Some(count) = reduced.product::<Option<u64>>() else {
        return Err(operands.unsupported("a variance over the batch"));
    };
    let mean = builder.temporary();
    builder.push_reduction("ReduceMean", operands.input(0), axes, true, mean.clone());
    let centered = builder.apply("Sub", vec![operands.input(0), mean], vec![]);
    let squares = builder.apply("Mul", vec![centered.clone(), centered], vec![]);
    let variance = builder.temporary();
    builder.push_reduction("ReduceMean", squares, axes, keep_dim, variance.clone());
    if correction == 0 {
        return Ok(variance);
    }
    let factor = builder.number(count as f64 / (count as f64 - correction as f64));
    Ok(builder.apply("Mul", vec![variance, factor], vec![]))
}

impl Builder<'_> {
    /// A reduction by its operator. The axes became an operand in opset 13 for sums and in opset 18
    /// for the others.
    pub fn push_reduction(
        &mut self,
        op_type: &str,
        input: String,
        axes: &[i64],
        keep_dim: bool,
        output: String,
    ) {
        let mut inputs = vec![input];
        let mut attributes = vec![int("keepdims", i64::from(keep_dim))];
        if op_type == "ReduceSum" || self.opset >= 18 {
            inputs.push(self.integers(axes));
        } else {
            attributes.push(ints("axes", axes.to_vec()));
        }
        self.push(op_type, inputs, output, attributes);
    }
}

/// Running sum.
pub(super) fn cumulate(
    builder: &mut Builder<'_>,
    operands: &Operands,
    cumulate: Cumulate,
) -> Emitted {
    if cumulate.product {
        return Err(operands.unsupported("a running product"));
    }
    let axis = builder.integers(&[signed(cumulate.dim as u64)]);
    let input = operands.input_as(builder, 0, operands.output_dtype());
    builder.push("CumSum", vec![input, axis], operands.output(0), vec![]);
    Ok(())
}

/// Position of the largest or smallest element, along a dimension or among all in order.
pub(super) fn arg_extreme(
    builder: &mut Builder<'_>,
    operands: &Operands,
    extreme: ArgExtreme,
) -> Emitted {
    let op_type = if extreme.largest { "ArgMax" } else { "ArgMin" };
    let (input, axis, keep_dim) = match extreme.dim {
        Some(dim) => (operands.input(0), signed(dim as u64), extreme.keep_dim),
        None => {
            let shape = builder.integers(&[-1]);
            (builder.apply("Reshape", vec![operands.input(0), shape], vec![]), 0, false)
        }
    };
    let attributes = vec![int("axis", axis), int("keepdims", i64::from(keep_dim))];
    builder.push(op_type, vec![input], operands.output(0), attributes);
    Ok(())
}

/// The largest or smallest elements in order.
pub(super) fn top_k(builder: &mut Builder<'_>, operands: &Operands, top: TopK) -> Emitted {
    let extent = operands.input_dims(0).get(top.dim).and_then(|dim| dim.known());
    let Some(k) = top.k.or(extent) else {
        return Err(operands.unsupported("sorting along the batch"));
    };
    let k = builder.integers(&[signed(k)]);
    let attributes =
        vec![int("axis", signed(top.dim as u64)), int("largest", i64::from(top.largest))];
    let inputs = vec![operands.input(0), k];
    builder.push_many("TopK", inputs, operands.outputs.clone(), attributes);
    Ok(())
}
