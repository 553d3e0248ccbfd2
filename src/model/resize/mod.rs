//! OpenCV's 8-bit image resizing, bit for bit: `INTER_LINEAR` and `INTER_AREA` of `cv2.resize`
//! 4.9 on three interleaved channels.
//!
//! Takes images of at least one pixel and below 2^32 pixels, target sides of at least one pixel;
//! the letterbox checks both.

mod area;
mod linear;

pub(super) use area::resize_area;
pub(super) use linear::resize_linear;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// A rectangle of a larger image, to be written row by row.
pub(super) struct Target<'a> {
    /// From the rectangle's first pixel on.
    pub(super) pixels: &'a mut [u8],
    /// Bytes from a row to the next.
    pub(super) stride: usize,
    /// Rows of the rectangle.
    pub(super) height: usize,
    /// Columns of the rectangle.
    pub(super) width: usize,
}

impl Target<'_> {
    /// Row `y` of the rectangle, `[width][3]`.
    pub(super) fn row(&mut self, y: usize) -> &mut [u8] {
        &mut self.pixels[y * self.stride..][..self.width * CHANNELS]
    }
}

/// Source pixels to a target pixel along one side. Not `source / target`: OpenCV divides twice, and
/// the roundings show.
fn scale(source: usize, target: usize) -> f64 {
    1.0 / (target as f64 / source as f64)
}
