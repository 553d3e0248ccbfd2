//! What a detection is and under which settings it is made.

use crate::mask::Rle;

/// Test-time settings. The default is the reference's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A (position, class) pair is a candidate if its score is above this: 0.001.
    pub score_threshold: f32,
    /// Candidates kept before suppression: 30,000.
    pub max_candidates: usize,
    /// IoU above which a lower-scored box is suppressed: 0.7.
    pub iou_threshold: f32,
    /// Detections kept an image: 300.
    pub max_detections: usize,
    /// Mask probability above which a pixel belongs to the object: 0.5.
    pub mask_threshold: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            score_threshold: 0.001,
            max_candidates: 30_000,
            iou_threshold: 0.7,
            max_detections: 300,
            mask_threshold: 0.5,
        }
    }
}

/// One detected object, in pixels of the original image.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Index of the prompt.
    pub label: usize,
    /// Confidence in 0..=1.
    pub score: f32,
    /// `[x1, y1, x2, y2]`, clamped to the image.
    pub bbox: [f32; 4],
    /// Mask of the original image's size.
    pub mask: Rle,
}
