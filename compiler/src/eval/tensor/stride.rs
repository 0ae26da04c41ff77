//! Memory strides, as far as `view` depends on them. They are computed at one made-up batch size,
//! a prime, so that a batch dimension is never taken for another one.

use crate::eval::value::Tensor;
use crate::ir::Dim;

/// The made-up batch size.
const BATCH: u64 = 1009;

/// Extents at the made-up batch size.
pub(super) fn extents(dims: &[Dim]) -> Vec<u64> {
    dims.iter().map(|dim| dim.at_batch(BATCH)).collect()
}

/// The strides of a tensor without gaps.
pub(super) fn contiguous(extents: &[u64]) -> Vec<u64> {
    let mut strides: Vec<u64> = Vec::with_capacity(extents.len());
    let mut product: u64 = 1;
    for &extent in extents.iter().rev() {
        strides.push(product);
        product = product.saturating_mul(extent.max(1));
    }
    strides.reverse();
    strides
}

/// The strides of a tensor.
pub(super) fn strides(tensor: &Tensor) -> Vec<u64> {
    let known = tensor.0.strides.borrow().clone();
    known.unwrap_or_else(|| contiguous(&extents(&tensor.dims())))
}

/// Notes strides unless they are the contiguous ones.
pub(super) fn note(tensor: &Tensor, strides: Vec<u64>) {
    let extents = extents(&tensor.dims());
    let usual = contiguous(&extents);
    let same = extents
        .iter()
        .zip(&usual)
        .zip(&strides)
        .all(|((&extent, usual), stride)| extent == 1 || usual == stride);
    *tensor.0.strides.borrow_mut() = (!same).then_some(strides);
}

/// The strides of a view of the same elements, if there is one; the rule of PyTorch's
/// `computeStride_impl` in aten/src/ATen/TensorUtils.cpp.
pub(super) fn view(old: &[u64], old_strides: &[u64], new: &[u64]) -> Option<Vec<u64>> {
    let mut strides = vec![0; new.len()];
    let mut left = new.len();
    let mut base = old_strides.last().copied().unwrap_or(1);
    let (mut old_count, mut new_count) = (1u64, 1u64);
    for position in (0..old.len()).rev() {
        old_count = old_count.saturating_mul(*old.get(position)?);
        let outer = position.checked_sub(1);
        let ends = match outer {
            None => true,
            Some(outer) => {
                *old.get(outer)? != 1 && *old_strides.get(outer)? != old_count.saturating_mul(base)
            }
        };
        if !ends {
            continue;
        }
        while left > 0 && (new_count < old_count || new.get(left - 1) == Some(&1)) {
            if let Some(stride) = strides.get_mut(left - 1) {
                *stride = new_count.saturating_mul(base);
            }
            new_count = new_count.saturating_mul(*new.get(left - 1)?);
            left -= 1;
        }
        if new_count != old_count {
            return None;
        }
        if let Some(outer) = outer {
            base = *old_strides.get(outer)?;
            (old_count, new_count) = (1, 1);
        }
    }
    (left == 0).then_some(strides)
}
