//! Overlap of bounding boxes.

/// IoU of two boxes `[x, y, width, height]`, of a detection and of a ground truth, as pycocotools
/// computes it (`bbIou` without crowds): 0 where they do not overlap, else
/// `i / (area(dt) + area(gt) - i)` in this order of operations.
pub fn box_iou(dt: &[f64; 4], gt: &[f64; 4]) -> f64 {
    let width = overlap(dt[0], dt[2], gt[0], gt[2]);
    if width <= 0.0 {
        return 0.0;
    }
    let height = overlap(dt[1], dt[3], gt[1], gt[3]);
    if height <= 0.0 {
        return 0.0;
    }
    let intersection = width * height;
    intersection / (dt[2] * dt[3] + gt[2] * gt[3] - intersection)
}

/// Signed overlap of two intervals given by their starts and lengths. `min` and `max` skip NaN, as
/// C's `fmin` and `fmax` do.
fn overlap(start: f64, length: f64, other_start: f64, other_length: f64) -> f64 {
    (length + start).min(other_length + other_start) - start.max(other_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_boxes_do_not_overlap() {
        assert_eq!(box_iou(&[0.0, 0.0, 2.0, 2.0], &[2.0, 0.0, 2.0, 2.0]), 0.0);
        assert_eq!(box_iou(&[0.0, 0.0, 2.0, 2.0], &[0.0, 2.0, 2.0, 2.0]), 0.0);
    }

    #[test]
    fn half_a_box_is_a_third() {
        assert_eq!(box_iou(&[0.0, 0.0, 2.0, 2.0], &[1.0, 0.0, 2.0, 2.0]), 2.0 / 6.0);
    }

    #[test]
    fn nan_is_skipped_as_fmin_does() {
        assert!(box_iou(&[f64::NAN, 0.0, 2.0, 2.0], &[0.0, 0.0, 2.0, 2.0]).is_finite());
        assert!(box_iou(&[0.0, 0.0, 2.0, f64::NAN], &[0.0, 0.0, 2.0, 2.0]).is_nan());
    }
}
