//! Boundary IoU: two masks overlap no more than their boundaries do.

use super::matching::{reaches_any_threshold, Candidate};
use super::overlap::MeasuredMask;
use crate::mask::{boundary_width, Boundaries};

/// The boundaries of a cell's instances, each taken when it is first needed.
///
/// What does not match by its mask does not match by the lower of two IoUs, so boundaries are only
/// taken of what does: few of the detections, and the instances that they lie on.
#[derive(Default)]
pub(super) struct InstanceBoundaries {
    boundaries: Boundaries,
    of_instances: Vec<Option<MeasuredMask>>,
}

impl InstanceBoundaries {
    /// Forgets the last cell.
    pub(super) fn start(&mut self, instances: usize) {
        self.of_instances.clear();
        self.of_instances.resize_with(instances, || None);
    }

    /// Lowers the IoU of every candidate, found by its mask, to that of the boundaries, and drops those
    /// that no longer reach a threshold.
    pub(super) fn compare(
        &mut self,
        detection: &MeasuredMask,
        instances: &[MeasuredMask],
        candidates: &mut Vec<Candidate>,
    ) {
        if candidates.is_empty() {
            return;
        }
        let boundary = boundary(&mut self.boundaries, detection);
        candidates.retain_mut(|candidate| {
            let instance = &instances[candidate.instance];
            let of_instance = self.of_instances[candidate.instance]
                .get_or_insert_with(|| self::boundary(&mut self.boundaries, instance));
            candidate.iou = candidate.iou.min(boundary.iou(of_instance));
            reaches_any_threshold(candidate.iou)
        });
    }
}

fn boundary(boundaries: &mut Boundaries, mask: &MeasuredMask) -> MeasuredMask {
    let mask = mask.rle();
    MeasuredMask::new(boundaries.boundary(mask, boundary_width(mask.height(), mask.width())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::overlap::mask_candidates;
    use crate::mask::Rle;

    /// A square of `side` pixels in the corner of an image of 100 x 100, whose boundary is 3 wide.
    fn square(side: u32) -> MeasuredMask {
        let mut pixels = vec![0; 10_000];
        (0..side as usize).for_each(|column| pixels[column * 100..][..side as usize].fill(1));
        MeasuredMask::new(Rle::from_column_major(100, 100, &pixels).unwrap())
    }

    #[test]
    fn lower_iou_counts() {
        let instances = [square(40), square(8)];
        let mut candidates = Vec::new();
        let mut boundaries = InstanceBoundaries::default();
        let mut compare = |side| {
            boundaries.start(2);
            mask_candidates(&square(side), &instances, &mut candidates);
            boundaries.compare(&square(side), &instances, &mut candidates);
            candidates.clone()
        };
        assert_eq!(compare(40), [Candidate { instance: 0, iou: 1.0 }]);
        // Of the smaller boundary all is in the larger one but its innermost row and column.
        let ring = |side: u32| side * side - (side - 6) * (side - 6);
        let common = ring(39) - (34 + 33);
        let iou = f64::from(common) / f64::from(ring(40) + ring(39) - common);
        assert_eq!(compare(39), [Candidate { instance: 0, iou }]);
        assert_eq!(compare(36), []);
    }
}
