//! Model-card metadata of the Hugging Face Hub.

use super::yaml::{list, points, publishable, quoted};
use crate::evaluation::Metrics;
use crate::report::{Row, StoredRun, VariantMetrics};

/// The `model-index` of a model card's front matter (huggingface/hub-docs `modelcard.md`): one
/// entry a measured and comparable row, mask and box AP in points.
pub fn model_index(run: &StoredRun) -> String {
    let items: Vec<String> = publishable(run).into_iter().map(|(row, metrics)| item(run, row, metrics)).collect();
    format!("---\n{}---\n", list("model-index", &items))
}

fn item(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> String {
    let name = quoted(&format!("{} ({})", row.title, row.tuned));
    let segm = result(run, "image-segmentation", "mask", &metrics.results.segm);
    let bbox = result(run, "object-detection", "box", &metrics.results.bbox);
    format!("  - name: {name}\n    results:\n{segm}{bbox}")
}

fn result(run: &StoredRun, task: &str, kind: &str, metrics: &Metrics) -> String {
    let protocol = &run.record().protocol;
    let named = [
        ("AP", metrics.ap),
        ("AP rare", metrics.ap_rare),
        ("AP common", metrics.ap_common),
        ("AP frequent", metrics.ap_frequent),
    ];
    let values = named.into_iter().filter_map(|(name, value)| Some((name, points(value)?)));
    let lines: String = values
        .map(|(name, value)| {
            let name = quoted(&format!("{kind} {name}"));
            format!("          - type: mean_average_precision\n            name: {name}\n            value: {value}\n")
        })
        .collect();
    format!(
        "      - task:\n          type: {task}\n        dataset:\n          type: {}\n          name: {}\n          split: {}\n        metrics:\n{lines}",
        quoted(&protocol.id),
        quoted(&run.record().title),
        quoted(&protocol.split),
    )
}
