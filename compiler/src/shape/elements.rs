//! Element counts: a number times a power of the batch size. Wider than any shape that PyTorch
//! can hold, so that counts are compared exactly before they are refused.

use std::fmt;

use crate::ir::{Dim, Shape};

/// `factor · N^power`, the number of elements of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements {
    /// The known part; saturates.
    pub factor: u128,
    /// How many dimensions are multiples of `N`; 0 if there are no elements.
    pub power: u32,
}

impl Elements {
    /// The number of elements of `shape`; 1 for a scalar.
    #[must_use]
    pub fn of(shape: &Shape) -> Elements {
        let one = Elements { factor: 1, power: 0 };
        let product = shape.0.iter().fold(one, |product, &dim| product.times(dim));
        if product.factor == 0 { Elements { factor: 0, power: 0 } } else { product }
    }

    fn times(self, dim: Dim) -> Elements {
        let (extent, power) = match dim {
            Dim::Known(extent) => (extent, 0),
            Dim::Batch { factor } => (factor, 1),
        };
        Elements {
            factor: self.factor.saturating_mul(u128::from(extent)),
            power: self.power.saturating_add(power),
        }
    }

    /// Whether the count at batch size 1 is below 2^63.
    #[must_use]
    pub fn fits(self) -> bool {
        // torch/headeronly or c10/core/TensorImpl: numel is an int64_t
        self.factor < 1 << 63
    }

    /// The extent that is missing from a shape of `known` elements to reach this count.
    #[must_use]
    pub fn missing(self, known: Elements) -> Option<Dim> {
        if known.factor == 0 || !self.factor.is_multiple_of(known.factor) {
            return None;
        }
        let factor = u64::try_from(self.factor / known.factor).ok()?;
        match self.power.checked_sub(known.power) {
            Some(0) => Some(Dim::Known(factor)),
            Some(1) => Some(Dim::Batch { factor }),
            None if factor == 0 => Some(Dim::Known(0)),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.factor, self.power) {
            (factor, 0) => write!(f, "{factor}"),
            (1, 1) => f.write_str("N"),
            (factor, 1) => write!(f, "{factor}N"),
            (factor, power) => write!(f, "{factor}N^{power}"),
        }
    }
}
