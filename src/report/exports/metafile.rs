//! mmdet's model index.

use super::yaml::{list, points, publishable, quoted};
use crate::report::{Row, StoredRun, VariantMetrics};

/// The `metafile.yml` of an mmdet config folder: a collection named by the zoo and a model a
/// measured and comparable row, box and mask AP in points.
pub fn metafile(run: &StoredRun) -> String {
    let record = run.record();
    let collection = format!("  - Name: {}\n", quoted(&record.title));
    let models: Vec<String> = publishable(run).into_iter().map(|(row, metrics)| model(run, row, metrics)).collect();
    format!("{}\n{}", list("Collections", &[collection]), list("Models", &models))
}

fn model(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> String {
    let parameters = metrics.parameters.get("total").map(|total| format!("      Parameters: {total}\n"));
    let results = [
        ("Object Detection", "box AP", metrics.results.bbox.ap),
        ("Instance Segmentation", "mask AP", metrics.results.segm.ap),
    ];
    let results: String = results
        .into_iter()
        .filter_map(|(task, name, value)| Some((task, name, points(value)?)))
        .map(|(task, name, value)| {
            let dataset = quoted(&run.record().protocol.split);
            format!("      - Task: {task}\n        Dataset: {dataset}\n        Metrics:\n          {name}: {value}\n")
        })
        .collect();
    format!(
        "  - Name: {}\n    In Collection: {}\n    Metadata:\n      Weights SHA-256: {}\n{}    Results:\n{results}",
        quoted(&row.variant),
        quoted(&run.record().title),
        quoted(&metrics.weights_sha256),
        parameters.unwrap_or_default(),
    )
}
