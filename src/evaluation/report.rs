//! The stored form of an evaluation.

use serde::{Deserialize, Serialize};

use super::{AreaRule, CategoryMetrics, Curves, Evaluation, IouType, Limit, Options, Protocol, Results, Swallowed};
use crate::dataset::Annotations;

/// Version of the form; it changes when a key changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// What `eval --json` writes: the numbers, and all that is needed to tell what they are numbers of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// Version of this form.
    pub schema_version: u32,
    /// `lvis`, `fixed` or `pool`. Numbers of two protocols must not be compared.
    pub protocol: Protocol,
    /// What was compared.
    pub iou: IouType,
    /// The area rule asked for.
    pub area: AreaRule,
    /// The area that decided: `box` or `mask`.
    pub area_used: AreaRule,
    /// Detections that count: of an image under `lvis`, of a category over all images under the others.
    pub max_detections: usize,
    /// Annotation file as given.
    pub annotations: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub annotations_sha256: String,
    /// Results file as given.
    pub detections: String,
    /// The numbers as fractions under the protocol's names; null where lvis-api gives -1.
    pub results: Results,
    /// Every category in ascending id.
    pub per_category: Vec<CategoryMetrics>,
    /// Precision-recall curves.
    pub curves: Curves,
    /// What was passed over.
    pub swallowed: Swallowed,
}

impl EvaluationReport {
    /// The report of an evaluation of `detections`, named as the user named it.
    pub fn new(evaluation: Evaluation, annotations: &Annotations, detections: &str, options: Options) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            protocol: options.protocol,
            iou: evaluation.iou,
            area: evaluation.area,
            area_used: evaluation.area_used,
            max_detections: match options.limit() {
                Limit::Image(limit) | Limit::Category(limit) => limit,
            },
            annotations: annotations.source.clone(),
            annotations_sha256: annotations.sha256.clone(),
            detections: detections.to_owned(),
            results: Results::new(&evaluation.results, &options),
            per_category: evaluation.per_category,
            curves: evaluation.curves,
            swallowed: evaluation.swallowed,
        }
    }

    /// Indented JSON with a final line break; the same bytes for the same numbers.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and strings can always be written");
        text.push('\n');
        text
    }
}
