//! Results files in stretches that several threads read and scan at once.
//!
//! Where a stretch begins is a guess: a comma after a closing brace may as well stand in a string or
//! deep in a record. The guess is right if the scan of the stretch before ends there; otherwise what
//! was scanned from it is thrown away and scanned again from where a record does begin. So the guesses
//! decide about time, never about the outcome.

use std::ops::ControlFlow;

use super::chunks::Stop;
use super::in_order::in_order;
use super::json_rule::JsonRule;
use super::read_at::{fill_at, Onward, ReadAt};
use super::records::{End, Records};
use super::results::MAX_RECORD_BYTES;
use super::results_scan::{Place, ResultsScan, Scanned};
use super::DatasetError;

/// Bytes of a stretch: it is still in its thread's cache when it is scanned.
const STRETCH_BYTES: usize = 1 << 19;

/// Bytes read behind a stretch at first, to reach the end of its last record.
const OVERLAP_BYTES: usize = 1 << 14;

/// Bytes read at once in front of the first record and behind the last.
const EDGE_BYTES: usize = 1 << 12;

/// Scans the detections of a results file on the threads of the current pool: `take` makes a product of
/// the records of each stretch of the file, and `merge` is given the products in the order of the file.
/// Memory holds a stretch, or the longest record, for each thread.
///
/// The records that `take` sees are numbered from somewhere in the file; what must be added to the
/// numbers comes with the product.
///
/// # Errors
/// What `merge` returns, and those of [`scan_results`](super::scan_results).
pub fn scan_stretches<P: Send, E: From<DatasetError> + Send>(
    file: &str,
    source: &impl ReadAt,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    merge: impl FnMut(P, usize) -> Result<(), E> + Send,
) -> Result<(), E> {
    scan_in(STRETCH_BYTES, file, source, take, merge)
}

/// [`scan_stretches`] in stretches of `stretch_bytes`.
fn scan_in<P: Send, E: From<DatasetError> + Send>(
    stretch_bytes: usize,
    file: &str,
    source: &impl ReadAt,
    take: impl Fn(&mut Records<'_>) -> P + Sync,
    mut merge: impl FnMut(P, usize) -> Result<(), E> + Send,
) -> Result<(), E> {
    let start = ResultsScan::open(file, Onward::new(source, 0), EDGE_BYTES)?.place();
    let overlap = OVERLAP_BYTES.min(stretch_bytes);
    let mut stretches = Stretches { file, source, take, start, stretch_bytes, overlap };
    loop {
        let (place, why) = stretches.scan(&mut merge)?;
        match why {
            WhyOver::ListEnds => {
                let rest = Onward::new(source, place.offset);
                return Ok(ResultsScan::behind(file, rest, EDGE_BYTES, place).close()?);
            }
            WhyOver::WrongGuess => {}
            WhyOver::LongRecord => stretches.lengthen(place)?,
        }
        stretches.start = place;
    }
}

/// The stretches of a file from a place between two records on.
struct Stretches<'a, S, T> {
    file: &'a str,
    source: &'a S,
    take: T,
    start: Place,
    stretch_bytes: usize,
    /// Bytes read behind a stretch.
    overlap: usize,
}

/// A stretch that has been scanned.
struct Stretch<P> {
    /// What was made of the records.
    product: P,
    /// Bytes of the file before the stretch.
    before: u64,
    /// The number given to its first record.
    first: usize,
    /// How far it was scanned, from its start on.
    scanned: Scanned,
    /// Whether the file ends where what was read of it ends.
    is_last: bool,
}

/// Why stretches are not scanned on.
enum WhyOver {
    ListEnds,
    /// The next stretch does not begin where this one ended.
    WrongGuess,
    /// A record is longer than what has been read.
    LongRecord,
}

impl<S: ReadAt, P: Send, T: Fn(&mut Records<'_>) -> P + Sync> Stretches<'_, S, T> {
    /// Scans and merges as many stretches as join: how far it came, and why not farther.
    fn scan<E: From<DatasetError> + Send>(
        &self,
        mut merge: impl FnMut(P, usize) -> Result<(), E> + Send,
    ) -> Result<(Place, WhyOver), E> {
        let mut reached = self.start;
        let join = |(number, stretch): (u64, Result<Option<Stretch<P>>, DatasetError>)| {
            let stretch = match stretch {
                Ok(Some(stretch)) if stretch.before == reached.offset => stretch,
                // The record that the stretch before ended with goes on beyond this one.
                Ok(None) if reached.offset >= self.begin(number + 1) => return ControlFlow::Continue(()),
                Ok(_) => return ControlFlow::Break(Ok((reached, WhyOver::WrongGuess))),
                Err(unreadable) => return ControlFlow::Break(Err(unreadable.into())),
            };
            let before = reached.index - stretch.first;
            if let Err(refusal) = merge(stretch.product, before) {
                return ControlFlow::Break(Err(refusal));
            }
            let Scanned { end, index, why } = stretch.scanned;
            reached = Place { offset: stretch.before + end as u64, index: before + index };
            match why {
                End::Stretch => ControlFlow::Continue(()),
                End::List => ControlFlow::Break(Ok((reached, WhyOver::ListEnds))),
                End::NotAnObject => ControlFlow::Break(Err(reached.not_an_object(self.file).into())),
                End::Broken { rule: JsonRule::UnexpectedEnd, .. } if !stretch.is_last => {
                    ControlFlow::Break(Ok((reached, WhyOver::LongRecord)))
                }
                End::Broken { rule, at } => {
                    ControlFlow::Break(Err(DatasetError::json(self.file, stretch.before + at as u64, rule).into()))
                }
            }
        };
        in_order(Vec::new, |buffer, number| (number, self.stretch(buffer, number)), join)
    }

    /// The guessed stretch of a number, if a record seems to begin in it.
    fn stretch(&self, buffer: &mut Vec<u8>, number: u64) -> Result<Option<Stretch<P>>, DatasetError> {
        // Only the first stretch is sure to begin with a record, however long.
        let overlap = if number == 0 { self.overlap } else { self.overlap.min(self.stretch_bytes) };
        buffer.resize(self.stretch_bytes + overlap, 0);
        let begin = self.begin(number);
        let read =
            fill_at(self.source, buffer, begin).map_err(|error| self.start.refusal(self.file, Stop::Read(error)))?;
        let (text, is_last) = (&buffer[..read], read < buffer.len());
        let comma = if number == 0 { Some(0) } else { comma_between_records(text) };
        let Some(comma) = comma.filter(|&comma| comma <= self.stretch_bytes) else { return Ok(None) };
        // The first stretch goes on with the file's numbers. The others begin anywhere but at 0, the
        // number of a record without a comma before it.
        let first = if number == 0 { self.start.index } else { 1 };
        let before = begin + comma as u64;
        let stop = self.stretch_bytes + 1 - comma;
        let mut records = Records::new(self.file, before, &text[comma..], stop, first);
        let product = (self.take)(&mut records);
        Ok(Some(Stretch { product, before, first, scanned: Scanned::of(records), is_last }))
    }

    /// Bytes of the file before the part in which a stretch begins: at its second byte or later, but for the
    /// first stretch.
    fn begin(&self, number: u64) -> u64 {
        self.start.offset + number * self.stretch_bytes as u64
    }

    /// Makes the place behind the stretches longer, for the sake of the record at `place`.
    fn lengthen(&mut self, place: Place) -> Result<(), DatasetError> {
        let longest = MAX_RECORD_BYTES.saturating_sub(self.stretch_bytes);
        if self.overlap >= longest && place == self.start {
            return Err(place.refusal(self.file, Stop::TooLong));
        }
        self.overlap = (2 * self.overlap).min(longest);
        Ok(())
    }
}

/// The first comma after a closing and before an opening brace.
pub(super) fn comma_between_records(text: &[u8]) -> Option<usize> {
    let is_between = |comma: usize| {
        let next = text[comma + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
        text[comma] == b',' && next == Some(&b'{')
    };
    (1..text.len()).find(|&comma| text[comma - 1] == b'}' && is_between(comma))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::{scan_results, Key, RawRecord};

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

    /// The records' numbers, ends and image ids, if they have one, or the refusal.
    fn scanned(stretch_bytes: usize, text: &str) -> Result<Vec<(usize, u64, Option<Key>)>, String> {
        let mut found = Vec::new();
        let place = |record: RawRecord<'_>| (record.index(), record.end(), record.image_id().ok());
        let take = |records: &mut Records<'_>| {
            let mut found = Vec::new();
            while let Some(record) = records.next_record() {
                found.push(place(record));
            }
            found
        };
        scan_in(stretch_bytes, "dt.json", &text.as_bytes(), take, |stretch, before| {
            for (index, end, image) in stretch {
                found.push((before + index, end, image));
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
        assert_eq!(places, (0..100).map(|id| (id, Some(Key::Integer(id as i64)))).collect::<Vec<_>>());
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
            String::new(),
        ];
        for text in broken {
            let expected = scanned(1 << 20, &text).unwrap_err();
            for stretch_bytes in [1, 50, 700] {
                assert_eq!(scanned(stretch_bytes, &text).as_ref(), Err(&expected), "stretches of {stretch_bytes}");
            }
        }
    }

    /// What [`scanned`] gives, by one reader from the first byte to the last.
    fn read_on(text: &str) -> Result<Vec<(usize, u64, Option<Key>)>, String> {
        let mut found = Vec::new();
        let visit = |index, record: RawRecord<'_>| {
            found.push((index, record.end(), record.image_id().ok()));
            Ok(())
        };
        scan_results("dt.json", text.as_bytes(), visit).map(|()| found).map_err(|error| error.to_string())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

        #[test]
        fn damaged_files_are_scanned_and_refused_as_by_one_reader(
            records in 0usize..40,
            damages in prop::collection::vec((any::<prop::sample::Index>(), 0usize..14), 0..4),
            stretch_bytes in 1usize..400,
            threads in 1usize..5,
        ) {
            const ODD: [&str; 14] = ["", ",", "}", "{", "},{", "]", "[", "\"", "\\", " ", "7", "\u{e9}", "},\n {", "null"];
            let mut text = misleading_results(records);
            for (place, odd) in damages {
                // Behind the last byte too, the only place in a text that is all gone.
                let at = text.floor_char_boundary(place.index(text.len() + 1));
                text.replace_range(at..text.ceil_char_boundary((at + 1).min(text.len())), ODD[odd]);
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            prop_assert_eq!(pool.install(|| scanned(stretch_bytes, &text)), read_on(&text));
        }
    }
}
