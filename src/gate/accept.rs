//! A run accepted as the new baseline.

use std::collections::BTreeMap;

use super::{judge, Baseline, CategoryTarget, Check, Invalid, Metric, Target, VariantBaseline};
use crate::report::{StoredRun, VariantMetrics};

/// A baseline rewritten from a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The new baseline.
    pub baseline: Baseline,
    /// What changed, one line each; empty where nothing did.
    pub changes: Vec<String>,
}

/// The baseline with the run's values as targets. Tolerances stay, as does which values are
/// checked; a category's floor moves with its AP.
///
/// # Errors
/// What makes the run unfit: it is partial, on other images, or lacks a value that is checked.
pub fn accept(baseline: &Baseline, run: &StoredRun) -> Result<Accepted, Vec<Invalid>> {
    let judgement = judge(baseline, run);
    let (settled, unfit): (Vec<_>, Vec<_>) = judgement.invalid.into_iter().partition(Invalid::can_be_accepted);
    if !unfit.is_empty() {
        return Err(unfit);
    }
    let accepted = Baseline {
        annotations_sha256: run.record().dataset.annotations_sha256.clone(),
        protocol: run.record().protocol.clone(),
        variants: variants(baseline, run),
        ..baseline.clone()
    };
    let mut changes: Vec<String> = settled.iter().filter_map(identity_change).collect();
    changes.extend(judgement.checks.iter().filter(|check| check.measured != check.target).map(value_change));
    let categories = judgement.categories.iter().filter(|category| category.measured != category.target);
    changes.extend(categories.map(|category| {
        let (variant, name) = (&category.variant, &category.category);
        line(&format!("{variant} category {name:?} AP"), &category.target, &category.measured)
    }));
    Ok(Accepted { baseline: accepted, changes })
}

fn variants(baseline: &Baseline, run: &StoredRun) -> BTreeMap<String, VariantBaseline> {
    let renewed = |(name, expected): (&String, &VariantBaseline)| {
        let metrics = run.metrics(name)?;
        Some((name.clone(), expected.renewed(metrics)))
    };
    baseline.variants.iter().filter_map(renewed).collect()
}

impl VariantBaseline {
    fn renewed(&self, measured: &VariantMetrics) -> Self {
        let metric = |(&metric, old): (&Metric, &Target)| {
            let target = metric.value(measured).unwrap_or(old.target);
            (metric, Target { target, ..*old })
        };
        let found: BTreeMap<&str, Option<f64>> =
            measured.per_category.iter().map(|category| (category.name.as_str(), category.ap)).collect();
        let category = |(name, old): (&String, &CategoryTarget)| {
            let ap = found.get(name.as_str()).copied().flatten().unwrap_or(old.ap);
            // An unchanged category keeps its floor to the last bit.
            let floor = if ap == old.ap { old.floor } else { old.floor.map(|floor| moved_floor(old.ap, floor, ap)) };
            (name.clone(), CategoryTarget { ap, floor })
        };
        Self {
            weights_sha256: measured.weights_sha256.clone(),
            metrics: self.metrics.iter().map(metric).collect(),
            categories: self.categories.iter().map(category).collect(),
        }
    }
}

/// As far below the new AP as it was below the old.
fn moved_floor(old_ap: f64, old_floor: f64, ap: f64) -> f64 {
    (ap - (old_ap - old_floor)).clamp(0.0, 1.0)
}

fn value_change(check: &Check) -> String {
    line(&format!("{} {}", check.variant, check.metric), &check.target, &check.measured)
}

fn identity_change(reason: &Invalid) -> Option<String> {
    match reason {
        Invalid::OtherAnnotations { expected, found } => Some(line("annotations_sha256", expected, found)),
        Invalid::OtherProtocol { key, expected, found } => Some(line(&format!("protocol.{key}"), expected, found)),
        Invalid::OtherWeights { variant, expected, found } => {
            Some(line(&format!("{variant} weights_sha256"), expected, found))
        }
        _ => None,
    }
}

fn line(what: &str, old: &dyn std::fmt::Display, new: &dyn std::fmt::Display) -> String {
    format!("{what}: {old} -> {new}")
}
