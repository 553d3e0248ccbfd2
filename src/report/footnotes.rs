//! Footnotes of a run, numbered.

use super::{Row, RunRecord};

/// Footnotes in order of first mention, each once: those of rows, then those of the zoo.
pub(super) struct Footnotes<'a> {
    record: &'a RunRecord,
    texts: Vec<&'a str>,
}

impl<'a> Footnotes<'a> {
    pub(super) fn collect(record: &'a RunRecord) -> Self {
        let of_rows = record.rows.iter().flat_map(|row| &row.footnotes);
        let all = of_rows.chain(&record.footnotes).map(String::as_str);
        Self { record, texts: unique(all) }
    }

    /// The numbers of a row's footnotes, from 1.
    pub(super) fn numbers(&self, row: &Row) -> Vec<usize> {
        let number = |text: &String| self.texts.iter().position(|known| known == text).map(|index| index + 1);
        row.footnotes.iter().filter_map(number).collect()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.texts.iter().map(ToString::to_string).collect()
    }

    /// Where the published values stand, each source once.
    pub(super) fn sources(&self) -> Vec<String> {
        let sources = self.record.rows.iter().filter_map(|row| row.published.as_ref());
        unique(sources.map(|published| published.source.as_str())).into_iter().map(str::to_string).collect()
    }
}

fn unique<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
