//! Why a mask was refused.

use super::MAX_PIXELS;

/// Why a mask was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MaskError {
    /// The runs do not cover the image exactly.
    #[error("runs cover {covered} pixels but the mask is {height} x {width}")]
    Coverage {
        /// Pixels covered by the runs (up to the first run too many).
        covered: u64,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// The mask has more pixels than this crate handles.
    #[error("a mask of {height} x {width} exceeds the limit of {MAX_PIXELS} pixels")]
    TooLarge {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// More runs than a mask of this size can have.
    #[error("{runs} runs for a mask of {pixels} pixels, which has at most {pixels} + 1")]
    TooManyRuns {
        /// Runs, as far as they were read.
        runs: usize,
        /// Pixels of the mask.
        pixels: u32,
    },
    /// A byte outside the alphabet of COCO's run-length strings.
    #[error("byte {byte:#04x} at offset {offset} of the run-length string is not one of the characters '0' to 'o'")]
    Character {
        /// Offset in the string.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// The string ends inside a count.
    #[error("the run-length string ends inside the count that starts at offset {offset}")]
    Truncated {
        /// Offset of the count's first character.
        offset: usize,
    },
    /// A count has more characters, or more bits, than a 64-bit number.
    #[error("the count at offset {offset} of the run-length string does not fit 64 bits")]
    CountTooLong {
        /// Offset of the count's first character.
        offset: usize,
    },
    /// A run of negative length.
    #[error("run {index} of the run-length string has the negative length {length}")]
    NegativeRun {
        /// Index of the run.
        index: usize,
        /// Its length.
        length: i64,
    },
    /// A polygon coordinate that cannot be placed on the five times finer grid.
    #[error("polygon coordinate {index} is {value}: it must be finite and at most {limit} in magnitude")]
    Coordinate {
        /// Index within the polygon part.
        index: usize,
        /// The coordinate.
        value: f64,
        /// Largest magnitude accepted.
        limit: f64,
    },
    /// A polygon whose outline crosses more pixel columns than this crate stores.
    #[error("the polygon crosses {crossings} pixel columns, the limit is {limit}")]
    TooManyCrossings {
        /// Crossings, as far as they were counted.
        crossings: usize,
        /// Most crossings accepted.
        limit: usize,
    },
    /// Masks of different sizes cannot be united.
    #[error("cannot unite a mask of {height} x {width} with one of {other_height} x {other_width}")]
    SizeMismatch {
        /// Rows of the first mask.
        height: u32,
        /// Columns of the first mask.
        width: u32,
        /// Rows of the other mask.
        other_height: u32,
        /// Columns of the other mask.
        other_width: u32,
    },
    /// A bitmap whose length is not its height times its width.
    #[error("a bitmap of {height} x {width} needs {} pixels but has {found}", u64::from(*height) * u64::from(*width))]
    BitmapLength {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Pixels given.
        found: usize,
    },
}
