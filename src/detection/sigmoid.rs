//! The logistic function, to the bit as torch computes it on x86-64.

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 in two parts, the first of which has few enough digits that multiples of it are exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;
/// Minimax polynomial of `(exp(s) - 1 - s) / s^2`, highest power first: the coefficients that SLEEF
/// publishes for its `expf` with an error of 1.0 ulp, the function torch calls.
const POLYNOMIAL: [f32; 6] = [1.985_276_2e-4, 1.393_043_6e-3, 8.333_361e-3, 4.166_648_5e-2, 0.166_666_67, 0.5];
/// Adding it to a small f32 rounds that to the nearest integer, ties to even, and leaves the integer
/// in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;
/// Beyond this, `exp` leaves the f32 range even for half the exponent's steps.
const EXP_LIMIT: f32 = 104.0;

/// `1 / (1 + exp(-x))`. NaN gives NaN.
///
/// The order of candidates depends on the last bit of their scores, so `exp` is computed in the
/// operations of the reference's vector library rather than by the platform's (1 ulp off in a few
/// per cent of the arguments).
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The logit whose sigmoid is `probability`, in f64; infinite at 0 and 1.
pub(super) fn logit(probability: f32) -> f64 {
    let probability = f64::from(probability);
    (probability / (1.0 - probability)).ln()
}

#[inline]
fn exp(x: f32) -> f32 {
    // Saturating first keeps the powers of two below in range; `clamp` lets NaN through.
    let x = x.clamp(-EXP_LIMIT, EXP_LIMIT);
    let rounded = x * LOG2_E + ROUNDER;
    let power = rounded - ROUNDER;
    let rest = fused(power, -LN_2_LOW, fused(power, -LN_2_HIGH, x));
    let series = POLYNOMIAL[1..].iter().fold(POLYNOMIAL[0], |sum, &coefficient| fused(sum, rest, coefficient));
    let mantissa = 1.0 + fused(rest * rest, series, rest);
    // In two steps: 2^power itself may be out of range where the product is not.
    let whole = (rounded.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let half = whole >> 1;
    mantissa * power_of_two(half) * power_of_two(whole - half)
}

/// `a * b + c` rounded once. The product of two f32 is exact in f64, so this differs from a fused
/// operation only where the f64 sum lies within 2^-29 of a rounding boundary, and unlike
/// `f32::mul_add` it vectorises on every x86-64.
#[inline]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// 2^power for powers of normal numbers, by setting the exponent.
#[inline]
fn power_of_two(power: i32) -> f32 {
    f32::from_bits(((power + 127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(a: f32, b: f32) -> u32 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn stays_within_two_ulps_of_the_true_value() {
        for step in -100_000..=100_000 {
            let x = step as f32 * 2e-4;
            let truth = (1.0 / (1.0 + (-f64::from(x)).exp())) as f32;
            assert!(ulps(sigmoid(x), truth) <= 2, "{x}: {} is not {truth}", sigmoid(x));
        }
    }

    #[test]
    fn saturates_and_lets_nan_through() {
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!(sigmoid(f32::MAX), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-38);
        assert_eq!(sigmoid(0.0), 0.5);
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn logit_inverts_it() {
        assert!((logit(sigmoid(-6.9)) + 6.9).abs() < 1e-5);
        assert_eq!(logit(0.0), f64::NEG_INFINITY);
        assert_eq!(logit(1.0), f64::INFINITY);
    }
}
