//! `Tensor`: elements under a shape, and walks over several tensors at once.

use super::super::message::{TensorProto, data_type};

/// Elements in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Floats of any width, held in 32 bits.
    Floats(Vec<f32>),
    /// Whole numbers of any width, and truth values as one and zero.
    Integers(Vec<i64>),
}

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Extents.
    pub shape: Vec<usize>,
    /// Elements.
    pub elements: Elements,
}

impl Tensor {
    /// A tensor of floats.
    #[must_use]
    pub fn of_floats(shape: Vec<usize>, elements: Vec<f32>) -> Tensor {
        Tensor { shape, elements: Elements::Floats(elements) }
    }

    /// A tensor of whole numbers.
    #[must_use]
    pub fn of_integers(shape: Vec<usize>, elements: Vec<i64>) -> Tensor {
        Tensor { shape, elements: Elements::Integers(elements) }
    }

    /// The elements, if they are floats.
    #[must_use]
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.elements {
            Elements::Floats(elements) => Some(elements),
            Elements::Integers(_) => None,
        }
    }

    /// The elements, if they are whole numbers.
    #[must_use]
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.elements {
            Elements::Integers(elements) => Some(elements),
            Elements::Floats(_) => None,
        }
    }

    /// A constant of a file; `None` for element types that are not evaluated.
    pub(super) fn read(constant: &TensorProto) -> Option<Tensor> {
        let shape = constant.dims.iter().map(|&extent| usize::try_from(extent).ok());
        let shape: Vec<usize> = shape.collect::<Option<_>>()?;
        let bytes = constant.raw_data.as_slice();
        let elements = match constant.data_type {
            data_type::FLOAT => Elements::Floats(
                bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            ),
            data_type::INT64 => Elements::Integers(
                bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect(),
            ),
            _ => return None,
        };
        let tensor = Tensor { shape, elements };
        (tensor.count() == count(&tensor.shape)).then_some(tensor)
    }

    fn count(&self) -> usize {
        match &self.elements {
            Elements::Floats(elements) => elements.len(),
            Elements::Integers(elements) => elements.len(),
        }
    }

    /// Elements at places of this one, under a new shape.
    pub(super) fn pick(&self, shape: Vec<usize>, places: impl Iterator<Item = usize>) -> Tensor {
        let elements = match &self.elements {
            Elements::Floats(own) => Elements::Floats(picked(own, places)),
            Elements::Integers(own) => Elements::Integers(picked(own, places)),
        };
        Tensor { shape, elements }
    }

    /// Elements at places, and `fill` where there is none.
    pub(super) fn pick_or(
        &self,
        shape: Vec<usize>,
        places: impl Iterator<Item = Option<usize>>,
        fill: f32,
    ) -> Tensor {
        let elements = match &self.elements {
            Elements::Floats(own) => Elements::Floats(
                places.map(|p| p.and_then(|p| own.get(p)).copied().unwrap_or(fill)).collect(),
            ),
            Elements::Integers(own) => Elements::Integers(
                places
                    .map(|p| p.and_then(|p| own.get(p)).copied().unwrap_or(fill as i64))
                    .collect(),
            ),
        };
        Tensor { shape, elements }
    }

    /// The same elements under another shape.
    pub(super) fn with_shape(&self, shape: Vec<usize>) -> Tensor {
        Tensor { shape, elements: self.elements.clone() }
    }

    /// The elements as floats.
    pub(super) fn to_floats(&self) -> Vec<f32> {
        match &self.elements {
            Elements::Floats(elements) => elements.clone(),
            Elements::Integers(elements) => elements.iter().map(|&e| e as f32).collect(),
        }
    }
}

fn picked<T: Copy>(own: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
    places.filter_map(|place| own.get(place).copied()).collect()
}

/// The number of elements of a shape.
pub(super) fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Distances between the elements of each dimension.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1;
    let mut strides: Vec<usize> = Vec::with_capacity(shape.len());
    for &extent in shape.iter().rev() {
        strides.push(stride);
        stride *= extent;
    }
    strides.reverse();
    strides
}

/// Distances of a tensor under the larger shape that it is broadcast to.
pub(super) fn broadcast_strides(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let added = shape.len().saturating_sub(own.len());
    let mut all = vec![0; added];
    let strides = strides(own);
    all.extend(
        own.iter().zip(strides).map(|(&extent, stride)| if extent == 1 { 0 } else { stride }),
    );
    all
}

/// The shape that operands are broadcast to.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let at = |shape: &[usize], dim: usize| {
        (dim + shape.len()).checked_sub(rank).and_then(|own| shape.get(own)).copied().unwrap_or(1)
    };
    let extent = |dim: usize| {
        shapes.iter().map(|shape| at(shape, dim)).find(|&extent| extent != 1).unwrap_or(1)
    };
    (0..rank).map(extent).collect()
}

/// The shape as everything before a dimension, its extent, and everything behind it.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let before = shape.iter().take(axis).product();
    let behind = shape.iter().skip(axis + 1).product();
    (before, shape.get(axis).copied().unwrap_or(1), behind)
}

/// Walks over a shape in row-major order and gives the places of `N` tensors with these strides.
pub(super) struct Walk<const N: usize> {
    levels: Vec<(usize, [usize; N])>,
    index: Vec<usize>,
    at: [usize; N],
    left: usize,
}

impl<const N: usize> Walk<N> {
    pub fn new(shape: &[usize], strides: [&[usize]; N]) -> Walk<N> {
        let level = |(dim, &extent): (usize, &usize)| {
            (extent, strides.map(|tensor| tensor.get(dim).copied().unwrap_or(0)))
        };
        Walk {
            levels: shape.iter().enumerate().map(level).collect(),
            index: vec![0; shape.len()],
            at: [0; N],
            left: count(shape),
        }
    }

    fn advance(&mut self) {
        for ((extent, strides), index) in self.levels.iter().zip(&mut self.index).rev() {
            *index += 1;
            let back = if *index == *extent { std::mem::take(index) } else { 0 };
            for (at, stride) in self.at.iter_mut().zip(strides) {
                *at = (*at + stride) - back * stride;
            }
            if back == 0 {
                return;
            }
        }
    }
}

impl<const N: usize> Iterator for Walk<N> {
    type Item = [usize; N];

    fn next(&mut self) -> Option<[usize; N]> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.advance();
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_visits_places_in_row_major_order() {
        let places: Vec<[usize; 2]> = Walk::new(&[2, 3], [&[1, 2], &[0, 1]]).collect();
        assert_eq!(places, [[0, 0], [2, 1], [4, 2], [1, 0], [3, 1], [5, 2]]);
        assert_eq!(Walk::new(&[2, 0], [&[1, 1]]).count(), 0);
        assert_eq!(Walk::<1>::new(&[], [&[]]).count(), 1);
    }

    #[test]
    fn shapes_are_broadcast_from_the_last_dimension() {
        assert_eq!(broadcast(&[&[3, 1], &[2, 1, 4]]), [2, 3, 4]);
        assert_eq!(broadcast_strides(&[3, 1], &[2, 3, 4]), [0, 1, 0]);
    }
}
