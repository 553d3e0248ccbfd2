//! Why an annotation or results file was refused.

use std::fmt;
use std::io;

use super::json_rule::JsonRule;
use super::results::MAX_RECORD_BYTES;

/// One record of a file, for messages: `dt.json, results[17]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlace {
    /// The file, as given.
    pub file: String,
    /// The list the record is in: `images`, `categories`, `annotations` or `results`.
    pub table: &'static str,
    /// Zero-based index in that list.
    pub index: usize,
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}[{}]", self.file, self.table, self.index)
    }
}

/// Why an annotation or results file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file could not be read.
    #[error("{file}: cannot be read: {error}")]
    Read {
        /// The file, as given.
        file: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// The results could not be written.
    #[error("results cannot be written: {error}")]
    Write {
        /// What the operating system said.
        error: io::Error,
    },
    /// The file is not JSON as Python's `json` module reads it.
    #[error("{file}: byte {offset}: {rule}")]
    Json {
        /// The file, as given.
        file: String,
        /// Zero-based offset of the offending byte.
        offset: u64,
        /// The rule that was broken.
        rule: JsonRule,
    },
    /// An annotation file whose top level is not an object.
    #[error(
        "{file}: not an annotation file: the top level must be an object with 'images', 'categories' and 'annotations'"
    )]
    NotAnObject {
        /// The file, as given.
        file: String,
    },
    /// An annotation file without one of its lists.
    #[error("{file}: not an annotation file: it has no '{table}'")]
    MissingTable {
        /// The file, as given.
        file: String,
        /// The missing key.
        table: &'static str,
    },
    /// A key of an annotation file that should hold a list and does not.
    #[error("{file}: '{table}' must be a list")]
    TableNotAList {
        /// The file, as given.
        file: String,
        /// The key.
        table: &'static str,
    },
    /// A results file whose top level is not a list.
    #[error("{file}: results must be a list of detections; is this an annotation file?")]
    ResultsNotAList {
        /// The file, as given.
        file: String,
    },
    /// A results file without detections, which lvis-api cannot evaluate.
    #[error("{file}: the results are empty: lvis-api needs at least one detection")]
    EmptyResults {
        /// The file, as given.
        file: String,
    },
    /// A record that is not an object.
    #[error("{place}: must be an object")]
    RecordNotAnObject {
        /// The record.
        place: RecordPlace,
    },
    /// A record without a key that is needed.
    #[error("{place}: has no '{key}'")]
    MissingKey {
        /// The record.
        place: RecordPlace,
        /// The missing key.
        key: &'static str,
    },
    /// An id that is not a whole number of 64 bits.
    #[error("{place}: '{key}' must be a whole number between -2^63 and 2^63 - 1")]
    IdNotAnInteger {
        /// The record.
        place: RecordPlace,
        /// The key.
        key: &'static str,
    },
    /// A score that is not a number.
    #[error("{place}: 'score' must be a number")]
    ScoreNotANumber {
        /// The record.
        place: RecordPlace,
    },
    /// A bounding box that is not four numbers.
    #[error("{place}: 'bbox' must be four numbers, [x, y, width, height]")]
    BadBox {
        /// The record.
        place: RecordPlace,
    },
    /// A record larger than this crate holds in memory.
    #[error("{place}: is longer than {MAX_RECORD_BYTES} bytes")]
    RecordTooLong {
        /// The record.
        place: RecordPlace,
    },
}

impl DatasetError {
    /// The same of a record that comes `count` records later, if it is of a record.
    pub(crate) fn renumbered(mut self, count: usize) -> Self {
        if let Self::RecordNotAnObject { place }
        | Self::MissingKey { place, .. }
        | Self::IdNotAnInteger { place, .. }
        | Self::ScoreNotANumber { place }
        | Self::BadBox { place }
        | Self::RecordTooLong { place } = &mut self
        {
            place.index += count;
        }
        self
    }

    /// A broken rule of JSON at a byte of the file.
    pub(super) fn json(file: &str, offset: u64, rule: JsonRule) -> Self {
        Self::Json { file: file.to_owned(), offset, rule }
    }
}
