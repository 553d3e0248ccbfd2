//! A trend's files.

use std::path::{Path, PathBuf};

use super::{trend_csv, trend_json, trend_markdown, Trend};
use crate::dataset::write_whole;
use crate::report::plots::trend_plots;
use crate::report::ReportError;

/// Writes `trend.md`, `trend.csv`, `trend.json` and `plots/trend.svg` and `.png` into `folder`.
/// Each file appears whole or not at all.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file, [`ReportError::Drawing`] naming the plot.
pub fn write_trend(trend: &Trend, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let texts = [("md", trend_markdown(trend)), ("csv", trend_csv(trend)), ("json", trend_json(trend))];
    let texts = texts.map(|(extension, text)| (format!("trend.{extension}"), text.into_bytes()));
    let plots = trend_plots(trend)?.into_iter().map(|plot| (format!("plots/{}", plot.name), plot.bytes));
    let place = |(name, bytes): (String, Vec<u8>)| {
        let file = folder.join(name);
        match write_whole(&file, &bytes) {
            Ok(()) => Ok(file),
            Err(source) => Err(ReportError::Unwritable { file, source }),
        }
    };
    texts.into_iter().chain(plots).map(place).collect()
}
