//! A run held against a baseline.

use std::collections::BTreeMap;

use super::{
    Baseline, CategoryCheck, CategoryTarget, Check, Invalid, JudgedBy, Judgement, Metric, Outcome, Target, Tolerance,
    VariantBaseline,
};
use crate::report::{RowStatus, StoredRun, VariantMetrics};

/// Absorbs the rounding of `target - measured`, far below any tolerance that means something.
const ARITHMETIC_SLACK: f64 = 1e-12;

/// Judges `run` by `baseline`, by absolute tolerance. Latencies that the baseline holds are not judged
/// without a measurement ([`judge_latency`](super::judge_latency)): the run is then invalid.
pub fn judge(baseline: &Baseline, run: &StoredRun) -> Judgement {
    let mut judgement = Judgement {
        zoo: baseline.zoo.clone(),
        subset: baseline.subset.clone(),
        invalid: invalid_run(baseline, run),
        judged_by: JudgedBy::AbsoluteTolerance,
        checks: Vec::new(),
        latency: Vec::new(),
        categories: Vec::new(),
        unchecked: unchecked(baseline, run),
    };
    for (name, expected) in &baseline.variants {
        match measured(run, name) {
            Ok(metrics) => {
                judgement.invalid.extend(invalid_row(baseline, expected, metrics));
                judgement.metrics(baseline.tolerance, expected, metrics);
                judgement.categories(expected, metrics);
            }
            Err(reason) => judgement.invalid.push(reason),
        }
    }
    judgement
}

fn unchecked(baseline: &Baseline, run: &StoredRun) -> Vec<String> {
    let rows = run.record().rows.iter().filter(|row| row.status == RowStatus::Done);
    rows.map(|row| row.variant.clone()).filter(|name| !baseline.variants.contains_key(name)).collect()
}

/// What is wrong with the run as a whole.
fn invalid_run(baseline: &Baseline, run: &StoredRun) -> Vec<Invalid> {
    let record = run.record();
    let data = &record.dataset;
    let mut invalid = Vec::new();
    // A list is known by its images: its path may be another.
    let same_list = data.image_list.is_some() && data.image_list == baseline.image_list;
    if let (Some(expected), Some(found), false) = (&baseline.image_list, &data.image_list, same_list) {
        invalid.push(Invalid::OtherImageList { expected: expected.clone(), found: found.clone() });
    } else if !same_list && (data.subset != baseline.subset || data.image_list != baseline.image_list) {
        invalid.push(Invalid::OtherSubset { expected: baseline.subset.clone(), found: data.subset.clone() });
    } else if data.images != baseline.images {
        invalid.push(Invalid::OtherImages { expected: baseline.images, found: data.images });
    }
    // A run cut by `--limit` calls itself partial and not comparable; the baseline names that very cut.
    if baseline.subset.is_none() && record.status != "complete" {
        invalid.push(Invalid::Partial { status: record.status.clone() });
    } else if baseline.subset.is_none() && !record.comparable {
        invalid.push(Invalid::NotComparable);
    }
    if data.annotations_sha256 != baseline.annotations_sha256 {
        let (expected, found) = (baseline.annotations_sha256.clone(), data.annotations_sha256.clone());
        invalid.push(Invalid::OtherAnnotations { expected, found });
    }
    invalid.extend(Invalid::other_protocol(&baseline.protocol, &record.protocol));
    invalid
}

fn measured<'a>(run: &'a StoredRun, variant: &str) -> Result<&'a VariantMetrics, Invalid> {
    let row = run.record().rows.iter().find(|row| row.variant == variant);
    let status = row.ok_or_else(|| Invalid::NoSuchRow { variant: variant.to_string() })?.status;
    run.metrics(variant).ok_or_else(|| Invalid::NotDone { variant: variant.to_string(), status })
}

/// What is wrong with one row.
fn invalid_row(baseline: &Baseline, expected: &VariantBaseline, metrics: &VariantMetrics) -> Vec<Invalid> {
    let variant = metrics.variant.clone();
    let whole = metrics.status == "complete" && metrics.comparable;
    let mut invalid = Vec::new();
    if metrics.images != baseline.images || (baseline.subset.is_none() && !whole) {
        invalid.push(Invalid::PartialRow { variant: variant.clone() });
    }
    if metrics.weights_sha256 != expected.weights_sha256 {
        let (expected, found) = (expected.weights_sha256.clone(), metrics.weights_sha256.clone());
        invalid.push(Invalid::OtherWeights { variant, expected, found });
    }
    invalid
}

impl Judgement {
    fn metrics(&mut self, default: Tolerance, expected: &VariantBaseline, metrics: &VariantMetrics) {
        for (&metric, target) in &expected.metrics {
            match metric.value(metrics).filter(|value| value.is_finite()) {
                Some(value) => self.checks.push(check(&metrics.variant, metric, target, default, value)),
                None => self.missing(&metrics.variant, metric.to_string()),
            }
        }
    }

    fn categories(&mut self, expected: &VariantBaseline, metrics: &VariantMetrics) {
        let found: BTreeMap<&str, Option<f64>> =
            metrics.per_category.iter().map(|category| (category.name.as_str(), category.ap)).collect();
        for (name, target) in &expected.categories {
            match found.get(name.as_str()).copied().flatten().filter(|value| value.is_finite()) {
                Some(value) => self.categories.push(category_check(&metrics.variant, name, target, value)),
                None => self.missing(&metrics.variant, format!("the mask AP of category {name:?}")),
            }
        }
    }

    fn missing(&mut self, variant: &str, metric: String) {
        self.invalid.push(Invalid::NoValue { variant: variant.to_string(), metric });
    }
}

fn check(variant: &str, metric: Metric, target: &Target, accuracy: Tolerance, measured: f64) -> Check {
    let default = metric.default_tolerance(accuracy);
    let tolerance = Tolerance {
        max_drop: target.max_drop.unwrap_or(default.max_drop),
        max_rise: target.max_rise.unwrap_or(default.max_rise),
    };
    let outcome = if target.target - measured > tolerance.max_drop + ARITHMETIC_SLACK {
        Outcome::Dropped
    } else if measured - target.target > tolerance.max_rise + ARITHMETIC_SLACK {
        Outcome::Rose
    } else {
        Outcome::Within
    };
    Check { variant: variant.to_string(), metric, target: target.target, measured, tolerance, outcome }
}

fn category_check(variant: &str, name: &str, target: &CategoryTarget, measured: f64) -> CategoryCheck {
    let fallen = target.floor.is_some_and(|floor| measured + ARITHMETIC_SLACK < floor);
    CategoryCheck {
        variant: variant.to_string(),
        category: name.to_string(),
        target: target.ap,
        measured,
        floor: target.floor,
        outcome: if fallen { Outcome::Dropped } else { Outcome::Within },
    }
}
