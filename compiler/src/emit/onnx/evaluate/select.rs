//! Operators that look elements up, and that find them by their size.

use super::call::Call;
use super::movement::extents;
use super::tensor::{Tensor, Walk, around, strides};
use super::{Elements, EvaluateError};

type Evaluated = Result<Tensor, EvaluateError>;

/// A place that may be counted from the end.
fn wrapped(index: i64, extent: usize) -> Option<usize> {
    let back = usize::try_from(index.unsigned_abs()).ok()?;
    let found = if index < 0 { extent.checked_sub(back)? } else { back };
    (found < extent).then_some(found)
}

fn indices<'a>(call: &Call<'a>) -> Result<(&'a Tensor, &'a [i64]), EvaluateError> {
    let tensor = call.input(1)?;
    let indices = tensor.integers();
    Ok((tensor, indices.ok_or_else(|| call.wrong("its indices are no whole numbers"))?))
}

/// Rows along an axis; the indices' dimensions take the axis' place.
pub(super) fn gather(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let (tensor, indices) = indices(call)?;
    let axis = call.axis(call.int("axis", 0), x.shape.len())?;
    let (_, extent, _) = around(&x.shape, axis);
    let rows: Option<Vec<usize>> = indices.iter().map(|&index| wrapped(index, extent)).collect();
    let rows = rows.ok_or_else(|| call.wrong("an index lies outside of the axis"))?;
    let mut gathered = super::movement::along(x, axis, &rows);
    gathered.shape.splice(axis..=axis, tensor.shape.iter().copied());
    Ok(gathered)
}

/// For each place the element of an index along an axis.
/// `ScatterElements`, also adding; its updates have the shape of its indices.
pub(super) fn scatter_elements(call: &Call<'_>) -> Evaluated {
    let (x, updates) = (call.input(0)?, call.input(2)?);
    let (tensor, indices) = indices(call)?;
    let axis = call.axis(call.int("axis", 0), x.shape.len())?;
    let (_, extent, behind) = around(&x.shape, axis);
    let mut own = strides(&x.shape);
    if let Some(stride) = own.get_mut(axis) {
        *stride = 0;
    }
    let walk = Walk::new(&tensor.shape, [&own]);
    let places =
        walk.zip(indices).map(|([place], &index)| Some(place + wrapped(index, extent)? * behind));
    let places: Option<Vec<usize>> = places.collect();
    let places = places.ok_or_else(|| call.wrong("an index lies outside of the axis"))?;
    let add = call.text("reduction", "none") == "add";
    let elements = match (&x.elements, &updates.elements) {
        (Elements::Floats(old), Elements::Floats(new)) => {
            Elements::Floats(put(old, &places, new, add))
        }
        (Elements::Integers(old), Elements::Integers(new)) => {
            Elements::Integers(put(old, &places, new, add))
        }
        _ => return Err(call.wrong("its operands have two element types")),
    };
    Ok(Tensor { shape: x.shape.clone(), elements })
}

/// Elements written, or added, to places of others.
fn put<T: Copy + std::ops::Add<Output = T>>(
    old: &[T],
    places: &[usize],
    new: &[T],
    add: bool,
) -> Vec<T> {
    let mut elements = old.to_vec();
    for (&place, &value) in places.iter().zip(new) {
        if let Some(element) = elements.get_mut(place) {
            *element = if add { *element + value } else { value };
        }
    }
    elements
}

pub(super) fn gather_elements(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let (tensor, indices) = indices(call)?;
    let axis = call.axis(call.int("axis", 0), x.shape.len())?;
    let mut own = strides(&x.shape);
    let (_, extent, behind) = around(&x.shape, axis);
    if let Some(stride) = own.get_mut(axis) {
        *stride = 0;
    }
    let walk = Walk::new(&tensor.shape, [&own]);
    let places =
        walk.zip(indices).map(|([place], &index)| Some(place + wrapped(index, extent)? * behind));
    let places: Option<Vec<usize>> = places.collect();
    let places = places.ok_or_else(|| call.wrong("an index lies outside of the axis"))?;
    Ok(x.pick(tensor.shape.clone(), places.into_iter()))
}

/// The elements of each line along an axis, as numbers.
fn lines(x: &Tensor, axis: usize) -> Vec<Vec<f64>> {
    let (before, extent, behind) = around(&x.shape, axis);
    let numbers: Vec<f64> = match &x.elements {
        Elements::Floats(own) => own.iter().map(|&element| f64::from(element)).collect(),
        Elements::Integers(own) => own.iter().map(|&element| element as f64).collect(),
    };
    let line = |outer: usize, inner: usize| {
        let places = (0..extent).map(move |row| (outer * extent + row) * behind + inner);
        places.filter_map(|place| numbers.get(place).copied()).collect()
    };
    (0..before)
        .flat_map(|outer| (0..behind).map(move |inner| (outer, inner)))
        .map(|(o, i)| line(o, i))
        .collect()
}

/// Positions of a line's elements in order, equal ones by position.
fn ordered(line: &[f64], largest: bool) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = line.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| if largest { b.total_cmp(a) } else { a.total_cmp(b) });
    order
}

/// The position of the largest or smallest element.
pub(super) fn extreme(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let axis = call.axis(call.int("axis", 0), x.shape.len())?;
    let largest = call.operator() == "ArgMax";
    let position = |line: &Vec<f64>| {
        let best =
            line.iter().enumerate().fold((0, None), |best, (place, &element)| match best.1 {
                Some(known) if (largest && element <= known) || (!largest && element >= known) => {
                    best
                }
                _ => (place, Some(element)),
            });
        i64::try_from(best.0).unwrap_or(0)
    };
    let positions = lines(x, axis).iter().map(position).collect();
    let mut shape = x.shape.clone();
    let kept = usize::from(call.int("keepdims", 1) != 0);
    shape.splice(axis..=axis, std::iter::repeat_n(1, kept));
    Ok(Tensor::of_integers(shape, positions))
}

/// The largest or smallest elements in order, and their positions.
pub(super) fn top_k(call: &Call<'_>) -> Result<Vec<Tensor>, EvaluateError> {
    let x = call.input(0)?;
    let axis = call.axis(call.int("axis", -1), x.shape.len())?;
    let k = extents(call, 1)?.first().copied().unwrap_or(0);
    let (before, _, behind) = around(&x.shape, axis);
    let largest = call.int("largest", 1) != 0;
    let lines: Vec<Vec<(usize, f64)>> =
        lines(x, axis).iter().map(|line| ordered(line, largest)).collect();
    let mut shape = x.shape.clone();
    if let Some(extent) = shape.get_mut(axis) {
        *extent = k;
    }
    let places = (0..before).flat_map(|outer| {
        (0..k).flat_map(move |rank| (0..behind).map(move |inner| (outer * behind + inner, rank)))
    });
    let found: Vec<(usize, f64)> =
        places.filter_map(|(line, rank)| lines.get(line)?.get(rank).copied()).collect();
    let positions = found.iter().map(|(place, _)| i64::try_from(*place).unwrap_or(0)).collect();
    let elements = match &x.elements {
        Elements::Floats(_) => Elements::Floats(found.iter().map(|(_, e)| *e as f32).collect()),
        Elements::Integers(_) => Elements::Integers(found.iter().map(|(_, e)| *e as i64).collect()),
    };
    Ok(vec![Tensor { shape: shape.clone(), elements }, Tensor::of_integers(shape, positions)])
}

/// Matrices with zeros on one side of a diagonal.
pub(super) fn triangle(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let diagonal = call.integers(1, "")?.and_then(|k| k.first().copied()).unwrap_or(0);
    let upper = call.int("upper", 1) != 0;
    let [.., rows, columns] = x.shape.as_slice() else {
        return Err(call.wrong("its operand is no matrix"));
    };
    let (rows, columns) = ((*rows).max(1), (*columns).max(1));
    let places = (0..super::tensor::count(&x.shape)).map(|place| {
        let (row, column) = ((place / columns % rows) as i64, (place % columns) as i64);
        let kept = if upper { column >= row + diagonal } else { column <= row + diagonal };
        kept.then_some(place)
    });
    Ok(x.pick_or(x.shape.clone(), places, 0.0))
}
