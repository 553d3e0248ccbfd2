//! The report as a terminal shows it.

use super::document::{Block, Detail};
use super::sections::blocks;
use super::text::{sanitized, wrapped};
use super::StoredRun;

/// Narrower terminals get lines of this width.
const MIN_WIDTH: usize = 40;

/// The tables, verdicts and footnotes for a terminal of `width` columns. ANSI colour only if asked.
pub fn terminal(run: &StoredRun, color: bool, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let parts: Vec<String> = blocks(run, Detail::Screen).iter().map(|block| render(block, color, width)).collect();
    parts.join("\n")
}

fn render(block: &Block, color: bool, width: usize) -> String {
    match block {
        Block::Title(text) | Block::Heading(text) => lines(text, "", width),
        Block::Paragraph(text, tone) => {
            let text = lines(text, "", width);
            if color {
                text.lines().map(|line| format!("{}\n", tone.paint(line))).collect()
            } else {
                text
            }
        }
        Block::Table(table) => table.fixed(width, color),
        Block::Bullets(items) => items.iter().map(|item| lines(item, "- ", width)).collect(),
        Block::Numbered(items) => {
            items.iter().enumerate().map(|(index, item)| lines(item, &format!("{}. ", index + 1), width)).collect()
        }
        Block::Picture(what, path) => lines(&format!("{what}: {path}"), "", width),
    }
}

/// Wrapped lines, the first behind `lead`, the rest indented by as much.
fn lines(text: &str, lead: &str, width: usize) -> String {
    let indent = " ".repeat(lead.len());
    let wrapped = wrapped(&sanitized(text), width.saturating_sub(lead.len()));
    let leads = std::iter::once(lead).chain(std::iter::repeat(indent.as_str()));
    leads.zip(wrapped).map(|(lead, line)| format!("{lead}{line}\n")).collect()
}
