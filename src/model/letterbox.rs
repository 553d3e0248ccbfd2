//! The network's input geometry: an image resized and padded to a square.

use super::resize::{resize_area, resize_linear, Target};
use crate::dataset::RgbView;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// Why an image has no place in the network's input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterboxError {
    /// No pixels.
    #[error("an image of {width}x{height} pixels is empty")]
    Empty {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// The short side has no pixel left once the long side is resized to [`Letterbox::SIZE`].
    #[error("an image of {width}x{height} pixels is too thin: its short side vanishes at the network's {size} pixels", size = Letterbox::SIZE)]
    TooThin {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// 2^32 pixels or more: sums over areas would no longer be exact.
    #[error("an image of {width}x{height} pixels is too large")]
    TooLarge {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// A slice that is not `height * width * 3` bytes.
    #[error("an image of {width}x{height} pixels takes {expected} bytes, not {actual}")]
    ByteCount {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Bytes of such an image.
        expected: u64,
        /// Bytes given.
        actual: usize,
    },
    /// An output slice of another length than the network's input.
    #[error("the network's input takes {expected} values, not {actual}")]
    OutputLength {
        /// [`Letterbox::VALUES`].
        expected: usize,
        /// Values given.
        actual: usize,
    },
}

/// How an image was placed in the network's square input: what post-processing has to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    /// Rows of the decoded image.
    pub height: u32,
    /// Columns of the decoded image.
    pub width: u32,
    /// Padding rows above the image.
    pub top: u32,
    /// Padding rows below.
    pub bottom: u32,
    /// Padding columns to the left.
    pub left: u32,
    /// Padding columns to the right.
    pub right: u32,
}

impl Letterbox {
    /// Side of the square input in pixels.
    pub const SIZE: u32 = 640;
    /// Every channel of a padding pixel.
    pub const PADDING: u8 = 114;
    /// Values of the square input: three channels of its pixels.
    pub const VALUES: usize = (Self::SIZE * Self::SIZE) as usize * CHANNELS;

    /// Places an image of `height` by `width` pixels: the long side at [`Letterbox::SIZE`], the
    /// other in proportion, both truncated to whole pixels, and the image in the middle, an odd row
    /// or column of padding going to the bottom or right.
    ///
    /// This is mmyolo's `YOLOv5KeepRatioResize` and `LetterResize` for a square target. Truncation
    /// has a catch: the long side of some images (303 or 638 pixels, say) becomes 639.
    ///
    /// # Errors
    ///
    /// An image that is empty, or so thin that its short side truncates to nothing.
    pub fn of(height: u32, width: u32) -> Result<Self, LetterboxError> {
        if height == 0 || width == 0 {
            return Err(LetterboxError::Empty { height, width });
        }
        let ratio = f64::from(Self::SIZE) / f64::from(height.max(width));
        let resized = |side: u32| (f64::from(side) * ratio) as u32;
        if resized(height) == 0 || resized(width) == 0 {
            return Err(LetterboxError::TooThin { height, width });
        }
        let (vertical, horizontal) = (Self::SIZE - resized(height), Self::SIZE - resized(width));
        let (top, left) = (vertical / 2, horizontal / 2);
        Ok(Self { height, width, top, bottom: vertical - top, left, right: horizontal - left })
    }

    /// Rows of the image once resized.
    pub fn resized_height(&self) -> u32 {
        Self::SIZE - self.top - self.bottom
    }

    /// Columns of the image once resized.
    pub fn resized_width(&self) -> u32 {
        Self::SIZE - self.left - self.right
    }
}

/// The network's input as bytes, `[640][640][3]`: the image resized as OpenCV does it, area
/// averages to shrink and bilinear to enlarge, on a grey of [`Letterbox::PADDING`]. All of `out` is
/// overwritten.
///
/// # Errors
///
/// As [`Letterbox::of`], an image whose sides and bytes disagree, or of 2^32 pixels or more, and an `out`
/// that is not [`Letterbox::VALUES`] long.
pub fn letterbox_rgb(image: RgbView<'_>, out: &mut [u8]) -> Result<Letterbox, LetterboxError> {
    check_output(out.len())?;
    check_bytes(image)?;
    let letterbox = Letterbox::of(image.height, image.width)?;
    let stride = Letterbox::SIZE as usize * CHANNELS;
    pad(&letterbox, out, stride);
    let mut target = Target {
        pixels: &mut out[letterbox.top as usize * stride + letterbox.left as usize * CHANNELS..],
        stride,
        height: letterbox.resized_height() as usize,
        width: letterbox.resized_width() as usize,
    };
    match image.height.max(image.width) {
        Letterbox::SIZE => copy(image, &mut target),
        1..Letterbox::SIZE => resize_linear(image, &mut target),
        _ => resize_area(image, &mut target),
    }
    Ok(letterbox)
}

/// Fills what the image does not cover.
fn pad(letterbox: &Letterbox, out: &mut [u8], stride: usize) {
    let (above, rest) = out.split_at_mut(letterbox.top as usize * stride);
    let (rows, below) = rest.split_at_mut(letterbox.resized_height() as usize * stride);
    above.fill(Letterbox::PADDING);
    below.fill(Letterbox::PADDING);
    for row in rows.chunks_exact_mut(stride) {
        row[..letterbox.left as usize * CHANNELS].fill(Letterbox::PADDING);
        row[stride - letterbox.right as usize * CHANNELS..].fill(Letterbox::PADDING);
    }
}

/// The network's input, `[3][640][640]` in 0..=1: [`letterbox_rgb`], each byte divided by 255, in
/// planes.
///
/// # Errors
///
/// As [`letterbox_rgb`].
pub fn letterbox_chw(image: RgbView<'_>, out: &mut [f32]) -> Result<Letterbox, LetterboxError> {
    check_output(out.len())?;
    let mut rgb = vec![0; Letterbox::VALUES];
    let letterbox = letterbox_rgb(image, &mut rgb)?;
    write_planes(&rgb, out);
    Ok(letterbox)
}

/// Writes the pixels of one letterboxed image, `[640][640][3]`, as planes.
pub(super) fn write_planes(pixels: &[u8], planes: &mut [f32]) {
    for (channel, plane) in planes.chunks_exact_mut(Letterbox::VALUES / CHANNELS).enumerate() {
        let bytes = pixels.iter().skip(channel).step_by(CHANNELS);
        plane.iter_mut().zip(bytes).for_each(|(value, &byte)| *value = FRACTIONS[usize::from(byte)]);
    }
}

/// Every byte divided by 255: a product with 1/255 would round differently.
pub(super) static FRACTIONS: [f32; 256] = {
    let mut fractions = [0.0; 256];
    let mut byte = 0;
    while byte < fractions.len() {
        fractions[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    fractions
};

fn check_output(actual: usize) -> Result<(), LetterboxError> {
    if actual != Letterbox::VALUES {
        return Err(LetterboxError::OutputLength { expected: Letterbox::VALUES, actual });
    }
    Ok(())
}

fn check_bytes(image: RgbView<'_>) -> Result<(), LetterboxError> {
    let RgbView { height, width, rgb } = image;
    let pixels = u64::from(height) * u64::from(width);
    if pixels > u64::from(u32::MAX) {
        return Err(LetterboxError::TooLarge { height, width });
    }
    let expected = pixels * CHANNELS as u64;
    if rgb.len() as u64 != expected {
        return Err(LetterboxError::ByteCount { height, width, expected, actual: rgb.len() });
    }
    Ok(())
}

fn copy(image: RgbView<'_>, target: &mut Target<'_>) {
    for y in 0..target.height {
        target.row(y).copy_from_slice(image.row(y));
    }
}
