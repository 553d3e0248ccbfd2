//! Numbers and words as tables print them.

use super::Protocol;
use crate::evaluation::{AreaRule, IouType, Metrics};

/// Stands where there is no number.
pub(super) const ABSENT: &str = "-";

/// The 13 numbers with lvis-api's names, in its order.
pub(crate) fn named(metrics: &Metrics) -> [(&'static str, Option<f64>); 13] {
    let values = metrics.values();
    std::array::from_fn(|index| (Metrics::NAMES[index], values[index]))
}

/// `1 thread`, `8 threads`.
pub(crate) fn threads(count: u32) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

/// Ours in AP points: one digit more than model zoos print, so that rounding shows.
pub(super) fn points(value: Option<f64>) -> String {
    value.map_or_else(absent, |value| format!("{value:.2}"))
}

/// A fraction in 0..=1 as AP points.
pub(super) fn fraction(value: Option<f64>) -> String {
    points(value.map(|value| 100.0 * value))
}

/// A published value with its own digits, two decimals at most.
pub(super) fn published(value: Option<f64>) -> String {
    let Some(value) = value else { return absent() };
    let short = format!("{value:.1}");
    if short.parse() == Ok(value) {
        short
    } else {
        format!("{value:.2}")
    }
}

/// A signed difference in AP points; no sign where it rounds to nothing.
pub(super) fn difference(value: Option<f64>) -> String {
    let Some(value) = value else { return absent() };
    let signed = format!("{value:+.2}");
    if matches!(signed.as_str(), "+0.00" | "-0.00") {
        return "0.00".to_string();
    }
    signed
}

/// All digits: what parses back to the same number.
pub(super) fn exact(value: Option<f64>) -> String {
    value.map_or_else(absent, |value| value.to_string())
}

fn absent() -> String {
    ABSENT.to_string()
}

/// What is compared, in the field's words.
pub(super) fn iou_type(iou: IouType) -> &'static str {
    match iou {
        IouType::Segm => "segm",
        IouType::Bbox => "bbox",
        IouType::Boundary => "boundary",
    }
}

/// The area rule's name.
pub(crate) fn area_rule(rule: AreaRule) -> &'static str {
    match rule {
        AreaRule::Auto => "auto",
        AreaRule::Box => "box",
        AreaRule::Mask => "mask",
    }
}

/// What the area rule means.
pub(super) fn area_rule_meaning(rule: AreaRule) -> &'static str {
    match rule {
        AreaRule::Auto => "auto (lvis-api's: the box's area where records carry a box, else the mask's)",
        AreaRule::Box => "box (width x height)",
        AreaRule::Mask => "mask (pixels)",
    }
}

/// What every number of a table means, in a few words: for titles.
pub(super) fn protocol_short(protocol: &Protocol) -> String {
    format!(
        "{} AP, {}, {} detections per image, area rule {}",
        protocol.id,
        protocol.split,
        protocol.detections_per_image,
        area_rule(protocol.area)
    )
}

/// `text` without what would disturb a line of text, a terminal or an SVG: control characters,
/// those that reorder the text around them, and those that XML forbids.
pub(crate) fn sanitized(text: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let disturbs = |c: char| c.is_control() || reorders(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if disturbs(c) { '\u{fffd}' } else { c }).collect()
}

/// Columns that `text` takes on a terminal.
pub(super) fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns of one character: none for combining marks, two for East Asian wide forms and emoji.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff => 2,
        0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// `text` cut to `width` columns, with an ellipsis where something is missing.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_string();
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_width(c);
        if used > width {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// `text` broken at spaces into lines of `width` columns; a longer word stands alone.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && display_width(&line) + 1 + display_width(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Footnote numbers as raised digits, for example ` ¹ ²`.
pub(super) fn footnote_marks(numbers: &[usize]) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |number: &usize| -> String {
        number.to_string().bytes().map(|digit| RAISED[usize::from(digit - b'0')]).collect()
    };
    numbers.iter().map(|number| format!(" {}", raised(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_keep_their_own_digits() {
        assert_eq!(published(Some(16.7)), "16.7");
        assert_eq!(published(Some(15.0)), "15.0");
        assert_eq!(published(Some(44.28805088364282)), "44.29");
        assert_eq!(published(None), "-");
    }

    #[test]
    fn one_thread_is_no_threads() {
        assert_eq!([1, 2].map(threads), ["1 thread", "2 threads"]);
    }

    #[test]
    fn a_difference_that_rounds_to_nothing_has_no_sign() {
        assert_eq!(difference(Some(-0.004)), "0.00");
        assert_eq!(difference(Some(0.05)), "+0.05");
        assert_eq!(difference(Some(-1.2)), "-1.20");
    }

    #[test]
    fn widths_count_columns_not_bytes() {
        assert_eq!(display_width("é"), 1);
        assert_eq!(display_width("e\u{301}"), 1);
        assert_eq!(display_width("実測"), 4);
        assert_eq!(shortened("実測値", 5), "実測…");
        assert_eq!(shortened("short", 5), "short");
    }

    #[test]
    fn terminal_escapes_are_made_visible() {
        assert_eq!(sanitized("a\u{1b}[31mb\nc\u{202e}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn footnote_numbers_are_raised() {
        assert_eq!(footnote_marks(&[1, 12]), " ¹ ¹²");
    }
}
