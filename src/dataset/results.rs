//! LVIS results: detections as records.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::chunks::{Chunks, Stop};
use super::decode::{self, Key};
use super::json::{Kind, Parsed, Scanner};
use super::{DatasetError, RecordPlace, Segmentation};

/// Longest record of a results file, in bytes: what scanning keeps in memory is bounded by it.
pub const MAX_RECORD_BYTES: usize = 1 << 26;

/// The name of the top-level list in messages.
const TABLE: &str = "results";

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
const KEYS: [&str; 5] = ["image_id", "category_id", "score", "bbox", "segmentation"];
const IMAGE_ID: usize = 0;
const CATEGORY_ID: usize = 1;
const SCORE: usize = 2;
const BBOX: usize = 3;
const SEGMENTATION: usize = 4;

/// One detection as the file spells it. Its JSON has been checked; its values are decoded when asked
/// for, so that a detection that is not needed costs no more than its scan.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    file: &'a str,
    index: usize,
    /// The value of each of [`KEYS`].
    fields: [Option<&'a [u8]>; KEYS.len()],
}

impl RawRecord<'_> {
    /// Zero-based position in the file.
    pub fn index(&self) -> usize {
        self.index
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
        self.decoded(self.needed(SCORE)?, decode::number)
            .ok_or_else(|| DatasetError::ScoreNotANumber { place: self.place() })
    }

    /// Whether the record has the key `bbox`, with whatever value.
    pub fn has_bbox(&self) -> bool {
        self.fields[BBOX].is_some()
    }

    /// The bounding box `[x, y, width, height]` in pixels; `None` if the record lacks the key.
    ///
    /// # Errors
    /// [`DatasetError::BadBox`] for null or anything else that is not four numbers.
    pub fn bbox(&self) -> Result<Option<[f64; 4]>, DatasetError> {
        let Some(text) = self.fields[BBOX] else { return Ok(None) };
        let bbox = self.decoded(text, decode::bounding_box);
        bbox.map(Some).ok_or_else(|| DatasetError::BadBox { place: self.place() })
    }

    /// Whether the record has the key `segmentation`, with whatever value.
    pub fn has_segmentation(&self) -> bool {
        self.fields[SEGMENTATION].is_some()
    }

    /// The mask, [`Segmentation::Malformed`] for null or anything else that is none; `None` if the
    /// record lacks the key.
    pub fn segmentation(&self) -> Option<Segmentation> {
        let text = self.fields[SEGMENTATION]?;
        Some(self.decoded(text, |scanner| decode::segmentation(scanner).map(Some)).unwrap_or(Segmentation::Malformed))
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
        self.fields[field].ok_or_else(|| DatasetError::MissingKey { place: self.place(), key: KEYS[field] })
    }

    fn key(&self, field: usize) -> Result<Key, DatasetError> {
        Ok(self.decoded(self.needed(field)?, |scanner| decode::key(scanner).map(Some)).unwrap_or(Key::Other))
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

/// Visits the detections of a results file in order, with memory for one chunk of the file or one
/// record, whichever is larger. `file` names the source in messages.
///
/// The whole text is checked, including what `visit` does not look at.
///
/// # Errors
/// What `visit` returns; [`DatasetError::Json`], [`DatasetError::ResultsNotAList`],
/// [`DatasetError::EmptyResults`], [`DatasetError::RecordNotAnObject`],
/// [`DatasetError::RecordTooLong`], [`DatasetError::Read`].
pub fn scan_results<E: From<DatasetError>>(
    file: &str,
    reader: impl Read,
    mut visit: impl FnMut(usize, RawRecord<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut scan = ResultsScan { file, chunks: Chunks::new(reader, MAX_RECORD_BYTES), index: 0 };
    scan.open()?;
    while let Some(spans) = scan.next_record()? {
        visit(scan.index, scan.record(&spans))?;
        scan.chunks.consume(spans.bytes);
        scan.index += 1;
    }
    Ok(scan.close()?)
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

/// Where a record's values lie in the window.
struct Spans {
    fields: [Option<Range<usize>>; KEYS.len()],
    /// Length of the record and what is before it.
    bytes: usize,
}

/// What is at the place of the next record.
enum Next {
    Record([Option<Range<usize>>; KEYS.len()]),
    NotAnObject,
    End,
}

struct ResultsScan<'a, R> {
    file: &'a str,
    chunks: Chunks<R>,
    index: usize,
}

impl<R: Read> ResultsScan<'_, R> {
    fn open(&mut self) -> Result<(), DatasetError> {
        let open = self.chunks.step(0, |scanner| {
            scanner.refuse_byte_order_mark()?;
            let is_list = scanner.kind()? == Kind::List;
            if is_list {
                scanner.enter()?;
            }
            Ok(is_list)
        });
        let (is_list, bytes) = self.placed(open)?;
        self.chunks.consume(bytes);
        if is_list {
            return Ok(());
        }
        Err(DatasetError::ResultsNotAList { file: self.file.to_owned() })
    }

    fn next_record(&mut self) -> Result<Option<Spans>, DatasetError> {
        let first = self.index == 0;
        let next = self.chunks.step(1, |scanner| next_record(scanner, first));
        match self.placed(next)? {
            (Next::Record(fields), bytes) => Ok(Some(Spans { fields, bytes })),
            (Next::NotAnObject, _) => Err(DatasetError::RecordNotAnObject { place: self.place() }),
            (Next::End, bytes) => {
                self.chunks.consume(bytes);
                Ok(None)
            }
        }
    }

    fn record(&self, spans: &Spans) -> RawRecord<'_> {
        let window = self.chunks.window();
        let fields = spans.fields.clone().map(|span| span.map(|span| &window[span]));
        RawRecord { file: self.file, index: self.index, fields }
    }

    /// Checks that nothing follows the list, and that there was something in it.
    fn close(&mut self) -> Result<(), DatasetError> {
        let end = self.chunks.finish();
        self.placed(end)?;
        if self.index == 0 {
            return Err(DatasetError::EmptyResults { file: self.file.to_owned() });
        }
        Ok(())
    }

    fn place(&self) -> RecordPlace {
        RecordPlace { file: self.file.to_owned(), table: TABLE, index: self.index }
    }

    fn placed<T>(&self, outcome: Result<T, Stop>) -> Result<T, DatasetError> {
        outcome.map_err(|stop| match stop {
            Stop::Read(error) => DatasetError::Read { file: self.file.to_owned(), error },
            Stop::Fault(fault) => DatasetError::json(self.file, self.chunks.consumed(), fault),
            Stop::TooLong => DatasetError::RecordTooLong { place: self.place() },
        })
    }
}

/// The comma before the next record, if any, and the record.
fn next_record(scanner: &mut Scanner<'_>, mut first: bool) -> Parsed<Next> {
    if !scanner.next_element(&mut first)? {
        return Ok(Next::End);
    }
    if scanner.kind()? != Kind::Object {
        scanner.value()?;
        return Ok(Next::NotAnObject);
    }
    scanner.enter()?;
    let (mut fields, mut first) = (<[Option<Range<usize>>; KEYS.len()]>::default(), true);
    while let Some(key) = scanner.next_key(&mut first)? {
        scanner.kind()?;
        let start = scanner.position();
        scanner.value()?;
        let name = key.bytes();
        if let Some(field) = KEYS.iter().position(|known| known.as_bytes() == name.as_ref()) {
            fields[field] = Some(start..scanner.position());
        }
    }
    Ok(Next::Record(fields))
}
