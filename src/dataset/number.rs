//! Numbers between text and `f64`, as Python reads and writes them.

use std::io::{self, Write};

use super::bytes::{append_digits, eight_values, first_digits, pointed, Pointed};
use super::layout::Spot;
use super::spans::Decimal;
use crate::kernels::BLOCK;

/// The value of a JSON number (or `NaN`, `Infinity`, `-Infinity`), correctly rounded. As in Python,
/// an integer `-0` is 0, and too large a number is infinite.
#[inline]
pub(super) fn to_f64(text: &[u8]) -> f64 {
    short_decimal(text).unwrap_or_else(|| any_number(text))
}

/// [`to_f64`] of the number at `spot` of a longer text.
#[inline]
pub(super) fn number_at(text: &[u8], Spot { span, whole }: Spot) -> f64 {
    let block = text.get(span.start..).and_then(<[u8]>::first_chunk).filter(|_| whole > 0);
    let short = block.and_then(|block| decimal_value(block, Decimal { whole, end: span.end - span.start }));
    short.unwrap_or_else(|| to_f64(span.of(text)))
}

/// The number at `spot` of a text, if it is known to be an integer of one to eight digits and no sign.
#[inline]
pub(super) fn small_integer_at(text: &[u8], Spot { span, whole }: Spot) -> Option<u32> {
    if whole == 0 || whole != span.end - span.start || whole > MOST_WHOLE_DIGITS {
        return None;
    }
    let digits: &[u8; 8] = text.get(span.start..)?.first_chunk()?;
    Some(first_digits(u64::from_le_bytes(*digits), whole) as u32)
}

/// Most digits of the whole part that [`decimal_value`] takes.
const MOST_WHOLE_DIGITS: usize = 8;

/// Digits of a fraction that are added up together.
const WIDE_DIGITS: usize = 16;

/// The value of the number at the start of the block, if its digits make an integer of 64 bits: the
/// digits of whole part and fraction are each moved to the end of a word and added up there.
#[inline]
pub(super) fn decimal_value(block: &[u8; BLOCK], Decimal { whole, end }: Decimal) -> Option<f64> {
    let decimals = end.saturating_sub(whole + 1);
    if decimals > 0 && end <= 9 {
        return Some(digits_around_a_point(block, whole, end) / POWERS_OF_TEN[decimals]);
    }
    if whole > MOST_WHOLE_DIGITS || decimals >= POWERS_OF_TEN.len() {
        return None;
    }
    let digits: &[u8; 8] = block.first_chunk()?;
    let integer = first_digits(u64::from_le_bytes(*digits), whole);
    if decimals == 0 {
        return Some(integer as f64);
    }
    let digits: &[u8; WIDE_DIGITS] = block[whole + 1..].first_chunk()?;
    let wide = decimals.min(WIDE_DIGITS);
    let values = (u128::from_le_bytes(*digits) ^ u128::from_le_bytes([b'0'; 16])) << (8 * (WIDE_DIGITS - wide));
    let fraction = eight_values(values as u64) * 100_000_000 + eight_values((values >> 64) as u64);
    let mut integer = integer.checked_mul(INTEGER_POWERS_OF_TEN[wide])?.checked_add(fraction)?;
    for digit in &block[whole + 1 + wide..end] {
        integer = integer.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    quotient(integer, decimals)
}

/// The value of the number at the start of the block, if it is short and has a point, and its bytes.
#[inline]
pub(super) fn coordinate(block: &[u8; BLOCK]) -> Option<(f64, usize)> {
    let Pointed { digits, decimals, length } = pointed(u64::from_le_bytes(*block.first_chunk()?))?;
    // Of two floats without error the quotient is correctly rounded.
    Some((digits as f64 / POWERS_OF_TEN[decimals], length))
}

/// The number of the at most eight digits before and behind a point.
#[inline]
fn digits_around_a_point(block: &[u8; BLOCK], whole: usize, end: usize) -> f64 {
    let [before, behind] = [0, 1].map(|from| u64::from_le_bytes(std::array::from_fn(|index| block[from + index])));
    let is_before = (1 << (8 * whole)) - 1;
    first_digits((before & is_before) | (behind & !is_before), end - 1) as f64
}

/// Powers of ten as far as sixteen digits need them.
const INTEGER_POWERS_OF_TEN: [u64; WIDE_DIGITS + 1] = {
    let mut powers = [1; WIDE_DIGITS + 1];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = 10 * powers[exponent - 1];
        exponent += 1;
    }
    powers
};

fn any_number(text: &[u8]) -> f64 {
    match text {
        b"NaN" => f64::NAN,
        b"Infinity" => f64::INFINITY,
        b"-Infinity" => f64::NEG_INFINITY,
        b"-0" => 0.0,
        // A JSON number is ASCII and in the grammar of Rust's floats.
        _ => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN),
    }
}

/// Longest text that [`short_decimal`] reads: its digits fit 64 bits.
const SHORT_TEXT: usize = 19;

/// The largest integer up to which all are floats.
const MAX_EXACT: u64 = 1 << 53;

/// All powers of ten that are floats.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// `integer / 10^decimals`, correctly rounded, for at most 22 decimals; `None` in rare cases.
#[inline]
fn quotient(integer: u64, decimals: usize) -> Option<f64> {
    let near = integer as f64 / POWERS_OF_TEN[decimals];
    // Of two floats without error the quotient is correctly rounded (Clinger 1990).
    if integer <= MAX_EXACT {
        return Some(near);
    }
    closest(near, integer, decimals)
}

/// The float closest to `integer / 10^decimals`, which is `near` or one of its neighbours; `None` if two
/// are equally close, or where floats are not evenly spaced or integers.
///
/// The distance is counted in units of which one float is `10^decimals` from the next: an integer below
/// `2^53 * 10^22`, within 127 bits.
fn closest(near: f64, integer: u64, decimals: usize) -> Option<f64> {
    let bits = near.to_bits();
    let fraction = bits & (HIDDEN_BIT - 1);
    let binary_places = 1075u64.checked_sub(bits >> 52).filter(|&places| places > 0)?;
    if fraction < 2 {
        return None;
    }
    let step = 10i128.pow(decimals as u32);
    let distance = (i128::from(integer) << binary_places) - i128::from(HIDDEN_BIT | fraction) * step;
    let (moved, rest) = match 2 * distance {
        above if above > step => (bits + 1, distance - step),
        below if below < -step => (bits - 1, distance + step),
        _ => (bits, distance),
    };
    ((2 * rest).abs() < step).then_some(f64::from_bits(moved))
}

/// The leading bit of a float's mantissa, which is not stored.
const HIDDEN_BIT: u64 = 1 << 52;

/// The value of a number without an exponent of at most [`SHORT_TEXT`] characters.
#[inline]
fn short_decimal(text: &[u8]) -> Option<f64> {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    if digits.len() > SHORT_TEXT {
        return None;
    }
    let whole = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let fraction = match digits.get(whole) {
        None => &[],
        Some(b'.') => &digits[whole + 1..],
        Some(_) => return None,
    };
    let integer = append_digits(append_digits(0, &digits[..whole])?, fraction)?;
    // Python reads an integer -0 as 0.
    let is_negative = is_negative && (integer > 0 || digits.len() > whole);
    let magnitude = quotient(integer, fraction.len())?;
    Some(if is_negative { -magnitude } else { magnitude })
}

/// The value of a JSON number written as an integer of 64 bits.
#[inline]
pub(super) fn to_i64(text: &[u8]) -> Option<i64> {
    // Up to 18 digits cannot overflow.
    if text.len() <= 18 {
        if let Some(value) = append_digits(0, text) {
            return Some(value as i64);
        }
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Writes `value` as Python's `json.dumps` does: the shortest digits that read back as the same
/// value, with an exponent below 1e-4 and from 1e16 on.
pub(super) fn write_f64(writer: &mut impl Write, value: f64) -> io::Result<()> {
    if !value.is_finite() {
        let word = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        return writer.write_all(word.as_bytes());
    }
    if value.is_sign_negative() {
        writer.write_all(b"-")?;
    }
    let (digits, exponent) = shortest_digits(value.abs());
    match exponent {
        -4..=-1 => write!(writer, "0.{:0>width$}{digits}", "", width = -(exponent + 1) as usize),
        0..=15 => write_positional(writer, &digits, exponent as usize + 1),
        _ => write_exponential(writer, &digits, exponent),
    }
}

/// `12.5`, `1200.0`: digits with a point after the first `whole` of them.
fn write_positional(writer: &mut impl Write, digits: &str, whole: usize) -> io::Result<()> {
    if digits.len() <= whole {
        return write!(writer, "{digits:0<whole$}.0");
    }
    write!(writer, "{}.{}", &digits[..whole], &digits[whole..])
}

/// `1e-05`, `1.5e+16`: a sign and at least two digits in the exponent.
fn write_exponential(writer: &mut impl Write, digits: &str, exponent: i32) -> io::Result<()> {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(writer, "{first}{point}{rest}e{sign}{:02}", exponent.abs())
}

/// The shortest digits that read back as the non-negative `value`, of those the closest to it, of two
/// equally close ones the even one; and the exponent of the first digit.
fn shortest_digits(value: f64) -> (String, i32) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').expect("the exponential form has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponential form's exponent is an integer");
    let digits = digits.replace('.', "");
    match even_neighbour(value, &digits, exponent) {
        Some(even) => (even, exponent),
        None => (digits, exponent),
    }
}

/// The other digits as close to `value` as these, if these are odd and there are any.
///
/// Rust rounds such a tie up where Python rounds it to even. Ties are common: an odd multiple of
/// 2^-f, as float32 outputs are, has exactly f decimals, of which the last is a 5.
fn even_neighbour(value: f64, digits: &str, exponent: i32) -> Option<String> {
    let decimals = digits.len() as i32 - 1 - exponent;
    let (odd, power) = odd_times_power_of_two(value)?;
    if power >= 0 || -power != decimals + 1 {
        return None;
    }
    let exact = u128::from(odd).checked_mul(5u128.checked_pow(power.unsigned_abs())?)?;
    let written: u128 = digits.parse().ok()?;
    let other = (exact / 10 * 2 + 1).checked_sub(written)?;
    let text = other.to_string();
    let reads_back = format!("{text}e-{decimals}").parse() == Ok(value);
    (written % 2 == 1 && text.len() == digits.len() && reads_back).then_some(text)
}

/// The odd integer and the power of two whose product is the positive `value`.
fn odd_times_power_of_two(value: f64) -> Option<(u64, i32)> {
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let (mantissa, power) = if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    let zeros = mantissa.trailing_zeros();
    (mantissa != 0).then(|| (mantissa >> zeros, power + zeros as i32))
}

#[cfg(test)]
mod tests {
    use super::super::spans::{decimal_at, Span};
    use super::*;

    fn repr(value: f64) -> String {
        let mut text = Vec::new();
        write_f64(&mut text, value).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn floats_are_written_as_python_does() {
        // Every right-hand side is Python's `json.dumps` of the left one.
        let known = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (1e-5, "1e-05"),
            (1e-100, "1e-100"),
            (5e-324, "5e-324"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1e22, "1e+22"),
            (1.2345678901234568e17, "1.2345678901234568e+17"),
            (-1.7976931348623157e308, "-1.7976931348623157e+308"),
            (329.922607421875, "329.922607421875"),
            (0.001, "0.001"),
            (1200.0, "1200.0"),
        ];
        for (value, text) in known {
            assert_eq!(repr(value), text);
        }
    }

    #[test]
    fn ties_between_shortest_forms_go_to_the_even_one() {
        assert_eq!(repr(601284326533833.0 + 0.25), "601284326533833.2");
        assert_eq!(repr(601284326533833.0 + 0.75), "601284326533833.8");
        assert_eq!(repr(8388608.0 + 1.0 / 1024.0), "8388608.000976562");
    }

    #[test]
    fn integers_are_read_within_64_bits() {
        assert_eq!(to_i64(b"0"), Some(0));
        assert_eq!(to_i64(b"-17"), Some(-17));
        assert_eq!(to_i64(b"999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(to_i64(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(to_i64(b"9223372036854775808"), None);
        assert_eq!((to_i64(b"1.0"), to_i64(b"NaN")), (None, None));
    }

    #[test]
    fn numbers_are_read_as_python_does() {
        assert_eq!(to_f64(b"1e400"), f64::INFINITY);
        assert!(to_f64(b"-0").is_sign_positive());
        assert!(to_f64(b"-0.0").is_sign_negative());
        assert_eq!(to_f64(b"1024.0000000000001"), 1024.0000000000001);
        assert_eq!(to_f64(b"0.1E1"), 1.0);
        assert!(to_f64(b"NaN").is_nan());
    }

    /// The number up to the text's first comma, as a layout finds it.
    fn first_number(text: &str) -> Spot {
        let span = Span { start: 0, end: text.find(',').unwrap() };
        let decimal = decimal_at(text.as_bytes(), 0).inspect(|decimal| assert_eq!(decimal.end, span.end));
        Spot { span, whole: decimal.map_or(0, |decimal| decimal.whole) }
    }

    #[test]
    fn small_integers_are_read_where_they_stand() {
        let small = |number: &str| {
            let text = format!("{number}, and more than a block of other text");
            small_integer_at(text.as_bytes(), first_number(&text))
        };
        assert_eq!([small("0"), small("94718"), small("99999999")], [Some(0), Some(94718), Some(99_999_999)]);
        for other in ["-1", "1.5", "1e2", "123456789"] {
            assert_eq!(small(other), None, "{other}");
        }
    }

    #[test]
    fn printed_floats_are_read_back() {
        let mut seed = 7u64;
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let value = (seed >> 11) as f64 / (1u64 << 53) as f64 * [1e-3, 0.1, 1.0, 640.0][seed as usize % 4];
            let text = format!("{value}, {{\"size\": [480, 640], \"counts\"");
            assert_eq!(number_at(text.as_bytes(), first_number(&text)).to_bits(), value.to_bits(), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_the_short_way_as_the_long_one() {
        let mut seed = 1u64;
        let mut next = |limit: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % limit
        };
        for _ in 0..100_000 {
            let sign = if next(2) == 0 { "-" } else { "" };
            let [whole, fraction] = [next(9) as usize + 1, next(23) as usize];
            let mut digits = |count| (0..count).map(|_| char::from(b'0' + next(10) as u8)).collect::<String>();
            let whole = digits(whole).trim_start_matches('0').to_owned();
            let whole = if whole.is_empty() { "0".to_owned() } else { whole };
            let text =
                if fraction == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", digits(fraction)) };
            let expected = any_number(text.as_bytes()).to_bits();
            assert_eq!(to_f64(text.as_bytes()).to_bits(), expected, "{text}");
            let longer = format!("{text}, {{\"size\": [480, 640], \"counts\"");
            assert_eq!(number_at(longer.as_bytes(), first_number(&longer)).to_bits(), expected, "{text}");
            if let Some((value, bytes)) = coordinate(longer.as_bytes().first_chunk().unwrap()) {
                assert_eq!((value.to_bits(), bytes), (expected, text.len()), "{text}");
            }
        }
        assert_eq!(short_decimal(b"0.70903809799423222"), Some(0.709_038_097_994_232_2));
        // Halfway between two floats, and beside a power of two.
        assert_eq!(short_decimal(b"9007199254740993"), None);
        assert_eq!(closest(1.0, 1_000_000_000_000_000_000, 18), None);
        assert_eq!(short_decimal(b"1e5"), None);
        assert_eq!(short_decimal(b"99999999999999999999"), None);
    }
}
