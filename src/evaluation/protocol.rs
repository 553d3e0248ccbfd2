//! What is fixed by the LVIS protocol, and what a caller may choose.

use serde::{Deserialize, Serialize};

use super::{AreaRule, IouType};

/// Detections of an image that count, over all categories: `max_dets` of lvis-api.
pub const MAX_DETECTIONS: usize = 300;

/// Detections of a category that count, over all images: `max_dets_per_cat` of lvis-api's branch
/// `lvis_challenge_2021`.
pub const MAX_CATEGORY_DETECTIONS: usize = 10_000;

/// Which detections count, and what is averaged.
///
/// `Fixed` and `Pool` are of Dave et al., *Evaluating Large-Vocabulary Object Detectors: The Devil is in
/// the Details* (2021). They take their limit over the whole data set, so that all detections must be
/// ranked before an image is compared: see [`Ranking`](super::Ranking).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// lvis-api's: the highest 300 detections of an image count; AP is the mean over categories.
    #[default]
    Lvis,
    /// AP_fixed of lvis-api's branch `lvis_challenge_2021` (commit 04e89fde): the highest 10,000
    /// detections of a category count, any number an image; AP is the mean over categories.
    Fixed,
    /// AP_pool of the paper's code: the detections that count are those of `Fixed` and are matched
    /// category by category, but ranked together, so that scores must compare across categories.
    Pool,
}

/// Number of IoU thresholds.
pub const THRESHOLDS: usize = 10;

/// IoU thresholds: `numpy.linspace(0.5, 0.95, 10)`, whose ninth value is one ulp below 0.9.
pub const IOU_THRESHOLDS: [f64; THRESHOLDS] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95];

/// Index of IoU 0.50 in [`IOU_THRESHOLDS`].
pub(super) const IOU_50: usize = 0;

/// Index of IoU 0.75 in [`IOU_THRESHOLDS`].
pub(super) const IOU_75: usize = 5;

/// Number of recall thresholds 0.00, 0.01 ... 1.00.
pub const RECALLS: usize = 101;

/// Number of area ranges.
pub const AREAS: usize = 4;

/// Area ranges in pixels, closed at both ends: all, small, medium, large.
pub const AREA_RANGES: [[f64; 2]; AREAS] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];

/// The recall threshold at `index`: `numpy.linspace(0, 1, 101)`, that is `index * 0.01` and not
/// `index / 100`, from which it differs at ten places.
pub(super) fn recall_threshold(index: usize) -> f64 {
    index as f64 * 0.01
}

/// The area ranges that `area` lies outside of, as bits. NaN lies outside of none.
pub(super) fn outside_areas(area: f64) -> u8 {
    let outside =
        |bits, (index, range): (usize, &[f64; 2])| bits | u8::from(area < range[0] || area > range[1]) << index;
    AREA_RANGES.iter().enumerate().fold(0, outside)
}

/// Whether lvis-api looks at an instance or a detection of this area at all.
pub(super) fn is_visible_area(area: f64) -> bool {
    area > 0.0 && area < f64::INFINITY
}

/// What a caller may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What is compared.
    pub iou: IouType,
    /// Which area decides whether a detection is small, medium or large.
    pub area: AreaRule,
    /// Which detections count, and what is averaged.
    pub protocol: Protocol,
    /// Detections of an image that count under [`Protocol::Lvis`]: [`MAX_DETECTIONS`] in LVIS.
    pub max_detections: usize,
    /// Detections of a category that count, at least 1, under the other protocols:
    /// [`MAX_CATEGORY_DETECTIONS`].
    pub max_category_detections: usize,
}

impl Options {
    /// The limit of detections that is in force, and what it is a limit of.
    pub fn limit(&self) -> Limit {
        match self.protocol {
            Protocol::Lvis => Limit::Image(self.max_detections),
            Protocol::Fixed | Protocol::Pool => Limit::Category(self.max_category_detections),
        }
    }

    /// Detections of an image that count.
    pub(super) fn image_limit(&self) -> usize {
        match self.limit() {
            Limit::Image(limit) => limit,
            Limit::Category(_) => usize::MAX,
        }
    }
}

/// How many detections count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Of every image, over all categories.
    Image(usize),
    /// Of every category, over all images.
    Category(usize),
}

impl Limit {
    /// Detections that count of each.
    pub fn count(self) -> usize {
        match self {
            Self::Image(count) | Self::Category(count) => count,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            iou: IouType::Segm,
            area: AreaRule::Auto,
            protocol: Protocol::Lvis,
            max_detections: MAX_DETECTIONS,
            max_category_detections: MAX_CATEGORY_DETECTIONS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_ranges_are_closed() {
        assert_eq!(outside_areas(1024.0), 0b1000);
        assert_eq!(outside_areas(9216.0), 0b0010);
        assert_eq!(outside_areas(1023.0), 0b1100);
        assert_eq!(outside_areas(2e10), 0b1111);
        assert_eq!(outside_areas(f64::NAN), 0);
    }

    #[test]
    fn only_positive_finite_areas_are_visible() {
        for area in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!is_visible_area(area));
        }
        assert!(is_visible_area(f64::MIN_POSITIVE));
    }

    #[test]
    fn recall_thresholds_are_numpys() {
        assert_eq!(recall_threshold(100), 1.0);
        let unlike_hundredths: Vec<_> = (0..RECALLS).filter(|&i| recall_threshold(i) != i as f64 / 100.0).collect();
        assert_eq!(unlike_hundredths, [35, 41, 47, 57, 69, 70, 82, 83, 94, 95]);
    }
}
