//! JSON values to the fields of records, with Python's idea of what is a number and what is equal.
//!
//! Every function takes exactly the next value, whatever its kind, and tells a value of the wrong
//! kind from broken JSON: the first is for the caller to judge, the second is a fault.

use super::json::{Kind, Parsed, Scanner};
use super::number::to_f64;
use super::Segmentation;

/// An id as lvis-api compares it: `3`, `3.0` and `true` for 1 are integers, everything else (a string, a
/// fraction, a number beyond 64 bits) equals no id of an annotation file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A whole number.
    Integer(i64),
    /// Anything else.
    Other,
}

/// The next value as an id.
#[inline]
pub(super) fn key(scanner: &mut Scanner<'_>) -> Parsed<Key> {
    match scanner.kind()? {
        Kind::Number => Ok(number_key(scanner.number()?)),
        Kind::Bool => Ok(Key::Integer(scanner.bool()?.into())),
        _ => scanner.value().map(|_| Key::Other),
    }
}

fn number_key(text: &[u8]) -> Key {
    if let Some(id) = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
        return Key::Integer(id);
    }
    let value = to_f64(text);
    let whole = value.fract() == 0.0 && is_fractional(text) && (-TWO_POW_63..TWO_POW_63).contains(&value);
    if whole {
        Key::Integer(value as i64)
    } else {
        Key::Other
    }
}

const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// Whether Python reads the number as a float.
fn is_fractional(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// The next value as a number; `None` if it is none. Bools are numbers in Python.
#[inline]
pub(super) fn number(scanner: &mut Scanner<'_>) -> Parsed<Option<f64>> {
    match scanner.kind()? {
        Kind::Number => Ok(Some(to_f64(scanner.number()?))),
        Kind::Bool => Ok(Some(f64::from(u8::from(scanner.bool()?)))),
        _ => scanner.value().map(|_| None),
    }
}

/// The next value as an unsigned integer, written as one.
pub(super) fn dimension(scanner: &mut Scanner<'_>) -> Parsed<Option<u32>> {
    match scanner.kind()? {
        Kind::Number => Ok(std::str::from_utf8(scanner.number()?).ok().and_then(|text| text.parse().ok())),
        _ => scanner.value().map(|_| None),
    }
}

/// The next value as a string; `None` if it is none.
pub(super) fn string(scanner: &mut Scanner<'_>) -> Parsed<Option<String>> {
    match scanner.kind()? {
        Kind::String => Ok(Some(scanner.string()?.to_string())),
        _ => scanner.value().map(|_| None),
    }
}

/// Whether Python takes the next value for true.
pub(super) fn truthy(scanner: &mut Scanner<'_>) -> Parsed<bool> {
    let kind = scanner.kind()?;
    let text = scanner.value()?;
    Ok(match kind {
        Kind::Null => false,
        Kind::Bool => text == b"true",
        Kind::Number => to_f64(text) != 0.0,
        Kind::String => text != b"\"\"",
        Kind::List | Kind::Object => !text[1..text.len() - 1].trim_ascii().is_empty(),
    })
}

/// The next value as a list whose elements `element` takes; `None` if it is no list.
pub(super) fn list<'a, T>(
    scanner: &mut Scanner<'a>,
    mut element: impl FnMut(&mut Scanner<'a>) -> Parsed<T>,
) -> Parsed<Option<Vec<T>>> {
    if scanner.kind()? != Kind::List {
        return scanner.value().map(|_| None);
    }
    scanner.enter()?;
    let (mut elements, mut first) = (Vec::new(), true);
    while scanner.next_element(&mut first)? {
        elements.push(element(scanner)?);
    }
    elements.shrink_to_fit();
    Ok(Some(elements))
}

/// The next value as a list of numbers; `None` if it is anything else.
fn numbers(scanner: &mut Scanner<'_>) -> Parsed<Option<Vec<f64>>> {
    if scanner.kind()? != Kind::List {
        return scanner.value().map(|_| None);
    }
    scanner.enter()?;
    let (mut values, mut first, mut pure) = (Vec::new(), true, true);
    while scanner.next_element(&mut first)? {
        match number(scanner)? {
            Some(value) => values.push(value),
            None => pure = false,
        }
    }
    values.shrink_to_fit();
    Ok(pure.then_some(values))
}

/// The next value as a bounding box; `None` unless it is a list of four numbers.
pub(super) fn bounding_box(scanner: &mut Scanner<'_>) -> Parsed<Option<[f64; 4]>> {
    if scanner.kind()? != Kind::List {
        return scanner.value().map(|_| None);
    }
    scanner.enter()?;
    let (mut values, mut count, mut first) = ([0.0; 4], 0, true);
    while scanner.next_element(&mut first)? {
        if let (Some(value), Some(place)) = (number(scanner)?, values.get_mut(count)) {
            *place = value;
        } else {
            count = values.len();
        }
        count += 1;
    }
    Ok((count == values.len()).then_some(values))
}

/// The next value as a mask, [`Segmentation::Malformed`] for what is none.
pub(super) fn segmentation(scanner: &mut Scanner<'_>) -> Parsed<Segmentation> {
    match scanner.kind()? {
        Kind::List => polygons(scanner),
        Kind::Object => runs(scanner),
        _ => scanner.value().map(|_| Segmentation::Malformed),
    }
}

fn polygons(scanner: &mut Scanner<'_>) -> Parsed<Segmentation> {
    let parts = list(scanner, numbers)?.unwrap_or_default();
    let parts: Option<Vec<_>> = parts.into_iter().collect();
    Ok(parts.map_or(Segmentation::Malformed, Segmentation::Polygons))
}

/// The two spellings of run lengths.
enum Counts {
    Compressed(Vec<u8>),
    Runs(Vec<f64>),
}

fn runs(scanner: &mut Scanner<'_>) -> Parsed<Segmentation> {
    scanner.enter()?;
    let (mut size, mut counts, mut first) = (None, None, true);
    while let Some(key) = scanner.next_key(&mut first)? {
        match key.bytes().as_ref() {
            b"size" => size = mask_size(scanner)?,
            b"counts" => counts = run_counts(scanner)?,
            _ => drop(scanner.value()?),
        }
    }
    Ok(match (size, counts) {
        (Some(size), Some(Counts::Compressed(counts))) => Segmentation::Compressed { size, counts },
        (Some(size), Some(Counts::Runs(counts))) => Segmentation::Runs { size, counts },
        _ => Segmentation::Malformed,
    })
}

fn mask_size(scanner: &mut Scanner<'_>) -> Parsed<Option<[u32; 2]>> {
    let size = list(scanner, dimension)?;
    Ok(match size.as_deref() {
        Some([Some(height), Some(width)]) => Some([*height, *width]),
        _ => None,
    })
}

fn run_counts(scanner: &mut Scanner<'_>) -> Parsed<Option<Counts>> {
    if scanner.kind()? == Kind::String {
        return Ok(Some(Counts::Compressed(scanner.string()?.bytes().into_owned())));
    }
    Ok(numbers(scanner)?.map(Counts::Runs))
}
