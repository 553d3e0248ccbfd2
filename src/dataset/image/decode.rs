//! From the bytes of a file to an image: format, limits, orientation.

use super::{jpeg, png};
use crate::dataset::{read_image_file, FileSource, Image, ImageError, ImageRecord};

/// The most pixels that are decoded: 300 MB of RGB, and below 2 GiB with every buffer that the
/// worst kind of file (a progressive CMYK JPEG) takes on the way. COCO's images are below 0.5 MP.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Decodes a JPEG or PNG file as OpenCV's `imread` does, to RGB. `name` is for messages.
///
/// # Errors
///
/// See [`ImageError`]; the limits are those in this module's front door.
pub fn decode_image(name: &str, bytes: &[u8]) -> Result<Image, ImageError> {
    let (image, orientation) = match bytes {
        [0xff, 0xd8, 0xff, ..] => jpeg::decode(name, bytes)?,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::decode(name, bytes)?,
        _ => return Err(ImageError::UnknownFormat { name: name.to_owned(), bytes: bytes.len() }),
    };
    Ok(orientation.apply(image))
}

/// Finds, reads and decodes the image of a record.
///
/// # Errors
///
/// As [`read_image_file`] and [`decode_image`].
pub fn load_image(files: &dyn FileSource, record: &ImageRecord) -> Result<Image, ImageError> {
    let (name, bytes) = read_image_file(files, record)?;
    decode_image(&name, &bytes)
}

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
