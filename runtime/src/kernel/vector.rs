//! Loops compiled for the widest vectors that the machine has, and functions that such loops can hold:
//! exponentials without a call or a branch. Errors are a few units in the last place.

/// Runs `body` compiled for the machine's vector instructions.
#[inline(always)]
pub fn simd<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// eˣ
// Moshier's Cephes library, expf: range reduction by ln 2 in two parts, polynomial of degree 5.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the rounded integer in the low bits
    let clamped = if x > 88.7 { 88.7 } else { x };
    let clamped = if clamped < -87.3 { -87.3 } else { clamped };
    let shifted = clamped * LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4 * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(SHIFT.to_bits()).wrapping_add(127) << 23;
    let y = y * f32::from_bits(exponent);
    let y = if x > 88.722_84 { f32::INFINITY } else { y };
    if x < -87.33 { 0.0 } else { y }
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x
// Cephes, tanhf: a polynomial below 0.625, the quotient of exponentials above.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3 * z + 2.063_908_8e-2;
    let p = p * z - 5.373_971_5e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let small = p * z * x + x;
    let magnitude = x.abs();
    let large = 1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0);
    if magnitude < 0.625 { small } else { large.copysign(x) }
}

/// The error function.
// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; error at most 1.5e-7.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let magnitude = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * magnitude);
    let p = 1.061_405_4 * t - 1.453_152_1;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-magnitude * magnitude)).copysign(x)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn functions_agree_with_the_standard_library() {
        for step in -20_000..20_000 {
            let x = step as f32 * 0.005;
            let close = |found: f32, wanted: f32| {
                let scale = wanted.abs().max(1e-30);
                assert!((found - wanted).abs() <= 4e-7 * scale, "{x}: {found} {wanted}");
            };
            if x.abs() < 87.0 {
                close(exp(x), x.exp());
                close(tanh(x), x.tanh());
            }
            assert!((sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 2e-7);
        }
        // the formula's bound and the rounding of its terms
        assert!((erf(0.5) - 0.520_499_9).abs() < 4e-7 && (erf(-2.0) + 0.995_322_3).abs() < 4e-7);
    }

    #[test]
    fn extremes_stay_what_they_are() {
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert_eq!((tanh(100.0), tanh(-100.0)), (1.0, -1.0));
        assert_eq!((sigmoid(200.0), sigmoid(-200.0)), (1.0, 0.0));
    }
}
