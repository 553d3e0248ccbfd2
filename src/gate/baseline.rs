//! What a baseline holds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{GateError, Invalid, LatencyBaseline, Metric};
use crate::report::{ImageList, Protocol, RowStatus, StoredRun, VariantMetrics};

/// How far below its target the floor of a new category lies.
const FLOOR_BELOW_AP: f64 = 0.02;

/// How far a value may move from its target, both in the value's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Down, at most.
    #[serde(default = "default_max_drop")]
    pub max_drop: f64,
    /// Up, at most.
    #[serde(default = "default_max_rise")]
    pub max_rise: f64,
}

impl Default for Tolerance {
    /// 0.05 AP down, which is what published values are rounded to, and 0.5 AP up.
    fn default() -> Self {
        Self { max_drop: default_max_drop(), max_rise: default_max_rise() }
    }
}

fn default_max_drop() -> f64 {
    0.0005
}

fn default_max_rise() -> f64 {
    0.005
}

/// What a metric should be.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The value: a fraction in 0..=1, a mean, or a count.
    pub target: f64,
    /// Overrides [`Tolerance::max_drop`].
    pub max_drop: Option<f64>,
    /// Overrides [`Tolerance::max_rise`].
    pub max_rise: Option<f64>,
}

/// What the mask AP of a category was and may not fall below.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryTarget {
    /// Mask AP in 0..=1 when the baseline was made: ranks the categories that lost most.
    #[serde(rename = "AP")]
    pub ap: f64,
    /// Least mask AP that passes; none is checked without.
    pub floor: Option<f64>,
}

/// What is expected of one variant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantBaseline {
    /// SHA-256 of the weights file, 64 lower-case hex digits.
    pub weights_sha256: String,
    /// Targets by metric.
    #[serde(default)]
    pub metrics: BTreeMap<Metric, Target>,
    /// Mask AP by category name.
    #[serde(default)]
    pub categories: BTreeMap<String, CategoryTarget>,
}

/// What is expected of a run, and which runs may be held against it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of this form.
    pub schema_version: u32,
    /// Name of the zoo, for readers.
    pub zoo: String,
    /// SHA-256 of the annotation file, 64 lower-case hex digits.
    pub annotations_sha256: String,
    /// Images evaluated.
    pub images: u64,
    /// The only subset that may be judged, as the run names it; none for all images.
    pub subset: Option<String>,
    /// The images that a list must name, where the subset is one.
    pub image_list: Option<ImageList>,
    /// Tolerance of every AP and AR that names none.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// How the numbers must have been made.
    pub protocol: Protocol,
    /// Latencies, which hold for one machine.
    pub latency: Option<LatencyBaseline>,
    /// Variants by name; at least one.
    pub variants: BTreeMap<String, VariantBaseline>,
}

impl Baseline {
    /// What this run measured, as targets: every metric and category of every finished row.
    ///
    /// # Errors
    /// [`GateError::NothingToRecord`] for a run of which no row is finished, or that was interrupted.
    pub fn of_run(run: &StoredRun) -> Result<Self, GateError> {
        let record = run.record();
        let refused = |reason| GateError::NothingToRecord { reason };
        let interrupted = record.rows.iter().any(|row| row.status == RowStatus::Pending);
        if interrupted || (record.dataset.subset.is_none() && record.status != "complete") {
            return Err(refused(Invalid::Partial { status: record.status.clone() }));
        }
        let measured = record.rows.iter().filter_map(|row| run.metrics(&row.variant));
        let variants: BTreeMap<_, _> =
            measured.map(|metrics| (metrics.variant.clone(), VariantBaseline::of_metrics(metrics))).collect();
        if variants.is_empty() {
            return Err(refused(Invalid::NothingMeasured));
        }
        Ok(Self {
            schema_version: super::BASELINE_SCHEMA_VERSION,
            zoo: record.zoo.clone(),
            annotations_sha256: record.dataset.annotations_sha256.clone(),
            images: record.dataset.images,
            subset: record.dataset.subset.clone(),
            image_list: record.dataset.image_list.clone(),
            tolerance: Tolerance::default(),
            protocol: record.protocol.clone(),
            latency: None,
            variants,
        })
    }
}

impl VariantBaseline {
    fn of_metrics(measured: &VariantMetrics) -> Self {
        let target = |metric: Metric| {
            let target = metric.value(measured)?;
            Some((metric, Target { target, max_drop: None, max_rise: None }))
        };
        let category = |ap: f64| CategoryTarget { ap, floor: (ap > FLOOR_BELOW_AP).then_some(ap - FLOOR_BELOW_AP) };
        let categories = measured.per_category.iter();
        Self {
            weights_sha256: measured.weights_sha256.clone(),
            metrics: Metric::all().filter_map(target).collect(),
            categories: categories.filter_map(|found| Some((found.name.clone(), category(found.ap?)))).collect(),
        }
    }
}
