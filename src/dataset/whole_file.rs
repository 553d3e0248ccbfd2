//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file under way: written beside its place under a temporary name, which vanishes with this
/// value unless it is [published](WholeFile::publish).
#[derive(Debug)]
pub struct WholeFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl WholeFile {
    /// Starts the file that is to stand at `path`, and the folders above it.
    ///
    /// # Errors
    /// Where `path` is a folder, or its folder cannot be made or written.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        Ok(Self { writer: BufWriter::new(temporary_in(folder)?), path: path.to_owned() })
    }

    /// Puts the file in its place, over an older one.
    ///
    /// # Errors
    /// Where the last bytes cannot be written or the file cannot be renamed.
    pub fn publish(self) -> io::Result<File> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes `bytes` to `path`, whole or not at all.
///
/// # Errors
/// As [`WholeFile`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.publish().map(drop)
}

/// A temporary file with the permissions of any other new file, not those of a secret.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".zoobench-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_dropped_under_way_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("below/results.json");
        write_whole(&path, b"old").expect("written");
        let mut file = WholeFile::create(&path).expect("started");
        file.write_all(b"new").expect("written");
        drop(file);
        assert_eq!(std::fs::read(&path).expect("still there"), b"old");
        assert_eq!(std::fs::read_dir(folder.path().join("below")).expect("a folder").count(), 1);
        write_whole(&path, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("replaced"), b"new");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(write_whole(folder.path(), b"x").is_err());
        let file = folder.path().join("file");
        write_whole(&file, b"x").expect("written");
        assert!(write_whole(&file.join("below"), b"x").is_err());
    }
}
