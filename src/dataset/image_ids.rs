//! Lists of images to evaluate: ids, or file names that carry them.

use super::files::read_at_most;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The largest list that is read.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Why a list of images was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImageListError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It starts like JSON and is no list.
    #[error("{}: not a JSON list: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        source: serde_json::Error,
    },
    /// An entry is neither an id nor a name with one.
    #[error("{}: entry {entry}: {text:?} is neither an image id nor a file name that ends in one", path.display())]
    NoId {
        /// The file.
        path: PathBuf,
        /// Line of a text file, or place in a JSON list, from 1.
        entry: usize,
        /// The entry.
        text: String,
    },
    /// An image is listed twice.
    #[error("{}: entry {entry}: image {id} is listed twice", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// Line of a text file, or place in a JSON list, from 1.
        entry: usize,
        /// The image.
        id: i64,
    },
    /// Nothing is listed.
    #[error("{}: lists no images", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a list of images, in file order: a JSON list, or one entry a line (blank lines are
/// skipped). An entry is an id, or a file name whose stem ends in it, as in COCO
/// (`./images/val2017/000000000139.jpg` is image 139).
///
/// Whether the data set has the images is the caller's check.
///
/// # Errors
///
/// See [`ImageListError`].
pub fn read_image_ids(path: &Path) -> Result<Vec<i64>, ImageListError> {
    let read = |source| ImageListError::Read { path: path.to_owned(), source };
    let bytes = File::open(path).and_then(|file| read_at_most(file, MAX_LIST_BYTES)).map_err(read)?;
    let text = String::from_utf8(bytes).map_err(|error| read(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    unique(path, entries(path, text.trim_start_matches('\u{feff}'))?)
}

/// The entries of either form, each with its number.
fn entries(path: &Path, text: &str) -> Result<Vec<(usize, String)>, ImageListError> {
    if !text.trim_start().starts_with('[') {
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        return Ok(lines.map(|(index, line)| (index + 1, line.to_owned())).collect());
    }
    let values: Vec<Value> =
        serde_json::from_str(text).map_err(|source| ImageListError::Json { path: path.to_owned(), source })?;
    let text_of = |value: Value| match value {
        Value::String(name) => name,
        other => other.to_string(),
    };
    Ok(values.into_iter().enumerate().map(|(index, value)| (index + 1, text_of(value))).collect())
}

fn unique(path: &Path, entries: Vec<(usize, String)>) -> Result<Vec<i64>, ImageListError> {
    let path = || path.to_owned();
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(entries.len());
    for (entry, text) in entries {
        let Some(id) = image_id(&text) else {
            return Err(ImageListError::NoId { path: path(), entry, text });
        };
        if !seen.insert(id) {
            return Err(ImageListError::Twice { path: path(), entry, id });
        }
        ids.push(id);
    }
    if ids.is_empty() {
        return Err(ImageListError::Empty { path: path() });
    }
    Ok(ids)
}

fn image_id(entry: &str) -> Option<i64> {
    if let Ok(id) = entry.parse() {
        return Some(id);
    }
    let name = entry.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    if !extension.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None; // A number with a fraction.
    }
    let digits = stem.bytes().rev().take_while(u8::is_ascii_digit).count();
    stem[stem.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::image_id;

    #[test]
    fn ids_and_names_that_carry_them() {
        assert_eq!(image_id("139"), Some(139));
        assert_eq!(image_id("val2017/000000000139.jpg"), Some(139));
        assert_eq!(image_id("./images/val2017/000000000139.jpg"), Some(139));
        assert_eq!(image_id("COCO_val2014_000000266409.jpg"), Some(266_409));
    }

    #[test]
    fn entries_without_an_id() {
        for entry in ["", "cat", "cat.jpg", "val2017/", "1.5", "1.5e3", "true", "99999999999999999999", "12cat.jpg"] {
            assert_eq!(image_id(entry), None, "{entry}");
        }
    }
}
