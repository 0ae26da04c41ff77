//! `View`: the logical extents of a tensor and the order in which its dimensions lie in memory. A
//! permutation is another order of the same elements; most changes of layout cost nothing so.

#![expect(clippy::indexing_slicing, reason = "an order is a permutation of the dimensions")]

use super::memory::Storage;

/// A dense tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its elements.
    pub storage: Storage,
    /// Logical extents, outermost first.
    pub dims: Vec<usize>,
    /// Logical dimensions from the outermost in memory to the innermost.
    pub order: Vec<usize>,
}

impl View {
    /// A tensor in row-major order.
    pub fn rows(storage: Storage, dims: Vec<usize>) -> View {
        let order = (0..dims.len()).collect();
        View { storage, dims, order }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Distance in memory between neighbours along each logical dimension.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.dims.len()];
        let mut stride = 1;
        for &dim in self.order.iter().rev() {
            strides[dim] = stride;
            stride *= self.dims[dim];
        }
        strides
    }

    /// Whether the elements lie as they would in `order`; extents of 1 do not matter.
    pub fn lies_in(&self, order: &[usize]) -> bool {
        let wide = |order: &[usize]| -> Vec<usize> {
            order.iter().copied().filter(|&dim| self.dims[dim] != 1).collect()
        };
        wide(&self.order) == wide(order)
    }

    /// Whether it is row-major.
    pub fn is_rows(&self) -> bool {
        let order: Vec<usize> = (0..self.dims.len()).collect();
        self.lies_in(&order)
    }

    /// The same elements with the order of `order[i]` as dimension `i`.
    pub fn permuted(&self, permutation: &[usize]) -> View {
        let dims = permutation.iter().map(|&dim| self.dims[dim]).collect();
        let mut position = vec![0; permutation.len()];
        for (new, &old) in permutation.iter().enumerate() {
            position[old] = new;
        }
        let order = self.order.iter().map(|&old| position[old]).collect();
        View { storage: self.storage, dims, order }
    }
}

/// Batch, spatial dimensions, channels.
pub fn channels_last(rank: usize) -> Vec<usize> {
    if rank < 3 {
        return (0..rank).collect();
    }
    std::iter::once(0).chain(2..rank).chain(std::iter::once(1)).collect()
}
