//! The images in which most is lost.

use serde::{Deserialize, Serialize};

use super::findings::{Findings, ImageFindings, InstanceState, JudgedDetection};
use super::kinds::ErrorCounts;

/// Images that are told.
pub const WORST_IMAGES: usize = 50;

/// What is lost in one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Image id.
    pub id: i64,
    /// Path below the data root, if the annotation file gives it.
    pub file_name: Option<String>,
    /// Instances not found, plus the scores of the false positives: what images are sorted by.
    pub loss: f64,
    /// Instances that count.
    pub instances: u64,
    /// Those not found, missed or the target of an error.
    pub not_found: u64,
    /// Detections that are judged and not ignored.
    pub detections: u64,
    /// Errors.
    pub errors: ErrorCounts,
    /// Score of the highest false positive.
    pub highest_false_score: Option<f64>,
    /// Its category's name.
    pub highest_false_category: Option<String>,
    /// What is wrong with it.
    pub highest_false_kind: Option<super::ErrorKind>,
}

/// The worst images, worst first, equal ones by ascending id; images without loss are left out.
pub(super) fn worst_images(findings: &Findings<'_>) -> Vec<ImageRow> {
    let mut order: Vec<(f64, &ImageFindings)> = findings.images.iter().map(|image| (loss(image), image)).collect();
    order.retain(|(loss, _)| *loss > 0.0);
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order.into_iter().take(WORST_IMAGES).map(|(loss, image)| row(findings, loss, image)).collect()
}

fn false_positives(image: &ImageFindings) -> impl Iterator<Item = &JudgedDetection> {
    image.detections.iter().filter(|detection| detection.error().is_some())
}

/// Scores outside 0 to 1 count as the nearer end, NaN as 0.
fn loss(image: &ImageFindings) -> f64 {
    let scores = false_positives(image).map(|detection| detection.score.clamp(0.0, 1.0));
    not_found(image) as f64 + scores.filter(|score| !score.is_nan()).sum::<f64>()
}

fn not_found(image: &ImageFindings) -> usize {
    let lost =
        |&&(_, _, state): &&(u32, u32, InstanceState)| matches!(state, InstanceState::Missed | InstanceState::Covered);
    image.instances.iter().filter(lost).count()
}

fn row(findings: &Findings<'_>, loss: f64, image: &ImageFindings) -> ImageRow {
    let record = findings.ground_truth.image(image.image as usize);
    let states = |wanted: fn(InstanceState) -> bool| {
        image.instances.iter().filter(|(_, _, state)| wanted(*state)).count() as u64
    };
    let mut errors = ErrorCounts { missed: states(|state| state == InstanceState::Missed), ..ErrorCounts::default() };
    false_positives(image).filter_map(JudgedDetection::error).for_each(|kind| errors.add(kind));
    let highest = false_positives(image).filter(|detection| !detection.score.is_nan());
    let highest = highest.reduce(|best, next| if next.score > best.score { next } else { best });
    ImageRow {
        id: record.id,
        file_name: record.file_name.clone(),
        loss,
        instances: states(|state| state != InstanceState::Ignored),
        not_found: not_found(image) as u64,
        detections: image.detections.iter().filter(|detection| detection.counts()).count() as u64,
        errors,
        highest_false_score: highest.map(|detection| detection.score),
        highest_false_category: highest.map(|detection| findings.category(detection.category).1),
        highest_false_kind: highest.and_then(JudgedDetection::error),
    }
}
