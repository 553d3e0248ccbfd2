//! The explanation's files.

use std::path::{Path, PathBuf};

use super::csv::{category_csv, confusion_csv};
use super::markdown::explanation_markdown;
use crate::dataset::write_whole;
use crate::evaluation::Explanation;
use crate::report::{explanation_plots, ReportError};

/// Writes `explain.md`, `categories.csv`, `confusion.csv`, `plots/` and `explain.json` into `folder` and returns
/// their paths. Each file appears whole or not at all; `explain.json` comes last.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file, [`ReportError::Drawing`] naming the plot.
pub fn write_explanation(explanation: &Explanation, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = vec![
        ("explain.md".to_owned(), explanation_markdown(explanation).into_bytes()),
        ("categories.csv".to_owned(), category_csv(explanation).into_bytes()),
        ("confusion.csv".to_owned(), confusion_csv(explanation).into_bytes()),
    ];
    files.extend(explanation_plots(explanation)?.into_iter().map(|plot| (format!("plots/{}", plot.name), plot.bytes)));
    files.push(("explain.json".to_owned(), explanation.to_json().into_bytes()));
    let place = |(name, bytes): (String, Vec<u8>)| {
        let file = folder.join(name);
        match write_whole(&file, &bytes) {
            Ok(()) => Ok(file),
            Err(source) => Err(ReportError::Unwritable { file, source }),
        }
    };
    files.into_iter().map(place).collect()
}
