//! The zip container: `<root>/data.pkl` and one stored entry `<root>/data/<key>` a storage.

use std::collections::HashMap;
use std::ops::Range;

use super::contents::{contents, fit, Contents};
use super::directory;
use super::pickle::{self, Storage};
use super::Rejection;

/// Where each entry's bytes lie in the file.
type Entries<'a> = HashMap<&'a str, Range<usize>>;

/// Reads a checkpoint that is a zip archive.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Rejection> {
    let entries = directory::entries(bytes)?.into_iter().map(|entry| (entry.name, entry.content)).collect();
    let root = root(&entries)?;
    check_byte_order(bytes, entries.get(format!("{root}/byteorder").as_str()))?;
    let pickle_range = &entries[format!("{root}/data.pkl").as_str()];
    let pickle = pickle::read(&bytes[..pickle_range.end], pickle_range.start)?;
    if pickle.end != pickle_range.end {
        let count = pickle_range.end - pickle.end;
        return Err(Rejection::TrailingBytes { part: "pickle", offset: pickle.end, count });
    }
    let places = pickle.graph.storages().iter().map(|storage| locate(&entries, root, storage));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    contents(&pickle, &places)
}

fn locate(entries: &Entries<'_>, root: &str, storage: &Storage<'_>) -> Result<Range<usize>, Rejection> {
    let missing = || Rejection::StorageMissing { key: storage.key.to_owned() };
    let held = entries.get(format!("{root}/data/{}", storage.key).as_str()).ok_or_else(missing)?;
    fit(storage, held.clone())
}

/// The folder that everything lies in: `archive`, or the stem of the name it was saved under.
fn root<'a>(entries: &Entries<'a>) -> Result<&'a str, Rejection> {
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
