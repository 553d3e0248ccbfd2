//! Class-aware non-maximum suppression as the reference runs it.
//!
//! Boxes of different classes are kept apart by shifting them by `class * (largest coordinate + 1)`
//! and are then suppressed in f32. The shift is part of the result: coordinates near 10^6 are
//! rounded to 1/16 pixel, and a box with negative coordinates reaches into its neighbour class.

/// From this many boxes on, the reference suppresses each class by itself, on the shifted boxes.
pub const SPLIT_THRESHOLD: usize = 10_000;

/// Indices of the boxes that survive, in the given order, `limit` of them at most.
///
/// `boxes` are `[x1, y1, x2, y2]`, best first; `labels` are their classes. A box is suppressed by an
/// earlier survivor if their IoU is above `iou_threshold`; a NaN IoU suppresses nothing.
///
/// Whether a box survives depends only on survivors before it, so the search may stop at `limit`.
/// For the same reason the reference's second sort, of the survivors of all classes, is no sort
/// here: they come in score order, ties by position, as they went in.
pub fn suppress(boxes: &[[f32; 4]], labels: &[u32], iou_threshold: f32, limit: usize) -> Vec<usize> {
    let step = class_step(boxes);
    let split = boxes.len() >= SPLIT_THRESHOLD;
    let mut survivors: Vec<Survivor> = Vec::new();
    for (index, (bbox, &label)) in boxes.iter().zip(labels).enumerate() {
        if survivors.len() == limit {
            break;
        }
        let shifted = Shifted::new(bbox, label as f32 * step);
        let suppresses =
            |other: &Survivor| (!split || other.label == label) && other.shifted.iou(&shifted) > iou_threshold;
        if !survivors.iter().any(suppresses) {
            survivors.push(Survivor { index, label, shifted });
        }
    }
    survivors.into_iter().map(|survivor| survivor.index).collect()
}

/// Distance between the places of neighbouring classes.
fn class_step(boxes: &[[f32; 4]]) -> f32 {
    boxes.iter().flatten().fold(f32::NEG_INFINITY, |largest, &side| largest.max(side)) + 1.0
}

struct Survivor {
    index: usize,
    label: u32,
    shifted: Shifted,
}

/// A box at its class's place, with its area there.
struct Shifted {
    bbox: [f32; 4],
    area: f32,
}

impl Shifted {
    fn new(bbox: &[f32; 4], offset: f32) -> Self {
        let [x1, y1, x2, y2] = bbox.map(|side| side + offset);
        Self { bbox: [x1, y1, x2, y2], area: (x2 - x1) * (y2 - y1) }
    }

    fn iou(&self, later: &Self) -> f32 {
        let [ax1, ay1, ax2, ay2] = self.bbox;
        let [bx1, by1, bx2, by2] = later.bbox;
        let width = (ax2.min(bx2) - ax1.max(bx1)).max(0.0);
        let height = (ay2.min(by2) - ay1.max(by1)).max(0.0);
        let intersection = width * height;
        intersection / (self.area + later.area - intersection)
    }
}
