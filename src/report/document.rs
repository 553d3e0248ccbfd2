//! A report before it has a form: what `markdown` and `terminal` both write.

use super::table::{Table, Tone};

#[derive(Debug, Clone)]
pub(super) enum Block {
    Title(String),
    Heading(String),
    Paragraph(String, Tone),
    Table(Table),
    /// Bullets.
    Bullets(Vec<String>),
    /// Numbered from 1.
    Numbered(Vec<String>),
    /// A picture: what it shows, and its path beside the report.
    Picture(String, String),
}

/// How much of a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What fits a screen: stacked cells, no provenance.
    Screen,
    /// Everything.
    Full,
}
