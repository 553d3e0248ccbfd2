//! The table that `eval` prints.

use std::path::Path;

use super::failure::Failure;
use super::output::print;
use crate::dataset::write_whole;
use crate::evaluation::{AreaRule, EvaluationReport, Intervals, IouType, MetricInterval, Metrics};
use crate::report::{passed_over_words, Align, Cell, Table};

/// Writes a report as JSON, if that is wanted, says what was passed over, and prints the table.
pub fn deliver(report: &EvaluationReport, json: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = json {
        write_whole(path, report.to_json().as_bytes()).map_err(|error| Failure::unwritable(path, &error))?;
    }
    for warning in passed_over_words(&report.swallowed) {
        eprintln!("warning: {warning}");
    }
    print(&eval_table(report));
    Ok(())
}

/// The 13 numbers as fractions, each with what it is a number of.
pub fn eval_table(report: &EvaluationReport) -> String {
    let mut names = vec![
        ("metric", Align::Left),
        ("IoU", Align::Left),
        ("area", Align::Left),
        ("categories", Align::Left),
        ("value", Align::Right),
    ];
    if report.intervals.is_some() {
        names.extend(["95 % interval", "categories", "instances"].map(|name| (name, Align::Right)));
    }
    let mut table = Table::new(names);
    let intervals = report.intervals.iter().flat_map(|intervals| &intervals.metrics);
    let mut intervals = intervals.map(interval_cells);
    for (name, range, area, categories, value) in rows(&report.results) {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let mut cells: Vec<Cell> = [name, range, area, categories, &value].into_iter().map(Cell::new).collect();
        cells.extend(intervals.next().into_iter().flatten());
        table.push(cells);
    }
    header(report) + &table.fixed(100, false) + &footnote(report)
}

fn header(report: &EvaluationReport) -> String {
    let iou = iou_name(report.iou);
    let area = match report.area_used {
        AreaRule::Box => "box",
        AreaRule::Mask => "mask",
        AreaRule::Auto => "auto",
    };
    let limit = report.max_detections;
    let subset = match report.images < report.images_total {
        true => format!("a subset: {} of {} images\n", report.images, report.images_total),
        false => String::new(),
    };
    format!("LVIS {iou} AP, {limit} detections an image, {area} area of detections\n{}\n{subset}\n", report.annotations)
}

/// An interval, and what it rests on.
fn interval_cells(interval: &MetricInterval) -> [Cell; 3] {
    let bounds = interval.low.zip(interval.high);
    let bounds = bounds.map_or_else(|| "-".to_owned(), |(low, high)| format!("{low:.4} {high:.4}"));
    [bounds, interval.categories.to_string(), interval.instances.to_string()].map(Cell::new)
}

/// How the intervals were made, and where they are weak.
fn footnote(report: &EvaluationReport) -> String {
    let Some(Intervals { resamples, seed, images, metrics, .. }) = &report.intervals else { return String::new() };
    let mut text = format!("\nintervals: {resamples} resamples of {images} images, seed {seed}\n");
    for interval in metrics.iter().filter(|interval| interval.categories_with_one_instance > 0) {
        let MetricInterval { metric, categories, categories_with_one_instance: lone, .. } = interval;
        let mean = interval.categories_in_resamples;
        text += &format!(
            "{metric}: {lone} of {categories} categories have one instance; a resample has {mean:.1} on average\n"
        );
    }
    text
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
