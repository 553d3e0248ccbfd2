//! LVIS results: detections as records.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use super::decode::{self, Key, MaskText};
use super::json::{Parsed, Scanner};
use super::layout::Values;
use super::results_scan::scan_results;
use super::{DatasetError, RecordPlace, Segmentation};

/// Longest record of a results file, in bytes: what scanning keeps in memory is bounded by it.
pub const MAX_RECORD_BYTES: usize = 1 << 26;

/// The name of the top-level list in messages.
pub(super) const TABLE: &str = "results";

/// One detection: what a results file holds and what the evaluator takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Image id.
    pub image_id: i64,
    /// Category id.
    pub category_id: i64,
    /// Confidence.
    pub score: f64,
    /// Bounding box `[x, y, width, height]` in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Mask.
    pub segmentation: Option<Segmentation>,
}

/// The keys of a detection that count, each with its place in [`RawRecord::fields`].
pub(super) const KEYS: [&str; 5] = ["image_id", "category_id", "score", "bbox", "segmentation"];
const IMAGE_ID: usize = 0;
const CATEGORY_ID: usize = 1;
const SCORE: usize = 2;
pub(super) const BBOX: usize = 3;
pub(super) const SEGMENTATION: usize = 4;

/// A detection's mask, of whose string only the place is told.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordMask {
    /// Compressed run lengths.
    Compressed {
        /// `[height, width]`.
        size: [u32; 2],
        /// Where the string is.
        counts: Range<usize>,
    },
    /// Any other spelling.
    Other(Segmentation),
}

/// One detection as the file spells it. Its JSON has been checked; its values are decoded when asked
/// for, so that a detection that is not needed costs no more than its scan.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    file: &'a str,
    index: usize,
    end: u64,
    values: Values<'a>,
}

impl<'a> RawRecord<'a> {
    pub(super) fn new(file: &'a str, index: usize, end: u64, values: Values<'a>) -> Self {
        Self { file, index, end, values }
    }

    /// Zero-based position in the file.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Bytes of the file up to the end of the record. Unlike its index this is known in every stretch of
    /// the file at once.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Where the record is, for messages.
    pub fn place(&self) -> RecordPlace {
        RecordPlace { file: self.file.to_owned(), table: TABLE, index: self.index }
    }

    /// The image's id.
    ///
    /// # Errors
    /// [`DatasetError::MissingKey`].
    pub fn image_id(&self) -> Result<Key, DatasetError> {
        self.key(IMAGE_ID)
    }

    /// The category's id.
    ///
    /// # Errors
    /// [`DatasetError::MissingKey`].
    pub fn category_id(&self) -> Result<Key, DatasetError> {
        self.key(CATEGORY_ID)
    }

    /// The confidence, which may be NaN or infinite.
    ///
    /// # Errors
    /// [`DatasetError::MissingKey`], [`DatasetError::ScoreNotANumber`].
    pub fn score(&self) -> Result<f64, DatasetError> {
        if let Some(score) = self.values.number(SCORE) {
            return Ok(score);
        }
        self.decoded(self.needed(SCORE)?, decode::number)
            .ok_or_else(|| DatasetError::ScoreNotANumber { place: self.place() })
    }

    /// Whether the record has the key `bbox`, with whatever value.
    pub fn has_bbox(&self) -> bool {
        self.values.has(BBOX)
    }

    /// The bounding box `[x, y, width, height]` in pixels; `None` if the record lacks the key.
    ///
    /// # Errors
    /// [`DatasetError::BadBox`] for null or anything else that is not four numbers.
    pub fn bbox(&self) -> Result<Option<[f64; 4]>, DatasetError> {
        if let Some(numbers) = self.values.bbox() {
            return Ok(Some(numbers));
        }
        let Some(text) = self.values.field(BBOX) else { return Ok(None) };
        let bbox = self.decoded(text, decode::bounding_box);
        bbox.map(Some).ok_or_else(|| DatasetError::BadBox { place: self.place() })
    }

    /// Width and height of the bounding box in pixels, which cost half of what the box costs; `None` if the
    /// record lacks the key.
    ///
    /// # Errors
    /// As [`RawRecord::bbox`].
    pub fn box_size(&self) -> Result<Option<[f64; 2]>, DatasetError> {
        if let Some(size) = self.values.box_size() {
            return Ok(Some(size));
        }
        Ok(self.bbox()?.map(|[_, _, width, height]| [width, height]))
    }

    /// Whether the record is known, without decoding more, to have a box of four numbers; one that is
    /// not may have one nevertheless.
    pub fn has_plain_box(&self) -> bool {
        self.values.has_plain_box()
    }

    /// Whether the record is known, without decoding more, to have a mask of compressed run lengths;
    /// one that is not may have one nevertheless.
    pub fn has_plain_mask(&self) -> bool {
        self.values.plain_mask().is_some()
    }

    /// Whether the record has the key `segmentation`, with whatever value.
    pub fn has_segmentation(&self) -> bool {
        self.values.has(SEGMENTATION)
    }

    /// The mask, [`Segmentation::Malformed`] for null or anything else that is none; `None` if the
    /// record lacks the key.
    pub fn segmentation(&self) -> Option<Segmentation> {
        let text = self.values.field(SEGMENTATION)?;
        Some(self.decoded(text, |scanner| decode::segmentation(scanner).map(Some)).unwrap_or(Segmentation::Malformed))
    }

    /// The mask as [`RawRecord::segmentation`] gives it, but the string of compressed run lengths is
    /// appended to `text` instead of having memory of its own.
    pub fn mask_in(&self, text: &mut Vec<u8>) -> Option<RecordMask> {
        if let Some((size, counts)) = self.values.plain_mask() {
            let start = text.len();
            counts.append_to(text);
            return Some(RecordMask::Compressed { size, counts: start..text.len() });
        }
        let mask = decode::mask_text(&mut Scanner::new(self.values.field(SEGMENTATION)?, 0));
        Some(match mask {
            Ok(MaskText::Compressed { size, counts }) => {
                let start = text.len();
                counts.append_to(text);
                RecordMask::Compressed { size, counts: start..text.len() }
            }
            Ok(MaskText::Other(segmentation)) => RecordMask::Other(segmentation),
            Err(_) => RecordMask::Other(Segmentation::Malformed),
        })
    }

    /// Everything decoded.
    ///
    /// # Errors
    /// Those of the single values, and [`DatasetError::IdNotAnInteger`].
    pub fn to_record(&self) -> Result<Record, DatasetError> {
        Ok(Record {
            image_id: self.integer(IMAGE_ID)?,
            category_id: self.integer(CATEGORY_ID)?,
            score: self.score()?,
            bbox: self.bbox()?,
            segmentation: self.segmentation(),
        })
    }

    fn needed(&self, field: usize) -> Result<&[u8], DatasetError> {
        self.values.field(field).ok_or_else(|| DatasetError::MissingKey { place: self.place(), key: KEYS[field] })
    }

    #[inline]
    fn key(&self, field: usize) -> Result<Key, DatasetError> {
        match self.values.small_integer(field) {
            Some(id) => Ok(Key::Integer(id.into())),
            None => Ok(decode::checked_key(self.needed(field)?)),
        }
    }

    fn integer(&self, field: usize) -> Result<i64, DatasetError> {
        match self.key(field)? {
            Key::Integer(id) => Ok(id),
            Key::Other => Err(DatasetError::IdNotAnInteger { place: self.place(), key: KEYS[field] }),
        }
    }

    /// What `decode` makes of a value's text, which has been checked, so that no fault can occur.
    fn decoded<T>(&self, text: &[u8], decode: impl FnOnce(&mut Scanner<'_>) -> Parsed<Option<T>>) -> Option<T> {
        decode(&mut Scanner::new(text, 0)).ok().flatten()
    }
}

/// Reads all detections of a results file.
///
/// # Errors
/// As [`scan_results`] and [`RawRecord::to_record`].
pub fn read_results(path: &Path) -> Result<Vec<Record>, DatasetError> {
    let file = path.display().to_string();
    let reader = File::open(path).map_err(|error| DatasetError::Read { file: file.clone(), error })?;
    let mut records = Vec::new();
    scan_results(&file, reader, |_, record| {
        records.push(record.to_record()?);
        Ok(())
    })?;
    Ok(records)
}
