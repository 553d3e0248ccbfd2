//! A stored run made up for tests: eight rows of every fate, no number of which was measured.
use std::fs;
use std::path::Path;

use zoobench::evaluation::{Agreement, AreaRule, CategoryMetrics, Curves, Metrics, Swallowed};
use zoobench::report::{
    Context, ContextRow, Dataset, LatencySummary, Machine, Protocol, Published, Row, RowStatus, RunRecord, SpeedRow,
    StageTime, Timing, VariantLatency, VariantMetrics, VariantResults,
};

pub const ANNOTATIONS_SHA256: &str = "00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee";

/// A run and the metrics of its finished rows, before they are stored.
pub struct Synthetic {
    pub record: RunRecord,
    pub metrics: Vec<VariantMetrics>,
}

impl Synthetic {
    /// Writes `run.json` and each `metrics.json` below `folder`.
    pub fn store(&self, folder: &Path) {
        let text = serde_json::to_string_pretty(&self.record).expect("plain data");
        fs::write(folder.join("run.json"), text).expect("the folder is ours");
        for metrics in &self.metrics {
            let folder = folder.join(&metrics.variant);
            fs::create_dir_all(&folder).expect("the folder is ours");
            let text = serde_json::to_string_pretty(metrics).expect("plain data");
            fs::write(folder.join("metrics.json"), text).expect("the folder is ours");
        }
    }

    pub fn row(&mut self, variant: &str) -> &mut Row {
        self.record.rows.iter_mut().find(|row| row.variant == variant).expect("a row of that name")
    }
}

/// The model zoo with two rows reproduced, one that differs, one that failed, one skipped and three
/// without weights; `categories` categories each.
pub fn zoo_run(categories: u64) -> Synthetic {
    let rows = vec![
        row("seg-m-all", "YOLO-World-Seg-M", "all modules", RowStatus::Done, [25.9, 13.4, 24.9, 32.6]),
        row("v2-seg-m-all", "YOLO-World-v2-Seg-M", "all modules", RowStatus::NoWeights, [25.9, 13.4, 24.9, 32.6]),
        row("seg-l-all", "YOLO-World-Seg-L", "all modules", RowStatus::Done, [28.7, 15.0, 28.3, 35.2]),
        row("v2-seg-l-all", "YOLO-World-v2-Seg-L", "all modules", RowStatus::NoWeights, [28.7, 15.0, 28.3, 35.2]),
        row("seg-m-head", "YOLO-World-Seg-M", "seg head", RowStatus::Done, [16.7, 12.6, 14.6, 20.8]),
        row("v2-seg-m-head", "YOLO-World-v2-Seg-M", "seg head", RowStatus::Skipped, [17.8, 13.9, 15.5, 22.0]),
        row("seg-l-head", "YOLO-World-Seg-L", "seg head", RowStatus::Failed, [19.1, 14.2, 17.2, 23.5]),
        row("v2-seg-l-head", "YOLO-World-v2-Seg-L", "seg head", RowStatus::NoWeights, [19.8, 17.2, 17.5, 23.6]),
    ];
    let mut run = Synthetic {
        record: record(rows),
        metrics: vec![
            metrics("seg-m-all", [0.2592, 0.1344, 0.2487, 0.3264], [0.3261, 0.1583], categories),
            metrics("seg-l-all", [0.2871, 0.1469, 0.2834, 0.3519], [0.3617, 0.1744], categories),
            metrics("seg-m-head", [0.16723456789, 0.12554, 0.14645, 0.20803], [0.22317, 0.16239], categories),
        ],
    };
    run.row("seg-m-all").published.as_mut().expect("published").box_ap = Some(32.6);
    run.row("seg-m-all").published.as_mut().expect("published").box_ap_rare = Some(15.8);
    run.row("seg-m-head").published.as_mut().expect("published").box_ap = Some(22.3);
    run.row("seg-m-head").published.as_mut().expect("published").box_ap_rare = Some(16.2);
    run.row("v2-seg-m-all").detail = Some("none are public".to_string());
    run.row("seg-l-head").detail = Some("checkpoint.pth: tensor | of the wrong shape".to_string());
    run.row("v2-seg-m-all").footnotes.push("Published values copy the v1 row.".to_string());
    run.row("v2-seg-l-all").footnotes.push("Published values copy the v1 row.".to_string());
    run.metrics[2].agreement = Some(agreement());
    run.metrics[2].swallowed.over_limit_detections = 17;
    run.metrics[0].image_size_mismatches = 2;
    run.record.context = context();
    run.metrics[0].latency = Some(latency(61.25));
    run.metrics[1].latency = Some(latency(104.5));
    run
}

/// Made-up rows of others.
fn context() -> Context {
    let speed = |model: &str, fps, gpu: &str, how: &str| SpeedRow {
        model: model.to_string(),
        fps,
        gpu: gpu.to_string(),
        how: how.to_string(),
        source: "a paper, table 2".to_string(),
    };
    let other = ContextRow {
        model: "Another model".to_string(),
        ap: 25.0,
        ap_to: Some(26.8),
        ap_rare: Some(16.6),
        ap_common: None,
        ap_frequent: None,
        box_ap: Some(53.6),
        setting: "zero-shot".to_string(),
        split: "LVIS val 1.0".to_string(),
        source: "another paper | table 1".to_string(),
    };
    Context {
        speeds: vec![
            speed("YOLO-World-M", 58.1, "V100", "PyTorch FP32, no NMS"),
            speed("YOLO-World-L", 80.0, "T4", "TensorRT FP16"),
        ],
        mask_ap: vec![other],
    }
}

/// Made-up latencies of a valid measurement.
fn latency(ms: f64) -> VariantLatency {
    let summary = |latency: &str, ms: f64| LatencySummary {
        latency: latency.to_string(),
        scenario: "single".to_string(),
        batch: 1,
        score_threshold: None,
        device: "cpu".to_string(),
        engine: "fast".to_string(),
        dtype: "f32".to_string(),
        samples: 800,
        p50_ms: ms,
        p50_ci95_ms: [0.99 * ms, 1.01 * ms],
        p90_ms: 1.1 * ms,
        p99_ms: 1.2 * ms,
        max_ms: 1.5 * ms,
        images_per_second: Some(1e3 / ms),
    };
    VariantLatency { reasons: Vec::new(), measurements: vec![summary("forward", ms), summary("segment", 1.25 * ms)] }
}

/// One measured row on part of the data.
pub fn limited_run(categories: u64) -> Synthetic {
    let row = row("seg-m-head", "YOLO-World-Seg-M", "seg head", RowStatus::Done, [16.7, 12.6, 14.6, 20.8]);
    let mut metrics = metrics("seg-m-head", [0.167, 0.126, 0.146, 0.208], [0.223, 0.162], categories);
    let mut record = record(vec![row]);
    record.comparable = false;
    record.dataset.images = 100;
    record.dataset.subset = Some("--limit 100".to_string());
    metrics.comparable = false;
    metrics.images = 100;
    Synthetic { record, metrics: vec![metrics] }
}

fn row(variant: &str, title: &str, tuned: &str, status: RowStatus, [ap, rare, common, frequent]: [f64; 4]) -> Row {
    let published = Published {
        ap: Some(ap),
        ap_rare: Some(rare),
        ap_common: Some(common),
        ap_frequent: Some(frequent),
        box_ap: None,
        box_ap_rare: None,
        source: "the model zoo, table 1".to_string(),
    };
    Row {
        variant: variant.to_string(),
        title: title.to_string(),
        family: if title.contains("v2") { "v2" } else { "v1" }.to_string(),
        size: title.rsplit('-').next().unwrap_or_default().to_string(),
        tuned: tuned.to_string(),
        status,
        detail: None,
        published: Some(published),
        footnotes: Vec::new(),
    }
}

fn protocol() -> Protocol {
    Protocol {
        id: "lvis".to_string(),
        split: "lvis_v1_val".to_string(),
        detections_per_image: 300,
        area: AreaRule::Auto,
        input_size: 640,
        score_threshold: 0.001,
        nms_iou: 0.7,
    }
}

fn record(rows: Vec<Row>) -> RunRecord {
    RunRecord {
        program_sha256: None,
        schema_version: 1,
        zoobench_version: "0.1.0".to_string(),
        zoo: "yolo-world-seg".to_string(),
        title: "YOLO-World-Seg on LVIS val 1.0".to_string(),
        status: "complete".to_string(),
        comparable: true,
        published_label: "published".to_string(),
        tolerance_ap: 0.05,
        protocol: protocol(),
        dataset: Dataset {
            annotations: "annotations/lvis_v1_val.json".to_string(),
            annotations_sha256: ANNOTATIONS_SHA256.to_string(),
            images_total: 19_809,
            images: 19_809,
            categories: 1203,
            subset: None,
            image_list: None,
        },
        rows,
        footnotes: vec!["Published values are rounded: 16.7 is the interval [16.65, 16.75].".to_string()],
        context: Context::default(),
        machine: Machine {
            cpu: "A made-up CPU".to_string(),
            cores: 8,
            os: "linux x86_64".to_string(),
            threads: 8,
            device: "cpu".to_string(),
            engine: "fast".to_string(),
            dtype: "f32".to_string(),
        },
    }
}

fn metrics(variant: &str, mask: [f64; 4], boxes: [f64; 2], categories: u64) -> VariantMetrics {
    let [ap, rare, common, frequent] = mask;
    let segm = Metrics {
        ap: Some(ap),
        ap50: Some(1.45 * ap),
        ap75: Some(1.06 * ap),
        ap_small: Some(0.5 * ap),
        ap_medium: Some(1.2 * ap),
        ap_large: None,
        ap_rare: Some(rare),
        ap_common: Some(common),
        ap_frequent: Some(frequent),
        ar: Some(1.3 * ap),
        ar_small: Some(0.8 * ap),
        ar_medium: Some(1.6 * ap),
        ar_large: None,
    };
    let bbox = Metrics { ap: Some(boxes[0]), ap_rare: Some(boxes[1]), ap_common: Some(0.3), ..segm };
    VariantMetrics {
        schema_version: 1,
        variant: variant.to_string(),
        status: "complete".to_string(),
        comparable: true,
        protocol: protocol(),
        annotations_sha256: ANNOTATIONS_SHA256.to_string(),
        weights_sha256: "ca465825".repeat(8),
        engine: "fast".to_string(),
        dtype: "f32".to_string(),
        images: 19_809,
        detections: 5_942_700,
        parameters: [("total", 80_000_000), ("text", 63_000_000), ("image", 17_000_000)]
            .map(|(part, count)| (part.to_string(), count))
            .into(),
        macs: [
            ("backbone", 40_000_000_000),
            ("neck", 30_000_000_000),
            ("head", 20_000_000_000),
            ("total", 90_000_000_000),
        ]
        .map(|(part, count)| (part.to_string(), count))
        .into(),
        results: VariantResults { segm, bbox },
        per_category: (1..=categories).map(|id| category(id, categories, ap)).collect(),
        curves: curves(mask),
        swallowed: Swallowed::default(),
        image_size_mismatches: 0,
        agreement: None,
        timing: Timing {
            wall_seconds: 6603.0,
            text_seconds: 12.5,
            images_per_second: 3.0,
            stages: [("decode", 100.0), ("network", 6000.25), ("detection", 400.0), ("evaluation", 90.0)]
                .map(|(name, seconds)| StageTime { name: name.to_string(), seconds, share: None })
                .into(),
        },
        latency: None,
    }
}

/// Scattered around a level that rises with the number of training images, like LVIS's.
fn category(id: u64, categories: u64, level: f64) -> CategoryMetrics {
    let noise = |salt: u64| (scrambled(id * 31 + salt) % 1000) as f64 / 1000.0;
    let images = (10f64.powf(3.2 * noise(1))).ceil() as u64;
    let frequency = match images {
        0..=10 => "r",
        11..=100 => "c",
        _ => "f",
    };
    let rise = 0.5 + 0.25 * (images as f64).log10();
    let ap = (level * rise * 2.6 * noise(2) - 0.08).clamp(0.0, 1.0);
    let has_truth = categories < 50 || !id.is_multiple_of(12);
    CategoryMetrics {
        id: id as i64,
        name: format!("category_{id}_(made_up)"),
        frequency: frequency.to_string(),
        ap: has_truth.then_some(ap),
        ap50: has_truth.then_some((1.4 * ap).min(1.0)),
        ar: has_truth.then_some((1.2 * ap).min(1.0)),
        num_gt: if has_truth { 10 } else { 0 },
        image_count: Some(images),
    }
}

/// SplitMix64's finaliser: scatters neighbouring numbers.
fn scrambled(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) >> 16
}

fn curves([ap, rare, common, frequent]: [f64; 4]) -> Curves {
    let curve = |ap: f64| {
        let start = (2.4 * ap).min(1.0);
        (0..=100).map(|index| (start * (1.0 - (f64::from(index) / 100.0).powf(0.7))).max(0.0)).collect()
    };
    Curves {
        mean: curve(ap),
        iou50: curve(1.45 * ap),
        iou75: curve(1.06 * ap),
        rare: curve(rare),
        common: curve(common),
        frequent: curve(frequent),
    }
}

fn agreement() -> Agreement {
    Agreement {
        reference: 36_000,
        matched: 35_991,
        worst_image: 0.98,
        median_score_difference: 1.2e-7,
        max_score_difference: 3.4e-5,
        median_box_difference: 3e-5,
        max_box_difference: 0.012,
        median_mask_iou: 1.0,
        mean_mask_iou: 0.99987,
        min_mask_iou: 0.9612,
    }
}
