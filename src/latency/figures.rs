//! A measurement as the report takes it: plain numbers for tables and pictures.

use super::drive::Measured;
use super::record::{MachineRecord, Measurement};
use crate::report::{threads, LatencyFigures, LatencySummary, TimedVariant};

impl Measurement {
    /// What tables and pictures show of it.
    pub fn summary(&self) -> LatencySummary {
        LatencySummary {
            latency: self.latency.name().to_owned(),
            scenario: self.scenario.name().to_owned(),
            batch: self.batch as u64,
            score_threshold: self.is_deployed().then_some(self.score_threshold),
            device: self.device.clone(),
            engine: self.engine.clone(),
            dtype: self.dtype.clone(),
            samples: self.samples as u64,
            p50_ms: self.p50_ms,
            p50_ci95_ms: self.p50_ci95_ms,
            p90_ms: self.p90_ms,
            p99_ms: self.p99_ms,
            max_ms: self.max_ms,
            images_per_second: self.images_per_second,
        }
    }
}

/// What the pictures of a measurement are drawn from.
pub(super) fn figures(measured: &Measured) -> LatencyFigures<'_> {
    let record = &measured.record;
    let series = record.measurements.iter().zip(&measured.samples).map(|(row, samples)| TimedVariant {
        variant: &row.variant,
        summary: row.summary(),
        samples,
        mask_ap: row.mask_ap,
    });
    LatencyFigures { machine: machine(&record.machine), reasons: &record.reasons, series: series.collect() }
}

fn machine(machine: &MachineRecord) -> String {
    format!("{}, {}", machine.cpu, threads(machine.threads))
}
