//! The tables by category and by frequency.

use serde::{Deserialize, Serialize};

use super::super::{CategoryMetrics, Evaluation};
use super::findings::{Findings, InstanceState, JudgedDetection};
use super::kinds::ErrorCounts;
use super::oracle::Gains;
use super::threshold::{OperatingPoint, Ranked};

/// One category. A category without instances has no AP; its false positives cost nothing in lvis-api.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryRow {
    /// Category id.
    pub id: i64,
    /// Name in the annotation file.
    pub name: String,
    /// Frequency letter `r`, `c` or `f`.
    pub frequency: String,
    /// Mean precision over IoU thresholds and recalls.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// The same at IoU 0.5.
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    /// Mean recall over IoU thresholds.
    #[serde(rename = "AR")]
    pub ar: Option<f64>,
    /// Instances that count.
    pub instances: u64,
    /// Images with such an instance.
    pub images: u64,
    /// Images in which the category is verified: annotated or known to be absent.
    pub verified_images: u64,
    /// Images in which its unmatched detections are ignored, since not all instances are annotated.
    pub not_exhaustive_images: u64,
    /// Detections that are judged and not ignored.
    pub detections: u64,
    /// True positives at IoU 0.5.
    pub true_positives: u64,
    /// Judged detections that count neither for nor against.
    pub ignored: u64,
    /// Detections in images in which the category is not verified: of these nothing is known.
    pub not_judged: u64,
    /// Errors at IoU 0.5.
    pub errors: ErrorCounts,
    /// The score threshold of the highest F1; `None` without instances or true positives.
    pub best: Option<OperatingPoint>,
}

/// One frequency group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyRow {
    /// Frequency letter `r`, `c` or `f`.
    pub frequency: String,
    /// Categories with instances.
    pub categories: u64,
    /// Mean over these categories.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// The same at IoU 0.5.
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    /// Mean recall.
    #[serde(rename = "AR")]
    pub ar: Option<f64>,
    /// Instances that count.
    pub instances: u64,
    /// Images with such an instance, counted once for each category.
    pub images: u64,
    /// Detections that are judged and not ignored.
    pub detections: u64,
    /// True positives at IoU 0.5.
    pub true_positives: u64,
    /// Detections that are not judged.
    pub not_judged: u64,
    /// Errors at IoU 0.5.
    pub errors: ErrorCounts,
    /// What each kind of error costs the group's AP50.
    pub gains: Gains,
}

/// Every category of the file in ascending id.
pub(super) fn category_rows(evaluation: &Evaluation, findings: &Findings<'_>) -> Vec<CategoryRow> {
    let mut rows: Vec<CategoryRow> = evaluation.per_category.iter().map(empty_row).collect();
    let mut detections: Vec<Vec<&JudgedDetection>> = vec![Vec::new(); rows.len()];
    for detection in findings.detections() {
        detections[detection.category as usize].push(detection);
    }
    count_images(findings, &mut rows);
    for &(category, _, state) in findings.instances() {
        rows[category as usize].errors.missed += u64::from(state == InstanceState::Missed);
    }
    for category in findings.images.iter().flat_map(|image| &image.not_judged) {
        rows[*category as usize].not_judged += 1;
    }
    for (row, detections) in rows.iter_mut().zip(detections) {
        count_detections(row, &detections);
        row.best = Ranked::new(detections.into_iter()).best(row.instances);
    }
    rows
}

fn empty_row(metrics: &CategoryMetrics) -> CategoryRow {
    CategoryRow {
        id: metrics.id,
        name: metrics.name.clone(),
        frequency: metrics.frequency.clone(),
        ap: metrics.ap,
        ap50: metrics.ap50,
        ar: metrics.ar,
        instances: metrics.num_gt,
        images: 0,
        verified_images: 0,
        not_exhaustive_images: 0,
        detections: 0,
        true_positives: 0,
        ignored: 0,
        not_judged: 0,
        errors: ErrorCounts::default(),
        best: None,
    }
}

fn count_images(findings: &Findings<'_>, rows: &mut [CategoryRow]) {
    const ALL_AREAS: usize = 0;
    for image in &findings.images {
        for cell in findings.ground_truth.cells(image.image as usize) {
            let row = &mut rows[cell.category as usize];
            row.verified_images += 1;
            row.not_exhaustive_images += u64::from(cell.not_exhaustive);
            row.images += u64::from(findings.ground_truth.counted(cell)[ALL_AREAS] > 0);
        }
    }
}

fn count_detections(row: &mut CategoryRow, detections: &[&JudgedDetection]) {
    for detection in detections {
        row.detections += u64::from(detection.counts());
        row.ignored += u64::from(!detection.counts());
        row.true_positives += u64::from(detection.is_true());
        if let Some(kind) = detection.error() {
            row.errors.add(kind);
        }
    }
}

/// The groups `r`, `c` and `f`, of which `gains` tells the costs in this order.
pub(super) fn frequency_rows(
    evaluation: &Evaluation,
    categories: &[CategoryRow],
    gains: [Gains; 3],
) -> Vec<FrequencyRow> {
    let results = &evaluation.results;
    let aps = [results.ap_rare, results.ap_common, results.ap_frequent];
    let groups = ["r", "c", "f"].into_iter().zip(aps).zip(gains);
    groups.map(|((letter, ap), gains)| frequency_row(letter, ap, gains, categories)).collect()
}

fn frequency_row(letter: &str, ap: Option<f64>, gains: Gains, categories: &[CategoryRow]) -> FrequencyRow {
    let own = || categories.iter().filter(|row| row.frequency == letter);
    let sum = |of: fn(&CategoryRow) -> u64| own().map(of).sum();
    let recalls: Vec<f64> = own().filter_map(|row| row.ar).collect();
    let mut errors = ErrorCounts::default();
    own().for_each(|row| errors += row.errors);
    FrequencyRow {
        frequency: letter.to_owned(),
        categories: own().filter(|row| row.instances > 0).count() as u64,
        ap,
        ap50: gains.ap50,
        ar: (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64),
        instances: sum(|row| row.instances),
        images: sum(|row| row.images),
        detections: sum(|row| row.detections),
        true_positives: sum(|row| row.true_positives),
        not_judged: sum(|row| row.not_judged),
        errors,
        gains,
    }
}
