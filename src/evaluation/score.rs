//! Descending order of scores.

/// A key whose ascending order is the descending order of scores as numpy's and Python's sorts see
/// it: equal scores have equal keys, also 0.0 and -0.0, and NaN comes last.
#[inline]
pub(super) fn descending_key(score: f64) -> u64 {
    if score.is_nan() {
        return u64::MAX;
    }
    // Adding zero turns -0.0 into 0.0.
    let bits = (score + 0.0).to_bits();
    let negative = bits >> 63 == 1;
    if negative {
        bits
    } else {
        !bits & !(1 << 63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ascend_as_scores_descend() {
        let descending = [
            f64::INFINITY,
            f64::MAX,
            1.0 + f64::EPSILON,
            1.0,
            f64::MIN_POSITIVE,
            5e-324,
            0.0,
            -5e-324,
            -1.0,
            f64::MIN,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        assert!(descending.windows(2).all(|pair| descending_key(pair[0]) < descending_key(pair[1])));
    }

    #[test]
    fn equal_scores_have_equal_keys() {
        assert_eq!(descending_key(0.0), descending_key(-0.0));
        assert_eq!(descending_key(f64::NAN), descending_key(-f64::NAN));
    }
}
