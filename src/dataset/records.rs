//! The records of a stretch of a results file, one after the other.

use super::json::{Kind, Parsed, Scanner};
use super::json_rule::JsonRule;
use super::layout::{Layout, Leaves, Values};
use super::results::RawRecord;

/// Depth of nesting between the records.
pub(super) const DEPTH: usize = 1;

/// The records of a stretch of a results file. Their JSON is checked on the way, also what nobody
/// looks at.
#[derive(Debug)]
pub struct Records<'a> {
    file: &'a str,
    /// Bytes of the file before the stretch.
    before: u64,
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
    /// Of the last record.
    leaves: Leaves,
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
    /// The text breaks a rule at an offset, or goes on beyond what has been read.
    Broken { rule: JsonRule, at: usize },
}

impl<'a> Records<'a> {
    /// From the start of `text`, which `before` bytes of the file precede and where record `index` comes
    /// next, to `stop`. Before record 0 no comma is expected.
    pub(super) fn new(file: &'a str, before: u64, text: &'a [u8], stop: usize, index: usize) -> Self {
        Self {
            file,
            before,
            text,
            at: 0,
            stop,
            index,
            first: index == 0,
            layout: Layout::default(),
            leaves: Leaves::default(),
            end: None,
        }
    }

    /// The next record.
    #[inline]
    pub fn next_record(&mut self) -> Option<RawRecord<'_>> {
        if self.end.is_some() {
            return None;
        }
        if let Err(end) = self.read() {
            self.end = Some(end);
            return None;
        }
        self.index += 1;
        let values = Values { text: self.text, layout: &self.layout, leaves: &self.leaves };
        Some(RawRecord::new(self.file, self.index - 1, self.before + self.at as u64, values))
    }

    /// Where the records end that were taken, the index of the next one, and why there are no more;
    /// the rest of the stretch is scanned first.
    pub(super) fn finish(mut self) -> (usize, usize, End) {
        loop {
            if let Some(end) = self.end {
                return (self.at, self.index, end);
            }
            self.next_record();
        }
    }

    /// Finds the next record's leaves.
    #[inline]
    fn read(&mut self) -> Result<(), End> {
        if self.at >= self.stop {
            return Err(End::Stretch);
        }
        let mut scanner = Scanner::at(self.text, self.at, DEPTH);
        self.read_in(&mut scanner).unwrap_or_else(|rule| Err(End::Broken { rule, at: scanner.position() }))
    }

    #[inline]
    fn read_in(&mut self, scanner: &mut Scanner<'a>) -> Parsed<Result<(), End>> {
        let mut first = self.first;
        if !scanner.next_element(&mut first)? {
            self.at = scanner.position();
            return Ok(Err(End::List));
        }
        if scanner.kind()? != Kind::Object {
            return Ok(Err(End::NotAnObject));
        }
        self.first = false;
        self.at = match self.layout.read(self.text, scanner.position(), &mut self.leaves) {
            Some(end) => end,
            None => {
                self.layout.learn(scanner, &mut self.leaves)?;
                scanner.position()
            }
        };
        Ok(Ok(()))
    }
}
