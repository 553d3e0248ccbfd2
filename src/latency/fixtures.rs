//! A row against which nothing speaks, for tests to spoil.

use super::record::{Measurement, StageRecord};
use super::sampling::Stop;
use super::task::{Latency, Scenario};

pub(super) fn measurement() -> Measurement {
    let stage = |name: &str, ms| StageRecord { name: name.to_owned(), mean_ms: ms, p50_ms: ms };
    Measurement {
        variant: "shapes_v1".to_owned(),
        device: "cpu".to_owned(),
        engine: "fast".to_owned(),
        dtype: "f32".to_owned(),
        scenario: Scenario::Single,
        batch: 1,
        latency: Latency::Segment,
        score_threshold: 0.001,
        samples: 100,
        min_ms: 95.0,
        mean_ms: 100.0,
        p50_ms: 100.0,
        p50_ci95_ms: [99.0, 101.0],
        p90_ms: 103.0,
        p90_early_stopping_ms: Some(104.0),
        p95_ms: 104.0,
        p99_ms: 105.0,
        max_ms: 106.0,
        mad_ms: 1.0,
        outliers: 0,
        outliers_severe: 0,
        stages: vec![stage("network", 80.0), stage("masks", 20.0)],
        images_per_second: Some(10.0),
        detections_per_image: Some(3.0),
        process_p50_ms: vec![100.0; 5],
        between_run_mad_ms: 0.1,
        cold_start_ms: vec![500.0; 5],
        warm_up_seconds: 15.0,
        warm_up_images: 250,
        warm_up_unsettled: 0,
        stops: vec![Stop::Complete; 5],
        peak_memory_bytes: Some(1 << 28),
        gpu_peak_memory_bytes: None,
        clock_mhz: Some(2000.0),
        clock_readings: 100,
        clock_throttled: 0,
        other_load: Some(0.0),
        mask_ap: Some(0.4),
        weights_sha256: "b0".repeat(32),
        random_weights: false,
        raw: "latency.samples.ndjson".to_owned(),
    }
}
