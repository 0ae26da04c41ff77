//! Sums over rows in lanes, which become vector additions; the order of additions is fixed.

#![expect(clippy::indexing_slicing, reason = "lanes are counted")]

const LANES: usize = 16;

/// Adds up the lanes pair by pair.
#[inline(always)]
fn total(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Σ f(xᵢ, yᵢ)
#[inline(always)]
pub fn sum_of(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (x_chunks, y_chunks) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = x_chunks.remainder().iter().zip(y_chunks.remainder());
    for (x, y) in x_chunks.zip(y_chunks) {
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum += f(x, y);
        }
    }
    for (sum, (&x, &y)) in sums.iter_mut().zip(rest) {
        *sum += f(x, y);
    }
    total(sums)
}

/// Σ xᵢ
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    sum_of(x, x, |x, _| x)
}

/// The largest number; NaN only if all are.
#[inline(always)]
pub fn largest(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, larger);
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    lanes.into_iter().fold(rest, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_are_summed() {
        for len in 0..70_u16 {
            let x: Vec<f32> = (0..len).map(f32::from).collect();
            let expected = f32::from(len) * (f32::from(len) - 1.0) / 2.0;
            assert_eq!(sum(&x), if len == 0 { 0.0 } else { expected });
            let squares: f32 = x.iter().map(|x| x * x).sum();
            assert_eq!(sum_of(&x, &x, |x, y| x * y), squares);
            let expected = if len == 0 { f32::NEG_INFINITY } else { f32::from(len - 1) };
            assert_eq!(largest(&x), expected);
        }
    }
}
