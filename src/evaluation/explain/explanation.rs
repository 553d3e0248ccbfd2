//! The explanation as plain data.

use serde::{Deserialize, Serialize};

use super::super::{AreaRule, Evaluation, IouType, Metrics, Options};
use super::calibration::{calibration, Calibration};
use super::confusion::{confusion, ConfusedPair};
use super::findings::{Findings, InstanceState};
use super::kinds::{ErrorCounts, BACKGROUND_IOU, FOREGROUND_IOU};
use super::oracle::{gains, Gains};
use super::tables::{category_rows, frequency_rows, CategoryRow, FrequencyRow};
use super::threshold::{Ranked, Thresholds};
use super::worst::{worst_images, ImageRow};

/// Version of the form; it changes when a key changes its meaning or goes.
pub const EXPLANATION_SCHEMA_VERSION: u32 = 1;

/// Why the AP is what it is: what `eval --explain` writes as `explain.json`. Shares and AP are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Version of this form.
    pub schema_version: u32,
    /// What was compared.
    pub iou: IouType,
    /// The area rule asked for.
    pub area: AreaRule,
    /// The area that decided.
    pub area_used: AreaRule,
    /// Detections of an image that count.
    pub max_detections: usize,
    /// From this IoU on a detection lies on an instance.
    pub foreground_iou: f64,
    /// Below this IoU it has nothing to do with it.
    pub background_iou: f64,
    /// Annotation file as given.
    pub annotations: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub annotations_sha256: String,
    /// Results file as given.
    pub source: String,
    /// Images of the annotation file.
    pub images: u64,
    /// The 13 numbers, those of the evaluation.
    pub results: Metrics,
    /// What became of the detections.
    pub detections: DetectionCounts,
    /// What became of the instances.
    pub instances: InstanceCounts,
    /// Errors of each kind.
    pub errors: ErrorCounts,
    /// What each kind costs.
    pub gains: Gains,
    /// Rare, common and frequent categories.
    pub frequencies: Vec<FrequencyRow>,
    /// Every category of the file in ascending id.
    pub categories: Vec<CategoryRow>,
    /// Confused categories, most frequent first.
    pub confusion: Vec<ConfusedPair>,
    /// The images in which most is lost, worst first.
    pub worst_images: Vec<ImageRow>,
    /// Whether scores are the share of true positives.
    pub calibration: Calibration,
    /// Score thresholds of the highest F1.
    pub thresholds: Thresholds,
}

/// What became of the detections within the limit per image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DetectionCounts {
    /// True positives at IoU 0.5.
    pub true_positives: u64,
    /// False positives at IoU 0.5.
    pub false_positives: u64,
    /// Judged, but count neither for nor against.
    pub ignored: u64,
    /// Of a category that is not verified in the image: nothing is known.
    pub not_judged: u64,
    /// Of a category that is not listed.
    pub unknown_category: u64,
    /// Judged, but without an area that is positive and finite: dropped.
    pub invisible: u64,
}

/// What became of the instances at IoU 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InstanceCounts {
    /// Instances that count.
    pub counted: u64,
    /// Those that a true positive has.
    pub found: u64,
    /// Not found, but the target of a localisation or classification error.
    pub covered: u64,
    /// Not found, and nothing comes near enough.
    pub missed: u64,
    /// Instances that do not count.
    pub ignored: u64,
}

impl Explanation {
    pub(super) fn new(evaluation: &Evaluation, findings: &Findings<'_>, source: &str, options: Options) -> Self {
        let annotations = findings.ground_truth.annotations;
        let [all, rare, common, frequent] = gains(findings);
        let categories = category_rows(evaluation, findings);
        let mut errors = ErrorCounts::default();
        categories.iter().for_each(|row| errors += row.errors);
        let instances = instance_counts(findings);
        Self {
            schema_version: EXPLANATION_SCHEMA_VERSION,
            iou: evaluation.iou,
            area: evaluation.area,
            area_used: evaluation.area_used,
            max_detections: options.max_detections,
            foreground_iou: FOREGROUND_IOU,
            background_iou: BACKGROUND_IOU,
            annotations: annotations.source.clone(),
            annotations_sha256: annotations.sha256.clone(),
            source: source.to_owned(),
            images: findings.images.len() as u64,
            results: evaluation.results,
            detections: detection_counts(findings),
            instances,
            errors,
            gains: all,
            frequencies: frequency_rows(evaluation, &categories, [rare, common, frequent]),
            confusion: confusion(findings),
            worst_images: worst_images(findings),
            calibration: calibration(findings.detections()),
            thresholds: thresholds(findings, &categories, instances.counted),
            categories,
        }
    }

    /// Indented JSON with a final line break; the same bytes for the same numbers.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and strings can always be written");
        text.push('\n');
        text
    }
}

fn detection_counts(findings: &Findings<'_>) -> DetectionCounts {
    let mut counts = DetectionCounts::default();
    for image in &findings.images {
        counts.not_judged += image.not_judged.len() as u64;
        counts.unknown_category += image.unknown_category;
        counts.invisible += image.invisible;
        for detection in &image.detections {
            counts.true_positives += u64::from(detection.is_true());
            counts.ignored += u64::from(!detection.counts());
            counts.false_positives += u64::from(detection.error().is_some());
        }
    }
    counts
}

fn instance_counts(findings: &Findings<'_>) -> InstanceCounts {
    let mut counts = InstanceCounts::default();
    for (_, _, state) in findings.instances() {
        counts.counted += u64::from(*state != InstanceState::Ignored);
        match state {
            InstanceState::Ignored => counts.ignored += 1,
            InstanceState::Found => counts.found += 1,
            InstanceState::Covered => counts.covered += 1,
            InstanceState::Missed => counts.missed += 1,
        }
    }
    counts
}

/// Pooled over the categories that have instances: the others have no F1.
fn thresholds(findings: &Findings<'_>, categories: &[CategoryRow], instances: u64) -> Thresholds {
    let has_instances = |category: u32| categories[category as usize].instances > 0;
    let ranked = Ranked::new(findings.detections().filter(|detection| has_instances(detection.category)));
    let best = categories.iter().filter(|row| row.instances > 0);
    let best: Vec<f64> = best.map(|row| row.best.map_or(0.0, |best| best.f1)).collect();
    Thresholds {
        overall: ranked.best(instances),
        mean_of_categories: (!best.is_empty()).then(|| best.iter().sum::<f64>() / best.len() as f64),
        curve: ranked.curve(instances),
    }
}
