//! Where axes have their marks, and what is written beside them.

use nasc_search::archive::{Axis, Scale};
use serde::Serialize;

/// A mark of an axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    /// Its place: a coordinate in [0, 1] for axes of archives, else a value.
    pub at: f64,
    /// What it says.
    pub label: String,
}

/// Marks at round values between two ends; `most` of them, about.
#[must_use]
pub fn linear(min: f64, max: f64, most: u32) -> Vec<Tick> {
    let step = round_step((max - min) / f64::from(most.max(1)));
    if !(step > 0.0 && step.is_finite()) {
        return Vec::new();
    }
    let (first, last) = ((min / step - 1e-9).ceil() as i64, (max / step + 1e-9).floor() as i64);
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let tick = |number: i64| {
        let at = number as f64 * step;
        let label = if at.abs() >= 1e4 { short(at) } else { format!("{at:.digits$}") };
        Tick { at, label }
    };
    (first..=last).map(tick).collect()
}

/// 1, 2 or 5 times a power of ten, at least as large as this.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Marks of an archive's axis, at coordinates in [0, 1].
#[must_use]
pub fn of_axis(axis: &Axis) -> Vec<Tick> {
    let values = match axis.scale() {
        Scale::Linear => {
            linear(axis.range().0, axis.range().1, 5).into_iter().map(|tick| tick.at).collect()
        }
        Scale::Logarithmic => logarithmic(axis.range().0, axis.range().1),
    };
    let tick = |value: f64| Tick { at: axis.coordinate(value).coordinate, label: short(value) };
    values.into_iter().map(tick).collect()
}

/// Powers of ten between two ends, with their 2 and 5 if there are few.
#[must_use]
pub fn logarithmic(min: f64, max: f64) -> Vec<f64> {
    let (low, high) = (min.log10().floor() as i32, max.log10().ceil() as i32);
    let decades = (max / min).log10();
    let factors: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let every = ((decades / 6.0).ceil() as i32).max(1);
    let all = (low..=high).filter(|power| power.rem_euclid(every) == 0).flat_map(|power| {
        let base = 10_f64.powi(power);
        factors.iter().map(move |factor| factor * base)
    });
    let within = |value: &f64| *value >= min * 0.999_999 && *value <= max * 1.000_001;
    all.filter(within).collect()
}

/// A number in a few letters: `250`, `1.5k`, `20M`, `5G`.
#[must_use]
pub fn short(value: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let unit = units.into_iter().find(|(unit, _)| value.abs() >= *unit);
    let (scaled, name) = unit.map_or((value, ""), |(unit, name)| (value / unit, name));
    let digits = if scaled.abs() >= 100.0 || scaled.fract().abs() < 1e-9 { 0 } else { 2 };
    let text = format!("{scaled:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{name}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{linear, logarithmic, of_axis, short};
    use nasc_search::archive::{Axis, Scale};

    #[test]
    fn marks_are_round_and_within_the_ends() {
        let labels =
            |min, max| linear(min, max, 5).into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        assert_eq!(labels(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.91, 0.953), ["0.91", "0.92", "0.93", "0.94", "0.95"]);
        assert_eq!(labels(0.0, 20.0), ["0", "5", "10", "15", "20"]);
        assert!(linear(1.0, 1.0, 5).is_empty());
        assert_eq!(logarithmic(500.0, 2e6), [1e3, 1e4, 1e5, 1e6]);
        assert_eq!(logarithmic(0.5, 200.0), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        let axis = Axis::new("macs", 1e4, 5e9, Scale::Logarithmic).unwrap();
        assert_eq!(of_axis(&axis).first().unwrap().label, "10k");
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.5, 7.8125, 250.0, 1500.0, 20e6, 5e9, 13_312.0].map(short);
        assert_eq!(all, ["0.5", "7.81", "250", "1.5k", "20M", "5G", "13.31k"]);
    }
}
