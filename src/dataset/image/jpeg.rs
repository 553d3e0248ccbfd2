//! JPEG through libjpeg (mozjpeg's), with the settings OpenCV uses.
//!
//! Of the decoders in reach only libjpeg's own arithmetic gives OpenCV's bytes: accurate integer
//! inverse DCT, smooth chroma upsampling. It reports errors by unwinding and damaged data by a mere
//! warning; this module turns both into errors, in silence.

use super::exif::Orientation;
use super::limits::check_size;
use crate::dataset::{Image, ImageError};
use mozjpeg::decompress::DecompressBuilder;
use mozjpeg::{ColorSpace, DctMethod, Decompress, Marker};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::os::raw::c_int;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

/// Pixels that a byte encodes at most: a block takes one bit at least, and with the sampling
/// factors' limit of 4 by 4 a single block may stand for 32x32 pixels, less the other components.
const PIXELS_PER_BYTE: u64 = 1024;

/// Scans that are decoded at most. Encoders write 10 or so; thousands of empty scans over a large
/// image are an attack on time.
const MAX_SCANS: usize = 100;

const EXIF_MARKER: Marker = Marker::APP(1);
/// Length of `Exif\0\0`, before the TIFF structure.
const EXIF_PREFIX: usize = 6;

thread_local! {
    /// Warnings since they were last reset. libjpeg calls back on the thread that decodes.
    static WARNINGS: Cell<u32> = const { Cell::new(0) };
}

/// Decodes to RGB as stored, and tells the orientation.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<(Image, Orientation), ImageError> {
    check_scans(name, bytes)?;
    match catching(|| decode_unwinding(name, bytes)) {
        Ok(result) => result,
        Err(_) => Err(ImageError::Jpeg { name: name.to_owned(), reason: explain(bytes) }),
    }
}

/// Counts start-of-scan markers, wherever they stand: entropy-coded data cannot contain one.
fn check_scans(name: &str, bytes: &[u8]) -> Result<(), ImageError> {
    let scans = bytes.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
    if scans > MAX_SCANS {
        return Err(ImageError::TooManyScans { name: name.to_owned(), scans, limit: MAX_SCANS });
    }
    Ok(())
}

/// Unwinds where libjpeg has an error.
fn decode_unwinding(name: &str, bytes: &[u8]) -> Result<(Image, Orientation), ImageError> {
    let ended = Cell::new(false);
    let mut decoder = Decompress::with_err(counting_error_manager())
        .with_markers(&[EXIF_MARKER])
        .from_reader(Source { rest: bytes, ended: &ended })
        .map_err(|error| refused(name, &error))?;
    let (width, height) = decoder.size();
    check_size(name, (height as u64, width as u64), bytes.len(), PIXELS_PER_BYTE)?;
    let orientation = orientation(&decoder);
    decoder.dct_method(DctMethod::IntegerSlow);
    WARNINGS.set(0);
    let rgb = if decoder.components().len() == 4 {
        rgb_of_cmyk(read_pixels(decoder, ColorSpace::JCS_CMYK, &ended))
    } else {
        read_pixels(decoder, ColorSpace::JCS_RGB, &ended)
    };
    let rgb = rgb.ok_or_else(|| ImageError::JpegDamaged { name: name.to_owned() })?;
    Ok((Image { height: height as u32, width: width as u32, rgb }, orientation))
}

/// All rows in the given colour space, or `None` if libjpeg had to invent some of the data.
///
/// A missing end-of-image marker alone, with all pixels there, is forgiven as libjpeg forgives it.
/// In a file of several scans, which libjpeg reads whole before the first row, it may however stand
/// for missing scans.
fn read_pixels(decoder: Decompress<Source<'_>>, colours: ColorSpace, ended: &Cell<bool>) -> Option<Vec<u8>> {
    let mut started = decoder.to_colorspace(colours).ok()?;
    if ended.get() {
        return None;
    }
    let pixels = started.read_scanlines().ok()?;
    (WARNINGS.get() == 0).then_some(pixels)
}

/// OpenCV's integer conversion; `samples` is inverted CMYK, as Adobe stores it.
fn rgb_of_cmyk(samples: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut samples = samples?;
    let pixels = samples.len() / 4;
    for pixel in 0..pixels {
        let black = u32::from(samples[pixel * 4 + 3]);
        for channel in 0..3 {
            let ink = u32::from(samples[pixel * 4 + channel]);
            samples[pixel * 3 + channel] = (black - (((255 - ink) * black) >> 8)) as u8;
        }
    }
    samples.truncate(pixels * 3);
    Some(samples)
}

/// OpenCV looks at the first APP1 segment alone, whatever it starts with.
fn orientation<R>(decoder: &Decompress<R>) -> Orientation {
    let first = decoder.markers().find(|segment| segment.marker == EXIF_MARKER);
    first.and_then(|segment| segment.data.get(EXIF_PREFIX..)).map_or(Orientation::UPRIGHT, Orientation::of_tiff)
}

/// The file, followed by end-of-image markers for ever.
struct Source<'a> {
    rest: &'a [u8],
    /// Set when the file is used up and more is asked for.
    ended: &'a Cell<bool>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.rest.read(buffer)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.is_empty() {
            self.ended.set(true);
            return Ok(&[0xff, 0xd9]);
        }
        Ok(self.rest)
    }

    fn consume(&mut self, amount: usize) {
        self.rest = self.rest.get(amount..).unwrap_or_default();
    }
}

/// libjpeg's reason for refusing a file that it has just refused: decoded once more, with the error
/// manager that can format its messages.
fn explain(bytes: &[u8]) -> String {
    let again = || {
        let decoder = DecompressBuilder::new().from_mem(bytes)?;
        let colours = if decoder.components().len() == 4 { ColorSpace::JCS_CMYK } else { ColorSpace::JCS_RGB };
        decoder.to_colorspace(colours)?.read_scanlines::<u8>()
    };
    match catching(again) {
        Ok(Ok(_)) => "libjpeg gives no reason".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(message) => message.trim_start_matches("libjpeg fatal error: ").to_owned(),
    }
}

fn refused(name: &str, reason: &io::Error) -> ImageError {
    ImageError::Jpeg { name: name.to_owned(), reason: reason.to_string() }
}

/// Runs what may unwind from libjpeg's error handler. The decoder is dropped on the way, nothing
/// of it is seen again.
fn catching<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(_) => String::new(),
    })
}

/// An error manager that counts warnings and prints nothing. It has no message table: see
/// [`explain`].
fn counting_error_manager() -> jpeg_error_mgr {
    jpeg_error_mgr {
        error_exit: Some(unwind),
        emit_message: Some(count_warning),
        output_message: Some(keep_silent),
        format_message: None,
        reset_error_mgr: Some(keep_silent),
        msg_code: 0,
        msg_parm: Default::default(),
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: std::ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: std::ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

/// Unwinds without the panic hook, which would print.
extern "C-unwind" fn unwind(_: &mut jpeg_common_struct) {
    resume_unwind(Box::new(String::new()));
}

/// libjpeg's warnings have level -1, its traces 0 and above.
extern "C-unwind" fn count_warning(_: &mut jpeg_common_struct, level: c_int) {
    if level < 0 {
        WARNINGS.set(WARNINGS.get().saturating_add(1));
    }
}

extern "C-unwind" fn keep_silent(_: &mut jpeg_common_struct) {}
