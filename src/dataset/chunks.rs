//! A file read in chunks, of which the part that is needed lies in memory contiguously.

use std::io::{self, Read};

use super::json::{Parsed, Scanner};
use super::json_rule::JsonRule;

/// Why a step over the text stopped.
#[derive(Debug)]
pub(super) enum Stop {
    Read(io::Error),
    /// A broken rule, at its offset in the window.
    Broken {
        rule: JsonRule,
        at: usize,
    },
    /// The step needs more text than the window may hold.
    TooLong,
}

/// A window on a text that is read as it is needed.
#[derive(Debug)]
pub(super) struct Chunks<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The unconsumed part of the buffer.
    start: usize,
    end: usize,
    /// Bytes of the text before `start`.
    consumed: u64,
    exhausted: bool,
    chunk: usize,
    limit: usize,
}

impl<R: Read> Chunks<R> {
    /// A window on the text of `reader`, before which there are `consumed` bytes: of `chunk` bytes, and at
    /// most of `limit` where a step needs more.
    pub fn new(reader: R, consumed: u64, chunk: usize, limit: usize) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, end: 0, consumed, exhausted: false, chunk, limit }
    }

    /// Whether the window reaches to the end of the text.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Bytes of the text before the window.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The window.
    pub fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Lets go of the window's first `bytes`.
    pub fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.end - self.start);
        self.start += bytes;
        self.consumed += bytes as u64;
    }

    /// Runs `step` from the start of the window, inside `depth` lists and objects, with more text
    /// each time it meets the window's end before the file's; its answer, and the bytes it took.
    #[inline]
    pub fn step<T>(
        &mut self,
        depth: usize,
        mut step: impl FnMut(&mut Scanner<'_>) -> Parsed<T>,
    ) -> Result<(T, usize), Stop> {
        loop {
            let mut scanner = Scanner::new(self.window(), depth);
            match step(&mut scanner) {
                Ok(answer) => return Ok((answer, scanner.position())),
                Err(JsonRule::UnexpectedEnd) if !self.exhausted => self.refill()?,
                Err(rule) => return Err(Stop::Broken { rule, at: scanner.position() }),
            }
        }
    }

    /// Lets go of white space up to the end of the text, which must come.
    pub fn finish(&mut self) -> Result<(), Stop> {
        loop {
            let ((), bytes) = self.step(0, |scanner| scanner.expect_end())?;
            self.consume(bytes);
            if self.exhausted {
                return Ok(());
            }
            self.refill()?;
        }
    }

    /// Adds text to the window until the buffer is full or the file ends.
    pub fn refill(&mut self) -> Result<(), Stop> {
        self.make_room()?;
        (self.end, self.exhausted) = fill(&mut self.reader, &mut self.buffer, self.end).map_err(Stop::Read)?;
        Ok(())
    }

    /// Moves the window to the front of the buffer, and doubles the buffer if it is full.
    fn make_room(&mut self) -> Result<(), Stop> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            if self.end >= self.limit {
                return Err(Stop::TooLong);
            }
            self.buffer.resize((2 * self.end).clamp(self.chunk, self.limit.max(self.chunk)), 0);
        }
        Ok(())
    }
}

/// Reads into the buffer from `end` on until it is full or the text ends: how far it is filled, and
/// whether the text ends there.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8], mut end: usize) -> io::Result<(usize, bool)> {
    while end < buffer.len() {
        match reader.read(&mut buffer[end..]) {
            Ok(0) => return Ok((end, true)),
            Ok(bytes) => end += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((end, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes read at once.
    const CHUNK_BYTES: usize = 1 << 10;

    /// A reader that gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.0.len().min(buffer.len()).min(1);
            buffer[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0 = &self.0[bytes..];
            Ok(bytes)
        }
    }

    #[test]
    fn step_sees_the_text_however_it_arrives() {
        let mut chunks = Chunks::new(Drip(br#"  ["a", 1] "#), 0, CHUNK_BYTES, 1 << 24);
        let (text, bytes) = chunks.step(0, |scanner| scanner.value().map(<[u8]>::to_vec)).unwrap();
        assert_eq!(text, br#"["a", 1]"#);
        chunks.consume(bytes);
        assert_eq!((chunks.consumed(), chunks.window()), (10, &b" "[..]));
    }

    #[test]
    fn window_is_bounded() {
        let text = vec![b'"'; 1].into_iter().chain(vec![b'x'; 3 * CHUNK_BYTES]).collect::<Vec<u8>>();
        let mut chunks = Chunks::new(&text[..], 0, CHUNK_BYTES, 2 * CHUNK_BYTES);
        assert!(matches!(chunks.step(0, |scanner| scanner.value().map(drop)), Err(Stop::TooLong)));
    }

    #[test]
    fn read_errors_are_kept() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut chunks = Chunks::new(Broken, 0, CHUNK_BYTES, 1 << 24);
        assert!(matches!(chunks.step(0, |scanner| scanner.value().map(drop)), Err(Stop::Read(_))));
    }
}
