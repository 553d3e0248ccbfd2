//! The table that `eval` prints.

use std::path::Path;

use super::failure::Failure;
use super::output;
use crate::evaluation::{AreaRule, EvaluationReport, Intervals, IouType, MetricInterval, Protocol};
use crate::report::{passed_over_words, Align, Cell, Table};

/// Says what was passed over and gives a report its places.
///
/// # Errors
/// Where the JSON cannot be written.
pub fn deliver_evaluation(report: &EvaluationReport, json: Option<&Path>) -> Result<(), Failure> {
    for warning in passed_over_words(&report.swallowed) {
        eprintln!("warning: {warning}");
    }
    output::deliver(json, || eval_table(report), || report.to_json())
}

/// The protocol's numbers as fractions, each with what it is a number of.
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
    for ((name, value), (range, area, categories)) in report.results.iter().zip(meanings(report.protocol)) {
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
    let (metric, limit_of) = match report.protocol {
        Protocol::Lvis => ("AP", "an image"),
        Protocol::Fixed => ("AP_fixed", "a category over all images"),
        Protocol::Pool => ("AP_pool", "a category over all images, categories ranked together"),
    };
    let limit = report.max_detections;
    let subset = match report.images < report.images_total {
        true => format!("a subset: {} of {} images\n", report.images, report.images_total),
        false => String::new(),
    };
    format!(
        "LVIS {iou} {metric}, {limit} detections {limit_of}, {area} area of detections\n{}\n{subset}\n",
        report.annotations
    )
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
        IouType::Boundary => "boundary",
    }
}

/// IoU, area and categories.
type Meaning = (&'static str, &'static str, &'static str);

/// What the numbers of a protocol are numbers of, in their order.
fn meanings(protocol: Protocol) -> &'static [Meaning] {
    const MEAN: &str = "0.50:0.95";
    const MEANS: [Meaning; 13] = [
        (MEAN, "all", "all"),
        ("0.50", "all", "all"),
        ("0.75", "all", "all"),
        (MEAN, "small", "all"),
        (MEAN, "medium", "all"),
        (MEAN, "large", "all"),
        (MEAN, "all", "rare"),
        (MEAN, "all", "common"),
        (MEAN, "all", "frequent"),
        (MEAN, "all", "all"),
        (MEAN, "small", "all"),
        (MEAN, "medium", "all"),
        (MEAN, "large", "all"),
    ];
    const POOLS: [Meaning; 4] =
        [(MEAN, "all", "all"), (MEAN, "all", "rare"), (MEAN, "all", "common"), (MEAN, "all", "frequent")];
    match protocol {
        Protocol::Lvis | Protocol::Fixed => &MEANS,
        Protocol::Pool => &POOLS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Metrics, Options, Results};

    #[test]
    fn every_number_has_a_meaning() {
        for protocol in [Protocol::Lvis, Protocol::Fixed, Protocol::Pool] {
            let options = Options { protocol, ..Options::default() };
            let names = Results::new(&Metrics::default(), &options).iter().count();
            assert_eq!(names, meanings(protocol).len(), "{protocol:?}");
        }
    }
}
