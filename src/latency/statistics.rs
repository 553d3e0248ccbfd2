//! What is said of a series of samples: pure functions of it.

use rayon::prelude::*;

use super::random::Draws;

/// Resamples of the bootstrap.
pub const RESAMPLES: usize = 10_000;

const SEED: u64 = 0x6c61_7465_6e63_7931;

/// The numbers of one series of samples, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Number of samples.
    pub samples: usize,
    /// Least.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95 % interval of the median, by [`median_interval`].
    pub p50_ci95: [f64; 2],
    /// 90th percentile of the samples.
    pub p90: f64,
    /// 90th percentile that MLPerf's early stopping lets one claim; `None` below 64 samples.
    pub p90_early_stopping: Option<f64>,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Greatest.
    pub max: f64,
    /// Median absolute deviation from the median, unscaled.
    pub mad: f64,
    /// Samples outside Tukey's fences. They stay in every other number.
    pub outliers: Outliers,
}

/// Samples outside Tukey's fences (Exploratory Data Analysis, 1977).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outliers {
    /// Beyond 1.5 interquartile ranges from the quartiles, and not severe.
    pub mild: usize,
    /// Beyond 3 interquartile ranges.
    pub severe: usize,
}

impl Outliers {
    /// All of them.
    pub fn total(self) -> usize {
        self.mild + self.severe
    }
}

impl Summary {
    /// Of samples in the order in which they were taken; `None` where there is none.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let sorted = sorted(samples);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let p50 = percentile(&sorted, 0.5);
        Some(Self {
            samples: samples.len(),
            min,
            mean: mean(samples),
            p50,
            p50_ci95: median_interval(samples),
            p90: percentile(&sorted, 0.9),
            p90_early_stopping: early_stopping(&sorted, 0.9),
            p95: percentile(&sorted, 0.95),
            p99: percentile(&sorted, 0.99),
            max,
            mad: mad(samples),
            outliers: outliers(&sorted),
        })
    }
}

/// Samples from the least to the greatest.
pub fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Arithmetic mean; 0 of nothing.
pub fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len().max(1) as f64
}

/// Median; 0 of nothing.
pub fn median(samples: &[f64]) -> f64 {
    percentile(&sorted(samples), 0.5)
}

/// The quantile at `share` of sorted samples, interpolated linearly between the closest ranks
/// (definition 7 of Hyndman and Fan, numpy's default); 0 of nothing.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let rank = share.clamp(0.0, 1.0) * last as f64;
    let below = rank.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (rank - below as f64) * (high - low)
}

/// Median absolute deviation from the median, unscaled; 0 of nothing.
pub fn mad(samples: &[f64]) -> f64 {
    let centre = median(samples);
    median(&samples.iter().map(|sample| (sample - centre).abs()).collect::<Vec<_>>())
}

/// Standard deviation over mean; 0 of fewer than two samples.
pub fn relative_deviation(samples: &[f64]) -> f64 {
    if samples.len() < 2 {
        return 0.0;
    }
    let mean = mean(samples);
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (squares / (samples.len() - 1) as f64).sqrt() / mean.max(f64::MIN_POSITIVE)
}

/// Counts what lies outside Tukey's fences. Where both quartiles are equal, whatever differs from
/// them is severe.
pub fn outliers(sorted: &[f64]) -> Outliers {
    let quartiles = [percentile(sorted, 0.25), percentile(sorted, 0.75)];
    let range = quartiles[1] - quartiles[0];
    let outside = |reach: f64| {
        let fences = (quartiles[0] - reach * range)..=(quartiles[1] + reach * range);
        sorted.iter().filter(|sample| !fences.contains(sample)).count()
    };
    let severe = outside(3.0);
    Outliers { mild: outside(1.5) - severe, severe }
}

/// 95 % interval of the median by a circular block bootstrap (Politis and Romano 1992):
/// [`RESAMPLES`] resamples with a fixed seed, in blocks of n^(1/3) since neighbours correlate.
/// `[0, 0]` of nothing.
pub fn median_interval(samples: &[f64]) -> [f64; 2] {
    if samples.len() < 2 {
        return [median(samples); 2];
    }
    let block = (samples.len() as f64).cbrt().ceil() as usize;
    let resamples = (0..RESAMPLES as u64).into_par_iter();
    let medians = resamples.map_init(Vec::new, |resample, index| {
        draw_blocks(samples, block, &mut Draws::new(SEED ^ (index << 20)), resample);
        middle(resample)
    });
    let medians = sorted(&medians.collect::<Vec<_>>());
    [percentile(&medians, 0.025), percentile(&medians, 0.975)]
}

/// Fills `resample` with as many samples as there are, in runs of neighbours.
fn draw_blocks(samples: &[f64], block: usize, draws: &mut Draws, resample: &mut Vec<f64>) {
    resample.clear();
    while resample.len() < samples.len() {
        let first = draws.below(samples.len());
        let length = block.min(samples.len() - resample.len());
        resample.extend((first..first + length).map(|index| samples[index % samples.len()]));
    }
}

/// The median of at least one value, in linear time; reorders them.
fn middle(values: &mut [f64]) -> f64 {
    let (half, even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (lower, &mut upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if !even {
        return upper;
    }
    0.5 * (upper + lower.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// MLPerf Inference's estimate of a percentile by early stopping, with confidence 0.99 and
/// tolerance 0: the t-th greatest sample, t the largest count for which at most t of n samples lie
/// above the true percentile with a probability of no more than 1 %. `None` where not even the
/// greatest sample may be claimed: below 64 samples for the 90th.
pub fn early_stopping(sorted: &[f64], share: f64) -> Option<f64> {
    let allowed = over_latency_allowed(sorted.len(), share);
    (allowed > 0).then(|| sorted[sorted.len() - allowed])
}

/// The largest t with P(Binomial(n, 1 - share) <= t) <= 1 %. Summed from logarithms: the first
/// terms are below the least f64 from n = 7,000 on.
fn over_latency_allowed(samples: usize, share: f64) -> usize {
    const DOUBT: f64 = 0.01;
    let odds = ((1.0 - share) / share).ln();
    let mut log_term = samples as f64 * share.ln();
    let mut cumulated = log_term.exp();
    let mut allowed = 0;
    for count in 1..=samples {
        log_term += ((samples - count + 1) as f64 / count as f64).ln() + odds;
        cumulated += log_term.exp();
        if cumulated > DOUBT {
            break;
        }
        allowed = count;
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_ranks() {
        let samples = sorted(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!([0.0, 0.25, 0.5, 0.9, 1.0].map(|share| percentile(&samples, share)), [1.0, 1.75, 2.5, 3.7, 4.0]);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn the_summary_of_a_known_series() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        let summary = Summary::of(&samples).expect("there are samples");
        assert_eq!((summary.samples, summary.min, summary.max), (100, 1.0, 100.0));
        assert_eq!((summary.mean, summary.p50, summary.mad), (50.5, 50.5, 25.0));
        assert!((summary.p90 - 90.1).abs() < 1e-9 && (summary.p99 - 99.01).abs() < 1e-9);
        assert!(summary.p50_ci95[0] < 50.5 && 50.5 < summary.p50_ci95[1]);
        assert_eq!(summary.outliers, Outliers::default());
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn outliers_are_classed_and_kept() {
        // Quartiles 10 and 12: mild fences at 7 and 15, severe ones at 4 and 18.
        let samples = [10.0, 30.0, 11.0, 12.0, 10.0, 11.0, 16.0, 12.0, 10.0];
        let summary = Summary::of(&samples).expect("there are samples");
        let range = percentile(&sorted(&samples), 0.75) - percentile(&sorted(&samples), 0.25);
        assert_eq!(range, 2.0, "the fences below are those of this range");
        assert_eq!(summary.outliers, Outliers { mild: 1, severe: 1 });
        assert_eq!(summary.max, 30.0);
        assert_eq!(summary.outliers.total(), 2);
    }

    #[test]
    fn equal_samples_have_no_spread() {
        let summary = Summary::of(&[5.0; 200]).expect("there are samples");
        assert_eq!((summary.mad, summary.p50_ci95, summary.outliers.total()), (0.0, [5.0, 5.0], 0));
        assert_eq!(summary.p90_early_stopping, Some(5.0));
        assert_eq!(relative_deviation(&[5.0; 200]), 0.0);
        assert_eq!(outliers(&sorted(&[5.0, 5.0, 5.0, 5.0, 5.1])).severe, 1);
    }

    #[test]
    fn one_sample_is_its_own_interval() {
        let summary = Summary::of(&[3.5]).expect("there is a sample");
        assert_eq!((summary.p50_ci95, summary.p99, summary.p90_early_stopping), ([3.5, 3.5], 3.5, None));
    }

    #[test]
    fn the_interval_is_the_same_at_any_thread_count_and_wider_for_correlated_samples() {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        let noisy: Vec<f64> = (0..200u64).map(|index| super::super::random::splitmix64(9, index) as f64).collect();
        let one = pool(1).install(|| median_interval(&noisy));
        assert_eq!(one, pool(3).install(|| median_interval(&noisy)));
        // The same values in order: neighbours say the same, so there is less to learn from them.
        let slow = median_interval(&sorted(&noisy));
        assert!(slow[1] - slow[0] > 1.5 * (one[1] - one[0]), "{slow:?} {one:?}");
    }

    #[test]
    fn the_median_of_a_resample_is_the_median() {
        assert_eq!(middle(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(middle(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(middle(&mut [4.0]), 4.0);
    }

    #[test]
    fn early_stopping_needs_as_many_samples_as_mlperf_says() {
        let rising = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        assert_eq!(early_stopping(&rising(63), 0.9), None);
        assert_eq!(early_stopping(&rising(64), 0.9), Some(64.0));
        // P(Bin(1024, 0.1) <= 80) is 1.0 %: checked against a direct sum below.
        let direct = |n: u32, t: u32| {
            let mut term = 0.9f64.powi(n as i32);
            (0..=t).fold(0.0, |sum, count| {
                let now = term;
                term *= f64::from(n - count) / f64::from(count + 1) / 9.0;
                sum + now
            })
        };
        let allowed = over_latency_allowed(1024, 0.9) as u32;
        assert!(direct(1024, allowed) <= 0.01 && direct(1024, allowed + 1) > 0.01);
        // No underflow where the first terms vanish, and the estimate nears the percentile.
        let many = over_latency_allowed(100_000, 0.9);
        assert!((9_700..10_000).contains(&many), "{many}");
    }
}
