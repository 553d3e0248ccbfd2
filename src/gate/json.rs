//! The verdict as JSON.

use serde::Serialize;

use super::{CategoryCheck, Check, JudgedBy, Judgement, LatencyCheck, Metric, Outcome, Verdict};

/// Version of the gate's JSON.
pub const GATE_SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of what [`json`] gives.
pub const GATE_JSON_SCHEMA: &str = include_str!("schema/gate.schema.json");

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    verdict: Verdict,
    /// How values are judged.
    judged_by: JudgedBy,
    zoo: &'a str,
    subset: Option<&'a str>,
    invalid: Vec<String>,
    checks: Vec<MetricDocument<'a>>,
    categories: &'a [CategoryCheck],
    latency: &'a [LatencyCheck],
    unchecked: &'a [String],
    hints: Vec<&'static str>,
}

#[derive(Serialize)]
struct MetricDocument<'a> {
    variant: &'a str,
    metric: Metric,
    target: f64,
    measured: f64,
    change: f64,
    max_drop: f64,
    max_rise: f64,
    outcome: Outcome,
}

/// Every value at full precision, in the metric's unit (AP and AR as fractions).
pub fn json(judgement: &Judgement) -> String {
    let document = Document {
        schema_version: GATE_SCHEMA_VERSION,
        verdict: judgement.verdict(),
        judged_by: judgement.judged_by,
        zoo: &judgement.zoo,
        subset: judgement.subset.as_deref(),
        invalid: judgement.invalid.iter().map(ToString::to_string).collect(),
        checks: judgement.checks.iter().map(metric).collect(),
        categories: &judgement.categories,
        latency: &judgement.latency,
        unchecked: &judgement.unchecked,
        hints: judgement.hints(),
    };
    serde_json::to_string_pretty(&document).expect("string keys and finite numbers, checked when judged") + "\n"
}

fn metric(check: &Check) -> MetricDocument<'_> {
    MetricDocument {
        variant: &check.variant,
        metric: check.metric,
        target: check.target,
        measured: check.measured,
        change: check.measured - check.target,
        max_drop: check.tolerance.max_drop,
        max_rise: check.tolerance.max_rise,
        outcome: check.outcome,
    }
}
