//! Questions about text, answered for eight bytes at a time.

/// Every byte 1.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes that are no decimal digit.
#[inline]
fn no_digits(word: u64) -> u64 {
    let values = word ^ (ONES * u64::from(b'0'));
    // Of a byte below 128 the sum reaches 128 from 10 on.
    (((values & !HIGHS) + ONES * 0x76) | values) & HIGHS
}

/// A number with a point as digits alone: `281.35` is 28135 with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pointed {
    pub digits: u64,
    pub decimals: usize,
    /// Bytes of the number.
    pub length: usize,
}

/// The number that the eight bytes of a word begin with, if it is a JSON number without sign and exponent,
/// has a point and ends within them. Most coordinates are such.
#[inline]
pub(super) fn pointed(word: u64) -> Option<Pointed> {
    let others = no_digits(word);
    let end_mark = others & others.wrapping_sub(1);
    let [whole, length] = [others, end_mark].map(|mark| mark.trailing_zeros() as usize / 8);
    let byte = |at: usize| (word >> (8 * at)) as u8;
    let has_leading_zero = whole > 1 && byte(0) == b'0';
    if end_mark == 0 || whole == 0 || length == whole + 1 || has_leading_zero {
        return None;
    }
    if byte(whole) != b'.' || matches!(byte(length), b'e' | b'E') {
        return None;
    }
    let before = (1 << (8 * whole)) - 1;
    let without_point = (word & before) | (word >> 8 & !before);
    Some(Pointed { digits: first_digits(without_point, length - 1), decimals: length - 1 - whole, length })
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
    // Their values are moved to the end of the word, behind zeros.
    eight_values((word ^ (ONES * u64::from(b'0'))) << (8 * (8 - count)))
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
    fn numbers_with_a_point_are_taken_whole() {
        let pointed = |text: &str| pointed(u64::from_le_bytes(text.as_bytes()[..8].try_into().unwrap()));
        let found = |digits, decimals, length| Some(Pointed { digits, decimals, length });
        assert_eq!(pointed("281.35, 3"), found(28135, 2, 6));
        assert_eq!(pointed("0.5]]]]]"), found(5, 1, 3));
        assert_eq!(pointed("12345.6}"), found(123_456, 1, 7));
        assert_eq!(pointed("0.00001\n"), found(1, 5, 7));
        for other in
            ["1234.567", "12, 1.25", "-1.5, 2.5", "01.5,   ", "1.,     ", ".5,     ", "1.5e3,  ", "1.5E3,  ", "x1.5,  "]
        {
            assert_eq!(pointed(&format!("{other:8}")), None, "{other}");
        }
        assert_eq!(pointed("1.2.3,  "), found(12, 1, 3));
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
