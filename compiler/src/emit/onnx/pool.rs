//! Pooling as ONNX operators.

use super::super::EmitError;
use super::attribute::{int, ints, signed, signed_all};
use super::builder::Builder;
use super::convolution::begins_then_ends;
use super::message::AttributeProto;
use super::operands::Operands;
use crate::ir::Dim;
use crate::ir::op::{AdaptivePool, LpPool, Pool, PoolMode};

type Emitted = Result<(), EmitError>;

/// A window with its extents known on both sides.
struct Window<'a> {
    kernel: &'a [u64],
    stride: &'a [u64],
    dilation: &'a [u64],
    padding: Vec<u64>,
}

impl Window<'_> {
    /// Padding before and after each dimension, so that counting windows rounds down. Rounding up
    /// (`ceil_mode`) lets the last window reach beyond the padding; how runtimes treat it differs.
    fn amounts(&self, from: &[u64], to: &[u64]) -> Vec<(u64, u64)> {
        let extents = from.iter().zip(to).zip(self.kernel.iter().zip(self.stride));
        let end = extents.zip(self.dilation.iter().zip(&self.padding)).map(
            |(((&from, &to), (&kernel, &stride)), (&dilation, &padding))| {
                let reach = (to.max(1) - 1) * stride + dilation * (kernel.max(1) - 1) + 1;
                (padding, padding.max(reach.saturating_sub(from + padding)))
            },
        );
        end.collect()
    }

    fn attributes(&self, pads: &[(u64, u64)]) -> Vec<AttributeProto> {
        vec![
            ints("kernel_shape", signed_all(self.kernel)),
            ints("strides", signed_all(self.stride)),
            ints("pads", begins_then_ends(pads)),
        ]
    }
}

/// Extents of the spatial dimensions before and after.
fn extents(operands: &Operands, spatial: usize) -> Result<(Vec<u64>, Vec<u64>), EmitError> {
    let lead = operands.input_dims(0).len().saturating_sub(spatial);
    let known = |dims: &[Dim]| -> Option<Vec<u64>> {
        dims.iter().skip(lead).map(|dim| dim.known()).collect()
    };
    known(operands.input_dims(0))
        .zip(known(operands.output_dims()))
        .ok_or_else(|| operands.unsupported("a spatial extent that depends on the batch"))
}

fn batched(operands: &Operands, spatial: usize) -> Emitted {
    if operands.input_dims(0).len() == spatial + 2 {
        return Ok(());
    }
    Err(operands.unsupported("an input without a batch dimension"))
}

/// Max or average pooling with a window.
pub(super) fn pool(builder: &mut Builder<'_>, operands: &Operands, pool: &Pool) -> Emitted {
    batched(operands, pool.kernel.len())?;
    let (from, to) = extents(operands, pool.kernel.len())?;
    let window = Window {
        kernel: &pool.kernel,
        stride: &pool.stride,
        dilation: &pool.dilation,
        padding: pool.padding.clone(),
    };
    match pool.mode {
        PoolMode::Max => {
            let mut attributes = window.attributes(&window.amounts(&from, &to));
            attributes.push(ints("dilations", signed_all(&pool.dilation)));
            builder.push("MaxPool", vec![operands.input(0)], operands.output(0), attributes);
        }
        PoolMode::Average => average(builder, operands, pool, &window, &from, &to),
    }
    Ok(())
}

/// Mean over windows. What lies beyond the padding never counts: where the last windows reach that
/// far and padding does count, the mean is corrected by a constant for each place.
fn average(
    builder: &mut Builder<'_>,
    operands: &Operands,
    pool: &Pool,
    window: &Window<'_>,
    from: &[u64],
    to: &[u64],
) {
    let pads = window.amounts(from, to);
    let counts = pool.count_include_pad || pool.divisor_override.is_some();
    let beyond = pads.iter().any(|(before, after)| before != after);
    let mut attributes = window.attributes(&pads);
    attributes.push(int("count_include_pad", i64::from(counts)));
    let elements = pool.kernel.iter().product::<u64>() as f64;
    let factor = match pool.divisor_override {
        Some(divisor) => builder.number(elements / divisor as f64),
        None if counts && beyond => corrections(builder, window, from, to),
        None => {
            builder.push("AveragePool", vec![operands.input(0)], operands.output(0), attributes);
            return;
        }
    };
    let mean = builder.apply("AveragePool", vec![operands.input(0)], attributes);
    builder.push("Mul", vec![mean, factor], operands.output(0), vec![]);
}

/// For each place of the result: elements of the window / those within the padding.
fn corrections(builder: &mut Builder<'_>, window: &Window<'_>, from: &[u64], to: &[u64]) -> String {
    let mut factors = vec![1.0];
    let extents = from.iter().zip(to).zip(window.kernel.iter().zip(window.stride));
    for (((&from, &to), (&kernel, &stride)), &padding) in extents.zip(&window.padding) {
        let inside = |place: u64| (from + 2 * padding - place * stride).clamp(1, kernel);
        let along =
            |factor: f32| (0..to).map(move |place| factor * kernel as f32 / inside(place) as f32);
        factors = factors.iter().flat_map(|&factor| along(factor)).collect();
    }
    let name = builder.temporary();
    builder.floats(&name, to, &factors);
    name
}

/// Power-average pooling: (window's mean of x^p · elements)^(1/p), as PyTorch computes it.
pub(super) fn lp_pool(builder: &mut Builder<'_>, operands: &Operands, pool: &LpPool) -> Emitted {
    batched(operands, pool.kernel.len())?;
    let (from, to) = extents(operands, pool.kernel.len())?;
    let ones = vec![1; pool.kernel.len()];
    let padding = vec![0; pool.kernel.len()];
    let window = Window { kernel: &pool.kernel, stride: &pool.stride, dilation: &ones, padding };
    let exponent = builder.number(pool.norm);
    let powers = builder.apply("Pow", vec![operands.input(0), exponent], vec![]);
    let mut attributes = window.attributes(&window.amounts(&from, &to));
    attributes.push(int("count_include_pad", 0));
    let mean = builder.apply("AveragePool", vec![powers], attributes);
    let positive = builder.apply("Relu", vec![mean], vec![]);
    let elements = builder.number(pool.kernel.iter().product::<u64>() as f64);
    let sum = builder.apply("Mul", vec![positive, elements], vec![]);
    let root = builder.number(1.0 / pool.norm);
    builder.push("Pow", vec![sum, root], operands.output(0), vec![]);
    Ok(())
}

/// Adaptive pooling: a reduction to one element, a window where the extents divide, and otherwise
/// one dimension after the other.
pub(super) fn adaptive_pool(
    builder: &mut Builder<'_>,
    operands: &Operands,
    pool: &AdaptivePool,
) -> Emitted {
    adaptive(builder, operands, pool.mode, pool.output.len())
}

/// [`adaptive_pool`] of the last dimensions to the extents of the result.
pub(super) fn adaptive(
    builder: &mut Builder<'_>,
    operands: &Operands,
    mode: PoolMode,
    spatial: usize,
) -> Emitted {
    let (from, to) = extents(operands, spatial)?;
    let lead = operands.input_dims(0).len().saturating_sub(spatial);
    if to.iter().all(|&extent| extent == 1) {
        let axes: Vec<i64> = (lead..lead + spatial).map(|axis| signed(axis as u64)).collect();
        let (input, output) = (operands.input(0), operands.output(0));
        builder.push_reduction(reduction(mode), input, &axes, true, output);
        return Ok(());
    }
    let divides = from.iter().zip(&to).all(|(&from, &to)| to > 0 && from.is_multiple_of(to));
    if divides && lead == 2 {
        equal_windows(builder, operands, mode, &from, &to);
        return Ok(());
    }
    let mut value = operands.input(0);
    for (dim, (&from, &to)) in from.iter().zip(&to).enumerate() {
        value = one_dimension(builder, value, mode, lead + dim, from, to);
    }
    builder.push("Identity", vec![value], operands.output(0), vec![]);
    Ok(())
}

fn reduction(mode: PoolMode) -> &'static str {
    match mode {
        PoolMode::Max => "ReduceMax",
        PoolMode::Average => "ReduceMean",
    }
}

fn equal_windows(
    builder: &mut Builder<'_>,
    operands: &Operands,
    mode: PoolMode,
    from: &[u64],
    to: &[u64],
) {
    let windows: Vec<u64> = from.iter().zip(to).map(|(&from, &to)| from / to.max(1)).collect();
    let attributes =
        vec![ints("kernel_shape", signed_all(&windows)), ints("strides", signed_all(&windows))];
    let op_type = match mode {
        PoolMode::Max => "MaxPool",
        PoolMode::Average => "AveragePool",
    };
    builder.push(op_type, vec![operands.input(0)], operands.output(0), attributes);
}

/// Element i is reduced from ⌊i · from / to⌋ up to ⌈(i + 1) · from / to⌉, as PyTorch has it.
fn one_dimension(
    builder: &mut Builder<'_>,
    value: String,
    mode: PoolMode,
    axis: usize,
    from: u64,
    to: u64,
) -> String {
    if from == to {
        return value;
    }
    let axis = signed(axis as u64);
    let part = |builder: &mut Builder<'_>, index: u64| {
        let (start, end) = (index * from / to, ((index + 1) * from).div_ceil(to));
        let numbers = [signed(start), signed(end), axis].map(|number| builder.integers(&[number]));
        let inputs = std::iter::once(value.clone()).chain(numbers).collect();
        let slice = builder.apply("Slice", inputs, vec![]);
        let reduced = builder.temporary();
        builder.push_reduction(reduction(mode), slice, &[axis], true, reduced.clone());
        reduced
    };
    let parts: Vec<String> = (0..to).map(|index| part(builder, index)).collect();
    builder.apply("Concat", parts, vec![int("axis", axis)])
}
