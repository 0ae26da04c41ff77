//! How results differ from those that are expected.

use crate::number::{grouped, percent};

/// Largest difference that is agreement, relative to the largest logit.
const TOLERANCE: f32 = 1e-4;

/// A class that is not certain: another one is as likely within the tolerance.
pub(crate) const UNCERTAIN: i64 = -1;

/// How results differ from those that are expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    samples: usize,
    /// Whether there are as many results as expected.
    complete: bool,
    /// Largest difference.
    absolute: f32,
    /// Largest difference relative to the largest result of the sample.
    relative: f32,
    /// Samples whose largest result is the same.
    same: usize,
}

impl Comparison {
    pub fn of(found: &[f32], expected: &[f32], samples: usize) -> Comparison {
        let width = (expected.len() / samples.max(1)).max(1);
        let complete = found.len() == expected.len();
        let start = Comparison { samples, complete, absolute: 0.0, relative: 0.0, same: 0 };
        let rows = found.chunks(width).zip(expected.chunks(width));
        rows.fold(start, |whole, (found, expected)| {
            let pairs = found.iter().zip(expected);
            let difference = pairs.map(|(a, b)| distance(*a, *b)).fold(0.0, largest);
            let is_same = is_class(found, class_of(expected)) || class(found) == class(expected);
            Comparison {
                absolute: largest(whole.absolute, difference),
                relative: largest(whole.relative, difference / scale(expected)),
                same: whole.same + usize::from(is_same),
                ..whole
            }
        })
    }

    /// Whether the results are the same but for rounding.
    pub fn agrees(&self) -> bool {
        self.complete && self.relative <= TOLERANCE && self.same == self.samples
    }

    fn same_share(&self) -> f64 {
        self.same as f64 / self.samples.max(1) as f64
    }

    pub fn line(&self, origin: &str) -> String {
        let same = percent(self.same_share());
        let count = grouped(self.samples as u64);
        format!(
            "compared on {count} {origin}: largest difference {:.1e}, relative {:.1e}, same class {same}",
            self.absolute, self.relative
        )
    }
}

/// The distance of two results; undefined and infinite ones are alike if they are the same.
fn distance(a: f32, b: f32) -> f32 {
    if a == b || (a.is_nan() && b.is_nan()) { 0.0 } else { (a - b).abs() }
}

/// The larger one; not a number wins, so that it is seen.
fn largest(left: f32, right: f32) -> f32 {
    if left.is_nan() || right <= left { left } else { right }
}

fn scale(row: &[f32]) -> f32 {
    let finite = row.iter().map(|value| value.abs()).filter(|value| value.is_finite());
    finite.fold(f32::MIN_POSITIVE, largest)
}

/// The position of the largest result.
pub(crate) fn class(row: &[f32]) -> usize {
    let pairs = row.iter().enumerate();
    pairs.fold((0, f32::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best }).0
}

/// The position of the largest result, or [`UNCERTAIN`].
pub(crate) fn class_of(row: &[f32]) -> i64 {
    let best = class(row);
    let limit = row.get(best).copied().unwrap_or(0.0) - TOLERANCE * scale(row);
    let near = row.iter().filter(|&&value| value >= limit).count();
    if near == 1 { i64::try_from(best).unwrap_or(UNCERTAIN) } else { UNCERTAIN }
}

fn is_class(row: &[f32], expected: i64) -> bool {
    expected == UNCERTAIN || i64::try_from(class(row)) == Ok(expected)
}

/// How many results have the classes that are expected.
pub(crate) fn same_classes(found: &[f32], classes: &[i64]) -> usize {
    let width = (found.len() / classes.len().max(1)).max(1);
    let rows = found.chunks(width).zip(classes);
    rows.filter(|(row, expected)| is_class(row, **expected)).count()
}

pub(crate) fn line_of_classes(same: usize, count: usize, data: &str) -> String {
    let share = percent(same as f64 / count.max(1) as f64);
    format!("compared on {} images of {data}: same class {share}", grouped(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_needs_small_differences_and_the_same_classes() {
        let expected = [1.0, 2.0, 3.0, 1.0];
        assert!(Comparison::of(&[1.0, 2.0001, 3.0, 1.0], &expected, 2).agrees());
        assert!(!Comparison::of(&[1.0, 2.001, 3.0, 1.0], &expected, 2).agrees());
        assert!(!Comparison::of(&[1.0, 2.0, 3.0], &expected, 2).agrees());
        assert!(!Comparison::of(&[1.0, f32::NAN, 3.0, 1.0], &expected, 2).agrees());
        assert!(Comparison::of(&[2.0, 2.000_01], &[2.000_01, 2.0], 1).agrees());
    }

    #[test]
    fn a_tie_is_no_class() {
        assert_eq!(class_of(&[0.5, 1.0, 0.2]), 1);
        assert_eq!(class_of(&[1.0, 1.000_01, 0.2]), UNCERTAIN);
        assert_eq!(same_classes(&[0.0, 1.0, 1.0, 0.0, 1.0, 0.0], &[1, 1, UNCERTAIN]), 2);
    }
}
