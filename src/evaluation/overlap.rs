//! IoU of a cell's detections with its instances, as far as matching needs it.

use std::cell::OnceCell;

use super::matching::{reaches_any_threshold, Candidate};
use crate::mask::{box_iou, iou_within, PixelBox, Rle};

/// A mask with what is asked of it again and again.
pub(super) struct MeasuredMask {
    rle: Rle,
    /// Measured when it is first asked for: areas alone tell many masks apart.
    pixel_box: OnceCell<PixelBox>,
    area: u32,
    /// In column-major order, no pixel before the first and none from the second on is set.
    reach: [u32; 2],
    /// Whether a run but the first is empty. Two such masks end pycocotools' walk early, so that their
    /// IoU is not that of their pixels.
    has_inner_empty_run: bool,
}

impl MeasuredMask {
    pub(super) fn new(rle: Rle) -> Self {
        // Without an early end, so that many runs are looked at together.
        let has_inner_empty_run = rle.counts().iter().skip(1).fold(false, |any, &run| any | (run == 0));
        let reach = reach(&rle);
        Self { pixel_box: OnceCell::new(), area: rle.area(), reach, has_inner_empty_run, rle }
    }

    /// The memory of the runs, for the next mask.
    pub(super) fn into_counts(self) -> Vec<u32> {
        self.rle.into_counts()
    }

    fn pixel_box(&self) -> PixelBox {
        *self.pixel_box.get_or_init(|| self.rle.bbox())
    }

    /// Whether the masks are of different sizes.
    pub(super) fn differs_in_size(&self, other: &Self) -> bool {
        (self.rle.height(), self.rle.width()) != (other.rle.height(), other.rle.width())
    }

    /// The mask.
    pub(super) fn rle(&self) -> &Rle {
        &self.rle
    }

    /// IoU with an instance; 0 where it cannot reach the lowest threshold.
    pub(super) fn iou(&self, instance: &Self) -> f64 {
        if cannot_reach_half(self, instance) && !(self.has_inner_empty_run && instance.has_inner_empty_run) {
            return 0.0;
        }
        iou_within(&self.rle, self.pixel_box(), &instance.rle, instance.pixel_box())
    }
}

/// Collects the instances whose mask a detection's mask may match.
pub(super) fn mask_candidates(detection: &MeasuredMask, instances: &[MeasuredMask], candidates: &mut Vec<Candidate>) {
    collect(instances.iter().map(|instance| detection.iou(instance)), candidates);
}

/// Collects the instances whose box a detection's box may match.
pub(super) fn box_candidates(detection: &[f64; 4], instances: &[[f64; 4]], candidates: &mut Vec<Candidate>) {
    collect(instances.iter().map(|instance| box_iou(detection, instance)), candidates);
}

/// Keeps the IoUs that reach a threshold; all of them if one is NaN, since in lvis-api every IoU beats
/// a NaN that was the best so far.
fn collect(ious: impl Iterator<Item = f64> + Clone, candidates: &mut Vec<Candidate>) {
    let all = ious.enumerate().map(|(instance, iou)| Candidate { instance, iou });
    candidates.clear();
    candidates.extend(all.clone().filter(|candidate| reaches_any_threshold(candidate.iou)));
    if candidates.iter().any(|candidate| candidate.iou.is_nan()) {
        candidates.clear();
        candidates.extend(all);
    }
}

/// Whether the areas and boxes alone keep the IoU below 0.5: `i / (a + b - i) < 1/2` is `3 i < a + b`,
/// and `i` is at most either area and the boxes' intersection.
fn cannot_reach_half(a: &MeasuredMask, b: &MeasuredMask) -> bool {
    let areas = u64::from(a.area) + u64::from(b.area);
    if 3 * u64::from(a.area.min(b.area)) < areas {
        return true;
    }
    // In one image, what ends before the first column of the other or begins behind its last one is told
    // apart without a box of its own.
    let ([first, end], [x, _, width, _], rows) = (a.reach, b.pixel_box(), u64::from(b.rle.height()));
    let columns = [u64::from(x), u64::from(x) + u64::from(width)].map(|column| column * rows);
    if !a.differs_in_size(b) && (u64::from(end) <= columns[0] || u64::from(first) >= columns[1]) {
        return true;
    }
    let ([x, y, width, height], [other_x, other_y, other_width, other_height]) = (a.pixel_box(), b.pixel_box());
    3 * overlap(x, width, other_x, other_width) * overlap(y, height, other_y, other_height) < areas
}

/// Where the first run of ones begins and the last one ends.
fn reach(rle: &Rle) -> [u32; 2] {
    let (counts, pixels) = (rle.counts(), rle.height() * rle.width());
    let [first, last] = [counts.first(), counts.last()].map(|run| run.copied().unwrap_or(0));
    [first, if counts.len() % 2 == 1 { pixels - last } else { pixels }]
}

/// Overlap of two intervals given by their starts and lengths.
fn overlap(start: u32, length: u32, other_start: u32, other_length: u32) -> u64 {
    let end = (u64::from(start) + u64::from(length)).min(u64::from(other_start) + u64::from(other_length));
    end.saturating_sub(u64::from(start.max(other_start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::iou;

    fn mask(height: u32, width: u32, counts: &[u32]) -> MeasuredMask {
        MeasuredMask::new(Rle::from_counts(height, width, counts.to_vec()).unwrap())
    }

    /// All masks of 2 x 3 pixels.
    fn all_masks() -> Vec<MeasuredMask> {
        (0..64u32)
            .map(|pixels| {
                let mut counts = vec![0];
                let mut value = 0;
                for index in 0..6 {
                    if (pixels >> index & 1) != value {
                        value ^= 1;
                        counts.push(0);
                    }
                    *counts.last_mut().unwrap() += 1;
                }
                mask(2, 3, &counts)
            })
            .collect()
    }

    #[test]
    fn shortcut_never_hides_a_possible_match() {
        let masks = all_masks();
        for a in &masks {
            for b in &masks {
                let exact = iou(&a.rle, &b.rle);
                let short = a.iou(b);
                assert!(short == exact || (exact < 0.5 && short == 0.0));
            }
        }
    }

    #[test]
    fn empty_masks_do_not_match() {
        let empty = mask(2, 2, &[4]);
        let mut candidates = Vec::new();
        mask_candidates(&empty, &[mask(2, 2, &[4]), mask(2, 2, &[0, 4])], &mut candidates);
        assert_eq!(candidates, []);
    }

    #[test]
    fn early_end_of_the_walk_is_kept() {
        // Both have an empty run after the first pixel of ones: the walk sees this pixel only.
        let early = mask(1, 6, &[0, 1, 0, 1, 4]);
        let other = mask(1, 6, &[0, 1, 0, 5]);
        assert_eq!(early.iou(&other), iou(&early.rle, &other.rle));
        assert_eq!(early.iou(&other), 1.0);
    }

    #[test]
    fn beside_nan_every_instance_is_a_candidate() {
        let mut candidates = Vec::new();
        let instances = [[0.0, 0.0, f64::NAN, 32.0], [0.0, 0.0, 32.0, 0.0]];
        box_candidates(&[0.0, 0.0, 30.0, 32.0], &instances, &mut candidates);
        assert!(candidates[0].iou.is_nan());
        assert_eq!(candidates[1], Candidate { instance: 1, iou: 0.0 });
    }

    #[test]
    fn candidates_keep_their_place() {
        let mut candidates = vec![Candidate { instance: 9, iou: 1.0 }];
        box_candidates(&[0.0, 0.0, 2.0, 2.0], &[[5.0, 5.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]], &mut candidates);
        assert_eq!(candidates, [Candidate { instance: 1, iou: 1.0 }]);
    }
}
