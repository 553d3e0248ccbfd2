//! Files of which several threads read different parts.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rayon::prelude::*;

use super::chunks::fill;

/// Bytes of a whole file that a thread reads at once.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes of which any part can be read, by several threads at once.
pub trait ReadAt: Sync {
    /// Reads some bytes, of those that `offset` bytes precede, into the front of `buffer`: how many, 0 at the end.
    ///
    /// # Errors
    /// What the system says when it cannot.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        rest.read(buffer)
    }
}

/// Reads from `offset` on until the buffer is full or the source ends: how many bytes.
pub(super) fn fill_at(source: &impl ReadAt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    fill(&mut Onward::new(source, offset), buffer, 0).map(|(filled, _)| filled)
}

/// The bytes of a file, read on the threads of the current pool.
pub(super) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Of what is no regular file, such as a pipe, this is 0.
    let length = file.metadata()?.len() as usize;
    if length <= PIECE_BYTES || rayon::current_num_threads() == 1 {
        return read_onward(file);
    }
    let mut bytes = vec![0; length];
    let fill = |(piece, part): (usize, &mut [u8])| {
        Ok::<bool, io::Error>(fill_at(&file, part, (piece * PIECE_BYTES) as u64)? == part.len())
    };
    let are_full: Vec<bool> = bytes.par_chunks_mut(PIECE_BYTES).enumerate().map(fill).collect::<io::Result<_>>()?;
    match are_full.contains(&false) {
        // Someone makes the file shorter: what it is by now.
        true => read_onward(File::open(path)?),
        false => Ok(bytes),
    }
}

fn read_onward(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a source from a place on.
pub(super) struct Onward<'a, S> {
    source: &'a S,
    offset: u64,
}

impl<'a, S: ReadAt> Onward<'a, S> {
    pub(super) fn new(source: &'a S, offset: u64) -> Self {
        Self { source, offset }
    }
}

impl<S: ReadAt> Read for Onward<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.read_at(buffer, self.offset)?;
        self.offset += bytes as u64;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_its_bytes_are() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, bytes) = (folder.path().join("bytes"), (0..200).collect::<Vec<u8>>());
        std::fs::write(&path, &bytes).expect("written");
        let file = File::open(&path).expect("opened");
        for offset in [0, 1, 150, 199, 200, 300, u64::MAX] {
            let read = |source: &dyn Fn(&mut [u8]) -> usize| {
                let mut buffer = [0; 64];
                let count = source(&mut buffer);
                buffer[..count].to_vec()
            };
            let of_bytes = read(&|buffer| fill_at(&bytes.as_slice(), buffer, offset).expect("read"));
            let expected: Vec<u8> = bytes.iter().copied().skip(offset.min(1000) as usize).take(64).collect();
            assert_eq!(of_bytes, expected);
            if offset < u64::MAX {
                assert_eq!(read(&|buffer| fill_at(&file, buffer, offset).expect("read")), expected);
            }
        }
        assert_eq!(read_whole(&path).expect("read"), bytes);
        let mut rest = Vec::new();
        Onward::new(&file, 3).read_to_end(&mut rest).expect("read");
        assert_eq!(rest, bytes[3..]);
    }

    #[test]
    fn a_long_file_is_read_by_all_threads() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("bytes");
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 12345).map(|at| (at / 3) as u8).collect();
        std::fs::write(&path, &bytes).expect("written");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
        assert!(pool.install(|| read_whole(&path)).expect("read") == bytes);
        assert!(pool.install(|| read_whole(folder.path())).is_err());
    }
}
