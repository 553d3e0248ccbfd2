//! Bounded reads from the bytes of a pickle.

use super::super::Rejection;

/// A position in the file; every read is checked against the end of the pickle.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at `position`; reads end with `bytes`.
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    /// Offset of the next byte.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next `count` bytes, in place: a length the file declares allocates nothing.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Rejection> {
        let rest = self.rest();
        let taken = rest.get(..count).ok_or_else(|| self.truncated(count))?;
        self.position += count;
        Ok(taken)
    }

    /// The next `count` bytes, where `count` is as wide as the file format lets it be.
    pub(super) fn take_u64(&mut self, count: u64) -> Result<&'a [u8], Rejection> {
        let count = usize::try_from(count).map_err(|_| self.truncated(usize::MAX))?;
        self.take(count)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Rejection> {
        let (array, _) = self.rest().split_first_chunk::<N>().ok_or_else(|| self.truncated(N))?;
        self.position += N;
        Ok(*array)
    }

    /// The next byte.
    pub(super) fn u8(&mut self) -> Result<u8, Rejection> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next four bytes as an unsigned number.
    pub(super) fn u32(&mut self) -> Result<u32, Rejection> {
        self.array().map(u32::from_le_bytes)
    }

    /// The bytes up to a line feed, which is consumed; at most `limit` of them.
    pub(super) fn line(&mut self, limit: usize) -> Result<&'a [u8], Rejection> {
        let window = &self.rest()[..self.rest().len().min(limit)];
        let length = window.iter().position(|&byte| byte == b'\n').ok_or_else(|| self.truncated(limit))?;
        let line = self.take(length)?;
        self.position += 1;
        Ok(line)
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position.min(self.bytes.len())..]
    }

    fn truncated(&self, needed: usize) -> Rejection {
        Rejection::PickleTruncated { offset: self.position, needed, left: self.rest().len() }
    }
}
