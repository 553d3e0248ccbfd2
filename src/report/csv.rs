//! The report as comma-separated values.

use super::text::{area_rule, iou_type, named};
use super::{compare, Comparison, RowComparison, RunRecord, StoredRun, Verdict};
use crate::evaluation::{IouType, Metrics};

const HEADER: &str = "variant,title,family,size,tuned,status,iou_type,metric,ours,published,delta,verdict,\
    published_label,split,detections_per_image,area_rule,images,images_total,comparable,source";

/// One line per row, IoU type and metric (RFC 4180, values in AP points at full precision). Every
/// line carries its whole protocol; a field without value is empty.
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
    out.push_str(&fields.map(|field| quoted(&field)).join(","));
    out.push('\n');
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
