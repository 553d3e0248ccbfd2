//! Where images are found: a folder or memory, and the places an image may lie in.

use super::file_name::{check_path, last_parts, url_path};
use super::image_error::{ImageError, NameFault};
use super::ImageRecord;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// The largest image file that is read. COCO's are below 1 MB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Something that holds files under relative names with `/` between the parts.
pub trait FileSource: Sync {
    /// Whether there is a regular file of that name.
    fn exists(&self, path: &str) -> bool;
    /// The whole file, [`MAX_FILE_BYTES`] at most.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// The file's full name, for messages.
    fn describe(&self, path: &str) -> String;
}

/// A folder on disk. Symbolic links in it are followed: data sets are often linked into place.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl FileSource for Folder {
    fn exists(&self, path: &str) -> bool {
        self.0.join(path).is_file()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let full = self.0.join(path);
        // Opening a pipe would block for ever.
        if !full.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        read_at_most(File::open(full)?, MAX_FILE_BYTES)
    }

    fn describe(&self, path: &str) -> String {
        self.0.join(path).display().to_string()
    }
}

/// Files in memory, by name.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(pub BTreeMap<String, Vec<u8>>);

impl FileSource for MemoryFiles {
    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn describe(&self, path: &str) -> String {
        format!("memory:{path}")
    }
}

/// The name under which `files` holds the image of a record.
///
/// Looked for at `file_name`, at `coco_url` less scheme and host, at the last two parts of that
/// path (LVIS val lies in COCO's `train2017/` and `val2017/`), and at its last part alone.
///
/// # Errors
///
/// A record without a name, a name that could lead out of the root (even if an earlier name would
/// have been found: see [`NameFault`]), or no file at any of the places, all of which are named.
pub fn locate(files: &dyn FileSource, record: &ImageRecord) -> Result<String, ImageError> {
    let places = places(record)?;
    match places.iter().find(|place| files.exists(place)) {
        Some(place) => Ok((*place).to_owned()),
        None => Err(ImageError::NotFound {
            image_id: record.id,
            tried: places.iter().map(|place| files.describe(place)).collect(),
        }),
    }
}

/// Finds and reads the image file of a record: its full name for messages, and its bytes.
///
/// # Errors
///
/// As [`locate`], and what the system says when the file cannot be read.
pub fn read_image_file(files: &dyn FileSource, record: &ImageRecord) -> Result<(String, Vec<u8>), ImageError> {
    let place = locate(files, record)?;
    Ok((files.describe(&place), read_located(files, &place)?))
}

/// Reads the image file at a place that [`locate`] gave.
///
/// # Errors
///
/// What the system says when the file cannot be read.
pub fn read_located(files: &dyn FileSource, place: &str) -> Result<Vec<u8>, ImageError> {
    files.read(place).map_err(|source| ImageError::Read { name: files.describe(place), source })
}

/// Every place an image may lie in, in the order of the search, each once.
fn places(record: &ImageRecord) -> Result<Vec<&str>, ImageError> {
    let refused = |field, name: &str, fault: NameFault| ImageError::UnsafeName {
        image_id: record.id,
        field,
        name: name.to_owned(),
        fault,
    };
    let mut places = Vec::with_capacity(4);
    if let Some(name) = &record.file_name {
        check_path(name).map_err(|fault| refused("file_name", name, fault))?;
        places.push(name.as_str());
    }
    if let Some(url) = &record.coco_url {
        let path = url_path(url).map_err(|fault| refused("coco_url", url, fault))?;
        for place in [path, last_parts(path, 2), last_parts(path, 1)] {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    if places.is_empty() {
        return Err(ImageError::NoName { image_id: record.id });
    }
    Ok(places)
}

/// Reads to the end, and refuses a source of more than `limit` bytes.
pub(super) fn read_at_most(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than the limit of {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_beyond_the_limit_is_refused() {
        assert_eq!(read_at_most(&[1u8, 2, 3][..], 3).expect("at the limit"), [1, 2, 3]);
        let error = read_at_most(&[1u8, 2, 3, 4][..], 3).expect_err("beyond the limit");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
