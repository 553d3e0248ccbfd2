//! An [`Explanation`](crate::evaluation::Explanation) as files: `explain.json`, `explain.md`, plots, and tables
//! as comma-separated values.
mod csv;
mod markdown;
mod write;

pub use markdown::explanation_markdown;
pub use write::write_explanation;
