//! Multiply-accumulates of a sum of products, contracted pairwise from the left as PyTorch does
//! without a path optimiser.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::TensorType;
use crate::ir::op::Einsum;

/// Sum over the pairs; a pair without a summed dimension is an element-wise product.
pub(super) fn macs(einsum: &Einsum, operands: &[&TensorType]) -> u64 {
    let extents = extents(einsum, operands);
    let mut operands = einsum.operands.iter();
    let Some(first) = operands.next() else { return 0 };
    let mut left: BTreeSet<char> = first.iter().copied().collect();
    let mut macs = 0u64;
    while let Some(right) = operands.next() {
        let right: BTreeSet<char> = right.iter().copied().collect();
        let mut needed: BTreeSet<char> = einsum.output.iter().copied().collect();
        needed.extend(operands.clone().flatten());
        // a dimension that only one side has and nobody needs is summed before the product
        let paired: BTreeSet<char> = left
            .union(&right)
            .copied()
            .filter(|label| needed.contains(label) || left.contains(label) && right.contains(label))
            .collect();
        // torch.einsum multiplies element-wise where all summed dimensions have extent 1
        let summed = |label: &char| {
            !needed.contains(label) && extents.get(label).is_none_or(|&extent| extent != 1)
        };
        if paired.iter().any(summed) {
            let extent = |label| extents.get(label).copied().unwrap_or(1);
            macs = macs.saturating_add(paired.iter().map(extent).fold(1, u64::saturating_mul));
        }
        left = paired.intersection(&needed).copied().collect();
    }
    macs
}

fn extents(einsum: &Einsum, operands: &[&TensorType]) -> BTreeMap<char, u64> {
    let mut extents: BTreeMap<char, u64> = BTreeMap::new();
    for (labels, operand) in einsum.operands.iter().zip(operands) {
        for (&label, dim) in labels.iter().zip(&operand.shape.0) {
            let extent = extents.entry(label).or_insert(1);
            *extent = (*extent).max(dim.at_batch(1));
        }
    }
    extents
}
