//! What an archive holds: a solution with a finite objective and finite measures.

use std::cmp::Ordering;

/// A number that should be finite and is not.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{what} must be finite, but is {value}")]
pub struct NotFinite {
    /// What the number is.
    pub what: &'static str,
    /// The number.
    pub value: f64,
}

fn finite(what: &'static str, value: f64) -> Result<f64, NotFinite> {
    if value.is_finite() { Ok(value) } else { Err(NotFinite { what, value }) }
}

/// Fitness: a value to be maximised, and a loss that breaks ties between equal values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    value: f64,
    loss: f64,
}

impl Objective {
    /// A value (for networks: accuracy in [0, 1]) and its loss (cross-entropy in nats).
    ///
    /// # Errors
    /// [`NotFinite`] if either is infinite or not a number.
    pub fn new(value: f64, loss: f64) -> Result<Self, NotFinite> {
        Ok(Self { value: finite("an objective", value)?, loss: finite("a loss", loss)? })
    }

    /// A count as an objective, with no loss to break ties.
    #[must_use]
    pub fn from_count(count: u32) -> Self {
        Self { value: f64::from(count), loss: 0.0 }
    }

    /// What is maximised.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.value
    }

    /// What breaks ties; lower is better.
    #[must_use]
    pub const fn loss(self) -> f64 {
        self.loss
    }

    /// Orders by fitness: the higher value is greater, and of equal values the lower loss.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        // Both numbers are finite, so total_cmp differs from the usual order in ±0 only,
        // and adding 0 turns -0 into +0.
        (self.value + 0.0)
            .total_cmp(&(other.value + 0.0))
            .then_with(|| (other.loss + 0.0).total_cmp(&(self.loss + 0.0)))
    }

    /// Whether this one is strictly fitter.
    #[must_use]
    pub fn beats(self, other: Self) -> bool {
        self.compare(other) == Ordering::Greater
    }
}

/// Position in descriptor space, in the descriptors' own units.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures(Vec<f64>);

impl Measures {
    /// One value for each axis, in the order of the axes.
    ///
    /// # Errors
    /// [`NotFinite`] if any value is infinite or not a number.
    pub fn new(values: Vec<f64>) -> Result<Self, NotFinite> {
        values.iter().try_for_each(|&value| finite("a measure", value).map(|_| ()))?;
        Ok(Self(values))
    }

    /// The values, in the order of the axes.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}

/// The best solution of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Elite<S> {
    /// The solution itself.
    pub solution: S,
    /// Its fitness.
    pub objective: Objective,
    /// Its place in descriptor space.
    pub measures: Measures,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn loss_breaks_ties_and_equals_beat_nobody() {
        let at = |value, loss| Objective::new(value, loss).unwrap();
        assert!(at(0.5, 9.0).beats(at(0.4, 0.1)));
        assert!(at(0.5, 1.0).beats(at(0.5, 2.0)));
        assert!(!at(0.5, 1.0).beats(at(0.5, 1.0)));
        assert!(!at(0.0, 1.0).beats(at(-0.0, 1.0)));
    }

    #[test]
    fn nothing_that_is_not_finite_gets_in() {
        assert!(Objective::new(f64::NAN, 0.0).is_err());
        assert!(Objective::new(0.0, f64::INFINITY).is_err());
        assert!(Measures::new(vec![0.0, f64::NAN]).is_err());
    }
}
