//! The records of a stretch of a results file, one after the other.

use super::json::{Fault, Kind, Scanner};
use super::layout::{Layout, Values};
use super::results::RawRecord;

/// Depth of nesting between the records.
pub(super) const DEPTH: usize = 1;

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

    fn next_values(&mut self) -> Result<Values<'a>, End> {
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
        if let Some((values, end)) = self.layout.read(self.text, start) {
            self.at = end;
            return Ok(values);
        }
        let values = self.layout.learn(&mut scanner).map_err(End::Fault)?;
        self.at = scanner.position();
        Ok(values)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RawRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawRecord<'a>> {
        if self.end.is_some() {
            return None;
        }
        match self.next_values() {
            Ok(values) => {
                self.index += 1;
                Some(RawRecord::new(self.file, self.index - 1, values))
            }
            Err(end) => {
                self.end = Some(end);
                None
            }
        }
    }
}
