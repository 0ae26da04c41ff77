//! Operators that change shapes and move elements.

use super::call::Call;
use super::tensor::{Tensor, Walk, around, broadcast, broadcast_strides, count, strides};
use super::{Elements, EvaluateError};

type Evaluated = Result<Tensor, EvaluateError>;

/// Elements that a result may have.
const MOST_ELEMENTS: usize = 1 << 30;

/// Whole numbers of an operand that has to be there.
fn numbers(call: &Call<'_>, index: usize) -> Result<Vec<i64>, EvaluateError> {
    call.integers(index, "")?.ok_or_else(|| call.wrong(format!("operand {index} is missing")))
}

/// The same as extents.
pub(super) fn extents(call: &Call<'_>, index: usize) -> Result<Vec<usize>, EvaluateError> {
    let all = numbers(call, index)?.into_iter().map(usize::try_from).collect::<Result<_, _>>();
    all.map_err(|_| call.wrong("an extent is negative"))
}

/// A shape that is not too large.
pub(super) fn sized(call: &Call<'_>, shape: Vec<usize>) -> Result<Vec<usize>, EvaluateError> {
    let elements = shape.iter().try_fold(1_usize, |all, &extent| all.checked_mul(extent));
    match elements.is_some_and(|elements| elements <= MOST_ELEMENTS) {
        true => Ok(shape),
        false => Err(call.wrong("its result is too large")),
    }
}

/// Another shape; 0 is the operand's own extent unless `allowzero`, −1 what is left.
pub(super) fn reshape(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let zero_is_own = call.int("allowzero", 0) == 0;
    let wanted = numbers(call, 1)?;
    let extent = |(dim, &wanted): (usize, &i64)| match wanted {
        0 if zero_is_own => x.shape.get(dim).copied().unwrap_or(0),
        wanted => usize::try_from(wanted).unwrap_or(1),
    };
    let mut shape: Vec<usize> = wanted.iter().enumerate().map(extent).collect();
    let known = count(&shape);
    for (extent, _) in shape.iter_mut().zip(&wanted).filter(|(_, wanted)| **wanted == -1) {
        *extent = count(&x.shape).checked_div(known).unwrap_or(0);
    }
    if count(&shape) != count(&x.shape) {
        return Err(call.wrong(format!("{:?} has no shape {wanted:?}", x.shape)));
    }
    Ok(x.with_shape(shape))
}

/// Dimensions in another order.
pub(super) fn transpose(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let order = call.sizes("perm", x.shape.len(), 0);
    let own = strides(&x.shape);
    let at = |all: &[usize], dim: usize| all.get(dim).copied().unwrap_or(0);
    let shape: Vec<usize> = order.iter().map(|&dim| at(&x.shape, dim)).collect();
    let moved: Vec<usize> = order.iter().map(|&dim| at(&own, dim)).collect();
    let places = Walk::new(&shape, [&moved]).map(|[place]| place);
    Ok(x.pick(shape.clone(), places))
}

/// Tensors one behind the other.
pub(super) fn concat(call: &Call<'_>) -> Evaluated {
    let parts: Vec<&Tensor> =
        (0..call.inputs.len()).map(|index| call.input(index)).collect::<Result<_, _>>()?;
    let first = call.input(0)?;
    let axis = call.axis(call.int("axis", 0), first.shape.len())?;
    let mut shape = first.shape.clone();
    let (before, _, behind) = around(&shape, axis);
    let extents = parts.iter().map(|part| part.shape.get(axis).copied().unwrap_or(1));
    let total: usize = extents.clone().sum();
    if let Some(extent) = shape.get_mut(axis) {
        *extent = total;
    }
    let runs: Vec<usize> = extents.map(|extent| extent * behind).collect();
    let elements = match &first.elements {
        Elements::Floats(_) => {
            let parts: Option<Vec<&[f32]>> = parts.iter().map(|part| part.floats()).collect();
            Elements::Floats(interleaved(&parts.unwrap_or_default(), &runs, before))
        }
        Elements::Integers(_) => {
            let parts: Option<Vec<&[i64]>> = parts.iter().map(|part| part.integers()).collect();
            Elements::Integers(interleaved(&parts.unwrap_or_default(), &runs, before))
        }
    };
    Ok(Tensor { shape, elements })
}

fn interleaved<T: Copy>(parts: &[&[T]], runs: &[usize], rounds: usize) -> Vec<T> {
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for round in 0..rounds {
        for (part, run) in parts.iter().zip(runs) {
            all.extend_from_slice(part.get(round * run..(round + 1) * run).unwrap_or_default());
        }
    }
    all
}

/// A range along a dimension.
pub(super) fn range(x: &Tensor, axis: usize, start: usize, length: usize) -> Tensor {
    let own = strides(&x.shape);
    let first = start * own.get(axis).copied().unwrap_or(0);
    let mut shape = x.shape.clone();
    if let Some(extent) = shape.get_mut(axis) {
        *extent = length;
    }
    let places = Walk::new(&shape, [&own]).map(|[place]| first + place);
    x.pick(shape.clone(), places)
}

/// Consecutive parts.
pub(super) fn split(call: &Call<'_>) -> Result<Vec<Tensor>, EvaluateError> {
    let x = call.input(0)?;
    let axis = call.axis(call.int("axis", 0), x.shape.len())?;
    let mut start = 0;
    let part = |size: usize| {
        start += size;
        range(x, axis, start - size, size)
    };
    Ok(extents(call, 1)?.into_iter().map(part).collect())
}

/// Strided ranges along dimensions.
pub(super) fn slice(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let (starts, ends) = (numbers(call, 1)?, numbers(call, 2)?);
    let axes = call.integers(3, "")?;
    let axes = axes.unwrap_or_else(|| (0..).take(starts.len()).collect());
    let steps = call.integers(4, "")?.unwrap_or_else(|| vec![1; starts.len()]);
    let mut value = x.clone();
    for ((start, end), (axis, step)) in starts.iter().zip(&ends).zip(axes.iter().zip(&steps)) {
        let axis = call.axis(*axis, x.shape.len())?;
        value = strided(&value, axis, *start, *end, *step);
    }
    Ok(value)
}

fn strided(x: &Tensor, axis: usize, start: i64, end: i64, step: i64) -> Tensor {
    let extent = x.shape.get(axis).map_or(0, |&extent| i64::try_from(extent).unwrap_or(i64::MAX));
    let from_end = |place: i64| if place < 0 { place.saturating_add(extent) } else { place };
    let (start, end) = (from_end(start), from_end(end));
    let places: Vec<usize> = if step > 0 {
        let (start, end) = (start.clamp(0, extent), end.clamp(0, extent));
        (start..end).step_by(usize::try_from(step).unwrap_or(1)).map(|p| p as usize).collect()
    } else {
        let (start, end) = (start.clamp(-1, extent - 1), end.clamp(-1, extent - 1));
        let step = usize::try_from(step.unsigned_abs()).unwrap_or(1).max(1);
        (end + 1..=start).rev().step_by(step).map(|p| p as usize).collect()
    };
    along(x, axis, &places)
}

/// Rows of a dimension by their places.
pub(super) fn along(x: &Tensor, axis: usize, rows: &[usize]) -> Tensor {
    let (before, extent, behind) = around(&x.shape, axis);
    let mut shape = x.shape.clone();
    if let Some(own) = shape.get_mut(axis) {
        *own = rows.len();
    }
    let places = (0..before).flat_map(|outer| {
        rows.iter().flat_map(move |row| {
            let first = (outer * extent + row) * behind;
            first..first + behind
        })
    });
    x.pick(shape, places)
}

/// New dimensions of extent 1.
pub(super) fn unsqueeze(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let axes = numbers(call, 1)?;
    let rank = x.shape.len() + axes.len();
    let axes: Vec<usize> =
        axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_, _>>()?;
    let mut own = x.shape.iter().copied();
    let extent = |axis: usize| if axes.contains(&axis) { 1 } else { own.next().unwrap_or(1) };
    Ok(x.with_shape((0..rank).map(extent).collect()))
}

/// Broadcast to a shape.
pub(super) fn expand(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let shape = sized(call, broadcast(&[&x.shape, &extents(call, 1)?]))?;
    let own = broadcast_strides(&x.shape, &shape);
    let places = Walk::new(&shape, [&own]).map(|[place]| place);
    Ok(x.pick(shape.clone(), places))
}

/// Repetition along each dimension.
pub(super) fn tile(call: &Call<'_>) -> Evaluated {
    let mut value = call.input(0)?.clone();
    for (axis, repeats) in extents(call, 1)?.into_iter().enumerate() {
        let extent = value.shape.get(axis).copied().unwrap_or(1);
        let mut shape = value.shape.clone();
        if let Some(own) = shape.get_mut(axis) {
            *own = own.saturating_mul(repeats);
        }
        sized(call, shape)?;
        let rows: Vec<usize> = (0..repeats).flat_map(|_| 0..extent).collect();
        value = along(&value, axis, &rows);
    }
    Ok(value)
}

/// The extents as a vector.
pub(super) fn shape(call: &Call<'_>) -> Evaluated {
    let shape = &call.input(0)?.shape;
    let extents = shape.iter().map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX));
    Ok(Tensor::of_integers(vec![shape.len()], extents.collect()))
}
