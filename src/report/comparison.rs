//! Ours against published, value by value.

use serde::Serialize;

use super::{Published, Row, RunVerdict, StoredRun, VariantMetrics, Verdict};
use crate::evaluation::Metrics;

/// Absorbs the rounding of `100 * ours - published`, far below any digit that is printed.
const ARITHMETIC_SLACK_AP: f64 = 1e-9;

/// One value of ours beside the published one, in AP points (0 to 100).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the metric, for example `APr`.
    pub metric: &'static str,
    /// Ours at full precision; `None` where it was not measured.
    pub ours: Option<f64>,
    /// As published.
    pub published: Option<f64>,
    /// Ours minus published; `None` where the two may not be compared.
    pub delta: Option<f64>,
    /// What it says.
    pub verdict: Verdict,
}

/// One row of the zoo with its comparisons.
#[derive(Debug, Clone, PartialEq)]
pub struct RowComparison<'a> {
    /// The row.
    pub row: &'a Row,
    /// What was measured, for a row that is done.
    pub metrics: Option<&'a VariantMetrics>,
    /// AP, APr, APc and APf of masks.
    pub mask: [Comparison; 4],
    /// AP, APr, APc and APf of boxes.
    pub boxes: [Comparison; 4],
    /// What the mask comparisons say together.
    pub verdict: Verdict,
    /// What the box comparisons say together.
    pub box_verdict: Verdict,
}

struct Column {
    metric: &'static str,
    ours: fn(&Metrics) -> Option<f64>,
    published: fn(&Published) -> Option<f64>,
}

const MASK: [Column; 4] = [
    Column { metric: "AP", ours: |ours| ours.ap, published: |row| row.ap },
    Column { metric: "APr", ours: |ours| ours.ap_rare, published: |row| row.ap_rare },
    Column { metric: "APc", ours: |ours| ours.ap_common, published: |row| row.ap_common },
    Column { metric: "APf", ours: |ours| ours.ap_frequent, published: |row| row.ap_frequent },
];

const BOXES: [Column; 4] = [
    Column { metric: "AP", ours: |ours| ours.ap, published: |row| row.box_ap },
    Column { metric: "APr", ours: |ours| ours.ap_rare, published: |row| row.box_ap_rare },
    Column { metric: "APc", ours: |ours| ours.ap_common, published: |_| None },
    Column { metric: "APf", ours: |ours| ours.ap_frequent, published: |_| None },
];

/// Every row of the run, compared.
pub fn compare(run: &StoredRun) -> Vec<RowComparison<'_>> {
    run.record().rows.iter().map(|row| compare_row(run, row)).collect()
}

/// Whether the run reproduces what is published.
///
/// Mask AP decides. Box values are shown with verdicts of their own: of one published row they
/// contradict the config that made it (see the zoo's footnotes), so no run can reproduce them all.
pub fn run_verdict(run: &StoredRun) -> RunVerdict {
    let verdicts: Vec<Verdict> = compare(run).iter().map(|row| row.verdict).collect();
    let has = |verdict| verdicts.contains(&verdict);
    if has(Verdict::Differs) {
        RunVerdict::Differs
    } else if has(Verdict::NotComparable) {
        RunVerdict::NotComparable
    } else if has(Verdict::Reproduced) {
        RunVerdict::Reproduced
    } else {
        RunVerdict::NothingCompared
    }
}

fn compare_row<'a>(run: &'a StoredRun, row: &'a Row) -> RowComparison<'a> {
    let metrics = run.metrics(&row.variant);
    let judge = Judge {
        unmeasured: Verdict::of_unmeasured(row.status),
        comparable: run.is_comparable(&row.variant),
        tolerance_ap: run.record().tolerance_ap,
    };
    let published = row.published.as_ref();
    let mask = judge.columns(&MASK, metrics.map(|metrics| &metrics.results.segm), published);
    let boxes = judge.columns(&BOXES, metrics.map(|metrics| &metrics.results.bbox), published);
    let (verdict, box_verdict) = (judge.together(&mask), judge.together(&boxes));
    RowComparison { row, metrics, mask, boxes, verdict, box_verdict }
}

/// What a row's values are judged by.
struct Judge {
    unmeasured: Option<Verdict>,
    comparable: bool,
    tolerance_ap: f64,
}

impl Judge {
    fn columns(&self, columns: &[Column; 4], ours: Option<&Metrics>, published: Option<&Published>) -> [Comparison; 4] {
        columns.each_ref().map(|column| {
            let ours = ours.and_then(column.ours).map(|fraction| 100.0 * fraction);
            self.value(column.metric, ours, published.and_then(column.published))
        })
    }

    fn value(&self, metric: &'static str, ours: Option<f64>, published: Option<f64>) -> Comparison {
        let delta = ours.zip(published).filter(|_| self.comparable).map(|(ours, published)| ours - published);
        Comparison { metric, ours, published, delta, verdict: self.verdict(published, delta) }
    }

    fn verdict(&self, published: Option<f64>, delta: Option<f64>) -> Verdict {
        match (self.unmeasured, published, delta) {
            (Some(reason), ..) => reason,
            _ if !self.comparable => Verdict::NotComparable,
            (None, None, _) => Verdict::NotPublished,
            (None, Some(_), None) => Verdict::NotComparable,
            (None, _, Some(delta)) if delta.abs() <= self.tolerance_ap + ARITHMETIC_SLACK_AP => Verdict::Reproduced,
            (None, _, Some(_)) => Verdict::Differs,
        }
    }

    /// The verdict of a row: its worst value's.
    fn together(&self, values: &[Comparison; 4]) -> Verdict {
        let has = |verdict| values.iter().any(|value| value.verdict == verdict);
        let order = [Verdict::Differs, Verdict::NotComparable, Verdict::Reproduced];
        let worst = order.into_iter().find(|&verdict| has(verdict));
        self.unmeasured.or(worst).unwrap_or(Verdict::NotPublished)
    }
}
