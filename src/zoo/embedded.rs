//! The files that ship inside the program.

use std::io::{self, Cursor, Read};

use zip::result::ZipError;
use zip::ZipArchive;

use super::ZooError;
use crate::dataset::FileSource;

static SHAPES: &[u8] = include_bytes!("../../datasets/shapes.zip");

/// No file we ship is larger when unpacked.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Files of a built-in zoo, unpacked when asked for. Paths are those the zoo names, relative to
/// the data root, and `weights/<file name>` for weights.
#[derive(Debug, Clone)]
pub struct EmbeddedFiles {
    zoo: &'static str,
    archive: &'static [u8],
}

/// The files of the built-in zoo `name`; `None` where it ships none.
pub fn embedded(name: &str) -> Option<EmbeddedFiles> {
    match name {
        "shapes" => Some(EmbeddedFiles { zoo: "shapes", archive: SHAPES }),
        _ => None,
    }
}

impl EmbeddedFiles {
    /// Names of the files, sorted.
    ///
    /// # Errors
    /// [`ZooError::DamagedArchive`] where the archive cannot be opened.
    pub fn names(&self) -> Result<Vec<String>, ZooError> {
        let archive = self.open()?;
        let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
        let mut names = names.collect::<Result<Vec<_>, _>>().map_err(|error| self.damaged("", &error))?;
        names.sort_unstable();
        Ok(names)
    }

    /// The bytes of one file.
    ///
    /// # Errors
    /// [`ZooError::NotEmbedded`] for a file the archive lacks, [`ZooError::DamagedArchive`] where
    /// it cannot be unpacked or its checksum does not hold.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ZooError> {
        let mut archive = self.open()?;
        let entry = match archive.by_name(path) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Err(ZooError::NotEmbedded { zoo: self.zoo, path: path.to_string() }),
            Err(error) => return Err(self.damaged(path, &error)),
        };
        let size = entry.size();
        let mut bytes = Vec::new();
        entry.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(|error| self.damaged(path, &error))?;
        if bytes.len() as u64 != size {
            return Err(self.damaged(path, &format!("{} bytes instead of {size}", bytes.len())));
        }
        Ok(bytes)
    }

    fn open(&self) -> Result<ZipArchive<Cursor<&'static [u8]>>, ZooError> {
        ZipArchive::new(Cursor::new(self.archive)).map_err(|error| self.damaged("", &error))
    }

    fn damaged(&self, path: &str, reason: &dyn std::fmt::Display) -> ZooError {
        ZooError::DamagedArchive { zoo: self.zoo, path: path.to_string(), reason: reason.to_string() }
    }
}

impl FileSource for EmbeddedFiles {
    fn exists(&self, path: &str) -> bool {
        self.open().is_ok_and(|archive| archive.index_for_name(path).is_some())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        Self::read(self, path).map_err(io::Error::other)
    }

    fn describe(&self, path: &str) -> String {
        format!("{}:{path}", self.zoo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_archive_is_refused() {
        let cut = EmbeddedFiles { zoo: "shapes", archive: &SHAPES[..SHAPES.len() / 2] };
        assert!(matches!(cut.names(), Err(ZooError::DamagedArchive { .. })));
        assert!(matches!(cut.read("annotations.json"), Err(ZooError::DamagedArchive { .. })));
    }

    #[test]
    fn a_flipped_byte_is_found_by_the_checksum() {
        let intact = EmbeddedFiles { zoo: "shapes", archive: SHAPES };
        let content = intact.read("images/000001.jpg").expect("the archive holds it");
        let at = SHAPES.windows(64).position(|window| window == &content[512..576]).expect("images are stored");
        let mut bytes = SHAPES.to_vec();
        bytes[at] ^= 1;
        let flipped = EmbeddedFiles { zoo: "shapes", archive: Box::leak(bytes.into_boxed_slice()) };
        assert!(matches!(flipped.read("images/000001.jpg"), Err(ZooError::DamagedArchive { .. })));
    }
}
