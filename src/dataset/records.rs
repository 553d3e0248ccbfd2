//! The records of a stretch of a results file, one after the other.

use super::json::{Fault, Kind, Parsed, Scanner};
use super::results::{RawRecord, KEYS};

/// Depth of nesting between the records.
const DEPTH: usize = 1;

/// The records of a stretch of a results file. Their JSON is checked on the way, also what nobody
/// looks at.
#[derive(Debug)]
pub struct Records<'a> {
    file: &'a str,
    /// From the start of the stretch to the end of what has been read.
    text: &'a [u8],
    /// End of the last record.
    at: usize,
    /// End of the stretch.
    stop: usize,
    /// Index of the next record.
    index: usize,
    /// Whether the next record is the first of the list.
    first: bool,
    layout: Layout,
    end: Option<End>,
}

/// Why there are no more records.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The stretch ends.
    Stretch,
    /// The list ends.
    List,
    /// The next element is no object.
    NotAnObject,
    /// The text is broken, or goes on beyond what has been read.
    Fault(Fault),
}

impl End {
    /// The same in a text that begins `bytes` earlier.
    pub(super) fn moved(self, bytes: usize) -> Self {
        match self {
            Self::Fault(Fault { at, rule }) => Self::Fault(Fault { at: at + bytes, rule }),
            other => other,
        }
    }
}

/// The values of a record's known keys.
pub(super) type Fields<'a> = [Option<&'a [u8]>; KEYS.len()];

impl<'a> Records<'a> {
    /// From the start of `text`, where record `index` comes next, to `stop`. Before record 0 no comma
    /// is expected.
    pub(super) fn new(file: &'a str, text: &'a [u8], stop: usize, index: usize) -> Self {
        Self { file, text, at: 0, stop, index, first: index == 0, layout: Layout::default(), end: None }
    }

    /// Where the records end that were taken, the index of the next one, and why there are no more;
    /// the rest of the stretch is scanned first.
    pub(super) fn finish(mut self) -> (usize, usize, End) {
        loop {
            if let Some(end) = self.end {
                return (self.at, self.index, end);
            }
            self.next();
        }
    }

    fn fields(&mut self) -> Result<Fields<'a>, End> {
        if self.at >= self.stop {
            return Err(End::Stretch);
        }
        let mut scanner = Scanner::at(self.text, self.at, DEPTH);
        let mut first = self.first;
        if !scanner.next_element(&mut first).map_err(End::Fault)? {
            self.at = scanner.position();
            return Err(End::List);
        }
        let start = match scanner.kind().map_err(End::Fault)? {
            Kind::Object => scanner.position(),
            _ => return Err(End::NotAnObject),
        };
        self.first = false;
        if let Some((fields, end)) = self.layout.fields(self.text, start) {
            self.at = end;
            return Ok(fields);
        }
        let fields = self.layout.learn(&mut scanner).map_err(End::Fault)?;
        self.at = scanner.position();
        Ok(fields)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RawRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawRecord<'a>> {
        if self.end.is_some() {
            return None;
        }
        match self.fields() {
            Ok(fields) => {
                self.index += 1;
                Some(RawRecord::new(self.file, self.index - 1, fields))
            }
            Err(end) => {
                self.end = Some(end);
                None
            }
        }
    }
}

/// What stands between the values of the last record: most records of a file differ in their values
/// only, so that their keys need not be read again.
#[derive(Debug, Default)]
struct Layout {
    parts: Vec<Part>,
    /// The parts' text, one after the other, and what follows the last value.
    between: Vec<u8>,
}

/// What stands before a value, and which value it is.
#[derive(Debug)]
struct Part {
    /// End of its text in `between`.
    end: usize,
    /// The place of its key among [`KEYS`].
    field: Option<usize>,
}

impl Layout {
    /// The fields of the record at `start`, and its end, if it is laid out as the last one. Whatever
    /// is wrong with it is left to be found by [`Layout::learn`].
    fn fields<'a>(&self, text: &'a [u8], start: usize) -> Option<(Fields<'a>, usize)> {
        let mut fields = Fields::default();
        let mut scanner = Scanner::at(text, start, DEPTH + 1);
        let mut known = 0;
        for part in &self.parts {
            scanner.skip_exactly(&self.between[known..part.end])?;
            let value = scanner.value().ok()?;
            if let Some(field) = part.field {
                fields[field] = Some(value);
            }
            known = part.end;
        }
        // Nothing has been learned yet where there is nothing to skip.
        let closing = self.between.get(known..).filter(|closing| !closing.is_empty())?;
        scanner.skip_exactly(closing)?;
        Some((fields, scanner.position()))
    }

    /// The fields of the next record, whatever its layout, which is kept.
    fn learn<'a>(&mut self, scanner: &mut Scanner<'a>) -> Parsed<Fields<'a>> {
        self.parts.clear();
        self.between.clear();
        let mut fields = Fields::default();
        let (mut known, mut first) = (scanner.position(), true);
        scanner.enter()?;
        while let Some(key) = scanner.next_key(&mut first)? {
            scanner.kind()?;
            self.between.extend_from_slice(scanner.since(known));
            let value = scanner.value()?;
            known = scanner.position();
            let name = key.bytes();
            let field = KEYS.iter().position(|known| known.as_bytes() == name.as_ref());
            self.parts.push(Part { end: self.between.len(), field });
            if let Some(field) = field {
                fields[field] = Some(value);
            }
        }
        self.between.extend_from_slice(scanner.since(known));
        Ok(fields)
    }
}
