//! What an evaluation yields: plain data.

use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IouType {
    /// Masks.
    Segm,
    /// Boxes.
    Bbox,
    /// Masks and their boundaries: the lower of the two IoUs counts, as in lvis-api's branch
    /// `lvis_challenge_2021`. A boundary is the part of a mask within 2 % of the image's diagonal of its
    /// outline.
    Boundary,
}

impl IouType {
    /// Whether masks are compared.
    pub(super) fn reads_masks(self) -> bool {
        self != Self::Bbox
    }
}

/// Which area decides whether a detection is small, medium or large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AreaRule {
    /// lvis-api's: the box's where the first record carries `bbox`, else the mask's.
    Auto,
    /// Width times height of the box.
    Box,
    /// Pixels of the mask: what lvis-api gives with `bbox` taken out of every record.
    Mask,
}

/// The 13 numbers of lvis-api as fractions; `None` where it gives -1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Metrics {
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    #[serde(rename = "AP75")]
    pub ap75: Option<f64>,
    #[serde(rename = "APs")]
    pub ap_small: Option<f64>,
    #[serde(rename = "APm")]
    pub ap_medium: Option<f64>,
    #[serde(rename = "APl")]
    pub ap_large: Option<f64>,
    #[serde(rename = "APr")]
    pub ap_rare: Option<f64>,
    #[serde(rename = "APc")]
    pub ap_common: Option<f64>,
    #[serde(rename = "APf")]
    pub ap_frequent: Option<f64>,
    #[serde(rename = "AR@300")]
    pub ar: Option<f64>,
    #[serde(rename = "ARs@300")]
    pub ar_small: Option<f64>,
    #[serde(rename = "ARm@300")]
    pub ar_medium: Option<f64>,
    #[serde(rename = "ARl@300")]
    pub ar_large: Option<f64>,
}

impl Metrics {
    /// lvis-api's names of the 13 numbers, in its order.
    pub const NAMES: [&'static str; 13] =
        ["AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf", "AR@300", "ARs@300", "ARm@300", "ARl@300"];

    /// The 13 numbers in the order of [`Metrics::NAMES`].
    pub fn values(&self) -> [Option<f64>; 13] {
        [
            self.ap,
            self.ap50,
            self.ap75,
            self.ap_small,
            self.ap_medium,
            self.ap_large,
            self.ap_rare,
            self.ap_common,
            self.ap_frequent,
            self.ar,
            self.ar_small,
            self.ar_medium,
            self.ar_large,
        ]
    }
}

/// One category's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryMetrics {
    /// Category id.
    pub id: i64,
    /// Name in the annotation file.
    pub name: String,
    /// Frequency letter `r`, `c` or `f`.
    pub frequency: String,
    /// Mean precision over IoU thresholds and recalls; `None` without ground truth.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// The same at IoU 0.5.
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    /// Mean recall over IoU thresholds.
    #[serde(rename = "AR")]
    pub ar: Option<f64>,
    /// Instances that count (not ignored, any area).
    pub num_gt: u64,
    /// Number of training images with the category, if the annotation file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_count: Option<u64>,
}

/// Precision at the 101 recalls 0.00, 0.01 ... 1.00, averaged over the categories that have ground
/// truth; empty where no category of the group has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// All categories, mean over the ten IoU thresholds.
    pub mean: Vec<f64>,
    /// All categories at IoU 0.5.
    pub iou50: Vec<f64>,
    /// All categories at IoU 0.75.
    pub iou75: Vec<f64>,
    /// Rare categories, mean over the thresholds.
    pub rare: Vec<f64>,
    /// Common categories, mean over the thresholds.
    pub common: Vec<f64>,
    /// Frequent categories, mean over the thresholds.
    pub frequent: Vec<f64>,
}

/// What lvis-api swallows without a word, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Swallowed {
    /// Detections of categories that the annotation file does not list, within the limit of 300.
    pub unknown_category_detections: u64,
    /// Detections of categories judged in their image whose area is not positive and finite.
    pub nonpositive_area_detections: u64,
    /// Detections cut since their image, or their category, has more than the limit.
    pub over_limit_detections: u64,
    /// Detections whose mask was compared with one of another size: no match.
    pub mask_size_mismatches: u64,
    /// Detections whose score is not a number or infinite, within the limit of 300.
    pub nonfinite_score_detections: u64,
    /// Annotations whose area is not positive and finite.
    pub nonpositive_area_annotations: u64,
    /// Annotations of categories that are not listed.
    pub unknown_category_annotations: u64,
    /// Annotations of images that are not listed.
    pub unknown_image_annotations: u64,
}

impl std::ops::AddAssign for Swallowed {
    fn add_assign(&mut self, other: Self) {
        self.unknown_category_detections += other.unknown_category_detections;
        self.nonpositive_area_detections += other.nonpositive_area_detections;
        self.over_limit_detections += other.over_limit_detections;
        self.mask_size_mismatches += other.mask_size_mismatches;
        self.nonfinite_score_detections += other.nonfinite_score_detections;
        self.nonpositive_area_annotations += other.nonpositive_area_annotations;
        self.unknown_category_annotations += other.unknown_category_annotations;
        self.unknown_image_annotations += other.unknown_image_annotations;
    }
}

/// The outcome of one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What was compared.
    pub iou: IouType,
    /// The area rule asked for.
    pub area: AreaRule,
    /// The area that decided: [`AreaRule::Box`] or [`AreaRule::Mask`].
    pub area_used: AreaRule,
    /// Images evaluated, also those without detections.
    pub images: u64,
    /// Images of the annotation file.
    pub images_total: u64,
    /// The 13 numbers. Under [`Protocol::Pool`](super::Protocol::Pool) AP, APr, APc and APf are of the pools, the others
    /// `None`.
    pub results: Metrics,
    /// Every category of the file in ascending id, each by itself under all protocols.
    pub per_category: Vec<CategoryMetrics>,
    /// Precision-recall curves.
    pub curves: Curves,
    /// What was passed over.
    pub swallowed: Swallowed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_passed_over_is_added() {
        let counts = |first: u64| Swallowed {
            unknown_category_detections: first,
            nonpositive_area_detections: first + 1,
            over_limit_detections: first + 2,
            mask_size_mismatches: first + 3,
            nonfinite_score_detections: first + 4,
            nonpositive_area_annotations: first + 5,
            unknown_category_annotations: first + 6,
            unknown_image_annotations: first + 7,
        };
        let mut sum = counts(10);
        sum += counts(100);
        let named = |of: Swallowed| serde_json::to_value(of).expect("plain data");
        for (name, count) in named(sum).as_object().expect("an object") {
            let place = named(counts(0))[name].as_u64().expect("a count");
            assert_eq!(count.as_u64(), Some(110 + 2 * place), "{name}");
        }
    }
}
