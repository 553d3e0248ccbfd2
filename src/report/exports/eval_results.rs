//! Evaluation results of the Hugging Face Hub.

use super::yaml::{points, publishable, quoted};
use crate::report::{Row, StoredRun, VariantMetrics};

/// Entries for `.eval_results/*.yaml` (huggingface/hub-docs `eval_results.yaml`): the mask AP in
/// points of each measured and comparable row, under a comment with its name. `dataset.id` is the
/// protocol's; the Hub wants the id of a benchmark data set there, which no run knows.
pub fn eval_results(run: &StoredRun) -> String {
    let entries: Vec<String> =
        publishable(run).into_iter().filter_map(|(row, metrics)| entry(run, row, metrics)).collect();
    if entries.is_empty() {
        return "[]\n".to_string();
    }
    entries.join("\n")
}

fn entry(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> Option<String> {
    let protocol = &run.record().protocol;
    let value = points(metrics.results.segm.ap)?;
    Some(format!(
        "# {}: mask AP, weights SHA-256 {}\n- dataset:\n    id: {}\n    split: {}\n  value: {value}\n",
        row.variant,
        metrics.weights_sha256.escape_default(),
        quoted(&protocol.id),
        quoted(&protocol.split),
    ))
}
