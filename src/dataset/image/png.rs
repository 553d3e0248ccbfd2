//! PNG, reduced to 8-bit RGB as OpenCV reduces it: alpha dropped, the high byte of 16 bits, grey
//! and palettes expanded.

use super::exif::Orientation;
use super::limits::check_size;
use crate::dataset::{Image, ImageError};
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder, Limits};
use std::io::Cursor;

/// Bits that a bit of the file encodes at most: deflate's limit.
const DEFLATE_RATIO: u64 = 1032;

/// Memory for the decoder: 16-bit RGBA of the most pixels there may be, and its rows.
const MAX_DECODER_BYTES: u64 = 1 << 30;

const SIGNATURE_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Where the first chunk, `IHDR`, keeps width, height, bit depth and colour type.
const HEADER: std::ops::Range<usize> = 16..26;

/// Decodes to RGB as stored, and tells the orientation.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<(Image, Orientation), ImageError> {
    let invalid = |reason: String| ImageError::Png { name: name.to_owned(), reason };
    let (sides, bits) = declared(bytes).ok_or_else(|| invalid("ends within its header".to_owned()))?;
    check_size(name, sides, bytes.len(), DEFLATE_RATIO * 8 / bits)?;
    decode_checked(bytes).map_err(|error| invalid(error.to_string()))
}

/// Rows and columns that the header declares, and the bits of a pixel: read before the decoder
/// allocates by them.
fn declared(bytes: &[u8]) -> Option<((u64, u64), u64)> {
    let (width, rest) = bytes.get(HEADER)?.split_first_chunk()?;
    let (height, rest) = rest.split_first_chunk()?;
    let [depth, colour_type] = *rest else { return None };
    let channels = match colour_type {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    let bits = u64::from(depth).clamp(1, 16) * channels;
    Some(((u32::from_be_bytes(*height).into(), u32::from_be_bytes(*width).into()), bits))
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
