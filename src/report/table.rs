//! The one writer of tables: fixed width for terminals, and Markdown.

use super::text::{display_width, sanitized, shortened};

const GAP: &str = "  ";
/// A column is not shortened below this.
const MIN_COLUMN: usize = 12;

/// What a cell means, for those who asked for colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Unsure,
    Faint,
}

impl Tone {
    /// `text` in the tone's colour (ANSI SGR).
    pub(crate) fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_string(),
            Self::Good => 32,
            Self::Bad => 31,
            Self::Unsure => 33,
            Self::Faint => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: sanitized(text.as_ref()), tone }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells under a header. A row shorter than the header is filled with empty cells.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    header: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new<T: Into<String>>(header: impl IntoIterator<Item = (T, Align)>) -> Self {
        Self { header: header.into_iter().map(|(name, align)| (name.into(), align)).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, mut row: Vec<Cell>) {
        row.resize_with(self.header.len(), || Cell::new(""));
        self.rows.push(row);
    }

    /// Lines of fixed width. Left-aligned columns give way, widest first, to fit `width` columns.
    pub(crate) fn fixed(&self, width: usize, color: bool) -> String {
        let widths = self.fitted_widths(width);
        let head: Vec<Cell> = self.header.iter().map(|(name, _)| Cell::new(name)).collect();
        let rule: Vec<Cell> = widths.iter().map(|&width| Cell::new("-".repeat(width))).collect();
        let lines = [&head, &rule].into_iter().chain(&self.rows);
        lines.map(|row| self.fixed_line(row, &widths, color)).collect()
    }

    fn fixed_line(&self, row: &[Cell], widths: &[usize], color: bool) -> String {
        let cells = row.iter().zip(&self.header).zip(widths).map(|((cell, (_, align)), &width)| {
            let text = shortened(&cell.text, width);
            let painted = if color { cell.tone.paint(&text) } else { text.clone() };
            pad(&painted, width.saturating_sub(display_width(&text)), *align)
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        format!("{}\n", line.trim_end())
    }

    fn fitted_widths(&self, width: usize) -> Vec<usize> {
        let mut widths = self.widths(|cell| display_width(&cell.text));
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        loop {
            let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
            let shrinkable = (0..widths.len()).filter(|&column| self.header[column].1 == Align::Left);
            let Some(widest) = shrinkable.max_by_key(|&column| widths[column]) else { return widths };
            if excess == 0 || widths[widest] <= MIN_COLUMN {
                return widths;
            }
            widths[widest] -= 1;
        }
    }

    fn widths(&self, measure: impl Fn(&Cell) -> usize) -> Vec<usize> {
        let column = |column: usize| {
            let cells = self.rows.iter().map(|row| measure(&row[column]));
            cells.max().unwrap_or(0).max(display_width(&self.header[column].0))
        };
        (0..self.header.len()).map(column).collect()
    }

    /// A Markdown table, its columns aligned in the source too.
    pub(crate) fn markdown(&self) -> String {
        let widths = self.widths(|cell| display_width(&escaped(&cell.text)));
        let widths: Vec<usize> = widths.into_iter().map(|width| width.max(4)).collect();
        let head: Vec<String> = self.header.iter().map(|(name, _)| escaped(name)).collect();
        let rule = self.header.iter().zip(&widths).map(|((_, align), &width)| match align {
            Align::Left => "-".repeat(width),
            Align::Right => format!("{}:", "-".repeat(width - 1)),
        });
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| escaped(&cell.text)).collect());
        let lines = [head, rule.collect()].into_iter().chain(rows);
        lines.map(|row| self.markdown_line(&row, &widths)).collect()
    }

    fn markdown_line(&self, row: &[String], widths: &[usize]) -> String {
        let cells = row.iter().zip(&self.header).zip(widths);
        let cells =
            cells.map(|((text, (_, align)), &width)| pad(text, width.saturating_sub(display_width(text)), *align));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    }
}

fn pad(text: &str, missing: usize, align: Align) -> String {
    match align {
        Align::Left => format!("{text}{}", " ".repeat(missing)),
        Align::Right => format!("{}{text}", " ".repeat(missing)),
    }
}

/// `text` with the characters that mean something in Markdown made literal.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '*' | '`' | '[' | ']' | '<' | '>') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([("Model", Align::Left), ("AP", Align::Right)]);
        table.push(vec![Cell::new("実測 model"), Cell::toned("16.72", Tone::Good)]);
        table.push(vec![Cell::new("a|b")]);
        table
    }

    #[test]
    fn columns_align_whatever_the_script() {
        let expected = "Model          AP\n----------  -----\n実測 model  16.72\na|b\n";
        assert_eq!(table().fixed(80, false), expected);
    }

    #[test]
    fn colour_does_not_change_the_layout() {
        let colored = table().fixed(80, true);
        assert!(colored.contains("\u{1b}[32m16.72\u{1b}[0m"));
        assert_eq!(colored.replace("\u{1b}[32m", "").replace("\u{1b}[0m", ""), table().fixed(80, false));
    }

    #[test]
    fn a_wide_column_gives_way_but_numbers_do_not() {
        let mut table = Table::new([("Model", Align::Left), ("AP", Align::Right)]);
        table.push(vec![Cell::new("a name that goes on and on"), Cell::new("16.72")]);
        let last = table.fixed(22, false).lines().last().map(str::to_string);
        assert_eq!(last.as_deref(), Some("a name that go…  16.72"));
    }

    #[test]
    fn markdown_escapes_what_would_break_the_table() {
        let expected =
            "| Model      |    AP |\n| ---------- | ----: |\n| 実測 model | 16.72 |\n| a\\|b       |       |\n";
        assert_eq!(table().markdown(), expected);
    }
}
