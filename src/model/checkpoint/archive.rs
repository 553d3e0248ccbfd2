//! The zip container: `<root>/data.pkl` and one stored entry `<root>/data/<key>` a storage.

use std::collections::HashMap;
use std::io::{self, Cursor};
use std::ops::Range;

use ::zip::{CompressionMethod, ZipArchive};

use super::contents::{contents, fit, Contents};
use super::pickle::{self, Storage};
use super::Rejection;

/// Entries of an archive; a training checkpoint of the largest model has about 3000.
const MAX_ENTRIES: usize = 100_000;

/// Where each entry's bytes lie in the file.
type Entries = HashMap<String, Range<usize>>;

/// Reads a checkpoint that is a zip archive.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Rejection> {
    let entries = entries(bytes)?;
    let root = root(&entries)?;
    check_byte_order(bytes, entries.get(&format!("{root}/byteorder")))?;
    let pickle_range = &entries[&format!("{root}/data.pkl")];
    let pickle = pickle::read(&bytes[..pickle_range.end], pickle_range.start)?;
    if pickle.end != pickle_range.end {
        let count = pickle_range.end - pickle.end;
        return Err(Rejection::TrailingBytes { part: "pickle", offset: pickle.end, count });
    }
    let places = pickle.graph.storages().iter().map(|storage| locate(&entries, root, storage));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    contents(&pickle, &places)
}

fn locate(entries: &Entries, root: &str, storage: &Storage<'_>) -> Result<Range<usize>, Rejection> {
    let missing = || Rejection::StorageMissing { key: storage.key.to_owned() };
    let held = entries.get(&format!("{root}/data/{}", storage.key)).ok_or_else(missing)?;
    fit(storage, held.clone())
}

/// The folder that everything lies in: `archive`, or the stem of the name it was saved under.
fn root(entries: &Entries) -> Result<&str, Rejection> {
    let mut roots = entries.keys().filter_map(|name| name.strip_suffix("/data.pkl")).filter(|root| !root.contains('/'));
    match (roots.next(), roots.count()) {
        (Some(root), 0) => Ok(root),
        (None, _) => Err(Rejection::ZipPickles { count: 0 }),
        (Some(_), more) => Err(Rejection::ZipPickles { count: more + 1 }),
    }
}

fn check_byte_order(bytes: &[u8], entry: Option<&Range<usize>>) -> Result<(), Rejection> {
    match entry {
        Some(range) if &bytes[range.clone()] != b"little" => Err(Rejection::BigEndian { place: "entry `byteorder`" }),
        _ => Ok(()),
    }
}

/// The entries of an archive that keeps the rules: stored, whole, apart from each other, and with
/// names that stay inside.
fn entries(bytes: &[u8]) -> Result<Entries, Rejection> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|source| Rejection::Zip { source })?;
    check_archive(&mut archive)?;
    (0..archive.len()).map(|index| entry(&mut archive, index)).collect()
}

fn check_archive(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), Rejection> {
    if archive.len() > MAX_ENTRIES {
        return Err(Rejection::ZipEntries { count: archive.len(), limit: MAX_ENTRIES });
    }
    if archive.offset() != 0 {
        return Err(Rejection::ZipPreamble { count: archive.offset() });
    }
    if archive.has_duplicate_names() {
        return Err(Rejection::ZipDuplicate);
    }
    match archive.has_overlapping_entries() {
        Ok(false) => Ok(()),
        Ok(true) => Err(Rejection::ZipOverlap),
        Err(source) => Err(Rejection::Zip { source }),
    }
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<(String, Range<usize>), Rejection> {
    let header = archive.by_index_data(index).map_err(|source| Rejection::Zip { source })?;
    let name = String::from_utf8_lossy(header.name_raw()).into_owned();
    if !is_safe(&name) {
        return Err(Rejection::ZipName { entry: name });
    }
    if header.compression() != CompressionMethod::Stored || header.encrypted() {
        return Err(Rejection::ZipCompressed { entry: name });
    }
    let (declared, stored) = (header.size(), header.compressed_size());
    if declared != stored {
        return Err(Rejection::ZipSize { entry: name, declared, stored });
    }
    let range = content(archive, index, &name)?;
    Ok((name, range))
}

/// Where the bytes of an entry lie, once their checksum is found right.
fn content(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize, name: &str) -> Result<Range<usize>, Rejection> {
    let mut file = archive.by_index(index).map_err(|source| Rejection::Zip { source })?;
    let damaged = |source| Rejection::ZipDamaged { entry: name.to_owned(), source };
    let length = io::copy(&mut file, &mut io::sink()).map_err(damaged)?;
    let start = file.data_start().unwrap_or(u64::MAX);
    if length != file.size() {
        return Err(Rejection::ZipSize { entry: name.to_owned(), declared: file.size(), stored: length });
    }
    let in_file = |offset: u64| usize::try_from(offset).ok();
    let range = in_file(start).zip(start.checked_add(length).and_then(in_file));
    range.map(|(start, end)| start..end).ok_or(Rejection::ZipOverlap)
}

/// Whether a name would stay inside a folder it is unpacked into, on any system.
fn is_safe(name: &str) -> bool {
    let plain = !name.contains(['\\', ':', '\0', char::REPLACEMENT_CHARACTER]);
    plain && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_unsafe() {
        for name in
            ["", "/a", "../a", "a/../../b", "a/..", "./a", "a//b", "a/", "C:/a", "a\\b", "..\\a", "a\0b", "\u{fffd}"]
        {
            assert!(!is_safe(name), "{name:?}");
        }
        for name in ["archive/data.pkl", "archive/data/0", "archive/.data/serialization_id", "a/..b"] {
            assert!(is_safe(name), "{name:?}");
        }
    }
}
