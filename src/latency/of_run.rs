//! A measurement's headline in the run that it is tied to.

use std::path::Path;

use super::drive::Measured;
use super::record::Measurement;
use super::task::{Latency, Scenario};
use super::LatencyError;
use crate::dataset::write_whole;
use crate::report::{LatencySummary, StoredRun, VariantLatency, VariantMetrics};

/// Adds `forward` and `segment`, one image at a time, to the `metrics.json` of every measured variant
/// of the run in `folder`, so that its report shows them. Each file is replaced as a whole.
///
/// # Errors
/// A folder that holds no run, or a file that cannot be written.
pub fn add_to_run(measured: &Measured, folder: &Path) -> Result<(), LatencyError> {
    let run = StoredRun::read(folder)?;
    for row in &run.record().rows {
        let measurements = headline(&measured.record.measurements, &row.variant);
        let Some(metrics) = run.metrics(&row.variant).filter(|_| !measurements.is_empty()) else { continue };
        let latency = Some(VariantLatency { reasons: measured.record.reasons.clone(), measurements });
        let path = folder.join(&row.variant).join("metrics.json");
        let written = write(&path, &VariantMetrics { latency, ..metrics.clone() });
        written.map_err(|error| LatencyError::Unwritable { path, error })?;
    }
    Ok(())
}

fn headline(rows: &[Measurement], variant: &str) -> Vec<LatencySummary> {
    let asked = |row: &&Measurement| {
        let named = matches!(row.latency, Latency::Forward | Latency::Segment);
        row.variant == variant && named && row.scenario == Scenario::Single && !row.is_deployed()
    };
    rows.iter().filter(asked).map(Measurement::summary).collect()
}

fn write(path: &Path, metrics: &VariantMetrics) -> std::io::Result<()> {
    let mut text = serde_json::to_vec_pretty(metrics)?;
    text.push(b'\n');
    write_whole(path, &text)
}
