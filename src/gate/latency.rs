//! Latencies as part of a baseline: of one machine, from a file that `zoobench latency --json` wrote.
//!
//! Only what is needed is read of the measurement; the room that measures comes after this one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Baseline, GateError, Invalid, Judgement, Outcome};

/// Version of the measurement that is read.
const SCHEMA_VERSION: u32 = 1;
/// As `zoobench latency` itself reads.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// What latencies should be, on one machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyBaseline {
    /// Fingerprint of the machine.
    pub fingerprint: String,
    /// Share by which a median may rise, 0.1 for 10 %.
    pub max_rise: f64,
    /// Median in milliseconds by row, for example `shapes_v1 segment, single, batch 1`.
    pub p50_ms: BTreeMap<String, f64>,
}

/// One latency held against the baseline's. A faster one never fails.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyCheck {
    /// The row.
    pub row: String,
    /// The baseline's median in milliseconds.
    pub target_ms: f64,
    /// The measurement's.
    pub measured_ms: f64,
    /// Share by which it may rise.
    pub max_rise: f64,
    /// What became of it; never [`Outcome::Dropped`].
    pub outcome: Outcome,
}

/// What is read of a measurement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LatencyFile {
    schema_version: u32,
    verdict: String,
    reasons: Vec<String>,
    machine: Machine,
    measurements: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Machine {
    fingerprint: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    variant: String,
    device: String,
    engine: String,
    dtype: String,
    scenario: String,
    batch: u64,
    latency: String,
    score_threshold: f64,
    p50_ms: f64,
    weights_sha256: String,
}

impl Row {
    /// All that tells a row from the others.
    fn name(&self) -> String {
        let Self { variant, device, engine, dtype, scenario, batch, latency, score_threshold, .. } = self;
        format!("{variant} {latency}, {scenario}, batch {batch}, {engine} on {device}, {dtype}, scores above {score_threshold}")
    }
}

impl LatencyFile {
    /// Reads the JSON file of a measurement.
    ///
    /// # Errors
    /// [`GateError::BadLatency`] for a file that cannot be read, is no measurement or of another version.
    pub fn read(path: &Path) -> Result<Self, GateError> {
        let bad = |reason: String| GateError::BadLatency { file: path.to_path_buf(), reason };
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|error| bad(error.to_string()))?;
        let file: Self = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        if file.schema_version != SCHEMA_VERSION {
            return Err(bad(format!("schema_version is {}, this version reads {SCHEMA_VERSION}", file.schema_version)));
        }
        Ok(file)
    }

    fn p50_ms(&self) -> BTreeMap<String, f64> {
        self.measurements.iter().map(|row| (row.name(), row.p50_ms)).collect()
    }
}

impl LatencyBaseline {
    /// The medians of a measurement as targets, each of which may rise by `max_rise`.
    pub fn of_file(file: &LatencyFile, max_rise: f64) -> Self {
        Self { fingerprint: file.machine.fingerprint.clone(), max_rise, p50_ms: file.p50_ms() }
    }
}

/// Adds the latencies to a judgement. A baseline without latencies judges none; one with latencies is
/// invalid without a valid measurement of the same machine and weights that has every row.
pub fn judge_latency(judgement: &mut Judgement, baseline: &Baseline, file: Option<&LatencyFile>) {
    let Some(expected) = &baseline.latency else { return };
    let Some(file) = file else { return judgement.invalid.push(Invalid::NoLatency) };
    if file.machine.fingerprint != expected.fingerprint {
        let (expected, found) = (expected.fingerprint.clone(), file.machine.fingerprint.clone());
        return judgement.invalid.push(Invalid::OtherMachine { expected, found });
    }
    if file.verdict != "VALID" {
        judgement.invalid.push(Invalid::InvalidLatency { reasons: file.reasons.clone() });
    }
    judgement.invalid.extend(other_weights(baseline, file));
    let measured = file.p50_ms();
    for (row, &target_ms) in &expected.p50_ms {
        match measured.get(row).copied().filter(|ms| ms.is_finite() && *ms > 0.0) {
            Some(measured_ms) => judgement.latency.push(check(row, target_ms, measured_ms, expected.max_rise)),
            None => judgement.invalid.push(Invalid::NoValue { variant: "latency".into(), metric: row.clone() }),
        }
    }
}

fn other_weights(baseline: &Baseline, file: &LatencyFile) -> Vec<Invalid> {
    let rows: BTreeMap<&String, &String> =
        file.measurements.iter().map(|row| (&row.variant, &row.weights_sha256)).collect();
    let other = rows.into_iter().filter_map(|(variant, found)| {
        let expected = &baseline.variants.get(variant)?.weights_sha256;
        let (variant, expected, found) = (variant.clone(), expected.clone(), found.clone());
        (expected != found).then_some(Invalid::OtherWeights { variant, expected, found })
    });
    other.collect()
}

fn check(row: &str, target_ms: f64, measured_ms: f64, max_rise: f64) -> LatencyCheck {
    let outcome = if measured_ms > target_ms * (1.0 + max_rise) { Outcome::Rose } else { Outcome::Within };
    LatencyCheck { row: row.to_string(), target_ms, measured_ms, max_rise, outcome }
}
