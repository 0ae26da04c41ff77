//! Operations that keep the elements and change the dimensions, and the helpers with which a
//! caller resolves −1 and negative dimensions before it makes an operation.

use super::{Elements, ShapeError, broadcast::promote_all, only};
use crate::ir::op::{Cat, Expand, Permute, Reshape};
use crate::ir::{Dim, Shape, TensorType};

/// The dimension that `dim` means in a tensor of `rank` dimensions; negative ones count from the
/// end. A scalar accepts 0 and −1, as in PyTorch.
///
/// # Errors
/// [`ShapeError::DimOutOfRange`].
pub fn resolve_dim(dim: i64, rank: usize) -> Result<usize, ShapeError> {
    let extent = i64::try_from(rank.max(1)).unwrap_or(i64::MAX);
    let resolved = if dim < 0 { dim.saturating_add(extent) } else { dim };
    match usize::try_from(resolved) {
        Ok(position) if resolved < extent => Ok(position),
        Ok(_) | Err(_) => Err(ShapeError::DimOutOfRange { dim, rank }),
    }
}

/// The shape that `view(*target)` leads to; `None` stands for −1.
///
/// # Errors
/// [`ShapeError::ReshapeSize`] if the element counts cannot be made equal.
pub fn resolve_reshape(input: &Shape, target: &[Option<Dim>]) -> Result<Shape, ShapeError> {
    let mismatch = || ShapeError::ReshapeSize { input: input.clone(), target: target.to_vec() };
    let total = Elements::of(input);
    let known = Elements::of(&Shape(target.iter().copied().flatten().collect()));
    let missing = match target.iter().filter(|size| size.is_none()).count() {
        0 if total == known => Dim::Known(1),
        1 => total.missing(known).ok_or_else(mismatch)?,
        _ => return Err(mismatch()),
    };
    Ok(Shape(target.iter().map(|size| size.unwrap_or(missing)).collect()))
}

/// The shape that `flatten(start, end)` leads to; both dimensions are inclusive.
///
/// # Errors
/// [`ShapeError::DimOutOfRange`]; [`ShapeError::BatchDependent`] if two dimensions depend on the
/// batch size; [`ShapeError::TooLarge`].
pub fn flatten(input: &Shape, start: i64, end: i64) -> Result<Shape, ShapeError> {
    let (first, last) = (resolve_dim(start, input.rank())?, resolve_dim(end, input.rank())?);
    if input.rank() == 0 {
        return Ok(Shape::known(&[1]));
    }
    if first > last {
        return Err(ShapeError::DimOutOfRange { dim: start, rank: last + 1 });
    }
    let (before, rest) = input.0.split_at_checked(first).unwrap_or((&input.0, &[]));
    let (merged, after) = rest.split_at_checked(last - first + 1).unwrap_or((rest, &[]));
    let elements = Elements::of(&Shape(merged.to_vec()));
    if !elements.fits() {
        return Err(ShapeError::TooLarge { shape: input.clone() });
    }
    let merged = elements.missing(Elements { factor: 1, power: 0 }).ok_or_else(|| {
        ShapeError::BatchDependent { what: format!("it joins several batch dimensions of {input}") }
    })?;
    Ok(Shape([before, &[merged], after].concat()))
}

/// The shape that `expand(*target)` leads to; `None` stands for −1, which keeps the extent.
///
/// # Errors
/// [`ShapeError::ExpandMismatch`].
pub fn resolve_expand(input: &Shape, target: &[Option<Dim>]) -> Result<Shape, ShapeError> {
    let added = target.len().saturating_sub(input.rank());
    let resolved: Vec<Dim> = target
        .iter()
        .enumerate()
        .map(|(position, size)| {
            let kept = position.checked_sub(added).and_then(|dim| input.0.get(dim)).copied();
            size.or(kept).unwrap_or(Dim::Known(0))
        })
        .collect();
    let target = Shape(resolved);
    if expands(input, &target) {
        return Ok(target);
    }
    Err(ShapeError::ExpandMismatch { input: input.clone(), target })
}

fn expands(input: &Shape, target: &Shape) -> bool {
    let Some(added) = target.rank().checked_sub(input.rank()) else { return false };
    let kept = target.0.iter().skip(added);
    input.0.iter().zip(kept).all(|(&from, &to)| from == to || from == Dim::Known(1))
}

/// Any shape to another of the same element count.
pub(super) fn reshape(
    reshape: &Reshape,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let target: Vec<Option<Dim>> = reshape.shape.0.iter().copied().map(Some).collect();
    let shape = resolve_reshape(&input.shape, &target)?;
    Ok(TensorType { dtype: input.dtype, shape })
}

/// The same dimensions in another order.
pub(super) fn permute(
    permute: &Permute,
    operands: &[&TensorType],
) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let rank = input.shape.rank();
    let mut sorted = permute.order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return Err(ShapeError::InvalidPermutation { order: permute.order.clone(), rank });
    }
    let dims = permute.order.iter().filter_map(|&dim| input.shape.0.get(dim)).copied().collect();
    Ok(TensorType { dtype: input.dtype, shape: Shape(dims) })
}

/// A shape that broadcasts to the requested one.
pub(super) fn expand(expand: &Expand, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let input = only(operands)?;
    let target: Vec<Option<Dim>> = expand.shape.0.iter().copied().map(Some).collect();
    Ok(TensorType { dtype: input.dtype, shape: resolve_expand(&input.shape, &target)? })
}

/// Tensors that are equal in all dimensions but one. PyTorch skips tensors of shape `[0]`.
pub(super) fn cat(cat: &Cat, operands: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let dtype = promote_all(operands)?;
    let mut inputs = operands.iter().filter(|input| input.shape != Shape::known(&[0]));
    let Some(first) = inputs.next() else {
        return Ok(TensorType { dtype, shape: Shape::known(&[0]) });
    };
    if cat.dim >= first.shape.rank() {
        let dim = i64::try_from(cat.dim).unwrap_or(i64::MAX);
        return Err(ShapeError::DimOutOfRange { dim, rank: first.shape.rank() });
    }
    let mut dims = first.shape.0.clone();
    for (position, input) in inputs.enumerate() {
        expect_joinable(cat.dim, position + 1, &first.shape, &input.shape)?;
        let added = input.shape.0.get(cat.dim).copied().unwrap_or(Dim::Known(0));
        if let Some(total) = dims.get_mut(cat.dim) {
            *total = sum(*total, added)?;
        }
    }
    Ok(TensorType { dtype, shape: Shape(dims) })
}

fn expect_joinable(
    dim: usize,
    position: usize,
    first: &Shape,
    found: &Shape,
) -> Result<(), ShapeError> {
    if first.rank() != found.rank() {
        let (expected, input) = (vec![first.rank()], found.clone());
        return Err(ShapeError::RankMismatch { expected, input });
    }
    let differing = (0..first.rank()).find(|&at| at != dim && first.0.get(at) != found.0.get(at));
    match differing {
        None => Ok(()),
        Some(other_dim) => Err(ShapeError::ConcatMismatch {
            dim,
            other_dim,
            position,
            first: first.clone(),
            found: found.clone(),
        }),
    }
}

fn sum(left: Dim, right: Dim) -> Result<Dim, ShapeError> {
    match (left, right) {
        (Dim::Known(a), Dim::Known(b)) => Ok(Dim::Known(a.saturating_add(b))),
        (Dim::Batch { factor: a }, Dim::Batch { factor: b }) => {
            Ok(Dim::Batch { factor: a.saturating_add(b) })
        }
        (Dim::Known(0), other) | (other, Dim::Known(0)) => Ok(other),
        (Dim::Known(_), Dim::Batch { .. }) | (Dim::Batch { .. }, Dim::Known(_)) => {
            Err(ShapeError::BatchDependent {
                what: format!("the joined extent is {left} + {right}"),
            })
        }
    }
}
