//! The report's tables.

use super::document::Detail;
use super::footnotes::Footnotes;
use super::table::Align::{Left, Right};
use super::table::{Cell, Table, Tone};
use super::text::{difference, exact as all_digits, footnote_marks, fraction, named, points, published, ABSENT};
use super::{Comparison, RowComparison, RunVerdict, Timing, VariantMetrics, Verdict};
use crate::evaluation::Agreement;

const METRICS: [&str; 4] = ["AP", "APr", "APc", "APf"];

/// A row with the values that one table shows of it, and their verdict.
pub(super) type Compared<'r, 'a> = (&'r RowComparison<'a>, &'r [Comparison; 4], Verdict);

/// Ours, published and their difference, a line each. Where a row was not measured, only what is
/// published; where it may not be compared, no difference.
pub(super) fn comparison(rows: &[Compared], label: &str, notes: &Footnotes, detail: Detail) -> Table {
    let mut header = vec![("Model", Left)];
    if detail == Detail::Full {
        header.push(("Fine-tuned", Left));
    }
    header.push(("", Left));
    header.extend(METRICS.map(|metric| (metric, Right)));
    header.push(("Verdict", Left));
    let mut table = Table::new(header);
    for row in rows {
        for line in comparison_lines(row, label, notes, detail) {
            table.push(line);
        }
    }
    table
}

fn comparison_lines(row: &Compared, label: &str, notes: &Footnotes, detail: Detail) -> Vec<Vec<Cell>> {
    let title = format!("{}{}", row.0.row.title, footnote_marks(&notes.numbers(row.0.row)));
    let tuned = &row.0.row.tuned;
    let values = value_lines(row, label);
    let height = if detail == Detail::Screen { values.len().max(2) } else { values.len() };
    let mut lines = Vec::with_capacity(height);
    for index in 0..height {
        let mut line = match (detail, index) {
            (Detail::Full, 0) => vec![Cell::new(&title), Cell::new(tuned)],
            (Detail::Full, _) => vec![Cell::new(""), Cell::new("")],
            (Detail::Screen, 0) => vec![Cell::new(&title)],
            (Detail::Screen, 1) => vec![Cell::toned(format!("  {tuned}"), Tone::Faint)],
            (Detail::Screen, _) => vec![Cell::new("")],
        };
        line.extend(values.get(index).cloned().unwrap_or_default());
        lines.push(line);
    }
    lines
}

fn value_lines(&(row, values, verdict): &Compared, label: &str) -> Vec<Vec<Cell>> {
    let line = |name: &str, cells: [Cell; 4]| std::iter::once(Cell::new(name)).chain(cells).collect::<Vec<_>>();
    let mut lines = Vec::new();
    if row.metrics.is_some() {
        lines.push(line("ours", values.each_ref().map(|value| Cell::new(points(value.ours)))));
    }
    if lines.is_empty() || values.iter().any(|value| value.published.is_some()) {
        lines.push(line(label, values.each_ref().map(|value| Cell::new(published(value.published)))));
    }
    if values.iter().any(|value| value.delta.is_some()) {
        lines.push(line("delta", values.each_ref().map(delta_cell)));
    }
    lines[0].push(Cell::toned(verdict.words(), tone(verdict)));
    lines
}

/// A difference, marked where it is beyond the tolerance.
fn delta_cell(value: &Comparison) -> Cell {
    let mark = if value.verdict == Verdict::Differs { "!" } else { "" };
    Cell::toned(format!("{mark}{}", difference(value.delta)), tone(value.verdict))
}

/// The colour of a verdict.
pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Reproduced => Tone::Good,
        Verdict::Differs | Verdict::Failed => Tone::Bad,
        Verdict::NotComparable => Tone::Unsure,
        Verdict::NotPublished | Verdict::NoWeights | Verdict::Skipped | Verdict::NotReached => Tone::Faint,
    }
}

/// The colour of a run's verdict.
pub(super) fn run_tone(verdict: RunVerdict) -> Tone {
    match verdict {
        RunVerdict::Reproduced => Tone::Good,
        RunVerdict::Differs => Tone::Bad,
        RunVerdict::NotComparable | RunVerdict::NothingCompared => Tone::Unsure,
    }
}

fn model(row: &RowComparison) -> Cell {
    Cell::new(format!("{}, {}", row.row.title, row.row.tuned))
}

/// The rows that have numbers of ours.
pub(super) fn measured<'r, 'a>(
    rows: &'r [RowComparison<'a>],
) -> impl Iterator<Item = (&'r RowComparison<'a>, &'a VariantMetrics)> + 'r {
    rows.iter().filter_map(|row| row.metrics.map(|metrics| (row, metrics)))
}

/// Every compared value with all its digits.
pub(super) fn exact(rows: &[RowComparison], label: &str) -> Table {
    let names = ["Model", "IoU type", "Metric", "ours", label, "delta", "Verdict"];
    let aligns = [Left, Left, Left, Right, Right, Right, Left];
    let mut table = Table::new(names.into_iter().zip(aligns));
    for row in rows {
        for (iou_type, values) in [("segm", &row.mask), ("bbox", &row.boxes)] {
            let shown = values.iter().filter(|value| value.ours.or(value.published).is_some());
            for value in shown {
                table.push(exact_line(row, iou_type, value));
            }
        }
    }
    table
}

fn exact_line(row: &RowComparison, iou_type: &str, value: &Comparison) -> Vec<Cell> {
    vec![
        model(row),
        Cell::new(iou_type),
        Cell::new(value.metric),
        Cell::new(all_digits(value.ours)),
        Cell::new(all_digits(value.published)),
        Cell::new(all_digits(value.delta)),
        Cell::new(value.verdict.words()),
    ]
}

/// lvis-api's 13 numbers of every measured row.
pub(super) fn all_metrics(rows: &[RowComparison]) -> Table {
    let names = named(&Default::default()).map(|(name, _)| (name, Right));
    let mut table = Table::new([("Model", Left), ("IoU type", Left)].into_iter().chain(names));
    for (row, metrics) in measured(rows) {
        for (iou_type, values) in [("segm", &metrics.results.segm), ("bbox", &metrics.results.bbox)] {
            let mut line = vec![model(row), Cell::new(iou_type)];
            line.extend(named(values).map(|(_, value)| Cell::new(fraction(value))));
            table.push(line);
        }
    }
    table
}

/// How closely detections agree with the reference's; `None` where no row has a reference.
pub(super) fn agreement(rows: &[RowComparison]) -> Option<Table> {
    let names = ["all", "median", "mean", "worst"].map(|name| (name, Right));
    let mut table = Table::new([("Model", Left), ("Quantity", Left)].into_iter().chain(names));
    let mut found = false;
    for (row, metrics) in measured(rows) {
        let Some(agreement) = &metrics.agreement else { continue };
        found = true;
        for (index, line) in agreement_lines(agreement).into_iter().enumerate() {
            let title = [row.row.title.as_str(), row.row.tuned.as_str()].get(index).copied().unwrap_or_default();
            table.push(std::iter::once(Cell::new(title)).chain(line.map(Cell::new)).collect());
        }
    }
    found.then_some(table)
}

/// Quantity, all, median, mean, worst.
fn agreement_lines(agreement: &Agreement) -> [[String; 5]; 4] {
    let absent = || ABSENT.to_string();
    let (matched, reference) = (agreement.matched, agreement.reference);
    let share = 100.0 * matched as f64 / reference.max(1) as f64;
    let small = |value: f64| format!("{value:.1e}");
    let iou = |value: f64| format!("{value:.5}");
    [
        [
            format!("matched of {reference}, %"),
            format!("{share:.3}"),
            absent(),
            absent(),
            format!("{:.3}", 100.0 * agreement.worst_image),
        ],
        [
            "score difference".to_string(),
            absent(),
            small(agreement.median_score_difference),
            absent(),
            small(agreement.max_score_difference),
        ],
        [
            "box difference, px".to_string(),
            absent(),
            small(agreement.median_box_difference),
            absent(),
            small(agreement.max_box_difference),
        ],
        [
            "mask IoU".to_string(),
            absent(),
            iou(agreement.median_mask_iou),
            iou(agreement.mean_mask_iou),
            iou(agreement.min_mask_iou),
        ],
    ]
}

/// The weights behind every measured row.
pub(super) fn weights(rows: &[RowComparison]) -> Table {
    let names = [("Model", Left), ("weights sha256", Left), ("parameters", Right), ("detections", Right)];
    let mut table = Table::new(names);
    for (row, metrics) in measured(rows) {
        let total = metrics.parameters.get("total").map_or(ABSENT.to_string(), u64::to_string);
        let detections = metrics.detections.to_string();
        table.push(vec![model(row), Cell::new(&metrics.weights_sha256), Cell::new(total), Cell::new(detections)]);
    }
    table
}

/// Where the time of every measured row went.
pub(super) fn timing(rows: &[RowComparison]) -> Table {
    let stages = stage_names(rows);
    let fixed = ["images/s", "wall s", "text s"].map(str::to_string);
    let named = fixed.into_iter().chain(stages.iter().map(|stage| format!("{stage} s"))).map(|name| (name, Right));
    let mut table = Table::new(std::iter::once(("Model".to_string(), Left)).chain(named));
    for (row, metrics) in measured(rows) {
        table.push(timing_line(row, &metrics.timing, &stages));
    }
    table
}

fn timing_line(row: &RowComparison, timing: &Timing, stages: &[&str]) -> Vec<Cell> {
    let seconds = |seconds: f64| Cell::new(format!("{seconds:.2}"));
    let stage = |name: &&str| timing.stages.iter().find(|stage| stage.name == **name);
    let mut line = vec![model(row)];
    line.extend([timing.images_per_second, timing.wall_seconds, timing.text_seconds].map(seconds));
    line.extend(stages.iter().map(|name| stage(name).map_or(Cell::new(ABSENT), |stage| seconds(stage.seconds))));
    line
}

fn stage_names<'a>(rows: &[RowComparison<'a>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for stage in measured(rows).flat_map(|(_, metrics)| &metrics.timing.stages) {
        if !names.contains(&stage.name.as_str()) {
            names.push(stage.name.as_str());
        }
    }
    names
}
