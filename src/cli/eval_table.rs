//! The table that `eval` prints.

use crate::evaluation::{AreaRule, EvaluationReport, IouType, Metrics};
use crate::report::{Align, Cell, Table};

/// The 13 numbers as fractions, each with what it is a number of.
pub fn eval_table(report: &EvaluationReport) -> String {
    let iou = iou_name(report.iou);
    let area = match report.area_used {
        AreaRule::Box => "box",
        AreaRule::Mask => "mask",
        AreaRule::Auto => "auto",
    };
    let limit = report.max_detections;
    let header =
        format!("LVIS {iou} AP, {limit} detections an image, {area} area of detections\n{}\n\n", report.annotations);
    let mut table = Table::new([
        ("metric", Align::Left),
        ("IoU", Align::Left),
        ("area", Align::Left),
        ("categories", Align::Left),
        ("value", Align::Right),
    ]);
    for (name, range, area, categories, value) in rows(&report.results) {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        table.push([name, range, area, categories, &value].into_iter().map(Cell::new).collect());
    }
    header + &table.fixed(100, false)
}

fn iou_name(iou: IouType) -> &'static str {
    match iou {
        IouType::Segm => "mask",
        IouType::Bbox => "box",
    }
}

type Row = (&'static str, &'static str, &'static str, &'static str, Option<f64>);

fn rows(metrics: &Metrics) -> [Row; 13] {
    const MEAN: &str = "0.50:0.95";
    [
        ("AP", MEAN, "all", "all", metrics.ap),
        ("AP50", "0.50", "all", "all", metrics.ap50),
        ("AP75", "0.75", "all", "all", metrics.ap75),
        ("APs", MEAN, "small", "all", metrics.ap_small),
        ("APm", MEAN, "medium", "all", metrics.ap_medium),
        ("APl", MEAN, "large", "all", metrics.ap_large),
        ("APr", MEAN, "all", "rare", metrics.ap_rare),
        ("APc", MEAN, "all", "common", metrics.ap_common),
        ("APf", MEAN, "all", "frequent", metrics.ap_frequent),
        ("AR@300", MEAN, "all", "all", metrics.ar),
        ("ARs@300", MEAN, "small", "all", metrics.ar_small),
        ("ARm@300", MEAN, "medium", "all", metrics.ar_medium),
        ("ARl@300", MEAN, "large", "all", metrics.ar_large),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_row_of_its_own() {
        let names: std::collections::BTreeSet<_> = rows(&Metrics::default()).iter().map(|row| row.0).collect();
        assert_eq!(names.len(), 13);
    }
}
