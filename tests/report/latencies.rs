//! Pictures of latency measurements: which are drawn, and what stands on them.

use zoobench::report::{latency_captions, latency_plots, LatencyFigures, LatencySummary, Plot, TimedVariant};

/// Made-up calls around `ms`, the slower half with a tail.
fn calls(ms: f64) -> Vec<f64> {
    (0..400)
        .map(|call| ms * (1.0 + 0.0004 * f64::from(call * 7 % 100) + 0.002 * f64::from(call % 10).powi(2)))
        .collect()
}

fn summary(latency: &str, scenario: &str, batch: u64, ms: f64) -> LatencySummary {
    LatencySummary {
        latency: latency.to_owned(),
        scenario: scenario.to_owned(),
        batch,
        score_threshold: None,
        device: "cpu".to_owned(),
        engine: "fast".to_owned(),
        dtype: "f32".to_owned(),
        samples: 400,
        p50_ms: 1.05 * ms,
        p50_ci95_ms: [1.04 * ms, 1.07 * ms],
        p90_ms: 1.14 * ms,
        p99_ms: 1.19 * ms,
        max_ms: 1.2 * ms,
        images_per_second: Some(1e3 * batch as f64 / ms / (1.0 + 0.02 * batch as f64)),
    }
}

const MODELS: [(&str, f64, f64); 4] = [
    ("seg-m-all", 61.0, 0.259),
    ("seg-l-all", 104.0, 0.287),
    ("seg-m-head", 61.5, 0.167),
    ("seg-l-head", 104.5, 0.191),
];

/// Every kind of measurement of four variants; `samples` are those of the variants in turn.
fn series(samples: &[Vec<f64>]) -> Vec<TimedVariant<'_>> {
    let mut series = Vec::new();
    for ((variant, ms, ap), samples) in MODELS.into_iter().zip(samples) {
        let timed = |summary| TimedVariant { variant, summary, samples, mask_ap: Some(ap) };
        series.extend(["forward", "segment"].map(|latency| timed(summary(latency, "single", 1, ms))));
        let deployed = LatencySummary { score_threshold: Some(0.25), ..summary("segment", "single", 1, ms) };
        series.push(timed(deployed));
        series.extend([1, 2, 4, 8].map(|batch| timed(summary("forward", "offline", batch, ms * batch as f64))));
    }
    series
}

fn samples() -> Vec<Vec<f64>> {
    MODELS.iter().map(|model| calls(model.1)).collect()
}

fn figures<'a>(series: Vec<TimedVariant<'a>>, reasons: &'a [String]) -> LatencyFigures<'a> {
    LatencyFigures { machine: "a made-up CPU, 2 threads".to_owned(), reasons, series }
}

fn svgs(figures: &LatencyFigures) -> Vec<(String, String)> {
    let plots = latency_plots(figures).expect("they are drawn");
    // To look at them.
    if let Some(folder) = std::env::var_os("ZOOBENCH_PLOTS") {
        for Plot { name, bytes } in &plots {
            std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("a folder to look into");
        }
    }
    let svgs = plots.into_iter().filter(|plot| plot.name.ends_with(".svg"));
    svgs.map(|plot| (plot.name, String::from_utf8(plot.bytes).expect("SVG is text"))).collect()
}

fn names(figures: &LatencyFigures) -> Vec<String> {
    latency_captions(figures).into_iter().map(|caption| caption.0).collect()
}

#[test]
fn every_kind_of_measurement_has_its_pictures() {
    let samples = samples();
    let figures = figures(series(&samples), &[]);
    let expected = [
        "latency_distribution_forward",
        "latency_distribution_segment",
        "latency_distribution_segment_score_0.25",
        "latency_ap_forward",
        "latency_ap_segment",
        "throughput_forward",
    ];
    assert_eq!(names(&figures), expected);
    let svgs = svgs(&figures);
    let drawn: Vec<&str> = svgs.iter().map(|svg| svg.0.trim_end_matches(".svg")).collect();
    assert_eq!(drawn, expected);
    for (name, svg) in &svgs {
        assert!(svg.contains("device cpu, engine fast, dtype f32; a made-up CPU, 2 threads"), "{name}");
        assert!(!svg.contains("INVALID"), "{name}");
        assert!(MODELS.iter().all(|model| svg.contains(model.0)), "{name} lacks a variant");
    }
    for (index, title) in [(1, "Latency segment, single, batch 1: distribution"), (4, "against mask AP")] {
        assert!(svgs[index].1.contains(title), "{title}");
    }
    assert!(svgs[2].1.contains("scores above 0.25"));
    assert!(svgs[5].1.contains("Throughput of forward, offline"));
}

#[test]
fn an_invalid_measurement_is_marked_in_every_picture() {
    let samples = samples();
    let reasons = ["shapes: noise".to_owned(), "debug build".to_owned()];
    let figures = figures(series(&samples), &reasons);
    for (name, svg) in svgs(&figures) {
        assert!(svg.contains("INVALID (2 reasons): shapes: noise"), "{name}");
    }
    assert!(latency_captions(&figures).iter().all(|caption| caption.1.ends_with(", INVALID")));
}

#[test]
fn a_picture_that_lacks_its_data_is_not_drawn() {
    let samples = samples();
    let without = |change: fn(&mut TimedVariant)| {
        let mut series = series(&samples);
        series.iter_mut().for_each(change);
        names(&figures(series, &[]))
    };
    let no_samples = without(|series| series.samples = &[]);
    assert!(no_samples.iter().all(|name| !name.contains("distribution")), "{no_samples:?}");
    let no_ap = without(|series| series.mask_ap = None);
    assert!(no_ap.iter().all(|name| !name.contains("_ap_")), "{no_ap:?}");
    let one_batch = without(|series| series.summary.batch = 1);
    assert!(one_batch.iter().all(|name| !name.contains("throughput")), "{one_batch:?}");
    assert!(names(&figures(Vec::new(), &[])).is_empty());
}

#[test]
fn stragglers_beyond_the_axis_are_counted() {
    let mut samples = samples();
    samples[0][7] = 900.0;
    samples[3][8] = 2000.0;
    let svgs = svgs(&figures(series(&samples), &[]));
    assert!(svgs[0].1.contains("2 calls lie right of the axis"));
}
