//! JSON values to the fields of records, with Python's idea of what is a number and what is equal.
//!
//! Every function takes exactly the next value, whatever its kind, and tells a value of the wrong
//! kind from broken JSON: the first is for the caller to judge, the second is a fault.

use super::json::{Kind, Parsed, Scanner, Text};
use super::number::{to_f64, to_i64};
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

/// A value's text, which has been checked, as an id.
#[inline]
pub(super) fn checked_key(text: &[u8]) -> Key {
    match text.first() {
        Some(b'0'..=b'9') => number_key(text),
        _ => key(&mut Scanner::new(text, 0)).unwrap_or(Key::Other),
    }
}

fn number_key(text: &[u8]) -> Key {
    if let Some(id) = to_i64(text) {
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
    let kind = scanner.kind()?;
    if let Some(value) = scanner.plain_decimal() {
        return Ok(Some(value));
    }
    match kind {
        Kind::Number => Ok(Some(to_f64(scanner.number()?))),
        Kind::Bool => Ok(Some(f64::from(u8::from(scanner.bool()?)))),
        _ => scanner.value().map(|_| None),
    }
}

/// The next value as an unsigned integer, written as one.
pub(super) fn dimension(scanner: &mut Scanner<'_>) -> Parsed<Option<u32>> {
    match scanner.kind()? {
        Kind::Number => Ok(to_i64(scanner.number()?).and_then(|side| side.try_into().ok())),
        _ => scanner.value().map(|_| None),
    }
}

/// The next value as a string; `None` if it is none.
pub(super) fn string(scanner: &mut Scanner<'_>) -> Parsed<Option<String>> {
    match scanner.kind()? {
        Kind::String => Ok(Some(scanner.string()?.into_string())),
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
    let (mut values, mut first, mut pure) = (Gathered::default(), true, true);
    while scanner.next_element(&mut first)? {
        match number(scanner)? {
            Some(value) => values.push(value),
            None => pure = false,
        }
        while let Some(value) = scanner.next_plain_decimal() {
            values.push(value);
        }
    }
    Ok(pure.then(|| values.into_vec()))
}

/// Numbers of a list that are gathered: up to a hundred or so, which most polygons have, before any
/// memory is asked for.
struct Gathered {
    full: Vec<f64>,
    recent: [f64; 128],
    count: usize,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { full: Vec::new(), recent: [0.0; 128], count: 0 }
    }
}

impl Gathered {
    #[inline]
    fn push(&mut self, value: f64) {
        if self.count == self.recent.len() {
            self.full.extend_from_slice(&self.recent);
            self.count = 0;
        }
        self.recent[self.count] = value;
        self.count += 1;
    }

    fn into_vec(mut self) -> Vec<f64> {
        self.full.reserve_exact(self.count);
        self.full.extend_from_slice(&self.recent[..self.count]);
        self.full.shrink_to_fit();
        self.full
    }
}

/// The next value as a bounding box; `None` unless it is a list of four numbers.
pub(super) fn bounding_box(scanner: &mut Scanner<'_>) -> Parsed<Option<[f64; 4]>> {
    exactly(scanner, number)
}

/// The next value as a list of `N` elements that `element` takes; `None` if it is anything else.
fn exactly<'a, T: Copy + Default, const N: usize>(
    scanner: &mut Scanner<'a>,
    mut element: impl FnMut(&mut Scanner<'a>) -> Parsed<Option<T>>,
) -> Parsed<Option<[T; N]>> {
    if scanner.kind()? != Kind::List {
        return scanner.value().map(|_| None);
    }
    scanner.enter()?;
    let (mut values, mut count, mut pure, mut first) = ([T::default(); N], 0, true, true);
    while scanner.next_element(&mut first)? {
        match (element(scanner)?, values.get_mut(count)) {
            (Some(value), Some(place)) => *place = value,
            _ => pure = false,
        }
        count += 1;
    }
    Ok((pure && count == N).then_some(values))
}

/// A mask whose string, if it has one, is left in the text.
#[derive(Debug)]
pub(super) enum MaskText<'a> {
    /// Compressed run lengths.
    Compressed {
        /// `[height, width]`.
        size: [u32; 2],
        counts: Text<'a>,
    },
    /// Any other spelling.
    Other(Segmentation),
}

/// The next value as a mask, [`Segmentation::Malformed`] for what is none.
pub(super) fn segmentation(scanner: &mut Scanner<'_>) -> Parsed<Segmentation> {
    Ok(match mask_text(scanner)? {
        MaskText::Compressed { size, counts } => Segmentation::Compressed { size, counts: counts.bytes().into_owned() },
        MaskText::Other(segmentation) => segmentation,
    })
}

/// The next value as a mask, its string left where it is.
pub(super) fn mask_text<'a>(scanner: &mut Scanner<'a>) -> Parsed<MaskText<'a>> {
    match scanner.kind()? {
        Kind::List => polygons(scanner).map(MaskText::Other),
        Kind::Object => runs(scanner),
        _ => scanner.value().map(|_| MaskText::Other(Segmentation::Malformed)),
    }
}

fn polygons(scanner: &mut Scanner<'_>) -> Parsed<Segmentation> {
    let parts = list(scanner, numbers)?.unwrap_or_default();
    let parts: Option<Vec<_>> = parts.into_iter().collect();
    Ok(parts.map_or(Segmentation::Malformed, Segmentation::Polygons))
}

/// The two spellings of run lengths.
enum Counts<'a> {
    Compressed(Text<'a>),
    Runs(Vec<f64>),
}

fn runs<'a>(scanner: &mut Scanner<'a>) -> Parsed<MaskText<'a>> {
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
        (Some(size), Some(Counts::Compressed(counts))) => MaskText::Compressed { size, counts },
        (Some(size), Some(Counts::Runs(counts))) => MaskText::Other(Segmentation::Runs { size, counts }),
        _ => MaskText::Other(Segmentation::Malformed),
    })
}

fn mask_size(scanner: &mut Scanner<'_>) -> Parsed<Option<[u32; 2]>> {
    exactly(scanner, dimension)
}

fn run_counts<'a>(scanner: &mut Scanner<'a>) -> Parsed<Option<Counts<'a>>> {
    if scanner.kind()? == Kind::String {
        return Ok(Some(Counts::Compressed(scanner.string()?)));
    }
    Ok(numbers(scanner)?.map(Counts::Runs))
}
