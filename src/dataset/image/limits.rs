//! How large an image may be.

use crate::dataset::ImageError;

/// The most pixels that are decoded: 300 MB of RGB, and below 2 GiB with every buffer that the
/// worst kind of file (a progressive CMYK JPEG) takes on the way. COCO's images are below 0.5 MP.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Checks a header's size before anything of that size is allocated: against [`MAX_PIXELS`], and
/// against `pixels_per_byte`, the most that the format's best compression reaches.
pub(super) fn check_size(
    name: &str,
    (height, width): (u64, u64),
    bytes: usize,
    pixels_per_byte: u64,
) -> Result<(), ImageError> {
    let name = || name.to_owned();
    // Sides are below 2^32, so that the product cannot overflow.
    let pixels = height * width;
    if pixels > MAX_PIXELS {
        return Err(ImageError::TooManyPixels { name: name(), height, width, limit: MAX_PIXELS });
    }
    if pixels > (bytes as u64).saturating_mul(pixels_per_byte) {
        return Err(ImageError::TooFewBytes { name: name(), height, width, bytes });
    }
    Ok(())
}
