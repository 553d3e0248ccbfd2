//! Overlap of masks, on their runs.

use super::{box_iou, PixelBox, Rle};

/// What pycocotools answers for masks of different sizes whose boxes overlap.
const SIZE_MISMATCH: f64 = -1.0;

/// IoU of a detection's and a ground truth's mask as pycocotools computes it (`rleIou` without
/// crowds): exactly 0 where their bounding boxes do not overlap, -1 where the boxes overlap but the
/// masks differ in size, else intersection over union in pixels.
pub fn iou(dt: &Rle, gt: &Rle) -> f64 {
    iou_within(dt, dt.bbox(), gt, gt.bbox())
}

/// [`iou`] of masks whose [`Rle::bbox`] is already known.
pub fn iou_within(dt: &Rle, dt_box: PixelBox, gt: &Rle, gt_box: PixelBox) -> f64 {
    if box_iou(&dt_box.map(f64::from), &gt_box.map(f64::from)) <= 0.0 {
        return 0.0;
    }
    if (dt.height(), dt.width()) != (gt.height(), gt.width()) {
        return SIZE_MISMATCH;
    }
    match overlap(dt.counts(), gt.counts()) {
        (0, _) => 0.0,
        (intersection, union) => f64::from(intersection) / f64::from(union),
    }
}

/// A position in a mask's runs.
struct Runs<'a> {
    rest: std::slice::Iter<'a, u32>,
    /// Pixels left of the current run.
    left: u32,
    /// Whether the current run is of ones.
    set: bool,
}

impl<'a> Runs<'a> {
    fn new(counts: &'a [u32]) -> Self {
        let mut rest = counts.iter();
        let left = rest.next().copied().unwrap_or(0);
        Self { rest, left, set: false }
    }

    /// Consumes `pixels` of the current run and enters the next one when it is used up.
    fn advance(&mut self, pixels: u32) {
        self.left -= pixels;
        if self.left == 0 {
            if let Some(&run) = self.rest.next() {
                self.left = run;
                self.set = !self.set;
            }
        }
    }
}

/// Pixels of the intersection and of the union.
///
/// The walk ends where both masks have an empty run at once, which is the end of both or, as in
/// pycocotools, a place where both have an empty run in their middle.
fn overlap(dt: &[u32], gt: &[u32]) -> (u32, u32) {
    let (mut dt, mut gt) = (Runs::new(dt), Runs::new(gt));
    let (mut intersection, mut union) = (0, 0);
    loop {
        let pixels = dt.left.min(gt.left);
        union += if dt.set || gt.set { pixels } else { 0 };
        intersection += if dt.set && gt.set { pixels } else { 0 };
        dt.advance(pixels);
        gt.advance(pixels);
        if dt.left == 0 && gt.left == 0 {
            return (intersection, union);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rle(height: u32, width: u32, counts: &[u32]) -> Rle {
        Rle::from_counts(height, width, counts.to_vec()).unwrap()
    }

    #[test]
    fn empty_masks_do_not_overlap() {
        let empty = rle(3, 3, &[9]);
        assert_eq!(iou(&empty, &empty), 0.0);
        assert_eq!(iou(&rle(0, 0, &[]), &rle(0, 0, &[])), 0.0);
    }

    #[test]
    fn full_mask_equals_itself() {
        let full = rle(3, 3, &[0, 9]);
        assert_eq!(iou(&full, &full), 1.0);
        assert_eq!(iou(&full, &rle(3, 3, &[0, 3, 6])), 3.0 / 9.0);
    }

    #[test]
    fn sizes_matter_only_where_boxes_overlap() {
        let left = rle(4, 4, &[0, 4, 12]);
        assert_eq!(iou(&left, &rle(4, 5, &[0, 4, 16])), -1.0);
        assert_eq!(iou(&left, &rle(4, 5, &[16, 4])), 0.0);
    }
}
