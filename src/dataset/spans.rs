//! Ends of digits and of plain text, many bytes at a time.
//!
//! The words below find a byte of a class as arithmetic on eight bytes at once: the highest bit of
//! every byte tells whether it is in the class. A borrow or carry can only spoil bytes after the
//! first one found, and only the first one is used.

/// The byte in each of a word's eight bytes.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte.
const HIGH: u64 = each(0x80);
/// Bytes of a string looked at together before the exact place is sought.
const BLOCK: usize = 32;

/// End of the digits that start at `at`, where few are expected.
#[inline]
pub(super) fn digits_end(bytes: &[u8], at: usize) -> usize {
    first(bytes, at, non_digits)
}

/// End of the digits that start at `at`, where as many as a double has are expected: these and what
/// ends them are found in one step without a branch.
#[inline]
pub(super) fn fraction_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at..].first_chunk::<24>().and_then(|block| first_in(block, non_digits)) {
        Some(digits) => at + digits,
        None => first(bytes, at, non_digits),
    }
}

/// [`plain_end`], as far as it is within the length of most keys; `at` itself if it is beyond.
#[inline]
pub(super) fn key_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].first_chunk::<16>().and_then(|block| first_in(block, specials)).map_or(at, |length| at + length)
}

/// First byte from `at` on that is not plain ASCII text of a string: a quote, a backslash, a control
/// character or a byte of a longer character.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        // As signed numbers, bytes of longer characters are below the control characters.
        let is_special = |byte: u8| (byte as i8) < 0x20 || byte == b'"' || byte == b'\\';
        if block.iter().fold(false, |any, &byte| any | is_special(byte)) {
            return at + first_in(block, specials).unwrap_or(BLOCK);
        }
        at += BLOCK;
    }
    first(bytes, at, specials)
}

/// First byte of the block that `class` marks, without a branch on where it is.
#[inline]
fn first_in<const N: usize>(block: &[u8; N], class: impl Fn(u64) -> u64) -> Option<usize> {
    let (words, _) = block.as_chunks::<8>();
    let mut place = N;
    for (index, &word) in words.iter().enumerate().rev() {
        let found = class(u64::from_le_bytes(word));
        let here = 8 * index + found.trailing_zeros() as usize / 8;
        place = if found == 0 { place } else { here };
    }
    (place < N).then_some(place)
}

/// First byte from `at` on that `class` marks, or the end.
#[inline]
fn first(bytes: &[u8], mut at: usize, class: impl Fn(u64) -> u64) -> usize {
    while let Some(block) = bytes[at..].first_chunk::<8>() {
        if let Some(place) = first_in(block, &class) {
            return at + place;
        }
        at += 8;
    }
    while at < bytes.len() && class(u64::from(bytes[at])) & 0x80 == 0 {
        at += 1;
    }
    at
}

/// Marks bytes other than `0` to `9`.
#[inline]
fn non_digits(word: u64) -> u64 {
    let digits = word ^ each(b'0');
    (digits.wrapping_add(each(0x80 - 10)) | digits) & HIGH
}

/// Marks quotes, backslashes, control characters and bytes of longer characters.
#[inline]
fn specials(word: u64) -> u64 {
    let zero_bytes = |word: u64| word.wrapping_sub(each(1)) & !word;
    let control = word.wrapping_sub(each(0x20)) & !word;
    (zero_bytes(word ^ each(b'"')) | zero_bytes(word ^ each(b'\\')) | control | word) & HIGH
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
    fn digits_end_at_anything_else() {
        with_every_byte(b'7', |text, at, byte| {
            let end = if byte.is_ascii_digit() { text.len() } else { at };
            assert_eq!((digits_end(text, 0), fraction_end(text, 0)), (end, end), "byte {byte} at {at}");
        });
    }

    #[test]
    fn plain_text_ends_at_what_needs_a_look() {
        with_every_byte(b'x', |text, at, byte| {
            let plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(plain_end(text, 0), if plain { text.len() } else { at }, "byte {byte} at {at}");
            let in_reach = text.len() >= 16 && at < 16 && !plain;
            assert_eq!(key_end(text, 0), if in_reach { at } else { 0 }, "byte {byte} at {at}");
        });
    }

    #[test]
    fn search_starts_where_it_is_told() {
        assert_eq!(digits_end(b"x123x", 1), 4);
        assert_eq!(plain_end(b"\"abc\"", 1), 4);
        assert_eq!(plain_end(b"\"", 1), 1);
    }
}
