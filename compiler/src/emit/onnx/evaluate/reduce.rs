//! Reductions and running sums.

use super::call::Call;
use super::tensor::{Tensor, Walk, around, count, strides};
use super::{Elements, EvaluateError};

type Evaluated = Result<Tensor, EvaluateError>;

/// A reduction over axes; without any over all of them.
pub(super) fn reduce(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let rank = x.shape.len();
    let axes = match call.integers(1, "axes")? {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?
        }
        _ => (0..rank).collect(),
    };
    let keep = call.int("keepdims", 1) != 0;
    match &x.elements {
        Elements::Floats(elements) => {
            let numbers: Vec<f64> = elements.iter().map(|&element| f64::from(element)).collect();
            let (shape, reduced) = over(call.operator(), &x.shape, &numbers, &axes, keep);
            Ok(Tensor::of_floats(shape, reduced.into_iter().map(|number| number as f32).collect()))
        }
        Elements::Integers(elements) => {
            let numbers: Vec<f64> = elements.iter().map(|&element| element as f64).collect();
            let (shape, reduced) = over(call.operator(), &x.shape, &numbers, &axes, keep);
            Ok(Tensor::of_integers(
                shape,
                reduced.into_iter().map(|number| number as i64).collect(),
            ))
        }
    }
}

fn over(
    operator: &str,
    shape: &[usize],
    x: &[f64],
    axes: &[usize],
    keep: bool,
) -> (Vec<usize>, Vec<f64>) {
    match operator {
        "ReduceMax" => fold(shape, x, axes, keep, f64::NEG_INFINITY, largest),
        "ReduceMin" => fold(shape, x, axes, keep, f64::INFINITY, |a, b| -largest(-a, -b)),
        "ReduceProd" => fold(shape, x, axes, keep, 1.0, |a, b| a * b),
        "ReduceL2" => {
            let (shape, squares) = fold(shape, x, axes, keep, 0.0, |a, b| a + b * b);
            (shape, squares.into_iter().map(f64::sqrt).collect())
        }
        "ReduceLogSumExp" => log_sum_exp(shape, x, axes, keep),
        _ => {
            let (result, sums) = fold(shape, x, axes, keep, 0.0, |a, b| a + b);
            let divisor = match operator {
                "ReduceMean" => (x.len() / sums.len().max(1)) as f64,
                _ => 1.0,
            };
            (result, sums.into_iter().map(|sum| sum / divisor).collect())
        }
    }
}

/// The larger one; not a number wins.
fn largest(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// Moved by the largest element, so that nothing overflows.
fn log_sum_exp(shape: &[usize], x: &[f64], axes: &[usize], keep: bool) -> (Vec<usize>, Vec<f64>) {
    let (kept, most) = fold(shape, x, axes, true, f64::NEG_INFINITY, largest);
    let bases = super::tensor::broadcast_strides(&kept, shape);
    let places = Walk::new(shape, [&bases]).map(|[place]| place);
    let moved = x.iter().zip(places).map(|(x, place)| {
        let most = most.get(place).copied().unwrap_or(0.0);
        (x - if most.is_finite() { most } else { 0.0 }).exp()
    });
    let moved: Vec<f64> = moved.collect();
    let (result, sums) = fold(shape, &moved, axes, keep, 0.0, |a, b| a + b);
    let back = sums.iter().zip(&most);
    let back =
        back.map(|(sum, most)| sum.ln() + if most.is_finite() { *most } else { 0.0 }).collect();
    (result, back)
}

/// Folds the elements along axes.
fn fold(
    shape: &[usize],
    x: &[f64],
    axes: &[usize],
    keep: bool,
    start: f64,
    function: impl Fn(f64, f64) -> f64,
) -> (Vec<usize>, Vec<f64>) {
    let dims = || shape.iter().copied().enumerate();
    let kept: Vec<usize> =
        dims().map(|(dim, extent)| if axes.contains(&dim) { 1 } else { extent }).collect();
    let mut places = strides(&kept);
    for (dim, place) in places.iter_mut().enumerate() {
        if axes.contains(&dim) {
            *place = 0;
        }
    }
    let mut result = vec![start; count(&kept)];
    for (&element, [place]) in x.iter().zip(Walk::new(shape, [&places])) {
        if let Some(slot) = result.get_mut(place) {
            *slot = function(*slot, element);
        }
    }
    let left = dims().filter(|(dim, _)| !axes.contains(dim)).map(|(_, extent)| extent);
    (if keep { kept } else { left.collect() }, result)
}

/// A running sum along an axis.
pub(super) fn cumulate(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let axis = call.integers(1, "")?.and_then(|axes| axes.first().copied()).unwrap_or(0);
    let (_, extent, behind) = around(&x.shape, call.axis(axis, x.shape.len())?);
    let elements = match &x.elements {
        Elements::Floats(own) => Elements::Floats(running(own, extent, behind, |a, b| a + b)),
        Elements::Integers(own) => {
            Elements::Integers(running(own, extent, behind, i64::wrapping_add))
        }
    };
    Ok(Tensor { shape: x.shape.clone(), elements })
}

fn running<T: Copy>(own: &[T], extent: usize, behind: usize, add: impl Fn(T, T) -> T) -> Vec<T> {
    let mut all: Vec<T> = Vec::with_capacity(own.len());
    for (place, &element) in own.iter().enumerate() {
        let is_first = (place / behind.max(1)).is_multiple_of(extent.max(1));
        let before = place.checked_sub(behind).filter(|_| !is_first);
        let before = before.and_then(|before| all.get(before)).copied();
        all.push(before.map_or(element, |before| add(before, element)));
    }
    all
}
