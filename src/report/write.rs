//! The report's files.

use std::path::{Path, PathBuf};

use super::{csv, eval_results, json, latex, markdown, metafile, model_index, plots, ReportError, StoredRun};
use crate::dataset::write_whole;

/// Writes `report.md`, `report.csv`, `report.json`, `plots/`, and `exports/` (LaTeX, model-card
/// metadata, `eval_results.yaml`, `metafile.yml`) into `folder` and returns their paths. Each file appears whole or not at all: it is written beside its place and then renamed.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file, [`ReportError::Drawing`] naming the plot.
pub fn write(run: &StoredRun, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = vec![
        ("report.md".to_string(), markdown(run).into_bytes()),
        ("report.csv".to_string(), csv(run).into_bytes()),
        ("report.json".to_string(), json(run).into_bytes()),
        ("exports/table.tex".to_string(), latex(run).into_bytes()),
        ("exports/model-index.yaml".to_string(), model_index(run).into_bytes()),
        ("exports/eval_results.yaml".to_string(), eval_results(run).into_bytes()),
        ("exports/metafile.yml".to_string(), metafile(run).into_bytes()),
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
