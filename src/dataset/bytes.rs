//! Questions about text, answered for eight bytes at a time.

use super::spans::Span;

/// Every byte 1.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The eight bytes from `at` on, the first one lowest.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let word: &[u8; 8] = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

/// Text to be compared word by word with others.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Each with the mask of its bytes that count.
    words: Vec<[u64; 2]>,
    /// Bytes of each text, and the number of words up to its end.
    ends: Vec<[usize; 2]>,
}

impl Words {
    /// Adds a text after those that are there.
    pub fn push(&mut self, text: &[u8]) {
        for chunk in text.chunks(8) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            self.words.push([u64::from_le_bytes(bytes), u64::MAX >> (64 - 8 * chunk.len())]);
        }
        self.ends.push([text.len(), self.words.len()]);
    }

    /// The end of the text at `place` in `bytes`, if it stands there from `at` on and the bytes go on for
    /// a word.
    #[inline]
    pub fn end_of(&self, place: usize, bytes: &[u8], mut at: usize) -> Option<usize> {
        let [length, end] = *self.ends.get(place)?;
        let start = if place == 0 { 0 } else { self.ends[place - 1][1] };
        let behind = at + length;
        for [expected, mask] in &self.words[start..end] {
            if word(bytes, at)? & mask != *expected {
                return None;
            }
            at += 8;
        }
        Some(behind)
    }
}

/// The number at `span` of `text`, if it is of one to eight decimal digits and the text goes on for a word.
#[inline]
pub(super) fn small_integer(text: &[u8], span: Span) -> Option<u32> {
    let digits = span.end - span.start;
    if !(1..=8).contains(&digits) {
        return None;
    }
    let values = first_values(word(text, span.start)?, digits);
    (no_digit_values(values) == 0).then(|| eight_values(values) as u32)
}

/// Marks the bytes that are no decimal digit.
#[inline]
fn no_digits(word: u64) -> u64 {
    no_digit_values(word ^ (ONES * u64::from(b'0')))
}

/// Marks the bytes that are not from 0 to 9.
#[inline]
fn no_digit_values(values: u64) -> u64 {
    // Of a byte below 128 the sum reaches 128 from 10 on.
    (((values & !HIGHS) + ONES * 0x76) | values) & HIGHS
}

/// Appends decimal digits to a number that they do not take beyond 64 bits; `None` of anything else.
#[inline]
pub(super) fn append_digits(mut number: u64, mut digits: &[u8]) -> Option<u64> {
    while let Some((eight, rest)) = digits.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        if no_digits(word) != 0 {
            return None;
        }
        number = number * 100_000_000 + eight_digits(word);
        digits = rest;
    }
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

/// The number that eight digits write: neighbours are joined to two, four and eight digits.
#[inline]
fn eight_digits(word: u64) -> u64 {
    eight_values(word - ONES * u64::from(b'0'))
}

/// The number that the first `count` bytes of a word write, from one to eight decimal digits.
#[inline]
pub(super) fn first_digits(word: u64, count: usize) -> u64 {
    eight_values(first_values(word, count))
}

/// The values of the first `count` digits of a word, moved to its end behind zeros.
#[inline]
fn first_values(word: u64, count: usize) -> u64 {
    (word ^ (ONES * u64::from(b'0'))) << (8 * (8 - count))
}

/// The number of eight digits given by their values, the first one lowest.
#[inline]
pub(super) fn eight_values(ones: u64) -> u64 {
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        let mut words = Words::default();
        for text in [&b", "[..], b"12345678", b"a longer text", b""] {
            words.push(text);
        }
        let text = b"x, 12345678 and a longer text, a longer tex_ .........";
        assert_eq!(words.end_of(0, text, 1), Some(3));
        assert_eq!(words.end_of(0, text, 0), None);
        assert_eq!(words.end_of(1, text, 3), Some(11));
        assert_eq!(words.end_of(2, text, 16), Some(29));
        assert_eq!(words.end_of(2, text, 31), None);
        assert_eq!(words.end_of(3, text, 31), Some(31));
        assert_eq!(words.end_of(4, text, 0), None);
        assert_eq!(words.end_of(0, b", ", 0), None);
    }

    #[test]
    fn small_integers_are_read_where_they_stand() {
        let number = |text: &str, start, end| small_integer(text.as_bytes(), Span { start, end });
        assert_eq!(number("x94718, and more", 1, 6), Some(94718));
        assert_eq!(number("00000000 and more", 0, 8), Some(0));
        assert_eq!(number("99999999, and more", 0, 8), Some(99_999_999));
        for other in ["-1, and more", "1.5, and more", "1e2, and more", "12", "123456789 and more", "1/2 and more"] {
            let end = other.find([',', ' ']).unwrap_or(other.len());
            assert_eq!(number(other, 0, end), None, "{other}");
        }
    }

    #[test]
    fn digits_make_their_number() {
        for digits in ["", "0", "7", "12345678", "00000001", "99999999", "123456789012345678", "18446744073709551615"] {
            assert_eq!(append_digits(0, digits.as_bytes()), Some(digits.parse().unwrap_or(0)));
        }
        assert_eq!(append_digits(12, b"345678901"), Some(12_345_678_901));
        for other in ["1.5", "-1", "1234567/", "12345678:", "1 "] {
            assert_eq!(append_digits(0, other.as_bytes()), None, "{other}");
        }
    }
}
