//! The latencies that a run stores, as pictures take them.

use super::figures::{LatencyFigures, TimedVariant};
use crate::report::{threads, LatencySummary, Row, StoredRun};

/// What the run's pictures of latencies are drawn from. It keeps no single calls, and AP on part of
/// the data is no AP to draw.
pub(in crate::report) fn figures_of_run(run: &StoredRun) -> LatencyFigures<'_> {
    let machine = &run.record().machine;
    let latencies = || run.record().rows.iter().filter_map(|row| run.metrics(&row.variant)?.latency.as_ref());
    LatencyFigures {
        machine: format!("{}, {}", machine.cpu, threads(machine.threads)),
        reasons: latencies().find(|latency| !latency.reasons.is_empty()).map_or(&[][..], |latency| &latency.reasons),
        series: run.record().rows.iter().flat_map(|row| series(run, row)).collect(),
    }
}

fn series<'a>(run: &'a StoredRun, row: &'a Row) -> Vec<TimedVariant<'a>> {
    let Some(metrics) = run.metrics(&row.variant) else { return Vec::new() };
    let mask_ap = metrics.results.segm.ap.filter(|_| run.caveat().is_none());
    let measurements = metrics.latency.iter().flat_map(|latency| &latency.measurements);
    let timed = |summary: &LatencySummary| TimedVariant {
        variant: &row.variant,
        summary: summary.clone(),
        samples: &[],
        mask_ap,
    };
    measurements.map(timed).collect()
}
