//! What can be wrong with an image: its name, its place, its bytes.

use std::fmt;
use std::io;

/// Why an image could not be found, read or decoded.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The record names no file at all.
    #[error("image {image_id}: the record has neither `file_name` nor `coco_url`, so there is no file to look for")]
    NoName {
        /// The record.
        image_id: i64,
    },
    /// A name that could lead out of the data root.
    #[error("image {image_id}: `{field}` is refused: {name:?} {fault}; names must lead down from the data root")]
    UnsafeName {
        /// The record.
        image_id: i64,
        /// `file_name` or `coco_url`.
        field: &'static str,
        /// The name as the record has it.
        name: String,
        /// The rule it breaks.
        fault: NameFault,
    },
    /// No file at any of the places.
    #[error(
        "image {image_id}: no such file; tried {}; give the folder that holds `val2017/` and `train2017/`",
        tried.join(", ")
    )]
    NotFound {
        /// The record.
        image_id: i64,
        /// Every place that was looked at, in order.
        tried: Vec<String>,
    },
    /// The file is there and cannot be read.
    #[error("{name}: cannot be read: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// Neither JPEG nor PNG.
    #[error("{name}: neither a JPEG nor a PNG file ({bytes} bytes)")]
    UnknownFormat {
        /// The file.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// More pixels than any image of the data set can have.
    #[error("{name}: {width}x{height} pixels; images are limited to {limit} pixels")]
    TooManyPixels {
        /// The file.
        name: String,
        /// Rows that the header declares.
        height: u64,
        /// Columns that the header declares.
        width: u64,
        /// The most pixels that are decoded.
        limit: u64,
    },
    /// A header that declares more pixels than the file's bytes can encode.
    #[error(
        "{name}: the header declares {width}x{height} pixels, which {bytes} bytes cannot hold: truncated or forged"
    )]
    TooFewBytes {
        /// The file.
        name: String,
        /// Rows that the header declares.
        height: u64,
        /// Columns that the header declares.
        width: u64,
        /// The file's size.
        bytes: usize,
    },
    /// More scans than a progressive JPEG has use for.
    #[error("{name}: {scans} scans; a JPEG is limited to {limit}")]
    TooManyScans {
        /// The file.
        name: String,
        /// Scans in the file.
        scans: usize,
        /// The most scans that are decoded.
        limit: usize,
    },
    /// libjpeg refuses the file.
    #[error("{name}: not a valid JPEG: {reason}")]
    Jpeg {
        /// The file.
        name: String,
        /// libjpeg's words.
        reason: String,
    },
    /// libjpeg would go on with invented pixels.
    #[error("{name}: the JPEG data end early or are damaged; get the file again")]
    JpegDamaged {
        /// The file.
        name: String,
    },
    /// The PNG decoder refuses the file.
    #[error("{name}: not a valid PNG: {reason}")]
    Png {
        /// The file.
        name: String,
        /// The decoder's words.
        reason: String,
    },
}

/// The rule that a file name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// It has no last part, or nothing at all.
    NamesNoFile,
    /// It starts at the root of a file system.
    Absolute,
    /// It has a part `..`, or one of dots and spaces that some systems read as `..`.
    ClimbsOut,
    /// It starts with a drive letter.
    DriveLetter,
    /// It is a URL of a scheme other than http and https, or a URL where a path belongs.
    Scheme,
    /// It has a backslash, a separator on some systems.
    Backslash,
    /// It has NUL or another control character.
    ControlCharacter,
    /// It spells a dot, a separator or NUL as a percent escape.
    PercentEscape,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NamesNoFile => "names no file",
            Self::Absolute => "is an absolute path",
            Self::ClimbsOut => "climbs out of its folder",
            Self::DriveLetter => "starts with a drive letter",
            Self::Scheme => "has a scheme other than http or https",
            Self::Backslash => "has a backslash",
            Self::ControlCharacter => "has a control character",
            Self::PercentEscape => "hides a dot, a separator or NUL in a percent escape",
        })
    }
}
