//! Whether a score is the share of true positives among detections of that score.

use serde::{Deserialize, Serialize};

use super::findings::JudgedDetection;

/// Bins of equal width over scores 0 to 1, as in Guo et al., "On Calibration of Modern Neural Networks",
/// ICML 2017.
pub const CALIBRATION_BINS: usize = 15;

/// Calibration over the detections that are judged and not ignored, at IoU 0.5.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// Detections with a score from 0 to 1.
    pub detections: u64,
    /// Detections whose score is no number from 0 to 1: in no bin.
    pub outside: u64,
    /// Expected calibration error: the mean over the detections of how far their bin's precision is from
    /// its mean score; `None` without detections.
    pub ece: Option<f64>,
    /// The largest such distance.
    pub largest: Option<f64>,
    /// Bins in ascending score.
    pub bins: Vec<CalibrationBin>,
}

/// One bin, closed above and, but for the first, open below.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Detections.
    pub detections: u64,
    /// True positives among them.
    pub true_positives: u64,
    /// Mean score; `None` without detections.
    pub mean_score: Option<f64>,
    /// Share of true positives; `None` without detections.
    pub precision: Option<f64>,
}

/// Calibration of the detections that count.
pub(super) fn calibration<'a>(detections: impl Iterator<Item = &'a JudgedDetection>) -> Calibration {
    let end = |bin: usize| bin as f64 / CALIBRATION_BINS as f64;
    let mut bins: Vec<CalibrationBin> = (0..CALIBRATION_BINS)
        .map(|bin| CalibrationBin { from: end(bin), to: end(bin + 1), ..CalibrationBin::default() })
        .collect();
    let mut sums = [0.0; CALIBRATION_BINS];
    let mut outside = 0;
    for detection in detections.filter(|detection| detection.counts()) {
        if !(0.0..=1.0).contains(&detection.score) {
            outside += 1;
            continue;
        }
        let bin = bins.partition_point(|bin| bin.to < detection.score).min(CALIBRATION_BINS - 1);
        bins[bin].detections += 1;
        bins[bin].true_positives += u64::from(detection.is_true());
        sums[bin] += detection.score;
    }
    for (bin, sum) in bins.iter_mut().zip(sums).filter(|(bin, _)| bin.detections > 0) {
        bin.mean_score = Some(sum / bin.detections as f64);
        bin.precision = Some(bin.true_positives as f64 / bin.detections as f64);
    }
    let detections = bins.iter().map(|bin| bin.detections).sum();
    let distance = |bin: &CalibrationBin| bin.mean_score.zip(bin.precision).map(|(score, share)| (score - share).abs());
    let weighted = bins.iter().filter_map(|bin| Some(distance(bin)? * bin.detections as f64)).sum::<f64>();
    let ece = (detections > 0).then(|| weighted / detections as f64);
    let largest = bins.iter().filter_map(distance).reduce(f64::max);
    Calibration { detections, outside, ece, largest, bins }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::ErrorKind;
    use super::super::verdict::Verdict;
    use super::*;

    fn detection(score: f64, verdict: Verdict) -> JudgedDetection {
        JudgedDetection { category: 0, score, verdict, target: None, is_absent: false }
    }

    #[test]
    fn error_is_the_weighted_distance() {
        let wrong = Verdict::False(ErrorKind::Background, None);
        let detections = [
            detection(0.9, Verdict::TruePositive),
            detection(0.92, wrong),
            detection(0.1, wrong),
            detection(0.1, Verdict::Ignored),
            detection(1.5, wrong),
            detection(f64::NAN, wrong),
        ];
        let found = calibration(detections.iter());
        assert_eq!((found.detections, found.outside), (3, 2));
        let expected = (2.0 * (0.91 - 0.5) + 0.1) / 3.0;
        assert!((found.ece.unwrap() - expected).abs() < 1e-12);
        assert!((found.largest.unwrap() - 0.41).abs() < 1e-12);
    }

    #[test]
    fn ends_belong_to_the_bin_below() {
        let ends = [detection(0.0, Verdict::TruePositive), detection(1.0, Verdict::TruePositive)];
        let found = calibration(ends.iter());
        assert_eq!((found.bins[0].detections, found.bins[CALIBRATION_BINS - 1].detections), (1, 1));
        assert_eq!(calibration([].iter()).ece, None);
    }
}
