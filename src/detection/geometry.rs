//! The square input and the original image: which pixels and coordinates belong together.

use std::ops::Range;

use crate::model::Letterbox;

/// `[x1, y1, x2, y2]` in pixels.
pub(super) type Box2 = [f32; 4];

/// Sides of the square input the masks are cut from after they were enlarged to it.
///
/// The reference cuts `padding .. 640 - padding` with the top (left) padding at both ends. Where the
/// padding is odd the bottom (right) one is a pixel wider, and a row (column) of padding stays in.
pub(super) fn kept_rows(letterbox: &Letterbox) -> Range<usize> {
    between(letterbox.top)
}

/// The columns of [`kept_rows`].
pub(super) fn kept_columns(letterbox: &Letterbox) -> Range<usize> {
    between(letterbox.left)
}

fn between(padding: u32) -> Range<usize> {
    let (start, size) = (padding as usize, Letterbox::SIZE as usize);
    start.min(size)..size.saturating_sub(start).max(start.min(size))
}

/// Whole pixels of `limits` with `low <= pixel < high`. NaN gives none.
pub(super) fn pixels_between(low: f32, high: f32, limits: Range<usize>) -> Range<usize> {
    // A float to integer cast saturates and sends NaN to 0.
    let start = (low.ceil() as usize).clamp(limits.start, limits.end);
    let end = (high.ceil() as usize).clamp(start, limits.end);
    if low.is_nan() {
        return start..start;
    }
    start..end
}

/// A box of the square input in the original image's pixels, clamped to it.
///
/// The scale is that of the resized image's whole pixels, not the ratio it was resized with.
pub(super) fn to_original(bbox: Box2, letterbox: &Letterbox) -> Box2 {
    let Letterbox { height, width, top, bottom, left, right } = *letterbox;
    let horizontal = Side { padding: left as f32, scale: scale(left, right, width), limit: width as f32 };
    let vertical = Side { padding: top as f32, scale: scale(top, bottom, height), limit: height as f32 };
    let [x1, y1, x2, y2] = bbox;
    [horizontal.place(x1), vertical.place(y1), horizontal.place(x2), vertical.place(y2)]
}

struct Side {
    padding: f32,
    scale: f32,
    limit: f32,
}

impl Side {
    fn place(&self, coordinate: f32) -> f32 {
        ((coordinate - self.padding) / self.scale).clamp(0.0, self.limit)
    }
}

fn scale(before: u32, after: u32, original: u32) -> f32 {
    let resized = f64::from(Letterbox::SIZE) - f64::from(before) - f64::from(after);
    (resized / f64::from(original)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_padding_keeps_one_row_of_it() {
        let letterbox = Letterbox { height: 427, width: 640, top: 106, bottom: 107, left: 0, right: 0 };
        assert_eq!(kept_rows(&letterbox), 106..534);
        assert_eq!(kept_columns(&letterbox), 0..640);
    }

    #[test]
    fn padding_beyond_half_leaves_nothing() {
        assert!(between(320).is_empty());
        assert!(between(639).is_empty());
        assert!(between(u32::MAX).is_empty());
    }

    #[test]
    fn a_pixel_is_between_if_its_number_is() {
        assert_eq!(pixels_between(1.0, 3.0, 0..10), 1..3);
        assert_eq!(pixels_between(1.1, 3.1, 0..10), 2..4);
        assert_eq!(pixels_between(-5.0, 99.0, 2..10), 2..10);
        assert!(pixels_between(5.0, 4.0, 0..10).is_empty());
        assert!(pixels_between(f32::NAN, 4.0, 0..10).is_empty());
        assert!(pixels_between(1.0, f32::NAN, 0..10).is_empty());
        assert!(pixels_between(11.0, 12.0, 0..10).is_empty());
    }
}
