//! The table that `eval` prints.

use crate::evaluation::{AreaRule, EvaluationReport, IouType, Metrics, Swallowed};
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

/// One sentence for each kind of thing that was passed over.
pub fn swallowed_warnings(swallowed: &Swallowed) -> Vec<String> {
    let counts = [
        (
            swallowed.unknown_category_detections,
            "detections of categories that the annotations do not list are dropped",
        ),
        (swallowed.nonpositive_area_detections, "detections whose area is not positive and finite are dropped"),
        (swallowed.over_limit_detections, "detections beyond the highest 300 of their image are dropped"),
        (swallowed.mask_size_mismatches, "masks have another size than their image and overlap nothing"),
        (swallowed.nonfinite_score_detections, "detections have a score that is not finite"),
        (swallowed.nonpositive_area_annotations, "annotations whose area is not positive and finite are dropped"),
        (swallowed.unknown_category_annotations, "annotations of categories that are not listed are dropped"),
        (swallowed.unknown_image_annotations, "annotations of images that are not listed are dropped"),
    ];
    counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}, as in lvis-api"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passed_over_is_no_warning() {
        assert!(swallowed_warnings(&Swallowed::default()).is_empty());
        let some = Swallowed { over_limit_detections: 3, ..Swallowed::default() };
        assert_eq!(
            swallowed_warnings(&some),
            ["3 detections beyond the highest 300 of their image are dropped, as in lvis-api"]
        );
    }

    #[test]
    fn every_metric_has_a_row_of_its_own() {
        let names: std::collections::BTreeSet<_> = rows(&Metrics::default()).iter().map(|row| row.0).collect();
        assert_eq!(names.len(), 13);
    }
}
