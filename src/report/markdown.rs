//! The report in Markdown.

use super::document::{Block, Detail};
use super::sections::{blocks, context_blocks};
use super::table::escaped;
use super::text::sanitized;
use super::{Context, SpeedRow, StoredRun};

/// The whole report in GitHub's Markdown. Pictures are linked at `plots/`.
pub fn markdown(run: &StoredRun) -> String {
    blocks(run, Detail::Full).iter().map(render).collect::<Vec<_>>().join("\n")
}

/// The block of published speeds in Markdown; empty where there are none.
pub fn speeds_markdown(speeds: &[SpeedRow]) -> String {
    let context = Context { speeds: speeds.to_vec(), mask_ap: Vec::new() };
    context_blocks(&context, Detail::Full).iter().map(render).collect::<Vec<_>>().join("\n")
}

fn render(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("# {}\n", line(text)),
        Block::Heading(text) => format!("## {}\n", line(text)),
        Block::Paragraph(text, _) => format!("{}\n", line(text)),
        Block::Table(table) => table.markdown(),
        Block::Bullets(items) => items.iter().map(|item| format!("- {}\n", line(item))).collect(),
        Block::Numbered(items) => {
            items.iter().enumerate().map(|(index, item)| format!("{}. {}\n", index + 1, line(item))).collect()
        }
        Block::Picture(what, path) => format!("![{}]({path})\n", line(what)),
    }
}

fn line(text: &str) -> String {
    escaped(&sanitized(text))
}
