//! The directory of a zip archive, read strictly.
//!
//! A zip archive can be read in several ways: from its front or from its end, with or without a
//! preamble, with or without its comment. Here is one: the end record ends the file, the
//! directory ends where that record (or its 64-bit forerunner) begins, offsets count from the
//! start of the file, entries are stored, lie apart and agree with their local headers. Numbers
//! in comments are those of the format's specification (PKWARE APPNOTE 6.3).

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::crc32::crc32;
use super::Rejection;

/// Entries of an archive. A Runner's checkpoint has four a tensor, of which the largest model has 913.
const MAX_ENTRIES: u64 = 100_000;

/// One file of the archive.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Its name: a relative path that stays inside.
    pub(super) name: &'a str,
    /// Where its bytes lie.
    pub(super) content: Range<usize>,
    /// Where its local header starts.
    header: usize,
    crc32: u32,
}

/// The entries of an archive whose checksums are right, in the order of the directory.
pub(super) fn entries(file: &[u8]) -> Result<Vec<Entry<'_>>, Rejection> {
    let Directory { place, count } = Directory::find(file)?;
    let mut entries = Vec::new();
    let mut position = place.start;
    for _ in 0..count {
        let (entry, next) = entry(&file[..place.end], position, place.start)?;
        entries.push(entry);
        position = next;
    }
    if position != place.end {
        return Err(malformed(position, "the end of its directory"));
    }
    check_names(&entries)?;
    check_apart(&entries)?;
    check_sums(file, &entries)?;
    Ok(entries)
}

/// Where the directory lies and how many entries it lists.
struct Directory {
    place: Range<usize>,
    count: u64,
}

impl Directory {
    /// End of central directory record (4.3.16), 64-bit record (4.3.14) and locator (4.3.15).
    fn find(file: &[u8]) -> Result<Self, Rejection> {
        let end = file.len().checked_sub(22).ok_or(malformed(0, "its end record"))?;
        let record: &[u8; 22] = record(file, end, b"PK\x05\x06", "its end record")?;
        let wide = end.checked_sub(20).and_then(|locator| file[locator..].strip_prefix(b"PK\x06\x07"));
        let (stop, count, size, start) = match wide {
            None => (end, u16_at(record, 10).into(), u32_at(record, 12).into(), u32_at(record, 16).into()),
            Some(_) => wide_end(file, end - 20)?,
        };
        if count > MAX_ENTRIES {
            return Err(Rejection::ZipEntries { count, limit: MAX_ENTRIES });
        }
        match usize::try_from(start) {
            Ok(start) if start <= stop && (stop - start) as u64 == size => Ok(Self { place: start..stop, count }),
            _ => Err(malformed(stop, "a directory right before its end record")),
        }
    }
}

/// The 64-bit end record before its locator: where it starts, entries, size and start of the directory.
fn wide_end(file: &[u8], locator: usize) -> Result<(usize, u64, u64, u64), Rejection> {
    let start = locator.checked_sub(56).ok_or(malformed(locator, "its 64-bit end record"))?;
    let record: &[u8; 56] = record(file, start, b"PK\x06\x06", "its 64-bit end record")?;
    Ok((start, u64_at(record, 32), u64_at(record, 40), u64_at(record, 48)))
}

/// Central directory header (4.3.12) at `position`: its entry, and where the next header starts.
fn entry(file: &[u8], position: usize, directory: usize) -> Result<(Entry<'_>, usize), Rejection> {
    let header: &[u8; 46] = record(file, position, b"PK\x01\x02", "a header in its directory")?;
    let truncated = || malformed(position, "a whole header in its directory");
    let (name_at, lengths) = (position + 46, [28, 30, 32].map(|field| usize::from(u16_at(header, field))));
    let name = file.get(name_at..name_at + lengths[0]).ok_or_else(truncated)?;
    let extra = file.get(name_at + lengths[0]..name_at + lengths[0] + lengths[1]).ok_or_else(truncated)?;
    let name = checked_name(name)?;
    if u16_at(header, 8) & 1 != 0 || u16_at(header, 10) != 0 {
        return Err(Rejection::ZipCompressed { entry: name.to_owned() });
    }
    let fields = [24, 20, 42].map(|field| u32_at(header, field));
    let [declared, stored, start] = widened(fields, extra).ok_or_else(truncated)?;
    if declared != stored {
        return Err(Rejection::ZipSize { entry: name.to_owned(), declared, stored });
    }
    let outside = || Rejection::ZipOutside { entry: name.to_owned() };
    let start = usize::try_from(start).map_err(|_| outside())?;
    let content_at = content_start(file, start, name)?;
    let content_end = usize::try_from(stored).ok().and_then(|size| content_at.checked_add(size));
    let content_end = content_end.filter(|&end| end <= directory).ok_or_else(outside)?;
    let entry = Entry { name, content: content_at..content_end, header: start, crc32: u32_at(header, 16) };
    Ok((entry, name_at + lengths.iter().sum::<usize>()))
}

/// Declared size, stored size and start of an entry: those that do not fit into 32 bits stand, in
/// this order, in the extra field with tag 1 (4.5.3).
fn widened(fields: [u32; 3], mut extra: &[u8]) -> Option<[u64; 3]> {
    let mut wide: &[u8] = &[];
    while let Some((&[tag_low, tag_high, low, high], rest)) = extra.split_first_chunk() {
        let (field, rest) = rest.split_at_checked(u16::from_le_bytes([low, high]).into())?;
        wide = if [tag_low, tag_high] == [1, 0] { field } else { wide };
        extra = rest;
    }
    let mut widened = fields.map(u64::from);
    for value in widened.iter_mut().filter(|value| **value == u64::from(u32::MAX)) {
        let (number, rest) = wide.split_first_chunk()?;
        (*value, wide) = (u64::from_le_bytes(*number), rest);
    }
    Some(widened)
}

/// Where the bytes of an entry start: after its local header (4.3.7), which must bear its name.
fn content_start(file: &[u8], start: usize, name: &str) -> Result<usize, Rejection> {
    let header: &[u8; 30] = record(file, start, b"PK\x03\x04", "the local header of an entry")?;
    let (name_length, extra_length) = (usize::from(u16_at(header, 26)), usize::from(u16_at(header, 28)));
    let name_at = start + 30;
    match file.get(name_at..name_at + name_length) {
        Some(found) if found == name.as_bytes() => Ok(name_at + name_length + extra_length),
        _ => Err(malformed(start, "the same name in both headers of an entry")),
    }
}

fn check_names(entries: &[Entry<'_>]) -> Result<(), Rejection> {
    let mut names = HashSet::new();
    match entries.iter().find(|entry| !names.insert(entry.name)) {
        Some(entry) => Err(Rejection::ZipDuplicate { entry: entry.name.to_owned() }),
        None => Ok(()),
    }
}

fn check_apart(entries: &[Entry<'_>]) -> Result<(), Rejection> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|entry| entry.header);
    match sorted.windows(2).find(|pair| pair[0].content.end > pair[1].header) {
        Some(pair) => Err(Rejection::ZipOverlap { entry: pair[1].name.to_owned() }),
        None => Ok(()),
    }
}

fn check_sums(file: &[u8], entries: &[Entry<'_>]) -> Result<(), Rejection> {
    let damaged = |entry: &&Entry<'_>| crc32(&file[entry.content.clone()]) != entry.crc32;
    match entries.par_iter().find_first(damaged) {
        Some(entry) => Err(Rejection::ZipDamaged { entry: entry.name.to_owned() }),
        None => Ok(()),
    }
}

/// A name that would stay inside a folder it is unpacked into, on any system.
fn checked_name(name: &[u8]) -> Result<&str, Rejection> {
    let stays_inside = |name: &&str| {
        let plain = !name.contains(['\\', ':', '\0']);
        plain && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
    };
    let refused = || Rejection::ZipName { entry: name.escape_ascii().to_string() };
    std::str::from_utf8(name).ok().filter(stays_inside).ok_or_else(refused)
}

/// The record of `N` bytes at `offset`, which starts with its signature.
fn record<'a, const N: usize>(
    file: &'a [u8],
    offset: usize,
    signature: &[u8; 4],
    expected: &'static str,
) -> Result<&'a [u8; N], Rejection> {
    let record = file.get(offset..).and_then(<[u8]>::first_chunk).filter(|record| record.starts_with(signature));
    record.ok_or(malformed(offset, expected))
}

fn malformed(offset: usize, expected: &'static str) -> Rejection {
    Rejection::ZipMalformed { offset, expected }
}

fn u16_at<const N: usize>(record: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn u32_at<const N: usize>(record: &[u8; N], at: usize) -> u32 {
    u32::from(u16_at(record, at)) | u32::from(u16_at(record, at + 2)) << 16
}

fn u64_at<const N: usize>(record: &[u8; N], at: usize) -> u64 {
    u64::from(u32_at(record, at)) | u64::from(u32_at(record, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["", "/a", "../a", "a/../../b", "a/..", "./a", "a//b", "a/", "C:/a", "a\\b", "..\\a", "a\0b"] {
            assert!(checked_name(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(checked_name(b"\xff").is_err());
        for name in ["archive/data.pkl", "archive/data/0", "archive/.data/serialization_id", "a/..b"] {
            assert_eq!(checked_name(name.as_bytes()).unwrap(), name);
        }
    }

    #[test]
    fn numbers_that_do_not_fit_stand_in_the_extra_field() {
        let saturated = u32::MAX;
        let extra = [&b"FB\x02\0zz\x01\0\x10\0"[..], &7_u64.to_le_bytes(), &(1_u64 << 40).to_le_bytes()].concat();
        assert_eq!(widened([1, 2, 3], &extra), Some([1, 2, 3]));
        assert_eq!(widened([saturated, 7, saturated], &extra), Some([7, 7, 1 << 40]));
        assert_eq!(widened([saturated; 3], &extra), None);
        assert_eq!(widened([saturated, 1, 1], &extra[..12]), None);
        assert_eq!(widened([saturated, 1, 1], &[]), None);
    }
}
