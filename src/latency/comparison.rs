//! Faster, slower, the same, or not to be said.

use serde::{Deserialize, Serialize};

use super::record::Measurement;

/// A difference that small is none.
const LEAST_DIFFERENCE: f64 = 0.02;
/// Between-run deviations that a difference must exceed.
const DEVIATIONS: f64 = 3.0;

/// How a row compares with its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Change {
    /// Faster, beyond doubt.
    Fast,
    /// Slower, beyond doubt.
    Slow,
    /// No difference that counts.
    Same,
    /// Ambiguous: a difference that the measurement does not bear out.
    Ambg,
}

impl Change {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "FAST",
            Self::Slow => "SLOW",
            Self::Same => "SAME",
            Self::Ambg => "AMBG",
        }
    }
}

/// One row beside its base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Index of the measurement.
    pub measurement: usize,
    /// The outcome.
    pub change: Change,
    /// Median of the base.
    pub base_p50_ms: f64,
    /// Difference of the medians, as a share of the base's.
    pub difference: f64,
    /// Share from which a difference counts here.
    pub threshold: f64,
    /// Whether a second measurement was needed to say so.
    pub confirmed: bool,
}

/// Compares a row with its base.
///
/// FAST and SLOW take all of: medians that differ by more than 2 % and than three times the
/// deviation between processes (the greater of both), separate intervals, and a sign that survives
/// counting in clock cycles, where both clocks are known. A smaller difference is SAME.
pub fn change(base: &Measurement, new: &Measurement) -> (Change, f64, f64) {
    let difference = (new.p50_ms - base.p50_ms) / base.p50_ms.max(f64::MIN_POSITIVE);
    let threshold = LEAST_DIFFERENCE.max(DEVIATIONS * deviation(base)).max(DEVIATIONS * deviation(new));
    let change = if difference.abs() <= threshold {
        Change::Same
    } else if !separate(base.p50_ci95_ms, new.p50_ci95_ms) || !survives_clock(base, new) {
        Change::Ambg
    } else if difference < 0.0 {
        Change::Fast
    } else {
        Change::Slow
    };
    (change, difference, threshold)
}

/// Deviation between processes as a share of the median.
fn deviation(row: &Measurement) -> f64 {
    row.between_run_mad_ms / row.p50_ms.max(f64::MIN_POSITIVE)
}

fn separate(a: [f64; 2], b: [f64; 2]) -> bool {
    a[1] < b[0] || b[1] < a[0]
}

fn survives_clock(base: &Measurement, new: &Measurement) -> bool {
    let Some((base_mhz, new_mhz)) = base.clock_mhz.zip(new.clock_mhz) else { return true };
    let cycles = new.p50_ms * new_mhz - base.p50_ms * base_mhz;
    cycles * (new.p50_ms - base.p50_ms) > 0.0
}

/// Compares every row that the base has too.
pub fn compare(base: &[Measurement], new: &[Measurement]) -> Vec<Comparison> {
    let paired = new.iter().enumerate().filter_map(|(index, row)| {
        let base = base.iter().find(|base| base.is_same_row(row))?;
        let (change, difference, threshold) = change(base, row);
        let (measurement, base_p50_ms) = (index, base.p50_ms);
        Some(Comparison { measurement, change, base_p50_ms, difference, threshold, confirmed: false })
    });
    paired.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::measurement;
    use super::*;

    fn row(p50_ms: f64, half_width: f64, between_run_mad_ms: f64, clock_mhz: Option<f64>) -> Measurement {
        let p50_ci95_ms = [p50_ms - half_width, p50_ms + half_width];
        Measurement { p50_ms, p50_ci95_ms, between_run_mad_ms, clock_mhz, ..measurement() }
    }

    #[test]
    fn a_clear_difference_is_fast_or_slow() {
        let base = row(100.0, 1.0, 0.2, Some(2000.0));
        assert_eq!(change(&base, &row(90.0, 1.0, 0.2, Some(2000.0))).0, Change::Fast);
        let (slow, difference, threshold) = change(&base, &row(110.0, 1.0, 0.2, None));
        assert_eq!((slow, threshold), (Change::Slow, 0.02));
        assert!((difference - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_small_difference_is_none() {
        let base = row(100.0, 0.1, 0.0, None);
        assert_eq!(change(&base, &row(101.9, 0.1, 0.0, None)).0, Change::Same);
        // Three deviations of 2 % between processes.
        assert_eq!(change(&base, &row(105.0, 0.1, 2.1, None)).0, Change::Same);
    }

    #[test]
    fn overlapping_intervals_leave_it_open() {
        assert_eq!(change(&row(100.0, 4.0, 0.0, None), &row(106.0, 4.0, 0.0, None)).0, Change::Ambg);
    }

    #[test]
    fn a_difference_that_the_clock_explains_leaves_it_open() {
        let base = row(100.0, 1.0, 0.0, Some(2000.0));
        assert_eq!(change(&base, &row(110.0, 1.0, 0.0, Some(1800.0))).0, Change::Ambg);
        assert_eq!(change(&base, &row(110.0, 1.0, 0.0, Some(1900.0))).0, Change::Slow);
    }

    #[test]
    fn rows_meet_their_own_base_only() {
        let base = [row(100.0, 1.0, 0.0, None)];
        let other = Measurement { batch: 2, ..row(50.0, 1.0, 0.0, None) };
        assert!(compare(&base, std::slice::from_ref(&other)).is_empty());
        let compared = compare(&base, &[other, row(50.0, 1.0, 0.0, None)]);
        assert_eq!((compared.len(), compared[0].measurement, compared[0].change), (1, 1, Change::Fast));
    }
}
