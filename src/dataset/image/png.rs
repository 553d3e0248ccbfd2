//! PNG, reduced to 8-bit RGB as OpenCV reduces it: alpha dropped, the high byte of 16 bits, grey
//! and palettes expanded.

use super::super::image_error::ImageError;
use super::super::Image;
use super::decode::check_size;
use super::exif::Orientation;
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder, Limits};
use std::io::Cursor;

/// Pixels that a byte encodes at most: deflate's 1032 to 1, at one bit a pixel.
const PIXELS_PER_BYTE: u64 = 1032 * 8;

/// Memory for the decoder: 16-bit RGBA of the most pixels there may be, and its rows.
const MAX_DECODER_BYTES: u64 = 1 << 30;

const SIGNATURE_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Where the first chunk, `IHDR`, keeps width and height.
const SIDES: std::ops::Range<usize> = 16..24;

/// Decodes to RGB as stored, and tells the orientation.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<(Image, Orientation), ImageError> {
    let invalid = |reason: String| ImageError::Png { name: name.to_owned(), reason };
    let sides = declared_sides(bytes).ok_or_else(|| invalid("ends within its header".to_owned()))?;
    check_size(name, sides, bytes.len(), PIXELS_PER_BYTE)?;
    decode_checked(bytes).map_err(|error| invalid(error.to_string()))
}

/// Rows and columns that the header declares, read before the decoder allocates by them.
fn declared_sides(bytes: &[u8]) -> Option<(u64, u64)> {
    match *bytes.get(SIDES)? {
        [w0, w1, w2, w3, h0, h1, h2, h3] => {
            Some((u32::from_be_bytes([h0, h1, h2, h3]).into(), u32::from_be_bytes([w0, w1, w2, w3]).into()))
        }
        _ => None,
    }
}

fn decode_checked(bytes: &[u8]) -> image::ImageResult<(Image, Orientation)> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits)?;
    let (width, height) = decoder.dimensions();
    let colours = decoder.color_type();
    let mut samples = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut samples)?;
    let orientation = exif_chunk(bytes).map_or(Orientation::UPRIGHT, Orientation::of_tiff);
    Ok((Image { height, width, rgb: rgb_of(samples, colours) }, orientation))
}

/// The first `eXIf` chunk, which may stand before or after the pixels.
fn exif_chunk(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(SIGNATURE_BYTES..)?;
    loop {
        let (length, after_length) = rest.split_first_chunk::<4>()?;
        let (kind, after_kind) = after_length.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let data = after_kind.get(..length)?;
        if kind == b"eXIf" {
            return Some(data);
        }
        rest = after_kind[length..].get(CHECKSUM_BYTES..)?;
    }
}

/// `samples` are interleaved, those of 16 bits in the machine's byte order.
fn rgb_of(mut samples: Vec<u8>, colours: ColorType) -> Vec<u8> {
    let channels = usize::from(colours.channel_count());
    if colours.bytes_per_pixel() > colours.channel_count() {
        samples = samples.chunks_exact(2).map(|pair| (u16::from_ne_bytes([pair[0], pair[1]]) >> 8) as u8).collect();
    }
    match channels {
        3 => samples,
        1 | 2 => samples.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
        _ => samples.chunks_exact(channels).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    }
}
