//! One descriptor axis: its range and how it is scaled to [0, 1].

/// How values are spread over the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart; the range must be positive.
    Logarithmic,
}

/// A descriptor axis with a checked range.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Axis {
    name: String,
    min: f64,
    max: f64,
    scale: Scale,
}

/// A coordinate in [0, 1], and whether the value lay outside of the range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaled {
    /// The coordinate.
    pub coordinate: f64,
    /// Whether the value was outside and moved to the nearer end.
    pub clipped: bool,
}

/// A range that cannot be an axis.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the axis `{name}` cannot run from {min} to {max}: {requirement}")]
pub struct AxisError {
    /// Name of the axis.
    pub name: String,
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
    /// What the ends must satisfy.
    pub requirement: &'static str,
}

impl Axis {
    /// An axis from `min` to `max`.
    ///
    /// # Errors
    /// The ends must be finite with `min < max`, and positive on a logarithmic axis.
    pub fn new(
        name: impl Into<String>,
        min: f64,
        max: f64,
        scale: Scale,
    ) -> Result<Self, AxisError> {
        let requirement = match scale {
            _ if !(min.is_finite() && max.is_finite()) => Some("both ends must be finite"),
            _ if min >= max => Some("the lower end must be below the upper end"),
            Scale::Logarithmic if min <= 0.0 => Some("a logarithmic axis must begin above 0"),
            Scale::Linear | Scale::Logarithmic => None,
        };
        let name = name.into();
        match requirement {
            Some(requirement) => Err(AxisError { name, min, max, requirement }),
            None => Ok(Self { name, min, max, scale }),
        }
    }

    /// The name of the descriptor.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lower and upper end.
    #[must_use]
    pub const fn range(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// How values are spread.
    #[must_use]
    pub const fn scale(&self) -> Scale {
        self.scale
    }

    /// The coordinate of a finite value; values outside of the range are moved to the nearer end.
    #[must_use]
    pub fn coordinate(&self, value: f64) -> Scaled {
        let clipped = value < self.min || value > self.max;
        let value = value.clamp(self.min, self.max);
        let coordinate = match self.scale {
            Scale::Linear => (value - self.min) / (self.max - self.min),
            Scale::Logarithmic => (value / self.min).ln() / (self.max / self.min).ln(),
        };
        Scaled { coordinate: coordinate.clamp(0.0, 1.0), clipped }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn linear_and_logarithmic_axes_scale_and_say_when_they_clip() {
        let linear = Axis::new("ratio", 0.0, 200.0, Scale::Linear).unwrap();
        assert_eq!(linear.coordinate(50.0), Scaled { coordinate: 0.25, clipped: false });
        assert_eq!(linear.coordinate(200.0), Scaled { coordinate: 1.0, clipped: false });
        assert_eq!(linear.coordinate(201.0), Scaled { coordinate: 1.0, clipped: true });
        let logarithmic = Axis::new("macs", 1e2, 1e6, Scale::Logarithmic).unwrap();
        assert!((logarithmic.coordinate(1e4).coordinate - 0.5).abs() < 1e-12);
        assert_eq!(logarithmic.coordinate(0.0), Scaled { coordinate: 0.0, clipped: true });
    }

    #[test]
    fn impossible_ranges_are_refused() {
        assert!(Axis::new("a", 1.0, 1.0, Scale::Linear).is_err());
        assert!(Axis::new("a", 0.0, 1.0, Scale::Logarithmic).is_err());
        assert!(Axis::new("a", 0.0, f64::NAN, Scale::Linear).is_err());
    }
}
