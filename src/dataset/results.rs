//! LVIS results: detections as records.

use super::Segmentation;

/// One detection: what a results file holds and what the evaluator takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Image id.
    pub image_id: i64,
    /// Category id.
    pub category_id: i64,
    /// Confidence.
    pub score: f64,
    /// Bounding box `[x, y, width, height]` in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Mask.
    pub segmentation: Option<Segmentation>,
}
