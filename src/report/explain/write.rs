//! The explanation's files.

use std::path::{Path, PathBuf};

use super::csv::{category_csv, confusion_csv};
use super::markdown::explanation_markdown;
use crate::dataset::write_whole;
use crate::evaluation::Explanation;
use crate::report::ReportError;

/// Writes `explain.json`, `explain.md`, `categories.csv` and `confusion.csv` into `folder` and returns their
/// paths. Each file appears whole or not at all; `explain.json` comes last.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file.
pub fn write_explanation(explanation: &Explanation, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let files = [
        ("explain.md", explanation_markdown(explanation)),
        ("categories.csv", category_csv(explanation)),
        ("confusion.csv", confusion_csv(explanation)),
        ("explain.json", explanation.to_json()),
    ];
    let place = |(name, text): (&str, String)| {
        let file = folder.join(name);
        match write_whole(&file, text.as_bytes()) {
            Ok(()) => Ok(file),
            Err(source) => Err(ReportError::Unwritable { file, source }),
        }
    };
    files.into_iter().map(place).collect()
}
