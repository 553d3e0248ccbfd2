//! Whether a difference is more than chance.

/// The two-sided p-value of a difference of nothing, from the differences of resamples:
///
/// `p = min(1, 2 (1 + min(#{d <= 0}, #{d >= 0})) / (n + 1))`
///
/// It is the level at which the percentile interval begins to hold zero. The added ones count the
/// observed sample among the resamples, so that p is never 0: its least value is `2 / (n + 1)`.
/// `None` without resamples.
pub(super) fn two_sided(differences: &[f64]) -> Option<f64> {
    let count = |holds: fn(f64) -> bool| differences.iter().filter(|&&difference| holds(difference)).count();
    let tail = count(|difference| difference <= 0.0).min(count(|difference| difference >= 0.0));
    let p = 2.0 * (1 + tail) as f64 / (differences.len() + 1) as f64;
    (!differences.is_empty()).then_some(p.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_differences_have_the_least_p_value() {
        assert_eq!(two_sided(&[0.1; 999]), Some(0.002));
        assert_eq!(two_sided(&[-0.1; 999]), Some(0.002));
    }

    #[test]
    fn no_difference_is_chance() {
        assert_eq!(two_sided(&[0.0; 999]), Some(1.0));
        assert_eq!(two_sided(&[-1.0, 1.0, -1.0, 1.0]), Some(1.0));
        assert_eq!(two_sided(&[]), None);
    }

    #[test]
    fn a_tail_counts_twice() {
        let mut differences = vec![1.0; 99];
        differences[..4].fill(-1.0);
        assert_eq!(two_sided(&differences), Some(0.1));
    }
}
