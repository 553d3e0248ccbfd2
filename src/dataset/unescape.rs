//! Escape sequences of JSON strings.

use super::spans::plain_end;

/// The UTF-8 text of a string whose escapes have been checked; a lone surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    unescape_into(raw, &mut text);
    text
}

/// Appends [`unescape`].
pub(super) fn unescape_into(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    loop {
        let plain = plain_end(rest, 0);
        let (now, later) = rest.split_at(plain);
        text.extend_from_slice(now);
        rest = match later.split_first() {
            Some((b'\\', sequence)) => escape(sequence, text),
            Some((&other, after)) => {
                text.push(other);
                after
            }
            None => return,
        };
    }
}

/// Appends the character of the escape sequence after the backslash; what follows it.
fn escape<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let Some((&letter, rest)) = rest.split_first() else { return rest };
    let byte = match letter {
        b'u' => return code_point(rest, text),
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    };
    text.push(byte);
    rest
}

/// Appends the character of four hexadecimal digits, or of a surrogate pair; what follows it.
fn code_point<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let (unit, mut rest) = code_unit(rest);
    let mut character = char::from_u32(unit);
    if let (0xd800..=0xdbff, Some(low)) = (unit, rest.strip_prefix(b"\\u")) {
        let (low, after) = code_unit(low);
        if (0xdc00..=0xdfff).contains(&low) {
            character = char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            rest = after;
        }
    }
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

/// The number of four hexadecimal digits, and what follows them.
fn code_unit(rest: &[u8]) -> (u32, &[u8]) {
    let (digits, rest) = rest.split_at(rest.len().min(4));
    let value = digits.iter().filter_map(|&digit| char::from(digit).to_digit(16));
    (value.fold(0, |unit, digit| unit * 16 + digit), rest)
}

#[cfg(test)]
mod tests {
    fn unescape(raw: &[u8]) -> String {
        String::from_utf8(super::unescape(raw)).unwrap()
    }

    #[test]
    fn every_escape_is_resolved() {
        assert_eq!(unescape(br#"a\"\\\/\b\f\n\r\tz"#), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(unescape(br"sc\u006fre\u00E9"), "scoreé");
    }

    #[test]
    fn surrogates_pair_up_or_are_replaced() {
        assert_eq!(unescape(br"\ud83d\ude00"), "😀");
        assert_eq!(unescape(br"\ud83dx"), "\u{fffd}x");
        assert_eq!(unescape(br"\ud83d\u0041"), "\u{fffd}A");
        assert_eq!(unescape(br"\ude00\ud83d"), "\u{fffd}\u{fffd}");
    }
}
