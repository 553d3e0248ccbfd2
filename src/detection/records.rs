//! Detections as LVIS results.

use super::Detection;
use crate::dataset::{Record, Segmentation};
use crate::mask::Rle;

/// The records of one image's detections, in their order, as the reference writes them: nothing is
/// rounded, the box's extent is subtracted in f64, the mask is a compressed string.
///
/// `category_ids[label]` is the category of a detection: the ids in the annotation file's order.
///
/// # Panics
/// If a label has no entry in `category_ids`: prompts and ids come from the same category list.
pub fn to_records(detections: &[Detection], image_id: i64, category_ids: &[i64]) -> Vec<Record> {
    detections.iter().map(|detection| to_record(detection, image_id, category_ids[detection.label])).collect()
}

fn to_record(detection: &Detection, image_id: i64, category_id: i64) -> Record {
    let [x1, y1, x2, y2] = detection.bbox.map(f64::from);
    Record {
        image_id,
        category_id,
        score: f64::from(detection.score),
        bbox: Some([x1, y1, x2 - x1, y2 - y1]),
        segmentation: Some(compressed(&detection.mask)),
    }
}

fn compressed(mask: &Rle) -> Segmentation {
    Segmentation::Compressed { size: [mask.height(), mask.width()], counts: mask.to_string().into_bytes() }
}
