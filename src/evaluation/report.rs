//! The stored form of an evaluation.

use serde::{Deserialize, Serialize};

use super::state::About;
use super::{AreaRule, CategoryMetrics, Curves, Evaluation, Intervals, IouType, Options, Protocol, Results, Swallowed};
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
    /// Images evaluated, also those without detections.
    pub images: u64,
    /// Images of the annotation file: where there are more, the numbers are those of a subset.
    pub images_total: u64,
    /// The numbers as fractions under the protocol's names; null where lvis-api gives -1.
    pub results: Results,
    /// Bootstrap intervals of these numbers, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// Every category in ascending id.
    pub per_category: Vec<CategoryMetrics>,
    /// Precision-recall curves.
    pub curves: Curves,
    /// What was passed over.
    pub swallowed: Swallowed,
}

/// What was compared with what.
struct Names<'a> {
    annotations: &'a str,
    sha256: &'a str,
    detections: &'a str,
}

impl EvaluationReport {
    /// The report of an evaluation of `detections`, named as the user named it.
    pub fn new(evaluation: Evaluation, annotations: &Annotations, detections: &str, options: Options) -> Self {
        let names = Names { annotations: &annotations.source, sha256: &annotations.sha256, detections };
        Self::named(evaluation, &options, names)
    }

    /// The report of an evaluation of what `about` says.
    pub(super) fn of(evaluation: Evaluation, about: &About) -> Self {
        let (annotations, sha256, detections) = (&about.annotations, &about.annotations_sha256, &about.detections);
        Self::named(evaluation, &about.options(), Names { annotations, sha256, detections })
    }

    fn named(evaluation: Evaluation, options: &Options, names: Names<'_>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            protocol: options.protocol,
            iou: evaluation.iou,
            area: evaluation.area,
            area_used: evaluation.area_used,
            max_detections: options.limit().count(),
            annotations: names.annotations.to_owned(),
            annotations_sha256: names.sha256.to_owned(),
            detections: names.detections.to_owned(),
            images: evaluation.images,
            images_total: evaluation.images_total,
            results: Results::new(&evaluation.results, options),
            intervals: None,
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
