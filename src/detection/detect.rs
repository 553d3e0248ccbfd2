//! The whole of post-processing.

use rayon::prelude::*;

use super::boxes::decode;
use super::candidates::{candidates, sparse_candidates, Candidate};
use super::geometry::{to_original, Box2};
use super::masks::{Masks, Scratch};
use super::nms::suppress;
use super::{Detection, Settings};
use crate::model::{HeadOutput, Letterbox, LevelOutput, SparseOutput, MASK_CHANNELS};

/// The detections of one image, best first; none if nothing scores above the threshold.
///
/// Detections without area or without a mask pixel are kept, as the reference keeps them.
///
/// # Panics
/// If a vector of `output` is shorter than its documented shape, or the image has more than
/// [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
pub fn detect(output: &HeadOutput, letterbox: &Letterbox, settings: &Settings) -> Vec<Detection> {
    with_masks(output, letterbox, settings, &detect_boxes(output, settings))
}

/// As [`detect`], of an output that kept only logits that are wanted.
///
/// # Panics
/// As [`detect`] and [`detect_sparse_boxes`].
pub fn detect_sparse(output: &SparseOutput, letterbox: &Letterbox, settings: &Settings) -> Vec<Detection> {
    with_masks(&output.head, letterbox, settings, &detect_sparse_boxes(output, settings))
}

/// A detection before its mask is assembled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectedBox {
    /// Index of the prompt.
    pub label: usize,
    /// Confidence in 0..=1.
    pub score: f32,
    /// `[x1, y1, x2, y2]` in pixels of the square input, not clamped.
    pub bbox: [f32; 4],
    /// Index among the positions of all levels: where its mask coefficients are.
    pub(super) position: usize,
}

/// The boxes of one image after suppression, best first: [`detect`] less the masks.
///
/// # Panics
/// If a vector of `output` is shorter than its documented shape.
pub fn detect_boxes(output: &HeadOutput, settings: &Settings) -> Vec<DetectedBox> {
    let boxes = decode(&output.levels);
    suppressed(&candidates(output, &boxes, settings), &boxes, settings)
}

/// As [`detect_boxes`], of an output that kept only logits that are wanted.
///
/// # Panics
/// As [`detect_boxes`], and if the output lacks logits that the settings [want](super::wanted_logits).
pub fn detect_sparse_boxes(output: &SparseOutput, settings: &Settings) -> Vec<DetectedBox> {
    let boxes = decode(&output.head.levels);
    suppressed(&sparse_candidates(output, &boxes, settings), &boxes, settings)
}

fn suppressed(candidates: &[Candidate], boxes: &[Box2], settings: &Settings) -> Vec<DetectedBox> {
    let candidate_boxes: Vec<_> = candidates.iter().map(|candidate| boxes[candidate.position as usize]).collect();
    let labels: Vec<_> = candidates.iter().map(|candidate| candidate.label).collect();
    let kept = suppress(&candidate_boxes, &labels, settings.iou_threshold, settings.max_detections);
    let detected = kept.into_iter().map(|index| {
        let candidate = candidates[index];
        let (label, position) = (candidate.label as usize, candidate.position as usize);
        DetectedBox { label, score: candidate.score, bbox: candidate_boxes[index], position }
    });
    detected.collect()
}

/// The detections that `boxes` of the same output become: [`detect`] from the masks on.
///
/// # Panics
/// As [`detect`], and if `boxes` are those of an output with more positions.
pub fn with_masks(
    output: &HeadOutput,
    letterbox: &Letterbox,
    settings: &Settings,
    boxes: &[DetectedBox],
) -> Vec<Detection> {
    let masks = Masks::new(output, letterbox, settings.mask_threshold);
    boxes
        .par_iter()
        .map_init(Scratch::default, |scratch, detected| {
            let coefficients = coefficients(&output.levels, detected.position);
            Detection {
                label: detected.label,
                score: detected.score,
                bbox: to_original(detected.bbox, letterbox),
                mask: masks.windowed(&coefficients, detected.bbox, scratch),
            }
        })
        .collect()
}

/// Mask coefficients of a position, counted over all levels.
fn coefficients(levels: &[LevelOutput], position: usize) -> [f32; MASK_CHANNELS] {
    let mut index = position;
    for level in levels {
        let positions = level.height * level.width;
        if index < positions {
            return std::array::from_fn(|channel| level.coefficients[channel * positions + index]);
        }
        index -= positions;
    }
    unreachable!("a candidate's position lies on a level")
}
