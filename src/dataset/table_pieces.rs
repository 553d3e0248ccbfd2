//! Long lists of records in pieces that several threads read at once.
//!
//! Where a piece begins is a guess, as with the stretches of a results file: only the pieces that join
//! are kept. Whatever is odd, and the end of the list, is left to be read in order.

use rayon::prelude::*;

use super::json::{Kind, Parsed, Scanner};
use super::stretches::comma_between_records;

/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 18;

/// Pieces a thread is given at first. They are doubled as long as all are of use: what lies behind the list's
/// end or a wrong guess is read in vain, and is little next to what has been read.
const PIECES_A_THREAD: usize = 2;

/// Appends the records that the entered list begins with, as far as nothing is odd with them, and moves
/// `scanner` behind them; `first` is as in [`Scanner::next_element`].
pub(super) fn read_side_by_side<'a, T: Send, E>(
    scanner: &mut Scanner<'a>,
    first: &mut bool,
    records: &mut Vec<T>,
    record: impl Fn(&mut Scanner<'a>) -> Parsed<Result<T, E>> + Sync,
) {
    read_in(PIECE_BYTES, scanner, first, records, record);
}

/// [`read_side_by_side`] in pieces of about `piece_bytes`.
fn read_in<'a, T: Send, E>(
    piece_bytes: usize,
    scanner: &mut Scanner<'a>,
    first: &mut bool,
    records: &mut Vec<T>,
    record: impl Fn(&mut Scanner<'a>) -> Parsed<Result<T, E>> + Sync,
) {
    let fewest = PIECES_A_THREAD * rayon::current_num_threads();
    let mut count = fewest;
    loop {
        let ends = piece_ends(scanner, piece_bytes, count);
        let starts = [scanner.position()].into_iter().chain(ends.iter().copied());
        let pieces: Vec<(usize, usize)> = starts.zip(ends.iter().copied()).collect();
        if pieces.is_empty() {
            return;
        }
        let reached = scanner.position();
        let is_first = |start| *first && start == reached;
        let read: Vec<Option<(Vec<T>, usize)>> = pieces
            .par_iter()
            .map(|&(start, end)| piece(scanner.moved_to(start), end, is_first(start), &record))
            .collect();
        for ((start, _), piece) in pieces.into_iter().zip(read) {
            if start != scanner.position() {
                break;
            }
            let Some((mut piece, end)) = piece else { return };
            records.append(&mut piece);
            *scanner = scanner.moved_to(end);
            *first = false;
        }
        let are_all_used = ends.last() == Some(&scanner.position());
        count = if are_all_used { 2 * ends.len() } else { fewest };
    }
}

/// Guesses where the next pieces end, of which there are `count` at most.
fn piece_ends(scanner: &Scanner<'_>, piece_bytes: usize, count: usize) -> Vec<usize> {
    let (mut ends, mut at) = (Vec::new(), scanner.position());
    while ends.len() < count {
        let from = at + piece_bytes;
        let Some(comma) = scanner.text().get(from..).and_then(comma_between_records) else { break };
        at = from + comma;
        ends.push(at);
    }
    ends
}

/// The records up to `end` and where the last one ends; `None` if the list ends before or is at fault.
fn piece<'a, T, E>(
    mut scanner: Scanner<'a>,
    end: usize,
    mut first: bool,
    record: impl Fn(&mut Scanner<'a>) -> Parsed<Result<T, E>>,
) -> Option<(Vec<T>, usize)> {
    let mut records = Vec::new();
    while scanner.position() < end {
        if !scanner.next_element(&mut first).ok()? || scanner.kind().ok()? != Kind::Object {
            return None;
        }
        records.push(record(&mut scanner).ok()?.ok()?);
    }
    Some((records, scanner.position()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the records read in pieces, and what is left of the list.
    fn read(piece_bytes: usize, text: &str) -> (Vec<String>, String) {
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        scanner.enter().unwrap();
        let (mut first, mut records) = (true, Vec::new());
        let record = |scanner: &mut Scanner<'_>| {
            let text = String::from_utf8(scanner.value()?.to_vec()).unwrap();
            Ok(if text.contains("bad") { Err(()) } else { Ok(text) })
        };
        read_in(piece_bytes, &mut scanner, &mut first, &mut records, record);
        assert_eq!(first, records.is_empty());
        (records, text[scanner.position()..].to_owned())
    }

    /// Records in which the space between records seems to be.
    fn misleading(count: usize) -> Vec<String> {
        (0..count).map(|id| format!(r#"{{"id": {id}, "note": "}}, {{", "parts": [{{}}, {{"id": -1}}]}}"#)).collect()
    }

    #[test]
    fn every_record_is_read_once_and_in_order() {
        let expected = misleading(80);
        let text = format!("[{}], \"more\": [{{}}, {{}}, {{}}]", expected.join(", "));
        for piece_bytes in [1, 30, 61, 200, 1 << 20] {
            let (records, rest) = read(piece_bytes, &text);
            assert_eq!(records, expected[..records.len()], "pieces of {piece_bytes}");
            let left: String = expected[records.len()..].join(", ");
            assert_eq!(rest.trim_start_matches(", "), format!("{left}], \"more\": [{{}}, {{}}, {{}}]"));
        }
        assert!(read(61, &text).0.len() > 60);
    }

    #[test]
    fn reading_stops_before_what_is_odd() {
        for odd in [r#"{"bad": 1}"#, "7", r#"{"id" 1}"#] {
            let mut records = misleading(40);
            records[20] = odd.to_owned();
            let (read, rest) = read(50, &format!("[{}]", records.join(", ")));
            assert!(read.len() <= 20 && read == records[..read.len()], "{odd}");
            assert!(rest.contains(odd));
        }
    }
}
