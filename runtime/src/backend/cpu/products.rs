//! Matrix products of batches.

#![expect(clippy::indexing_slicing, reason = "extents are fixed when the kernel is made")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::gemm::Matrix;
use crate::onednn::OneDnn;

/// One factor of a product of batches.
#[derive(Debug, Clone, Copy)]
pub struct Factor {
    /// Where it lies.
    pub storage: Storage,
    /// Rows and columns as stored.
    pub stored: [usize; 2],
    /// Whether it enters transposed.
    pub transposed: bool,
    /// Whether there is one matrix for the whole batch.
    pub shared: bool,
}

impl Factor {
    fn len(&self) -> usize {
        self.stored[0] * self.stored[1]
    }

    fn offset(&self, index: usize) -> usize {
        if self.shared { 0 } else { index * self.len() }
    }

    fn matrix<'a>(&self, values: &'a [f32], index: usize) -> Matrix<'a> {
        let matrix = Matrix::new(
            &values[self.offset(index)..][..self.len()],
            self.stored[0],
            self.stored[1],
        );
        if self.transposed { matrix.t() } else { matrix }
    }
}

/// `left · right` for every matrix of a batch.
pub struct MatMul {
    /// The library.
    pub library: &'static OneDnn,
    /// Matrices in the batch.
    pub count: usize,
    /// Rows and columns of the result.
    pub extents: [usize; 2],
    /// The left factor.
    pub left: Factor,
    /// The right factor.
    pub right: Factor,
    /// The result.
    pub to: Storage,
}

impl MatMul {
    fn result<'a>(&self, values: &'a [f32], index: usize) -> Matrix<'a> {
        let [rows, columns] = self.extents;
        Matrix::new(&values[index * rows * columns..][..rows * columns], rows, columns)
    }
}

impl Kernel for MatMul {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let (left, right) = (memory.value(self.left.storage), memory.value(self.right.storage));
        let len = self.extents[0] * self.extents[1];
        for (index, out) in memory.value_mut(self.to).chunks_exact_mut(len).enumerate() {
            let (left, right) = (self.left.matrix(left, index), self.right.matrix(right, index));
            self.library.multiply(out, left, right, false);
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let gradient = memory.gradient(self.to);
        let (left, right) = (memory.value(self.left.storage), memory.value(self.right.storage));
        for (position, factor) in [(0, self.left), (1, self.right)] {
            target(targets, position).with(memory, |out, add| {
                if factor.shared && !add {
                    out.fill(0.0);
                }
                for index in 0..self.count {
                    let g = self.result(gradient, index);
                    // d left = g rightᵀ, d right = leftᵀ g; transposed where the factor is stored so
                    let (first, second) = if position == 0 {
                        (g, self.right.matrix(right, index).t())
                    } else {
                        (self.left.matrix(left, index).t(), g)
                    };
                    let (first, second) =
                        if factor.transposed { (second.t(), first.t()) } else { (first, second) };
                    let out = &mut out[factor.offset(index)..][..factor.len()];
                    self.library.multiply(out, first, second, add || factor.shared);
                }
            });
        }
        Ok(())
    }
}
