//! Questions about text, answered for eight bytes at a time.

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

/// Sets the highest bit of the first byte that is below `bound`, perhaps of later ones; none if none is.
#[inline]
fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGHS
}

/// Number of bytes before the first one whose highest bit is set.
#[inline]
fn bytes_before(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Whether a byte is plain ASCII text of a JSON string: no quote, no backslash, no control character
/// and no byte of a longer character. As a signed number the last two are below the space.
#[inline]
fn is_plain(byte: u8) -> bool {
    (byte as i8 >= b' ' as i8) & (byte != b'"') & (byte != b'\\')
}

/// First byte from `at` on that is not plain ASCII text of a JSON string.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // All of a block at once, which the compiler turns into vector instructions.
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        if !block.iter().fold(true, |plain, &byte| plain & is_plain(byte)) {
            break;
        }
        at += 32;
    }
    while let Some(word) = word(bytes, at) {
        let quotes = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslashes = below(word ^ (ONES * u64::from(b'\\')), 1);
        let marks = quotes | backslashes | below(word, b' ') | (word & HIGHS);
        if marks != 0 {
            return at + bytes_before(marks);
        }
        at += 8;
    }
    at + bytes[at.min(bytes.len())..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Marks the bytes that are no decimal digit.
#[inline]
fn no_digits(word: u64) -> u64 {
    let values = word ^ (ONES * u64::from(b'0'));
    // Of a byte below 128 the sum reaches 128 from 10 on.
    (((values & !HIGHS) + ONES * 0x76) | values) & HIGHS
}

/// End of the decimal digits that start at `at`.
#[inline]
pub(super) fn digits_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let marks = no_digits(word);
        if marks != 0 {
            return at + bytes_before(marks);
        }
        at += 8;
    }
    at + bytes[at.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// End of a number of fewer than eight whole digits and no exponent that starts at `at`; `None` if it
/// is anything else.
#[inline]
pub(super) fn plain_number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let marks = no_digits(word(bytes, start)?);
    let whole = bytes_before(marks);
    let has_leading_zero = whole > 1 && bytes[start] == b'0';
    if marks == 0 || whole == 0 || has_leading_zero {
        return None;
    }
    let end = match bytes[start + whole] {
        b'.' => {
            // The fraction ends at the word's next mark, or further on.
            let end = match marks & (marks - 1) {
                0 => digits_end(bytes, start + 8),
                later => start + bytes_before(later),
            };
            (end > start + whole + 1).then_some(end)?
        }
        _ => start + whole,
    };
    let ends_here = !matches!(bytes.get(end)?, b'e' | b'E');
    ends_here.then_some(end)
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
    let ones = word - ONES * u64::from(b'0');
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_told_apart() {
        for byte in 0..=255u8 {
            for place in 0..75 {
                let mut text = [b'7'; 75];
                text[place] = byte;
                let plain = !(byte < b' ' || byte >= 0x80 || byte == b'"' || byte == b'\\');
                assert_eq!(plain_end(&text, 0), if plain { 75 } else { place }, "{byte} at {place}");
                assert_eq!(digits_end(&text, 0), if byte.is_ascii_digit() { 75 } else { place }, "{byte} at {place}");
            }
        }
    }

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
    fn first_of_several_counts() {
        assert_eq!(plain_end(b"abc\"\\\x01\xff\"", 0), 3);
        assert_eq!(plain_end(b"abc\"de\"f", 4), 6);
        assert_eq!(digits_end(b"12.456e8", 3), 6);
        assert_eq!(plain_end(b"", 0), 0);
    }

    #[test]
    fn plain_numbers_end_where_they_do() {
        let number = |text: &str| plain_number_end(format!("{text}, 12345678").as_bytes(), 0);
        for plain in ["0", "-0", "7", "427", "-1234567", "0.5", "304.9147644042969", "1.2", "1234567.8", "123456.7"] {
            assert_eq!(number(plain), Some(plain.len()), "{plain}");
        }
        for other in ["", "-", "01", "12345678", "1.", "1234567.", "123456.", "1e5", "1.5E3", ".5", "NaN", "-Infinity"]
        {
            assert_eq!(number(other), None, "{other}");
        }
        // Where the text ends only more of it could tell.
        assert_eq!(plain_number_end(b"1.25", 0), None);
        assert_eq!(plain_number_end(b"1.234567890123", 0), None);
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
