//! Matrix products and sums of products.

use super::EvaluateError;
use super::call::Call;
use super::tensor::{Tensor, Walk, broadcast, broadcast_strides, count, strides};

type Evaluated = Result<Tensor, EvaluateError>;

/// Columns that are worked on together, so that they stay in the cache.
const COLUMNS: usize = 512;

/// Adds the product of `a` (`rows` by `inner`) and `b` (`inner` by `columns`) to `sums`.
pub(super) fn add_product(a: &[f32], b: &[f32], inner: usize, columns: usize, sums: &mut [f32]) {
    if inner == 0 || columns == 0 {
        return;
    }
    for start in (0..columns).step_by(COLUMNS) {
        let end = (start + COLUMNS).min(columns);
        for (row, sums) in a.chunks_exact(inner).zip(sums.chunks_exact_mut(columns)) {
            let Some(sums) = sums.get_mut(start..end) else { continue };
            let part = |k: usize| b.get(k * columns + start..k * columns + end).unwrap_or_default();
            let (fours, rest) = row.as_chunks::<4>();
            for (four, factors) in fours.iter().enumerate() {
                let k = four * 4;
                add_four(factors, [part(k), part(k + 1), part(k + 2), part(k + 3)], sums);
            }
            for (k, factor) in (inner - rest.len()..).zip(rest) {
                sums.iter_mut().zip(part(k)).for_each(|(sum, b)| *sum += factor * b);
            }
        }
    }
}

fn add_four(factors: &[f32; 4], parts: [&[f32]; 4], sums: &mut [f32]) {
    let [p, q, r, s] = factors;
    let [a, b, c, d] = parts;
    let four = a.iter().zip(b).zip(c.iter().zip(d));
    for (sum, ((a, b), (c, d))) in sums.iter_mut().zip(four) {
        *sum += (p * a + q * b) + (r * c + s * d);
    }
}

/// A matrix with rows and columns exchanged.
pub(super) fn flipped(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let places = (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c));
    places.filter_map(|place| matrix.get(place).copied()).collect()
}

/// α A B + β C with A or B transposed.
pub(super) fn gemm(call: &Call<'_>) -> Evaluated {
    let (a, b) = (call.floats(0)?, call.floats(1)?);
    let matrix = |index: usize| match call.input(index)?.shape.as_slice() {
        [rows, columns] => Ok((*rows, *columns)),
        _ => Err(call.wrong("its operands are no matrices")),
    };
    let ((mut rows, mut inner), (mut own, mut columns)) = (matrix(0)?, matrix(1)?);
    let a = if call.int("transA", 0) != 0 {
        std::mem::swap(&mut rows, &mut inner);
        flipped(a, inner, rows)
    } else {
        a.to_vec()
    };
    let b = if call.int("transB", 0) != 0 {
        std::mem::swap(&mut own, &mut columns);
        flipped(b, columns, own)
    } else {
        b.to_vec()
    };
    if own != inner {
        return Err(call.wrong(format!("{rows}x{inner} by {own}x{columns} has no product")));
    }
    let (alpha, beta) = (call.float("alpha", 1.0), call.float("beta", 1.0));
    let mut sums = vec![0.0; rows * columns];
    add_product(&a, &b, inner, columns, &mut sums);
    sums.iter_mut().for_each(|sum| *sum *= alpha);
    if let Some(c) = call.optional(2) {
        let c_strides = broadcast_strides(&c.shape, &[rows, columns]);
        let c = call.floats(2)?;
        for (sum, [place]) in sums.iter_mut().zip(Walk::new(&[rows, columns], [&c_strides])) {
            *sum += beta * c.get(place).copied().unwrap_or(0.0);
        }
    }
    Ok(Tensor::of_floats(vec![rows, columns], sums))
}

/// Products of the last two dimensions, the others broadcast; vectors are matrices of one row or
/// column.
pub(super) fn matmul(call: &Call<'_>) -> Evaluated {
    let (left, right) = (call.input(0)?, call.input(1)?);
    let (a, b) = (call.floats(0)?, call.floats(1)?);
    let mut left_shape = left.shape.clone();
    let mut right_shape = right.shape.clone();
    if left_shape.len() == 1 {
        left_shape.insert(0, 1);
    }
    if right_shape.len() == 1 {
        right_shape.push(1);
    }
    let ([lead @ .., rows, inner], [own_lead @ .., own, columns]) =
        (left_shape.as_slice(), right_shape.as_slice())
    else {
        return Err(call.wrong("its operands have no dimensions"));
    };
    if inner != own {
        return Err(call.wrong(format!("{:?} by {:?} has no product", left.shape, right.shape)));
    }
    let batch = broadcast(&[lead, own_lead]);
    let (mine, others) = (broadcast_strides(lead, &batch), broadcast_strides(own_lead, &batch));
    let mut sums = vec![0.0; count(&batch) * rows * columns];
    let walk = Walk::new(&batch, [&mine, &others]);
    for ([i, j], sums) in walk.zip(sums.chunks_exact_mut((rows * columns).max(1))) {
        let a = a.get(i * rows * inner..(i + 1) * rows * inner).unwrap_or_default();
        let b = b.get(j * inner * columns..(j + 1) * inner * columns).unwrap_or_default();
        add_product(a, b, *inner, *columns, sums);
    }
    let mut shape = batch;
    shape.extend((left.shape.len() > 1).then_some(*rows));
    shape.extend((right.shape.len() > 1).then_some(*columns));
    Ok(Tensor::of_floats(shape, sums))
}

/// Products of two or more tensors by their labels, summed over what the result does not name.
pub(super) fn einsum(call: &Call<'_>) -> Evaluated {
    let equation = call.text("equation", "");
    let (operands, output) =
        equation.split_once("->").ok_or_else(|| call.wrong("its equation names no result"))?;
    let labels: Vec<Vec<char>> =
        operands.split(',').map(|part| part.trim().chars().collect()).collect();
    let output: Vec<char> = output.trim().chars().collect();
    let mut extents = std::collections::BTreeMap::new();
    for (index, labels) in labels.iter().enumerate() {
        for (&label, &extent) in labels.iter().zip(&call.input(index)?.shape) {
            let known = extents.entry(label).or_insert(extent);
            *known = (*known).max(extent);
        }
    }
    let extent = |label: &char| extents.get(label).copied().unwrap_or(1);
    let summed: Vec<char> =
        extents.keys().filter(|label| !output.contains(label)).copied().collect();
    let shape: Vec<usize> = output.iter().map(extent).collect();
    let inner: Vec<usize> = summed.iter().map(extent).collect();
    let mut sums: Vec<f32> = Vec::new();
    let mut factors = Vec::new();
    for (index, labels) in labels.iter().enumerate() {
        let own = strides(&call.input(index)?.shape);
        let of = |wanted: &Vec<char>| -> Vec<usize> {
            let stride = |label: &char| {
                let places =
                    labels.iter().zip(&own).zip(&call.inputs.get(index).copied().flatten()?.shape);
                let found = places.filter(|((own, _), extent)| *own == label && **extent > 1);
                Some(found.map(|((_, stride), _)| stride).sum())
            };
            wanted.iter().map(|label| stride(label).unwrap_or(0)).collect()
        };
        factors.push((call.floats(index)?, of(&output), of(&summed)));
    }
    let bases: Vec<Vec<usize>> = factors
        .iter()
        .map(|(_, outer, _)| Walk::new(&shape, [outer]).map(|[place]| place).collect())
        .collect();
    let steps: Vec<Vec<usize>> = factors
        .iter()
        .map(|(_, _, summed)| Walk::new(&inner, [summed]).map(|[place]| place).collect())
        .collect();
    for place in 0..count(&shape) {
        let mut products = vec![1.0_f32; count(&inner)];
        for (((elements, ..), bases), steps) in factors.iter().zip(&bases).zip(&steps) {
            let base = bases.get(place).copied().unwrap_or(0);
            for (product, step) in products.iter_mut().zip(steps) {
                *product *= elements.get(base + step).copied().unwrap_or(0.0);
            }
        }
        sums.push(products.iter().sum());
    }
    Ok(Tensor::of_floats(shape, sums))
}
