//! The whole of post-processing.

use rayon::prelude::*;

use super::boxes::decode;
use super::candidates::candidates;
use super::geometry::to_original;
use super::masks::{Masks, Scratch};
use super::nms::suppress;
use super::{Detection, Settings};
use crate::model::{HeadOutput, Letterbox, LevelOutput, MASK_CHANNELS};

/// The detections of one image, best first; none if nothing scores above the threshold.
///
/// Detections without area or without a mask pixel are kept, as the reference keeps them.
///
/// # Panics
/// If a vector of `output` is shorter than its documented shape, or the image has more than
/// [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
pub fn detect(output: &HeadOutput, letterbox: &Letterbox, settings: &Settings) -> Vec<Detection> {
    let boxes = decode(&output.levels);
    let candidates = candidates(output, &boxes, settings);
    let candidate_boxes: Vec<_> = candidates.iter().map(|candidate| boxes[candidate.position as usize]).collect();
    let labels: Vec<_> = candidates.iter().map(|candidate| candidate.label).collect();
    let kept = suppress(&candidate_boxes, &labels, settings.iou_threshold, settings.max_detections);
    let masks = Masks::new(output, letterbox, settings.mask_threshold);
    kept.par_iter()
        .map_init(Scratch::default, |scratch, &index| {
            let (candidate, bbox) = (candidates[index], candidate_boxes[index]);
            let coefficients = coefficients(&output.levels, candidate.position as usize);
            Detection {
                label: candidate.label as usize,
                score: candidate.score,
                bbox: to_original(bbox, letterbox),
                mask: masks.windowed(&coefficients, bbox, scratch),
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
