//! The report as comma-separated values.

use std::collections::BTreeMap;

use super::text::{area_rule, iou_type, named};
use super::{
    compare, Comparison, LatencySummary, RowComparison, RunRecord, StoredRun, VariantLatency, VariantMetrics, Verdict,
};
use crate::evaluation::{IouType, Metrics};

const HEADER: &str = "variant,title,family,size,tuned,status,iou_type,metric,ours,published,delta,verdict,\
    published_label,split,detections_per_image,area_rule,images,images_total,comparable,source,params,params_image,flops,\
    forward_p50_ms,forward_p50_low_ms,forward_p50_high_ms,forward_p90_ms,segment_p50_ms,segment_p50_low_ms,\
    segment_p50_high_ms,segment_p90_ms,latency_verdict";

/// The latencies that have columns, in their order.
const LATENCIES: [&str; 2] = ["forward", "segment"];

/// One line per row, IoU type and metric (RFC 4180, values in AP points at full precision). Every
/// line carries its whole protocol, and the size and latencies of its model; a field without value is empty.
pub fn csv(run: &StoredRun) -> String {
    let mut out = format!("{HEADER}\n");
    for row in compare(run) {
        push_metrics(&mut out, run, &row, IouType::Segm, &row.mask, row.metrics.map(|found| &found.results.segm));
        push_metrics(&mut out, run, &row, IouType::Bbox, &row.boxes, row.metrics.map(|found| &found.results.bbox));
    }
    out
}

fn push_metrics(
    out: &mut String,
    run: &StoredRun,
    row: &RowComparison,
    iou: IouType,
    compared: &[Comparison],
    metrics: Option<&Metrics>,
) {
    for comparison in compared {
        push_line(out, run, row, iou, comparison);
    }
    let Some(metrics) = metrics else { return };
    let comparable = run.is_comparable(&row.row.variant);
    let verdict = if comparable { Verdict::NotPublished } else { Verdict::NotComparable };
    let others = named(metrics).into_iter().filter(|(name, _)| compared.iter().all(|value| value.metric != *name));
    for (metric, ours) in others {
        let ours = ours.map(|fraction| 100.0 * fraction);
        push_line(out, run, row, iou, &Comparison { metric, ours, published: None, delta: None, verdict });
    }
}

fn push_line(out: &mut String, run: &StoredRun, row: &RowComparison, iou: IouType, value: &Comparison) {
    let record: &RunRecord = run.record();
    let protocol = &record.protocol;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let fields = [
        row.row.variant.clone(),
        row.row.title.clone(),
        row.row.family.clone(),
        row.row.size.clone(),
        row.row.tuned.clone(),
        row.row.status.words().to_string(),
        iou_type(iou).to_string(),
        value.metric.to_string(),
        number(value.ours),
        number(value.published),
        number(value.delta),
        value.verdict.words().to_string(),
        record.published_label.clone(),
        protocol.split.clone(),
        protocol.detections_per_image.to_string(),
        area_rule(protocol.area).to_string(),
        row.metrics.map(|found| found.images.to_string()).unwrap_or_default(),
        record.dataset.images_total.to_string(),
        run.is_comparable(&row.row.variant).to_string(),
        row.row.published.as_ref().map(|published| published.source.clone()).unwrap_or_default(),
    ];
    let fields = fields.into_iter().chain(size_and_speed(row.metrics));
    out.push_str(&fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(","));
    out.push('\n');
}

/// Parameters, floating-point operations, and of each latency the median, its interval and the 90th percentile.
fn size_and_speed(metrics: Option<&VariantMetrics>) -> impl Iterator<Item = String> {
    let count = |counts: fn(&VariantMetrics) -> &BTreeMap<String, u64>, part: &str, scale: u64| {
        let count = metrics.and_then(|metrics| counts(metrics).get(part));
        count.map(|count| scale.saturating_mul(*count).to_string()).unwrap_or_default()
    };
    let size =
        [count(|m| &m.parameters, "total", 1), count(|m| &m.parameters, "image", 1), count(|m| &m.macs, "total", 2)];
    let timed = metrics.and_then(|metrics| metrics.latency.as_ref());
    let verdict = timed.map(VariantLatency::verdict).unwrap_or_default().to_string();
    let speed = LATENCIES.into_iter().flat_map(|name| milliseconds(timed, name)).collect::<Vec<_>>();
    size.into_iter().chain(speed).chain([verdict])
}

fn milliseconds(timed: Option<&VariantLatency>, name: &str) -> [String; 4] {
    let summary = timed.and_then(|timed| timed.measurements.iter().find(|summary| summary.latency == name));
    let Some(LatencySummary { p50_ms, p50_ci95_ms: [low, high], p90_ms, .. }) = summary else {
        return Default::default();
    };
    [p50_ms, low, high, p90_ms].map(f64::to_string)
}

pub(super) fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_string()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn fields_that_would_break_a_line_are_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"a\"\n"), "\"say \"\"a\"\"\n\"");
    }
}
