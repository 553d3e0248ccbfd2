//! Results files in stretches that are scanned at once by several threads.
//!
//! Where a stretch begins is a guess: a comma after a closing brace may as well stand in a string or
//! deep in a record. The guess is right if the scan of the stretch before ends there; otherwise what
//! was scanned from it is thrown away and scanned again from where a record does begin. So the guesses
//! decide about time, never about the outcome.

use std::io::Read;
use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::chunks::{Chunks, Stop};
use super::json::Kind;
use super::json_rule::JsonRule;
use super::records::{End, Records};
use super::results::{RawRecord, MAX_RECORD_BYTES, TABLE};
use super::{DatasetError, RecordPlace};

/// Bytes of a stretch, at most.
const STRETCH_BYTES: usize = 1 << 19;

/// The shortest stretches of a window are shorter than its first by this factor, at most.
const SHORTENED: usize = 4;

/// Stretches for each of several threads that are read before they are scanned. One thread reads one,
/// which is still in its cache when it is scanned.
const STRETCHES_A_THREAD: usize = 4;

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
        let mut records = Records::new(file, scan.chunks.consumed(), scan.chunks.window(), usize::MAX, scan.index);
        while let Some(record) = records.next_record() {
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
pub fn scan_stretches<P: Send, E: From<DatasetError> + Send>(
    file: &str,
    reader: impl Read + Send,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    merge: impl FnMut(P, usize) -> Result<(), E> + Send,
) -> Result<(), E> {
    scan_in(STRETCH_BYTES, file, reader, take, merge)
}

/// [`scan_stretches`] in stretches of about `stretch_bytes`.
fn scan_in<P: Send, E: From<DatasetError> + Send>(
    stretch_bytes: usize,
    file: &str,
    reader: impl Read + Send,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    mut merge: impl FnMut(P, usize) -> Result<(), E> + Send,
) -> Result<(), E> {
    let window_stretches = match rayon::current_num_threads() {
        1 => 1,
        threads => threads * STRETCHES_A_THREAD,
    };
    let mut scan = ResultsScan::open(file, reader, window_stretches * stretch_bytes)?;
    while !scan.is_done {
        let (before, index) = (scan.chunks.consumed(), scan.index);
        let scanned = scan.chunks.work(|window| {
            let stretches = stretches(window, stretch_bytes, rayon::current_num_threads());
            take_window(file, before, window, stretches, index, &take, &mut merge)
        })?;
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

/// Takes the records of a window, which `before` bytes of the file precede and of which the first is
/// record `index` of the file.
fn take_window<P: Send, E>(
    file: &str,
    before: u64,
    window: &[u8],
    stretches: Vec<Range<usize>>,
    index: usize,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    mut merge: impl FnMut(P, usize) -> Result<(), E>,
) -> Result<Scanned, E> {
    // The first stretch continues the file's numbers. The others begin anywhere but at 0, the number
    // of a record without a comma before it.
    let stretches = stretches.into_iter().zip([index].into_iter().chain(std::iter::repeat(1)));
    let stretches: Vec<(Range<usize>, usize)> = stretches.collect();
    let taken: Vec<(P, Scanned)> = map_in_order(&stretches, |(stretch, index)| {
        let (before, text) = (before + stretch.start as u64, &window[stretch.start..]);
        let mut records = Records::new(file, before, text, stretch.len(), *index);
        (take(&mut records), Scanned::of(records))
    });
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

/// Guesses where records begin, or rather the comma before them. Towards the end of the window stretches
/// get shorter, so that the last ones end at about the same time.
fn stretches(window: &[u8], stretch_bytes: usize, threads: usize) -> Vec<Range<usize>> {
    let bytes_at = |start: usize| match threads {
        1 => stretch_bytes,
        _ => ((window.len() - start) / (2 * threads)).clamp(stretch_bytes.div_ceil(SHORTENED), stretch_bytes),
    };
    let mut starts = vec![0];
    let mut from = bytes_at(0);
    while let Some(comma) = window.get(from..).and_then(comma_between_records) {
        starts.push(from + comma);
        from += comma + bytes_at(from + comma);
    }
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// What `work` makes of the items, which are begun in their order by whichever thread is free.
fn map_in_order<T: Sync, P: Send>(items: &[T], work: impl Fn(&T) -> P + Sync) -> Vec<P> {
    let next = AtomicUsize::new(0);
    let begin = || items.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed));
    let threads = (0..rayon::current_num_threads().min(items.len())).into_par_iter();
    let work_on = threads.flat_map_iter(|_| iter::from_fn(|| begin().map(|(place, item)| (place, work(item)))));
    let mut made: Vec<(usize, P)> = work_on.collect();
    made.sort_unstable_by_key(|&(place, _)| place);
    made.into_iter().map(|(_, product)| product).collect()
}

/// The first comma after a closing and before an opening brace.
pub(super) fn comma_between_records(text: &[u8]) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Key;

    /// Records whose unread values look like the space between records, in strings and for real.
    fn misleading_results(records: usize) -> String {
        let decoy = r#""note": "}, {\"image_id\": 0}, {", "parts": [{"a": 1}, {"image_id": -1}, {}]"#;
        let record = |id: usize| match id % 3 {
            0 => format!(r#"{{"image_id": {id}, "score": 0.25, {decoy}}}"#),
            1 => format!(r#"{{{decoy}, "score": 1, "image_id": {id}}}"#),
            _ => format!(r#"{{"image_id": {id}}}"#),
        };
        format!("[{}]", (0..records).map(record).collect::<Vec<_>>().join(", "))
    }

    /// The image ids with the records' numbers and ends, or the refusal.
    fn scanned(stretch_bytes: usize, text: &str) -> Result<Vec<(usize, u64, Key)>, String> {
        let mut found = Vec::new();
        let place = |record: RawRecord<'_>| (record.index(), record.end(), record.image_id());
        let take = |records: &mut Records<'_>| {
            let mut found = Vec::new();
            while let Some(record) = records.next_record() {
                found.push(place(record));
            }
            found
        };
        scan_in(stretch_bytes, "dt.json", text.as_bytes(), take, |stretch, before| {
            for (index, end, image) in stretch {
                found.push((before + index, end, image?));
            }
            Ok::<(), DatasetError>(())
        })
        .map(|()| found)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_guesses_do_not_show() {
        let text = misleading_results(100);
        let expected = scanned(1 << 20, &text).unwrap();
        let places: Vec<_> = expected.iter().map(|&(index, _, id)| (index, id)).collect();
        assert_eq!(places, (0..100).map(|id| (id, Key::Integer(id as i64))).collect::<Vec<_>>());
        assert!(expected.iter().all(|&(_, end, _)| text[end as usize..].starts_with([',', ']'])));
        for stretch_bytes in [1, 7, 40, 100, 333, 5000] {
            assert_eq!(scanned(stretch_bytes, &text).as_ref(), Ok(&expected), "stretches of {stretch_bytes}");
        }
    }

    #[test]
    fn refusals_are_those_of_one_stretch() {
        let text = misleading_results(60);
        let broken = [
            text.replacen("\"image_id\": 31", "\"image_id\": 31,", 1),
            text.replacen("{\"image_id\": 32}", "32", 1),
            text[..text.len() / 2].to_owned(),
            format!("{text} ]"),
            "[]".to_owned(),
        ];
        for text in broken {
            let expected = scanned(1 << 20, &text).unwrap_err();
            for stretch_bytes in [1, 50, 700] {
                assert_eq!(scanned(stretch_bytes, &text).as_ref(), Err(&expected), "stretches of {stretch_bytes}");
            }
        }
    }
}
