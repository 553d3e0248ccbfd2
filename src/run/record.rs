//! Puts what was measured into its stored form.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::machine::{machine, program_sha256};
use super::plan::{Plan, PlannedVariant};
use crate::dataset::hash::sha256;
use crate::detection::Settings;
use crate::evaluation::{Agreement, AreaRule, Evaluation};
use crate::model::network::Part;
use crate::model::{Letterbox, Model};
use crate::report::{
    Dataset, ImageList, Protocol, Row, RowStatus, RunRecord, Timing, VariantMetrics, VariantResults, RUN_SCHEMA_VERSION,
};

/// How far a variant got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progressed {
    /// What became of it.
    pub status: RowStatus,
    /// Why.
    pub detail: Option<String>,
}

impl Progressed {
    /// Not reached yet.
    pub fn pending() -> Self {
        Self { status: RowStatus::Pending, detail: None }
    }
}

/// What was measured of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// Parameters by part.
    pub parameters: BTreeMap<String, u64>,
    /// Multiply-accumulates of an image by part.
    pub macs: BTreeMap<String, u64>,
    /// Detections submitted.
    pub detections: u64,
    /// Masks.
    pub segm: Evaluation,
    /// Boxes.
    pub bbox: Evaluation,
    /// Agreement with the reference's detections.
    pub agreement: Option<Agreement>,
    /// Images whose decoded size is not the annotation's.
    pub image_size_mismatches: u64,
    /// Where the time went.
    pub timing: Timing,
}

fn protocol(plan: &Plan<'_>) -> Protocol {
    let settings = Settings::default();
    Protocol {
        id: "lvis".to_owned(),
        split: plan.job.zoo.split.clone(),
        detections_per_image: u32::try_from(settings.max_detections).unwrap_or(u32::MAX),
        area: AreaRule::Auto,
        input_size: Letterbox::SIZE,
        score_threshold: settings.score_threshold,
        nms_iou: settings.iou_threshold,
    }
}

/// A cut by `--limit` leaves a partial evaluation; a named subset is whole, but another split.
fn status(plan: &Plan<'_>) -> &'static str {
    if plan.job.subset.limit.is_some() {
        "partial"
    } else {
        "complete"
    }
}

fn comparable(plan: &Plan<'_>) -> bool {
    plan.job.subset.describe().is_none()
}

/// `metrics.json` of a variant.
pub fn variant_metrics(plan: &Plan<'_>, variant: &str, measured: &Measured) -> VariantMetrics {
    VariantMetrics {
        schema_version: RUN_SCHEMA_VERSION,
        variant: variant.to_owned(),
        status: status(plan).to_owned(),
        comparable: comparable(plan),
        protocol: protocol(plan),
        annotations_sha256: plan.annotations.sha256.clone(),
        weights_sha256: measured.weights_sha256.clone(),
        engine: plan.execution.engine.name().to_owned(),
        dtype: plan.execution.precision.name().to_owned(),
        images: plan.samples.len() as u64,
        detections: measured.detections,
        parameters: measured.parameters.clone(),
        macs: measured.macs.clone(),
        results: VariantResults { segm: measured.segm.results, bbox: measured.bbox.results },
        per_category: measured.segm.per_category.clone(),
        curves: measured.segm.curves.clone(),
        swallowed: measured.segm.swallowed,
        image_size_mismatches: measured.image_size_mismatches,
        agreement: measured.agreement.clone(),
        timing: measured.timing.clone(),
        latency: None,
    }
}

/// `run.json`.
pub fn run_record(plan: &Plan<'_>, progressed: &[Progressed], interrupted: bool) -> RunRecord {
    let zoo = &plan.job.zoo;
    RunRecord {
        schema_version: RUN_SCHEMA_VERSION,
        zoobench_version: env!("CARGO_PKG_VERSION").to_owned(),
        program_sha256: program_sha256(),
        zoo: zoo.name.clone(),
        title: zoo.title.clone(),
        status: if interrupted { "partial" } else { status(plan) }.to_owned(),
        comparable: comparable(plan),
        published_label: zoo.published_label.as_str().to_owned(),
        protocol: protocol(plan),
        dataset: dataset(plan),
        rows: plan.variants.iter().zip(progressed).map(|(planned, progressed)| row(planned, progressed)).collect(),
        tolerance_ap: zoo.tolerance_ap,
        footnotes: zoo.footnotes.clone(),
        context: plan.context.clone(),
        machine: machine(&plan.job.compute),
    }
}

fn dataset(plan: &Plan<'_>) -> Dataset {
    Dataset {
        annotations: plan.annotations.source.clone(),
        annotations_sha256: plan.annotations.sha256.clone(),
        images_total: plan.images_total as u64,
        images: plan.samples.len() as u64,
        categories: plan.category_ids.len() as u64,
        subset: plan.job.subset.describe(),
        image_list: image_list(plan),
    }
}

fn image_list(plan: &Plan<'_>) -> Option<ImageList> {
    let subset = &plan.job.subset;
    if subset.list.is_none() || subset.limit.is_some() {
        return None;
    }
    let mut ids: Vec<i64> = plan.samples.iter().map(|sample| sample.id).collect();
    ids.sort_unstable();
    let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
    Some(ImageList { sha256: sha256(lines.as_bytes()), count: ids.len() as u64 })
}

fn row(planned: &PlannedVariant<'_>, progressed: &Progressed) -> Row {
    let variant = planned.variant;
    Row {
        variant: variant.name.clone(),
        title: variant.title.clone(),
        family: variant.family.clone(),
        size: variant.size.clone(),
        tuned: variant.tuned.clone(),
        status: progressed.status,
        detail: progressed.detail.clone(),
        published: variant.published.clone(),
        footnotes: variant.footnotes.clone(),
    }
}

/// Parameters of a checkpoint by part.
pub fn parameters(model: &Model) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::from(["image", "text", "total"].map(|part| (part.to_owned(), 0)));
    for parameter in model.architecture().parameters() {
        let part = if parameter.name.starts_with("backbone.text_model.") { "text" } else { "image" };
        for part in [part, "total"] {
            *counts.entry(part.to_owned()).or_default() += parameter.elements() as u64;
        }
    }
    counts
}

/// Multiply-accumulates of one image by part of the network.
pub fn macs(model: &Model, classes: usize) -> BTreeMap<String, u64> {
    let parts = [("backbone", Part::Backbone), ("neck", Part::Neck), ("head", Part::Head)];
    let counted = parts.map(|(name, part)| (name.to_owned(), model.graph().macs(part, classes)));
    counted.into_iter().chain([("total".to_owned(), model.graph().total_macs(classes))]).collect()
}

/// Where the time went.
pub fn timing(clock: &Clock, wall_seconds: f64, text_seconds: f64, images: usize) -> Timing {
    Timing {
        wall_seconds,
        text_seconds,
        images_per_second: images as f64 / wall_seconds.max(1e-9),
        stages: clock.stages(),
    }
}
