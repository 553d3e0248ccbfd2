//! The metrics that a baseline can hold.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Tolerance;
use crate::evaluation::Metrics;
use crate::report::{named, VariantMetrics};

/// lvis-api's numbers of one IoU type.
const ACCURACIES: usize = 13;
const DETECTIONS: usize = 2 * ACCURACIES;
const PARTS: [&str; 3] = ["image", "text", "total"];
const MACS: [&str; 4] = ["backbone", "neck", "head", "total"];
const FIRST_MACS: usize = DETECTIONS + 1 + PARTS.len();
const MATCHED: usize = FIRST_MACS + MACS.len();
const COUNT: usize = MATCHED + 1;

/// How far the mean number of detections an image may move: single detections near the score
/// threshold come and go with float32 rounding.
const DETECTIONS_TOLERANCE: Tolerance = Tolerance { max_drop: 1.0, max_rise: 1.0 };
/// How far the share of matched reference detections may move: two of the 25,000 of `shapes`. Other
/// float32 sums, of the same network by other instructions, move one over a bound of the match or the
/// threshold of suppression; suppression in other coordinates moves five.
const MATCHED_TOLERANCE: Tolerance = Tolerance { max_drop: 0.0001, max_rise: 0.0001 };
const EXACT: Tolerance = Tolerance { max_drop: 0.0, max_rise: 0.0 };

/// A metric by its place in the list: `segm/AP` and the other 12 numbers of lvis-api, the same of
/// `bbox`, `detections_per_image`, `parameters/image`, `parameters/text`, `parameters/total`, the
/// multiply-accumulates of an image, `macs/backbone`, `macs/neck`, `macs/head`, `macs/total` (FLOPs are
/// twice as many), and `agreement/matched`, the share of the reference pipeline's detections that are
/// matched ([`Agreement`](crate::evaluation::Agreement)), of zoos that hold these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric(usize);

impl Metric {
    /// Every metric, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COUNT).map(Self)
    }

    /// The metric of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|metric| metric.to_string() == name)
    }

    /// Whether it is an AP or AR, a fraction in 0..=1.
    pub fn is_accuracy(self) -> bool {
        self.0 < DETECTIONS
    }

    /// Whether it is a fraction in 0..=1: an AP, an AR or the share of matched detections.
    pub fn is_fraction(self) -> bool {
        self.is_accuracy() || self.is_agreement()
    }

    /// Whether it says how closely detections agree with the reference's.
    pub fn is_agreement(self) -> bool {
        self.0 == MATCHED
    }

    /// Whether it is an AP or AR of masks.
    pub fn is_segm(self) -> bool {
        self.0 < ACCURACIES
    }

    /// Whether it is a number of parameters.
    pub fn is_parameters(self) -> bool {
        self.0 > DETECTIONS && self.0 < FIRST_MACS
    }

    /// Whether it is a number of multiply-accumulates.
    pub fn is_macs(self) -> bool {
        self.0 >= FIRST_MACS && self.0 < MATCHED
    }

    /// Its value in a run; `None` where it was not measured.
    pub fn value(self, measured: &VariantMetrics) -> Option<f64> {
        match self.0 {
            index if index < ACCURACIES => named(&measured.results.segm)[index].1,
            index if index < DETECTIONS => named(&measured.results.bbox)[index - ACCURACIES].1,
            DETECTIONS if measured.images == 0 => None,
            DETECTIONS => Some(measured.detections as f64 / measured.images as f64),
            index if index < FIRST_MACS => count(&measured.parameters, PARTS[index - DETECTIONS - 1]),
            index if index < MATCHED => count(&measured.macs, MACS[index - FIRST_MACS]),
            _ => measured.agreement.as_ref().map(|found| found.matched as f64 / found.reference as f64),
        }
    }

    /// Its tolerance where the baseline names none: `accuracy` for AP and AR, one detection an image,
    /// a ten-thousandth of the reference's detections, and no parameter or operation more or less.
    pub fn default_tolerance(self, accuracy: Tolerance) -> Tolerance {
        match self.0 {
            index if index < DETECTIONS => accuracy,
            DETECTIONS => DETECTIONS_TOLERANCE,
            MATCHED => MATCHED_TOLERANCE,
            _ => EXACT,
        }
    }
}

fn count(counts: &BTreeMap<String, u64>, part: &str) -> Option<f64> {
    counts.get(part).map(|&count| count as f64)
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| named(&Metrics::default())[index].0;
        match self.0 {
            index if index < ACCURACIES => write!(f, "segm/{}", name(index)),
            index if index < DETECTIONS => write!(f, "bbox/{}", name(index - ACCURACIES)),
            DETECTIONS => f.write_str("detections_per_image"),
            index if index < FIRST_MACS => write!(f, "parameters/{}", PARTS[index - DETECTIONS - 1]),
            index if index < MATCHED => write!(f, "macs/{}", MACS[index - FIRST_MACS]),
            _ => f.write_str("agreement/matched"),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::by_name(&name).ok_or_else(|| serde::de::Error::custom(format!("no metric is called {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_own_name() {
        let names: Vec<String> = Metric::all().map(|metric| metric.to_string()).collect();
        assert_eq!(names.len(), 35);
        assert!(Metric::all().all(|metric| Metric::by_name(&metric.to_string()) == Some(metric)));
        assert_eq!(names[0], "segm/AP");
        assert_eq!(names[13], "bbox/AP");
        assert_eq!(names[26..30], ["detections_per_image", "parameters/image", "parameters/text", "parameters/total"]);
        assert_eq!(names[30..], ["macs/backbone", "macs/neck", "macs/head", "macs/total", "agreement/matched"]);
        assert_eq!(Metric::by_name("segm/mAP"), None);
    }
}
