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
