//! The report as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    compare, run_verdict, Comparison, Context, Dataset, Machine, Protocol, RowComparison, RowStatus, RunVerdict,
    StoredRun, Timing, VariantLatency, VariantResults, Verdict,
};
use crate::evaluation::{Agreement, Swallowed};

/// Version of `report.json`.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    zoobench_version: &'a str,
    zoo: &'a str,
    title: &'a str,
    status: &'a str,
    comparable: bool,
    verdict: RunVerdict,
    published_label: &'a str,
    tolerance_ap: f64,
    /// Of `ours`, `published` and `delta`; `metrics` are fractions.
    unit: &'static str,
    protocol: &'a Protocol,
    dataset: &'a Dataset,
    rows: Vec<ReportRow<'a>>,
    footnotes: &'a [String],
    #[serde(skip_serializing_if = "Context::is_empty")]
    context: &'a Context,
    machine: &'a Machine,
}

#[derive(Serialize)]
struct ReportRow<'a> {
    variant: &'a str,
    title: &'a str,
    family: &'a str,
    size: &'a str,
    tuned: &'a str,
    status: RowStatus,
    detail: Option<&'a str>,
    comparable: bool,
    verdict: Verdict,
    box_verdict: Verdict,
    source: Option<&'a str>,
    segm: [Comparison; 4],
    bbox: [Comparison; 4],
    measured: Option<Measured<'a>>,
    footnotes: &'a [String],
}

#[derive(Serialize)]
struct Measured<'a> {
    metrics: &'a VariantResults,
    images: u64,
    detections: u64,
    weights_sha256: &'a str,
    parameters: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    macs: &'a BTreeMap<String, u64>,
    swallowed: &'a Swallowed,
    image_size_mismatches: u64,
    agreement: Option<&'a Agreement>,
    timing: &'a Timing,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<&'a VariantLatency>,
}

/// `report.json`: every comparison at full precision, with what it rests on.
pub fn json(run: &StoredRun) -> String {
    let record = run.record();
    let report = Report {
        schema_version: REPORT_SCHEMA_VERSION,
        zoobench_version: &record.zoobench_version,
        zoo: &record.zoo,
        title: &record.title,
        status: &record.status,
        comparable: run.caveat().is_none(),
        verdict: run_verdict(run),
        published_label: &record.published_label,
        tolerance_ap: record.tolerance_ap,
        unit: "AP points (0 to 100)",
        protocol: &record.protocol,
        dataset: &record.dataset,
        rows: compare(run).into_iter().map(|row| report_row(run, row)).collect(),
        footnotes: &record.footnotes,
        context: &record.context,
        machine: &record.machine,
    };
    let text = serde_json::to_string_pretty(&report).expect("string keys and finite numbers, checked on reading");
    text + "\n"
}

fn report_row<'a>(run: &StoredRun, compared: RowComparison<'a>) -> ReportRow<'a> {
    let row = compared.row;
    ReportRow {
        variant: &row.variant,
        title: &row.title,
        family: &row.family,
        size: &row.size,
        tuned: &row.tuned,
        status: row.status,
        detail: row.detail.as_deref(),
        comparable: run.is_comparable(&row.variant),
        verdict: compared.verdict,
        box_verdict: compared.box_verdict,
        source: row.published.as_ref().map(|published| published.source.as_str()),
        segm: compared.mask,
        bbox: compared.boxes,
        measured: compared.metrics.map(|found| Measured {
            metrics: &found.results,
            images: found.images,
            detections: found.detections,
            weights_sha256: &found.weights_sha256,
            parameters: &found.parameters,
            macs: &found.macs,
            swallowed: &found.swallowed,
            image_size_mismatches: found.image_size_mismatches,
            agreement: found.agreement.as_ref(),
            timing: &found.timing,
            latency: found.latency.as_ref(),
        }),
        footnotes: &row.footnotes,
    }
}
