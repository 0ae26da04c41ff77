//! `View`: where the elements of a tensor lie, as an offset and one stride per dimension. Moving,
//! selecting and broadcasting elements are views where possible, so that they cost nothing.

use std::cmp::Reverse;

/// One dimension of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// Number of elements.
    pub extent: i64,
    /// Distance between them.
    pub stride: i64,
}

/// Elements of a buffer under a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Position in the program's table of buffers.
    pub buffer: usize,
    /// First element.
    pub offset: i64,
    /// Dimensions, outermost first.
    pub axes: Vec<Axis>,
    /// Zeros that lie before and after each dimension in the buffer; empty if there are none.
    pub margins: Vec<(i64, i64)>,
}

impl View {
    /// Row-major elements from the beginning of a buffer.
    pub fn plain(buffer: usize, extents: &[i64]) -> View {
        let order: Vec<usize> = (0..extents.len()).collect();
        View::dense(buffer, extents, &order, &[])
    }

    /// Elements without gaps but for the margins; `order` lists the dimensions, outermost first.
    pub fn dense(buffer: usize, extents: &[i64], order: &[usize], margins: &[(i64, i64)]) -> View {
        let mut axes: Vec<Axis> =
            extents.iter().map(|&extent| Axis { extent, stride: 0 }).collect();
        let (mut stride, mut offset) = (1, 0);
        for &dim in order.iter().rev() {
            let (before, after) = margins.get(dim).copied().unwrap_or_default();
            if let Some(axis) = axes.get_mut(dim) {
                axis.stride = stride;
                offset += before * stride;
                stride *= axis.extent + before + after;
            }
        }
        View { buffer, offset, axes, margins: margins.to_vec() }
    }

    /// The dimension `dim`; a missing one has extent 1.
    pub fn axis(&self, dim: usize) -> Axis {
        self.axes.get(dim).copied().unwrap_or(Axis { extent: 1, stride: 0 })
    }

    pub fn rank(&self) -> usize {
        self.axes.len()
    }

    pub fn extents(&self) -> Vec<i64> {
        self.axes.iter().map(|axis| axis.extent).collect()
    }

    pub fn strides(&self) -> Vec<i64> {
        self.axes.iter().map(|axis| axis.stride).collect()
    }

    pub fn elements(&self) -> i64 {
        self.axes.iter().map(|axis| axis.extent).product()
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_plain(&self) -> bool {
        let mut expected = 1;
        self.axes.iter().rev().all(|axis| {
            let fits = axis.extent == 1 || axis.stride == expected;
            expected *= axis.extent;
            fits
        })
    }

    /// The dimensions from the widest stride to the narrowest.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rank()).collect();
        order.sort_by_key(|&dim| Reverse(self.axis(dim).stride.abs()));
        order
    }

    /// Whether elements that differ in one dimension only are neighbours.
    pub fn is_unit(&self, dim: usize) -> bool {
        let axis = self.axis(dim);
        axis.stride == 1 || axis.extent == 1
    }

    fn with_axes(&self, offset: i64, axes: Vec<Axis>) -> View {
        View { buffer: self.buffer, offset, axes, margins: Vec::new() }
    }

    /// Dimensions in another order.
    pub fn permute(&self, order: &[usize]) -> View {
        self.with_axes(self.offset, order.iter().map(|&dim| self.axis(dim)).collect())
    }

    /// `length` elements of a dimension from `start` on, every `step`th.
    pub fn slice(&self, dim: usize, start: i64, length: i64, step: i64) -> View {
        let mut axes = self.axes.clone();
        let offset = self.offset + start * self.axis(dim).stride;
        if let Some(axis) = axes.get_mut(dim) {
            *axis = Axis { extent: length, stride: axis.stride * step };
        }
        self.with_axes(offset, axes)
    }

    /// A dimension backwards.
    pub fn flip(&self, dim: usize) -> View {
        let extent = self.axis(dim).extent;
        self.slice(dim, extent - 1, extent, -1)
    }

    /// Broadcast to a larger shape, aligned at the last dimension.
    pub fn expand(&self, extents: &[i64]) -> View {
        let added = extents.len().saturating_sub(self.rank());
        let axes = extents.iter().enumerate().map(|(dim, &extent)| {
            let own = dim.checked_sub(added).map(|dim| self.axis(dim));
            match own {
                Some(axis) if axis.extent == extent => axis,
                _ => Axis { extent, stride: 0 },
            }
        });
        let mut view = self.with_axes(self.offset, axes.collect());
        if view.axes == self.axes {
            view.margins.clone_from(&self.margins);
        }
        view
    }

    /// Another dimension at `dim`.
    pub fn insert(&self, dim: usize, axis: Axis) -> View {
        let mut axes = self.axes.clone();
        axes.insert(dim.min(axes.len()), axis);
        self.with_axes(self.offset, axes)
    }

    /// Without a dimension, at its first element.
    pub fn remove(&self, dim: usize) -> View {
        let axes = self.axes.iter().enumerate().filter(|&(other, _)| other != dim);
        self.with_axes(self.offset, axes.map(|(_, &axis)| axis).collect())
    }

    /// One dimension as several, outermost first, whose extents multiply to its own.
    pub fn split(&self, dim: usize, extents: &[i64]) -> View {
        let mut stride = self.axis(dim).stride;
        let mut parts: Vec<Axis> = Vec::new();
        for &extent in extents.iter().rev() {
            parts.insert(0, Axis { extent, stride });
            stride *= extent;
        }
        let mut axes = self.axes.clone();
        if dim < axes.len() {
            axes.splice(dim..=dim, parts);
        }
        self.with_axes(self.offset, axes)
    }

    /// The same elements in the same order under another shape, if that needs no copy. The rule is
    /// PyTorch's for `Tensor.view`: runs of dimensions that lie without gaps are divided anew.
    pub fn reshape(&self, extents: &[i64]) -> Option<View> {
        if self.extents() == extents {
            return Some(self.clone());
        }
        let old: Vec<Axis> = self.axes.iter().copied().filter(|axis| axis.extent != 1).collect();
        let mut new: Vec<Axis> = Vec::new();
        let mut wanted: Vec<i64> = extents.to_vec();
        let mut rest = old.as_slice();
        while let Some((last, before)) = rest.split_last() {
            let (mut run, mut outer) = (last.extent, before);
            while let Some((next, further)) = outer.split_last() {
                if next.stride != run * last.stride {
                    break;
                }
                run *= next.extent;
                outer = further;
            }
            take(run, last.stride, &mut wanted, &mut new)?;
            rest = outer;
        }
        new.splice(0..0, wanted.iter().map(|&extent| Axis { extent, stride: 0 }));
        wanted.iter().all(|&extent| extent == 1).then(|| self.with_axes(self.offset, new))
    }
}

/// Moves dimensions from the end of `wanted` to the front of `new` until they hold `run` elements.
fn take(run: i64, stride: i64, wanted: &mut Vec<i64>, new: &mut Vec<Axis>) -> Option<()> {
    let mut taken = 1;
    while taken < run {
        let extent = wanted.pop()?;
        new.insert(0, Axis { extent, stride: stride * taken });
        taken *= extent;
    }
    (taken == run).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_matrix_has_no_flat_view() {
        let matrix = View::plain(0, &[2, 3]);
        assert_eq!(matrix.reshape(&[6]).map(|view| view.strides()), Some(vec![1]));
        assert_eq!(matrix.permute(&[1, 0]).reshape(&[6]), None);
        let narrow = matrix.permute(&[1, 0]).reshape(&[3, 1, 2]);
        // the stride of an extent of 1 means nothing
        let strides = narrow.map(|view| view.strides());
        let wide = strides.map(|strides| (strides.first().copied(), strides.last().copied()));
        assert_eq!(wide, Some((Some(1), Some(3))));
    }

    #[test]
    fn margins_widen_strides() {
        let image = View::dense(0, &[1, 4, 3, 3], &[0, 2, 3, 1], &[(0, 0), (0, 0), (1, 1), (1, 1)]);
        assert_eq!(image.strides(), [100, 1, 20, 4]);
        assert_eq!(image.offset, 24);
    }
}
