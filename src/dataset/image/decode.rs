//! From the bytes of a file to an image: format, limits, orientation.

use super::{jpeg, png};
use crate::dataset::{read_image_file, FileSource, Image, ImageError, ImageRecord};

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
