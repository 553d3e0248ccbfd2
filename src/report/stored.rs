//! A run as it was stored, checked on the way in.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::Deserialize;

use super::text::named;
use super::{is_folder_name, Dataset, ReportError, RowStatus, RunRecord, VariantMetrics, RUN_SCHEMA_VERSION};
use crate::evaluation::{Curves, IouType, Metrics};

/// A thousand categories make a file of some 200 kB; this bounds what a wrong file can make us read.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Reports are written and read as a whole.
const MAX_ROWS: usize = 1000;
/// Recalls 0.00, 0.01 ... 1.00.
const CURVE_POINTS: usize = 101;
/// No call takes longer than eleven days.
const MAX_MS: f64 = 1e9;

/// Name of the file in a variant's folder that holds what became of each image, for comparisons.
pub fn state_file(iou: IouType) -> &'static str {
    match iou {
        IouType::Segm => "segm.zbstate",
        IouType::Bbox => "bbox.zbstate",
        IouType::Boundary => "boundary.zbstate",
    }
}

/// A run and the metrics of its finished rows.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    record: RunRecord,
    variants: BTreeMap<String, VariantMetrics>,
}

impl StoredRun {
    /// Reads `run.json` and, for every row that is done, `<variant>/metrics.json` below `folder`.
    ///
    /// # Errors
    /// A [`ReportError`] that names the file if one is missing, too large, damaged, of another
    /// version, or made under another protocol or annotation file than the run.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let file = folder.join("run.json");
        let record: RunRecord = read_json(&file)?;
        check_record(&file, &record)?;
        let mut variants = BTreeMap::new();
        for row in record.rows.iter().filter(|row| row.status == RowStatus::Done) {
            let file = folder.join(&row.variant).join("metrics.json");
            let metrics: VariantMetrics = read_json(&file)?;
            check_metrics(&file, &record, &row.variant, &metrics)?;
            variants.insert(row.variant.clone(), metrics);
        }
        Ok(Self { record, variants })
    }

    /// What `run.json` says.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// What was measured for a row; `None` for one that is not done.
    pub fn metrics(&self, variant: &str) -> Option<&VariantMetrics> {
        self.variants.get(variant)
    }

    /// Whether a row's numbers may be compared with published ones: run and row say so, and both
    /// are complete.
    pub fn is_comparable(&self, variant: &str) -> bool {
        let row = self.metrics(variant).is_none_or(|row| row.comparable && row.status == "complete");
        self.record.comparable && self.record.status == "complete" && row
    }

    /// Why the run as a whole may not be compared with published values.
    pub fn caveat(&self) -> Option<String> {
        let Dataset { subset, images, images_total, .. } = &self.record.dataset;
        if let Some(subset) = subset {
            return Some(format!("{images} of {images_total} images ({subset})"));
        }
        if self.record.status != "complete" {
            return Some(format!("the run is {}", self.record.status));
        }
        (!self.record.comparable).then(|| "the run says that its numbers are not to be compared".to_string())
    }
}

#[derive(Deserialize)]
struct Version {
    schema_version: Option<serde_json::Value>,
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, ReportError> {
    let bytes = read_bytes(file)?;
    let damaged = |error: serde_json::Error| ReportError::Damaged { file: file.into(), reason: error.to_string() };
    // The version goes first: the keys of another version are no damage.
    let version: Version = serde_json::from_slice(&bytes).map_err(damaged)?;
    let found = version.schema_version.unwrap_or_default();
    if found != RUN_SCHEMA_VERSION {
        let found = if found.is_null() { "absent".to_string() } else { found.to_string() };
        return Err(ReportError::ForeignSchema { file: file.into(), found, expected: RUN_SCHEMA_VERSION });
    }
    serde_json::from_slice(&bytes).map_err(damaged)
}

fn read_bytes(file: &Path) -> Result<Vec<u8>, ReportError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ReportError::Missing { file: file.into() },
        _ => ReportError::Unreadable { file: file.into(), source },
    };
    let mut bytes = Vec::new();
    File::open(file).and_then(|reader| reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReportError::TooLarge { file: file.into(), limit: MAX_FILE_BYTES });
    }
    Ok(bytes)
}

fn check_record(file: &Path, record: &RunRecord) -> Result<(), ReportError> {
    check_range(file, "tolerance_ap", record.tolerance_ap, 100.0)?;
    if record.rows.len() > MAX_ROWS {
        return Err(ReportError::TooManyRows { file: file.into(), rows: record.rows.len(), limit: MAX_ROWS });
    }
    let mut seen = HashSet::new();
    for row in &record.rows {
        if !is_folder_name(&row.variant) {
            return Err(ReportError::UnsafeVariant { file: file.into(), variant: row.variant.clone() });
        }
        if !seen.insert(row.variant.to_lowercase()) {
            return Err(ReportError::DuplicateVariant { file: file.into(), variant: row.variant.clone() });
        }
        let published = row.published.iter();
        let values = published
            .flat_map(|row| [row.ap, row.ap_rare, row.ap_common, row.ap_frequent, row.box_ap, row.box_ap_rare]);
        for value in values.flatten() {
            check_range(file, &format!("published value of {}", row.variant), value, 100.0)?;
        }
    }
    Ok(())
}

fn check_metrics(file: &Path, record: &RunRecord, variant: &str, metrics: &VariantMetrics) -> Result<(), ReportError> {
    let foreign = |what| Err(ReportError::ForeignMetrics { file: file.into(), what });
    if metrics.variant != variant {
        return foreign("variant name");
    }
    if metrics.protocol != record.protocol {
        return foreign("protocol");
    }
    if metrics.annotations_sha256 != record.dataset.annotations_sha256 {
        return foreign("annotation file");
    }
    check_fractions(file, "segm", &metrics.results.segm)?;
    check_fractions(file, "bbox", &metrics.results.bbox)?;
    for category in &metrics.per_category {
        for value in [category.ap, category.ap50, category.ar].into_iter().flatten() {
            check_range(file, &format!("a metric of category {}", category.id), value, 1.0)?;
        }
    }
    for row in metrics.latency.iter().flat_map(|latency| &latency.measurements) {
        let [low, high] = row.p50_ci95_ms;
        for ms in [row.p50_ms, low, high, row.p90_ms, row.p99_ms, row.max_ms] {
            check_range(file, &format!("milliseconds of {}", row.latency), ms, MAX_MS)?;
        }
    }
    check_curves(file, &metrics.curves)
}

fn check_fractions(file: &Path, iou_type: &str, metrics: &Metrics) -> Result<(), ReportError> {
    for (name, value) in named(metrics) {
        if let Some(value) = value {
            check_range(file, &format!("{iou_type}.{name}"), value, 1.0)?;
        }
    }
    Ok(())
}

fn check_range(file: &Path, key: &str, value: f64, max: f64) -> Result<(), ReportError> {
    if (0.0..=max).contains(&value) {
        return Ok(());
    }
    Err(ReportError::OutOfRange { file: file.into(), key: key.to_string(), value, min: 0.0, max })
}

fn check_curves(file: &Path, curves: &Curves) -> Result<(), ReportError> {
    let named = [
        ("mean", &curves.mean),
        ("iou50", &curves.iou50),
        ("iou75", &curves.iou75),
        ("rare", &curves.rare),
        ("common", &curves.common),
        ("frequent", &curves.frequent),
    ];
    for (curve, points) in named {
        if !points.is_empty() && points.len() != CURVE_POINTS {
            return Err(ReportError::BadCurve { file: file.into(), curve, points: points.len() });
        }
        for &precision in points {
            check_range(file, &format!("curve {curve}"), precision, 1.0)?;
        }
    }
    Ok(())
}
