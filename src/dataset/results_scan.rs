//! Results files scanned record by record, with memory for one chunk.

use std::io::Read;

use super::chunks::{Chunks, Stop};
use super::json::Kind;
use super::json_rule::JsonRule;
use super::records::{End, Records};
use super::results::{RawRecord, MAX_RECORD_BYTES, TABLE};
use super::{DatasetError, RecordPlace};

/// Bytes of a chunk.
const CHUNK_BYTES: usize = 1 << 19;

/// Visits the detections of a results file in order, with memory for one chunk of the file or one
/// record, whichever is larger. `file` names the source in messages.
///
/// The whole text is checked, including what `visit` does not look at.
///
/// # Errors
/// What `visit` returns; [`DatasetError::Json`], [`DatasetError::ResultsNotAList`],
/// [`DatasetError::EmptyResults`], [`DatasetError::RecordNotAnObject`],
/// [`DatasetError::RecordTooLong`], [`DatasetError::Read`].
pub fn scan_results(
    file: &str,
    reader: impl Read,
    visit: impl FnMut(usize, RawRecord<'_>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    scan_until(file, reader, visit)
}

/// [`scan_results`] where `visit` may stop for a reason of its own.
///
/// # Errors
/// As [`scan_results`].
pub fn scan_until<E: From<DatasetError>>(
    file: &str,
    reader: impl Read,
    mut visit: impl FnMut(usize, RawRecord<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut scan = ResultsScan::open(file, reader, CHUNK_BYTES)?;
    while !scan.is_done {
        let mut records = Records::new(file, scan.chunks.consumed(), scan.chunks.window(), usize::MAX, scan.index);
        while let Some(record) = records.next_record() {
            visit(record.index(), record)?;
        }
        let scanned = Scanned::of(records);
        scan.advance(scanned)?;
    }
    Ok(scan.close()?)
}

/// How far a scan has come.
pub(super) struct Scanned {
    /// End of the last record.
    pub(super) end: usize,
    /// Index of the next record.
    pub(super) index: usize,
    /// Why it ended.
    pub(super) why: End,
}

impl Scanned {
    pub(super) fn of(records: Records<'_>) -> Self {
        let (end, index, why) = records.finish();
        Self { end, index, why }
    }
}

/// A scan of a results file.
pub(super) struct ResultsScan<'a, R> {
    file: &'a str,
    chunks: Chunks<R>,
    /// Index of the next record.
    index: usize,
    /// Whether the list has ended.
    is_done: bool,
}

impl<'a, R: Read> ResultsScan<'a, R> {
    /// Enters the list, reading `chunk` bytes at once.
    pub(super) fn open(file: &'a str, reader: R, chunk: usize) -> Result<Self, DatasetError> {
        let mut scan = Self::behind(file, reader, chunk, Place::default());
        let open = scan.chunks.step(0, |scanner| {
            scanner.refuse_byte_order_mark()?;
            let is_list = scanner.kind()? == Kind::List;
            if is_list {
                scanner.enter()?;
            }
            Ok(is_list)
        });
        let (is_list, bytes) = scan.placed(open)?;
        scan.chunks.consume(bytes);
        if is_list {
            return Ok(scan);
        }
        Err(DatasetError::ResultsNotAList { file: file.to_owned() })
    }

    /// A scan that goes on at a place, from which `reader` reads.
    pub(super) fn behind(file: &'a str, reader: R, chunk: usize, place: Place) -> Self {
        let chunks = Chunks::new(reader, place.offset, chunk, MAX_RECORD_BYTES);
        Self { file, chunks, index: place.index, is_done: false }
    }

    /// Where the scan is.
    pub(super) fn place(&self) -> Place {
        Place { offset: self.chunks.consumed(), index: self.index }
    }

    /// Lets go of what has been scanned, and reads on where only more text can help.
    fn advance(&mut self, scanned: Scanned) -> Result<(), DatasetError> {
        self.index = scanned.index;
        match scanned.why {
            End::Stretch => {}
            End::List => self.is_done = true,
            End::NotAnObject => return Err(self.place().not_an_object(self.file)),
            End::Broken { rule: JsonRule::UnexpectedEnd, .. } if !self.chunks.is_exhausted() => {
                self.chunks.consume(scanned.end);
                let refilled = self.chunks.refill();
                return self.placed(refilled);
            }
            End::Broken { rule, at } => return self.placed(Err(Stop::Broken { rule, at })),
        }
        self.chunks.consume(scanned.end);
        Ok(())
    }

    /// Checks that nothing follows the list, and that there was something in it.
    pub(super) fn close(&mut self) -> Result<(), DatasetError> {
        let end = self.chunks.finish();
        self.placed(end)?;
        if self.index == 0 {
            return Err(DatasetError::EmptyResults { file: self.file.to_owned() });
        }
        Ok(())
    }

    fn placed<T>(&self, outcome: Result<T, Stop>) -> Result<T, DatasetError> {
        outcome.map_err(|stop| self.place().refusal(self.file, stop))
    }
}

/// A place between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes of the file before it.
    pub(super) offset: u64,
    /// Index of the next record.
    pub(super) index: usize,
}

impl Place {
    /// Why `file` cannot be scanned on from here.
    pub(super) fn refusal(self, file: &str, stop: Stop) -> DatasetError {
        match stop {
            Stop::Read(error) => DatasetError::Read { file: file.to_owned(), error },
            Stop::Broken { rule, at } => DatasetError::json(file, self.offset + at as u64, rule),
            Stop::TooLong => DatasetError::RecordTooLong { place: self.record(file) },
        }
    }

    /// The refusal of the next record for being none.
    pub(super) fn not_an_object(self, file: &str) -> DatasetError {
        DatasetError::RecordNotAnObject { place: self.record(file) }
    }

    fn record(self, file: &str) -> RecordPlace {
        RecordPlace { file: file.to_owned(), table: TABLE, index: self.index }
    }
}
