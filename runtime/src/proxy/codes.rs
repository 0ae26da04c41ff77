//! The signs of a network's activations for each image of a batch, and how well they tell the images
//! apart: the logarithm of the determinant of the kernel of equal signs.

/// Below, a pivot counts as this: two images with the same code are as bad as can be.
const LEAST_PIVOT: f64 = 1e-9;

/// How many activations have equal signs, for each pair of images.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Codes {
    images: usize,
    kernel: Vec<f64>,
    any: bool,
}

impl Codes {
    pub(super) fn new(images: usize) -> Codes {
        Codes { images, kernel: vec![0.0; images * images], any: false }
    }

    /// Adds activations before their function was applied, image after image.
    pub(super) fn add(&mut self, values: &[f32]) {
        let width = values.len() / self.images.max(1);
        if width == 0 {
            return;
        }
        self.any = true;
        let codes: Vec<Vec<u64>> = values.chunks(width).take(self.images).map(packed).collect();
        for (row, one) in self.kernel.chunks_mut(self.images).zip(&codes) {
            for (count, other) in row.iter_mut().zip(&codes) {
                let unequal: u32 = one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum();
                *count += width as f64 - f64::from(unequal);
            }
        }
    }

    /// `None` if there are no activations.
    pub(super) fn log_determinant(&self) -> Option<f64> {
        if !self.any {
            return None;
        }
        let mut rows: Vec<Vec<f64>> =
            self.kernel.chunks(self.images).map(<[f64]>::to_vec).collect();
        let mut sum = 0.0;
        for column in 0..self.images {
            let size = |row: &Vec<f64>| row.get(column).copied().unwrap_or(0.0).abs();
            let rest = rows.get(column..)?.iter().enumerate();
            let largest = rest.max_by(|one, other| size(one.1).total_cmp(&size(other.1)))?.0;
            rows.swap(column, column + largest);
            let (done, below) = rows.split_at_mut(column + 1);
            let pivots = done.last()?;
            let pivot = pivots.get(column).copied()?;
            sum += pivot.abs().max(LEAST_PIVOT).ln();
            if pivot.abs() < LEAST_PIVOT {
                continue;
            }
            for row in below {
                let factor = row.get(column).copied()? / pivot;
                row.iter_mut().zip(pivots).for_each(|(value, above)| *value -= factor * above);
            }
        }
        Some(sum)
    }
}

/// A bit for each value above zero.
fn packed(values: &[f32]) -> Vec<u64> {
    let word = |values: &[f32]| {
        values
            .iter()
            .enumerate()
            .fold(0, |word, (bit, &value)| word | u64::from(value > 0.0) << bit)
    };
    values.chunks(64).map(word).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Codes;

    #[test]
    fn the_kernel_counts_equal_signs_and_its_determinant_is_right() {
        let mut codes = Codes::new(2);
        assert_eq!(codes.log_determinant(), None);
        codes.add(&[1.0, -1.0, 2.0, 1.0, 1.0, -3.0]);
        assert_eq!(codes.kernel, [3.0, 1.0, 1.0, 3.0]);
        assert!((codes.log_determinant().unwrap() - 8.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn images_with_the_same_code_are_told_apart_worst() {
        let mut same = Codes::new(2);
        same.add(&[1.0, -1.0, 1.0, -1.0]);
        let mut other = Codes::new(2);
        other.add(&[1.0, -1.0, 1.0, 1.0]);
        assert!(same.log_determinant() < other.log_determinant());
    }
}
