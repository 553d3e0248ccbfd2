//! The verdict as Markdown, for GitHub's step summary.

use super::table::{headline, remarks, tables};
use super::Judgement;
use crate::report::escaped;

/// GitHub drops a step summary over 1 MiB as a whole; this leaves room for what else the step writes.
pub const MAX_SUMMARY_BYTES: usize = 900_000;

/// The Markdown summary, at most [`MAX_SUMMARY_BYTES`] long and less by `taken`, the bytes that the
/// summary file holds already. Lines that do not fit are counted in its last line.
pub fn summary(judgement: &Judgement, taken: usize) -> String {
    let mut text = format!("## {}\n\n", escaped(&headline(judgement)));
    for line in remarks(judgement) {
        text += &format!("- {}\n", escaped(&crate::report::sanitized(&line)));
    }
    for (title, table) in tables(judgement) {
        text += &format!("\n### {title}\n\n{}", table.markdown());
    }
    cut(&text, MAX_SUMMARY_BYTES.saturating_sub(taken))
}

/// `text` cut at a line's end to `limit` bytes.
fn cut(text: &str, limit: usize) -> String {
    const LAST_LINE: usize = 60;
    if text.len() <= limit {
        return text.to_string();
    }
    let mut kept = String::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if kept.len() + line.len() + LAST_LINE > limit {
            let left_out = text.lines().count() - index;
            return format!("{kept}\n{left_out} more lines are left out\n");
        }
        kept += line;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_long_text_is_cut_at_a_line_and_says_so() {
        let text = "line\n".repeat(100);
        let short = cut(&text, 100);
        assert!(short.len() <= 100);
        assert_eq!(short, format!("{}\n92 more lines are left out\n", "line\n".repeat(8)));
        assert_eq!(cut(&text, 500), text);
    }
}
