//! Ends of numbers and of text in quotes, a block of bytes at a time.

use crate::kernels::{differences, non_digits, text_marks, BLOCK};

/// A part of a text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
}

impl Span {
    /// The part of `text`.
    #[inline]
    pub fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }
}

/// A text that others are compared with, a block at a time.
#[derive(Debug)]
pub(super) struct Known {
    /// Each with the marks of its bytes that count: one at least, and mostly no more.
    blocks: Vec<([u8; BLOCK], u32)>,
    length: usize,
}

impl Known {
    pub fn new(text: &[u8]) -> Self {
        let block = |part: &[u8]| {
            let mut block = [0; BLOCK];
            block[..part.len()].copy_from_slice(part);
            (block, u32::MAX.checked_shr((BLOCK - part.len()) as u32).unwrap_or(0))
        };
        let first = text.len().min(BLOCK);
        let blocks = [&text[..first]].into_iter().chain(text[first..].chunks(BLOCK)).map(block);
        Self { blocks: blocks.collect(), length: text.len() }
    }

    /// Where this text ends in `bytes`, if it stands there from `at` on and the bytes go on for a block.
    #[inline]
    pub fn end_in(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut rest = bytes.get(at..)?;
        for (block, counts) in &self.blocks {
            if differences(rest.first_chunk()?, block) & counts != 0 {
                return None;
            }
            rest = &rest[BLOCK..];
        }
        Some(at + self.length)
    }
}

/// Where a number without an exponent ends, counted from its first digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Digits before the point.
    pub whole: usize,
    /// Bytes up to the end.
    pub end: usize,
}

/// The number at the start of the block, if it is a JSON number without sign and exponent that ends
/// within the block. Anything else is for the full reading to judge.
#[inline]
pub(super) fn decimal_in(block: &[u8; BLOCK]) -> Option<Decimal> {
    let ends = non_digits(block);
    if ends == 0 {
        return None;
    }
    let whole = ends.trailing_zeros() as usize;
    let mut end = whole;
    if block[whole] == b'.' {
        let later = ends & (ends - 1);
        end = later.trailing_zeros() as usize;
        if end == whole + 1 || end >= BLOCK {
            return None;
        }
    }
    let has_leading_zero = block[0] == b'0' && whole > 1;
    let has_exponent = matches!(block[end], b'e' | b'E');
    (whole > 0 && !has_leading_zero && !has_exponent).then_some(Decimal { whole, end })
}

/// [`decimal_in`] the bytes from `at` on.
#[inline]
pub(super) fn decimal_at(bytes: &[u8], at: usize) -> Option<Decimal> {
    decimal_in(bytes.get(at..)?.first_chunk()?)
}

/// End of the digits that start at `at`.
#[inline]
pub(super) fn digits_end(bytes: &[u8], at: usize) -> usize {
    first(bytes, at, non_digits, |byte| !byte.is_ascii_digit())
}

/// First byte from `at` on that is not plain ASCII text of a string: a quote, a backslash, a control
/// character or a byte of a longer character.
#[inline]
pub(super) fn plain_end(bytes: &[u8], at: usize) -> usize {
    first(bytes, at, text_marks, |byte| !(0x20..0x80).contains(&byte) || byte == b'"' || byte == b'\\')
}

/// Where the string that starts at `at`, behind its opening quote, has its closing one. `None` where anything
/// but ASCII and escapes of one letter needs a closer look.
#[inline]
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let block: &[u8; BLOCK] = bytes.get(at..)?.first_chunk()?;
        let mut marks = text_marks(block);
        let mut taken = BLOCK;
        while marks != 0 {
            let place = marks.trailing_zeros() as usize;
            match block[place] {
                b'"' => return Some(at + place),
                b'\\' if is_escape_letter(*bytes.get(at + place + 1)?) => {}
                _ => return None,
            }
            // What the backslash escapes may be a quote or a backslash itself.
            taken = BLOCK.max(place + 2);
            marks &= u32::MAX.checked_shl(place as u32 + 2).unwrap_or(0);
        }
        at += taken;
    }
}

/// Whether a backslash before it makes an escape sequence of two bytes.
#[inline]
pub(super) fn is_escape_letter(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
}

/// First byte from `at` on that `marks` marks in a block and `is_marked` alone, or the end.
#[inline]
fn first(bytes: &[u8], mut at: usize, marks: impl Fn(&[u8; BLOCK]) -> u32, is_marked: impl Fn(u8) -> bool) -> usize {
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        match marks(block) {
            0 => at += BLOCK,
            found => return at + found.trailing_zeros() as usize,
        }
    }
    bytes[at..].iter().position(|&byte| is_marked(byte)).map_or(bytes.len(), |place| at + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts in which one byte of every value stands at every place of a longer plain text.
    fn with_every_byte(plain: u8, check: impl Fn(&[u8], usize, u8)) {
        for length in [1, 7, 8, 9, 31, 33, 50] {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![plain; length];
                    text[at] = byte;
                    check(&text, at, byte);
                }
            }
        }
    }

    #[test]
    fn known_texts_are_found_where_they_stand() {
        let long = "0123456789abcdefghijklmnopqrstuvwxyz-".repeat(2);
        for text in ["", ", ", "\"segmentation\": {\"size\": [", &long[..BLOCK], &long] {
            let known = Known::new(text.as_bytes());
            let whole = format!("x{text}{}", ".".repeat(BLOCK));
            assert_eq!(known.end_in(whole.as_bytes(), 1), Some(1 + text.len()), "{text}");
            assert_eq!(known.end_in(&whole.as_bytes()[..text.len()], 1), None, "{text} without a block behind it");
            for at in 0..text.len() {
                let mut other = whole.clone().into_bytes();
                other[1 + at] ^= 1;
                assert_eq!(known.end_in(&other, 1), None, "{text} with another byte at {at}");
            }
        }
    }

    #[test]
    fn digits_end_at_anything_else() {
        with_every_byte(b'7', |text, at, byte| {
            let end = if byte.is_ascii_digit() { text.len() } else { at };
            assert_eq!(digits_end(text, 0), end, "byte {byte} at {at}");
        });
    }

    #[test]
    fn plain_text_ends_at_what_needs_a_look() {
        with_every_byte(b'x', |text, at, byte| {
            let plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(plain_end(text, 0), if plain { text.len() } else { at }, "byte {byte} at {at}");
        });
    }

    #[test]
    fn search_starts_where_it_is_told() {
        assert_eq!(digits_end(b"x123x", 1), 4);
        assert_eq!(plain_end(b"\"abc\"", 1), 4);
        assert_eq!(plain_end(b"\"", 1), 1);
    }

    fn decimal(text: &str) -> Option<(usize, usize)> {
        let padded = format!("{text},{}", " ".repeat(BLOCK));
        decimal_at(padded.as_bytes(), 0).map(|decimal| (decimal.whole, decimal.end))
    }

    #[test]
    fn only_plain_decimals_are_taken() {
        assert_eq!(
            [decimal("0"), decimal("12"), decimal("0.5"), decimal("304.25")],
            [Some((1, 1)), Some((2, 2)), Some((1, 3)), Some((3, 6))]
        );
        let long = "1".repeat(BLOCK);
        for other in ["", "01", "00.5", "1.", ".5", "-1", "1e5", "1.5E3", "x", &long, &format!("1.{long}")] {
            assert_eq!(decimal(other), None, "{other}");
        }
        assert_eq!(decimal_at(b"12, ", 0), None);
    }

    #[test]
    fn strings_end_at_their_quote_wherever_escapes_fall() {
        for before in 0..70 {
            let plain = "x".repeat(before);
            for text in ["", r"\\", r#"\""#, r#"\\\"\n"#] {
                let length = before + text.len();
                let whole = format!("{plain}{text}\", {}", "y".repeat(BLOCK));
                assert_eq!(string_end(whole.as_bytes(), 0), Some(length), "{whole}");
            }
            for odd in [r"\u0041", r"\x", "\u{1}", "é"] {
                let whole = format!("{plain}{odd}\", {}", "y".repeat(2 * BLOCK));
                assert_eq!(string_end(whole.as_bytes(), 0), None, "{whole}");
            }
        }
        assert_eq!(string_end(b"abc", 0), None);
    }
}
