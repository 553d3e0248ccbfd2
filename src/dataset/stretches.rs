//! Results files in stretches that are scanned at once by several threads.
//!
//! Where a stretch begins is a guess: a comma after a closing brace may as well stand in a string or
//! deep in a record. The guess is right if the scan of the stretch before ends there; otherwise what
//! was scanned from it is thrown away and scanned again from where a record does begin. So the guesses
//! decide about time, never about the outcome.

use std::io::Read;
use std::ops::Range;

use rayon::prelude::*;

use super::chunks::{Chunks, Stop};
use super::json::Kind;
use super::json_rule::JsonRule;
use super::records::{End, Records};
use super::results::{RawRecord, MAX_RECORD_BYTES, TABLE};
use super::{DatasetError, RecordPlace};

/// Bytes of a stretch.
const STRETCH_BYTES: usize = 1 << 19;

/// Bytes that are read before they are scanned.
const WINDOW_BYTES: usize = 8 * STRETCH_BYTES;

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
    let mut scan = ResultsScan::open(file, reader, STRETCH_BYTES)?;
    while !scan.is_done {
        let mut records = Records::new(file, scan.chunks.window(), usize::MAX, scan.index);
        for record in &mut records {
            visit(record.index(), record)?;
        }
        let scanned = Scanned::of(records);
        scan.advance(scanned)?;
    }
    Ok(scan.close()?)
}

/// Scans the detections of a results file on several threads: `take` makes a product of the records of
/// each stretch of the file, and `merge` is given the products in the order of the file.
///
/// The records that `take` sees are numbered from somewhere in the file; what must be added to the
/// numbers comes with the product.
///
/// # Errors
/// What `merge` returns, and those of [`scan_results`].
pub fn scan_stretches<P: Send, E: From<DatasetError>>(
    file: &str,
    reader: impl Read,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    mut merge: impl FnMut(P, usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut scan = ResultsScan::open(file, reader, WINDOW_BYTES)?;
    while !scan.is_done {
        let scanned = take_window(file, scan.chunks.window(), scan.index, &take, &mut merge)?;
        scan.advance(scanned)?;
    }
    Ok(scan.close()?)
}

/// How far a scan has come.
struct Scanned {
    /// End of the last record.
    end: usize,
    /// Index of the next record.
    index: usize,
    /// Why it ended.
    why: End,
}

impl Scanned {
    fn of(records: Records<'_>) -> Self {
        let (end, index, why) = records.finish();
        Self { end, index, why }
    }
}

/// Takes the records of a window, of which the first is record `index` of the file.
fn take_window<P: Send, E>(
    file: &str,
    window: &[u8],
    index: usize,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    mut merge: impl FnMut(P, usize) -> Result<(), E>,
) -> Result<Scanned, E> {
    // The first stretch continues the file's numbers. The others begin anywhere but at 0, the number
    // of a record without a comma before it.
    let stretches = stretches(window).into_iter().zip([index].into_iter().chain(std::iter::repeat(1)));
    let stretches: Vec<(Range<usize>, usize)> = stretches.collect();
    let taken: Vec<(P, Scanned)> = stretches
        .par_iter()
        .map(|(stretch, index)| {
            let mut records = Records::new(file, &window[stretch.start..], stretch.len(), *index);
            (take(&mut records), Scanned::of(records))
        })
        .collect();
    let mut reached = Scanned { end: 0, index, why: End::Stretch };
    for ((stretch, index), (product, scanned)) in stretches.into_iter().zip(taken) {
        if stretch.start != reached.end || !matches!(reached.why, End::Stretch) {
            break;
        }
        let before = reached.index - index;
        merge(product, before)?;
        let (end, why) = (stretch.start + scanned.end, scanned.why.moved(stretch.start));
        reached = Scanned { end, index: before + scanned.index, why };
    }
    Ok(reached)
}

/// Guesses where records begin, or rather the comma before them.
fn stretches(window: &[u8]) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut from = STRETCH_BYTES;
    while let Some(comma) = window.get(from..).and_then(comma_between_records) {
        starts.push(from + comma);
        from += comma + STRETCH_BYTES;
    }
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// The first comma after a closing and before an opening brace.
fn comma_between_records(text: &[u8]) -> Option<usize> {
    let is_between = |comma: usize| {
        let next = text[comma + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
        text[comma] == b',' && next == Some(&b'{')
    };
    (1..text.len()).find(|&comma| text[comma - 1] == b'}' && is_between(comma))
}

struct ResultsScan<'a, R> {
    file: &'a str,
    chunks: Chunks<R>,
    /// Index of the next record.
    index: usize,
    /// Whether the list has ended.
    is_done: bool,
}

impl<'a, R: Read> ResultsScan<'a, R> {
    /// Enters the list.
    fn open(file: &'a str, reader: R, chunk: usize) -> Result<Self, DatasetError> {
        let mut scan = Self { file, chunks: Chunks::new(reader, chunk, MAX_RECORD_BYTES), index: 0, is_done: false };
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

    /// Lets go of what has been scanned, and reads on where only more text can help.
    fn advance(&mut self, scanned: Scanned) -> Result<(), DatasetError> {
        self.index = scanned.index;
        match scanned.why {
            End::Stretch => {}
            End::List => self.is_done = true,
            End::NotAnObject => return Err(DatasetError::RecordNotAnObject { place: self.place() }),
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
            Stop::Broken { rule, at } => DatasetError::json(self.file, self.chunks.consumed() + at as u64, rule),
            Stop::TooLong => DatasetError::RecordTooLong { place: self.place() },
        })
    }
}
