//! Several processes' series become one row.

use super::order::{Computed, TaskReport, WorkReport};
use super::record::{Measurement, StageRecord};
use super::statistics::{mad, mean, median, Summary};
use super::task::{Latency, Task};

/// A row and every sample behind it.
pub(super) type Row = (Measurement, Vec<f64>);

/// What the processes of a subject have in common.
pub(super) struct Named<'a> {
    pub(super) variant: &'a str,
    pub(super) computed: &'a Computed,
    pub(super) random_weights: bool,
}

/// The rows of one subject, in the order of `tasks`; a task that no process could do has none.
pub(super) fn rows(named: &Named<'_>, tasks: &[Task], reports: &[WorkReport]) -> Vec<Row> {
    tasks.iter().filter_map(|task| row(named, task, reports)).collect()
}

fn row(named: &Named<'_>, task: &Task, reports: &[WorkReport]) -> Option<Row> {
    let series: Vec<&TaskReport> =
        reports.iter().flat_map(|report| &report.series).filter(|series| series.task == *task).collect();
    let samples: Vec<f64> = series.iter().flat_map(|series| series.samples_ms.iter().copied()).collect();
    let summary = Summary::of(&samples)?;
    let process_p50_ms: Vec<f64> = series.iter().map(|series| median(&series.samples_ms)).collect();
    let images = (samples.len() * task.batch) as f64;
    let detects = matches!(task.latency, Latency::Detect | Latency::Segment);
    let sum = |value: fn(&TaskReport) -> usize| series.iter().map(|series| value(series)).sum::<usize>();
    let clocks: Vec<f64> = series.iter().filter_map(|series| series.clock.mean_mhz).collect();
    let execution = named.computed.execution;
    let measurement = Measurement {
        variant: named.variant.to_owned(),
        device: execution.device.to_string(),
        engine: execution.engine.name().to_owned(),
        dtype: execution.precision.name().to_owned(),
        scenario: task.scenario,
        batch: task.batch,
        latency: task.latency,
        score_threshold: task.score_threshold,
        samples: summary.samples,
        min_ms: summary.min,
        mean_ms: summary.mean,
        p50_ms: summary.p50,
        p50_ci95_ms: summary.p50_ci95,
        p90_ms: summary.p90,
        p90_early_stopping_ms: summary.p90_early_stopping,
        p95_ms: summary.p95,
        p99_ms: summary.p99,
        max_ms: summary.max,
        mad_ms: summary.mad,
        outliers: summary.outliers.total(),
        outliers_severe: summary.outliers.severe,
        stages: stages(&series),
        images_per_second: (task.latency != Latency::Vocabulary).then(|| 1e3 * task.batch as f64 / summary.mean),
        detections_per_image: detects.then(|| sum(|series| series.detections) as f64 / images),
        between_run_mad_ms: mad(&process_p50_ms),
        process_p50_ms,
        cold_start_ms: reports.iter().map(|report| report.cold_start_ms).collect(),
        warm_up_seconds: series.iter().map(|series| series.warm_up.seconds).sum(),
        warm_up_images: sum(|series| series.warm_up.images),
        warm_up_unsettled: sum(|series| usize::from(!series.warm_up.settled)),
        stops: series.iter().map(|series| series.stop).collect(),
        peak_memory_bytes: series.iter().filter_map(|series| series.peak_memory_bytes).max(),
        gpu_peak_memory_bytes: series.iter().filter_map(|series| series.gpu_peak_memory_bytes).max(),
        clock_mhz: (!clocks.is_empty()).then(|| mean(&clocks)),
        clock_readings: sum(|series| series.clock.readings),
        clock_throttled: sum(|series| series.clock.throttled),
        other_load: series.iter().filter_map(|series| series.other_load).reduce(f64::max),
        mask_ap: None,
        weights_sha256: reports.first()?.weights_sha256.clone(),
        random_weights: named.random_weights,
        raw: String::new(),
    };
    Some((measurement, samples))
}

/// The stages of all processes; one that a process never came to took no time there.
fn stages(series: &[&TaskReport]) -> Vec<StageRecord> {
    let mut names: Vec<&str> = Vec::new();
    for stage in series.iter().flat_map(|series| &series.stages) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    let samples = |name: &str| -> Vec<f64> {
        let of = |series: &&TaskReport| {
            let stage = series.stages.iter().find(|stage| stage.name == name);
            stage.map_or_else(|| vec![0.0; series.samples_ms.len()], |stage| stage.samples_ms.clone())
        };
        series.iter().flat_map(of).collect()
    };
    let record = |name: &str| {
        let samples = samples(name);
        StageRecord { name: name.to_owned(), mean_ms: mean(&samples), p50_ms: median(&samples) }
    };
    names.into_iter().map(record).collect()
}
