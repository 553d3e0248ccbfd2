//! The legacy container, which publishing scripts still write: five pickles (a magic number, a
//! version, a description of the machine, the object, the keys of its storages), then for each
//! key the number of elements and the elements.

use std::ops::Range;

use super::contents::{contents, fit, Contents};
use super::pickle::{self, Pickle, Value};
use super::Rejection;

/// 0x1950a86a20f9469cfc6c, as a pickle holds it.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The only version there ever was.
const VERSION: i64 = 1001;

/// Reads a checkpoint that is a stream of pickles and storages.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Rejection> {
    let magic = pickle::read(bytes, 0)?;
    expect(magic.root == Value::Wide(MAGIC), "its magic number")?;
    let version = pickle::read(bytes, magic.end)?;
    expect(version.root == Value::Int(VERSION), "version 1001")?;
    let machine = pickle::read(bytes, version.end)?;
    check_byte_order(&machine)?;
    let object = pickle::read(bytes, machine.end)?;
    let keys = pickle::read(bytes, object.end)?;
    let places = places(bytes, &object, &keys)?;
    contents(&object, &places)
}

fn expect(holds: bool, part: &'static str) -> Result<(), Rejection> {
    match holds {
        true => Ok(()),
        false => Err(Rejection::NotTorch { part }),
    }
}

fn check_byte_order(machine: &Pickle<'_>) -> Result<(), Rejection> {
    let pairs = machine.graph.dict(machine.root).unwrap_or_default();
    match pairs.iter().find(|(key, _)| *key == Value::Text("little_endian")) {
        Some((_, Value::Bool(true))) => Ok(()),
        Some((_, Value::Bool(false))) => Err(Rejection::BigEndian { place: "its description of the machine" }),
        _ => Err(Rejection::NotTorch { part: "the byte order" }),
    }
}

/// The bytes of every storage of `object`. The stream does not say how long an element is, so
/// that each storage must be referred to.
fn places(bytes: &[u8], object: &Pickle<'_>, keys: &Pickle<'_>) -> Result<Vec<Range<usize>>, Rejection> {
    let storages = object.graph.storages();
    let listed = keys.graph.list(keys.root).ok_or(Rejection::NotTorch { part: "the list of storages" })?;
    let mut places = vec![None; storages.len()];
    let mut position = keys.end;
    for &key in listed {
        let Value::Text(key) = key else {
            return Err(Rejection::NotTorch { part: "the key of a storage" });
        };
        let unreferenced = || Rejection::StorageUnreferenced { key: key.to_owned() };
        let index =
            object.graph.storage_index(key).filter(|&index| places[index].is_none()).ok_or_else(unreferenced)?;
        let place = place(bytes, position, &storages[index])?;
        position = place.end;
        places[index] = Some(place);
    }
    if position != bytes.len() {
        return Err(Rejection::TrailingBytes { part: "storages", offset: position, count: bytes.len() - position });
    }
    let missing = |index: usize| Rejection::StorageMissing { key: storages[index].key.to_owned() };
    places.into_iter().enumerate().map(|(index, place)| place.ok_or_else(|| missing(index))).collect()
}

/// The bytes of the storage whose number of elements stands at `position`.
fn place(bytes: &[u8], position: usize, storage: &pickle::Storage<'_>) -> Result<Range<usize>, Rejection> {
    let left = bytes.len() - position;
    let truncated = Rejection::PickleTruncated { offset: position, needed: 8, left };
    let count = bytes[position..].first_chunk().copied().map(i64::from_le_bytes).ok_or(truncated)?;
    if usize::try_from(count) != Ok(storage.numel) {
        let key = storage.key.to_owned();
        return Err(Rejection::StorageLength { key, found: count, declared: storage.numel });
    }
    fit(storage, position + 8..bytes.len())
}
