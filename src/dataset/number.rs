//! Numbers between text and `f64`, as Python reads and writes them.

use std::io::{self, Write};

/// The value of a JSON number (or `NaN`, `Infinity`, `-Infinity`), correctly rounded. As in Python,
/// an integer `-0` is 0, and too large a number is infinite.
#[inline]
pub(super) fn to_f64(text: &[u8]) -> f64 {
    match text {
        b"NaN" => f64::NAN,
        b"Infinity" => f64::INFINITY,
        b"-Infinity" => f64::NEG_INFINITY,
        b"-0" => 0.0,
        // A JSON number is ASCII and in the grammar of Rust's floats.
        _ => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN),
    }
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
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        return write_exponential(writer, value);
    }
    write!(writer, "{value:?}")
}

/// `1e-05`, `1.5e+16`: a sign and at least two digits in the exponent.
fn write_exponential(writer: &mut impl Write, value: f64) -> io::Result<()> {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').expect("the exponential form has an exponent");
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |magnitude| ('-', magnitude));
    write!(writer, "{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
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
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in known {
            assert_eq!(repr(value), text);
        }
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
}
