//! Results that come through a pipe.
//!
//! A results file may have to be read twice: where the records of an image do not stand together, and
//! where the first image has more detections than count. A pipe is gone after the first time, so it is
//! copied to a nameless temporary file, which costs disk but no memory and goes with the process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::EvaluationError;
use crate::dataset::DatasetError;

/// Bytes copied at once.
const CHUNK_BYTES: usize = 1 << 18;

/// A copy of what came through a pipe.
pub(super) struct Spool(File);

impl Spool {
    /// Copies all of `reader`, which messages call `source_name`.
    pub(super) fn fill(source_name: &str, mut reader: impl Read) -> Result<Self, EvaluationError> {
        let refused = |file: String| move |error| DatasetError::Read { file, error };
        let spool_name = || format!("temporary copy of {source_name} in {}", std::env::temp_dir().display());
        let mut file = tempfile::tempfile().map_err(refused(spool_name()))?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => return Ok(Self(file)),
                Ok(bytes) => file.write_all(&chunk[..bytes]).map_err(refused(spool_name()))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(refused(source_name.to_owned())(error).into()),
            }
        }
    }

    /// The copy from its start. Only one is read at a time: all share one position.
    pub(super) fn open(&self) -> io::Result<File> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_is_read_again_and_again() {
        let text = vec![7; 3 * CHUNK_BYTES + 5];
        let spool = Spool::fill("pipe", text.as_slice()).unwrap();
        for _ in 0..2 {
            let mut copy = Vec::new();
            spool.open().unwrap().read_to_end(&mut copy).unwrap();
            assert!(copy == text);
        }
    }

    #[test]
    fn pipe_that_breaks_is_refused_by_name() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let refusal = Spool::fill("the pipe", Broken).err().unwrap().to_string();
        assert!(refusal.starts_with("the pipe") && refusal.contains("broken"), "{refusal}");
    }
}
