//! The report's files.

use std::path::{Path, PathBuf};

use super::{csv, json, markdown, plots, ReportError, StoredRun};
use crate::dataset::write_whole;

/// Writes `report.md`, `report.csv`, `report.json` and `plots/` into `folder` and returns their
/// paths. Each file appears whole or not at all: it is written beside its place and then renamed.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file, [`ReportError::Drawing`] naming the plot.
pub fn write(run: &StoredRun, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = vec![
        ("report.md".to_string(), markdown(run).into_bytes()),
        ("report.csv".to_string(), csv(run).into_bytes()),
        ("report.json".to_string(), json(run).into_bytes()),
    ];
    files.extend(plots(run)?.into_iter().map(|plot| (format!("plots/{}", plot.name), plot.bytes)));
    let place = |(name, bytes): &(String, Vec<u8>)| {
        let file = folder.join(name);
        match write_whole(&file, bytes) {
            Ok(()) => Ok(file),
            Err(source) => Err(ReportError::Unwritable { file, source }),
        }
    };
    files.iter().map(place).collect()
}
