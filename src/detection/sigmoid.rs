//! The logistic function and its inverse.

pub(super) use crate::kernels::logistic as sigmoid;

/// The logit whose sigmoid is `probability`, in f64; infinite at 0 and 1.
pub(super) fn logit(probability: f32) -> f64 {
    let probability = f64::from(probability);
    (probability / (1.0 - probability)).ln()
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
