//! The score threshold of the highest F1 at IoU 0.5.

use serde::{Deserialize, Serialize};

use super::super::score::descending_key;
use super::findings::JudgedDetection;

/// Thresholds of the F1 curve: 0.00, 0.01 ... 1.00.
const CURVE_POINTS: usize = 101;

/// What is kept with a score threshold: detections with at least that score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The threshold: the score of a detection.
    pub threshold: f64,
    /// `2 TP / (detections + instances)`, the harmonic mean of precision and recall.
    pub f1: f64,
    /// Share of true positives among the detections kept.
    pub precision: f64,
    /// Share of instances found.
    pub recall: f64,
}

/// A point of the F1 curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct F1Point {
    /// Score threshold.
    pub threshold: f64,
    /// F1 of the detections with at least that score.
    pub f1: f64,
    /// Their precision; `None` if there are none.
    pub precision: Option<f64>,
    /// Their recall.
    pub recall: f64,
}

/// Thresholds over all categories, chosen on the data that they are judged by: on other data F1 is lower.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Thresholds {
    /// One threshold for all categories: the highest F1 over their pooled detections.
    pub overall: Option<OperatingPoint>,
    /// Mean of the highest F1 of each category with instances, at its own threshold.
    pub mean_of_categories: Option<f64>,
    /// F1 over all pooled detections at thresholds 0.00, 0.01 ... 1.00; empty without instances.
    pub curve: Vec<F1Point>,
}

/// Detections that count in descending score; NaN, which no threshold keeps, is left out.
pub(super) struct Ranked(Vec<(f64, bool)>);

impl Ranked {
    pub(super) fn new<'a>(detections: impl Iterator<Item = &'a JudgedDetection>) -> Self {
        let counting = detections.filter(|detection| detection.counts() && !detection.score.is_nan());
        let mut ranked: Vec<(f64, bool)> = counting.map(|detection| (detection.score, detection.is_true())).collect();
        ranked.sort_by_key(|&(score, _)| descending_key(score));
        Self(ranked)
    }

    /// The point of the highest F1, of equal ones that of the highest threshold; `None` without instances or
    /// true positives.
    pub(super) fn best(&self, instances: u64) -> Option<OperatingPoint> {
        let mut best: Option<OperatingPoint> = None;
        let (mut kept, mut found) = (0, 0);
        for same in self.0.chunk_by(|a, b| a.0 == b.0) {
            kept += same.len() as u64;
            found += same.iter().filter(|(_, is_true)| *is_true).count() as u64;
            let f1 = f1(found, kept, instances);
            if found > 0 && best.is_none_or(|best| f1 > best.f1) {
                let (precision, recall) = (found as f64 / kept as f64, found as f64 / instances as f64);
                best = Some(OperatingPoint { threshold: same[0].0, f1, precision, recall });
            }
        }
        best.filter(|_| instances > 0)
    }

    /// The F1 curve; empty without instances.
    pub(super) fn curve(&self, instances: u64) -> Vec<F1Point> {
        let (mut kept, mut found) = (0, 0);
        let mut point = |index: usize| {
            let threshold = index as f64 / (CURVE_POINTS - 1) as f64;
            while let Some((_, is_true)) = self.0.get(kept as usize).filter(|(score, _)| *score >= threshold) {
                kept += 1;
                found += u64::from(*is_true);
            }
            let precision = (kept > 0).then(|| found as f64 / kept as f64);
            F1Point { threshold, f1: f1(found, kept, instances), precision, recall: found as f64 / instances as f64 }
        };
        if instances == 0 {
            return Vec::new();
        }
        let mut points: Vec<F1Point> = (0..CURVE_POINTS).rev().map(&mut point).collect();
        points.reverse();
        points
    }
}

fn f1(found: u64, kept: u64, instances: u64) -> f64 {
    2.0 * found as f64 / (kept + instances) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_threshold_is_where_f1_peaks() {
        let ranked = Ranked(vec![(0.9, true), (0.8, false), (0.7, true), (0.2, false), (0.2, false)]);
        let best = ranked.best(2).unwrap();
        assert_eq!((best.threshold, best.f1, best.recall), (0.7, 0.8, 1.0));
        assert_eq!(ranked.best(20).unwrap().threshold, 0.7);
        assert_eq!(Ranked(vec![(0.9, false)]).best(2), None);
        assert_eq!(ranked.best(0), None);
    }

    #[test]
    fn of_equal_f1_the_highest_threshold_is_best() {
        // 2 / (1 + 2) at first, and 4 / (4 + 2) in the end.
        let ranked = Ranked(vec![(0.9, true), (0.8, false), (0.7, false), (0.6, true)]);
        assert_eq!(ranked.best(2).unwrap().threshold, 0.9);
        assert_eq!(ranked.best(3).unwrap().threshold, 0.6);
    }

    #[test]
    fn curve_has_no_precision_where_nothing_is_kept() {
        let curve = Ranked(vec![(0.5, true), (0.5, false), (0.5, false)]).curve(2);
        assert_eq!((curve[51].precision, curve[50].precision), (None, Some(1.0 / 3.0)));
        assert_eq!((curve[1].threshold, curve[37].threshold, curve[100].threshold), (0.01, 0.37, 1.0));
    }

    #[test]
    fn detections_of_one_score_are_kept_together() {
        let ranked = Ranked(vec![(0.9, true), (0.9, false), (0.9, false)]);
        assert_eq!(ranked.best(1).unwrap().precision, 1.0 / 3.0);
    }

    #[test]
    fn curve_keeps_the_scores_at_the_threshold() {
        let curve = Ranked(vec![(1.0, true), (0.5, true), (0.25, false)]).curve(2);
        assert_eq!(curve.len(), 101);
        assert_eq!((curve[100].f1, curve[50].f1, curve[51].recall, curve[0].f1), (2.0 / 3.0, 1.0, 0.5, 0.8));
        assert!(Ranked(vec![]).curve(0).is_empty());
    }
}
