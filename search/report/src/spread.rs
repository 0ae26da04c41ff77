//! Mean and deviation of the same figure of several runs.

use serde::Serialize;

/// Mean and sample deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The deviation (n - 1); 0 for a single figure.
    pub deviation: f64,
    /// How many figures there are.
    pub count: usize,
}

impl Spread {
    /// Of these figures; `None` if there are none.
    #[must_use]
    pub fn of(figures: &[f64]) -> Option<Self> {
        let count = figures.len();
        if count == 0 {
            return None;
        }
        let mean = figures.iter().sum::<f64>() / count as f64;
        let squares: f64 = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Some(Self { mean, deviation, count })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Spread;

    #[test]
    fn mean_and_sample_deviation() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0]).unwrap().deviation, 0.0);
        let spread = Spread::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((spread.mean, spread.deviation, spread.count), (2.0, 1.0, 3));
    }
}
