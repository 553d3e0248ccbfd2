//! The zoo's bars: ours and published, a panel per metric, a pair of bars per row.

use super::axes::{ap_axis_end, Frame, Scale};
use super::head::draw_head;
use super::paint::text_width;
use super::scene::{Anchor, Scene, Text};
use super::style::{BLACK, BLUE, DARK, GRAY, HEADING, LABEL, LIGHT, SMALL, VERMILLION};
use crate::report::text::{points, published, shortened};
use crate::report::{compare, Comparison, RowComparison, StoredRun, Verdict};

const WIDTH: f64 = 1040.0;
const HEAD: f64 = 118.0;
/// The line that says why a run is not comparable.
const CAVEAT: f64 = 21.0;
const FOOT: f64 = 58.0;
const ROW: f64 = 54.0;
const BAR: f64 = 17.0;
const PANEL_GAP: f64 = 22.0;
/// Kept free right of the longest bar, for its value.
const VALUE: f64 = 48.0;
/// What a page holds, and a bound on the picture's memory.
const MAX_ROWS: usize = 40;
/// A longer title is cut.
const TITLE_COLUMNS: usize = 28;
const PANELS: [&str; 4] = ["AP", "AP rare", "AP common", "AP frequent"];

pub(super) fn scene(run: &StoredRun) -> Scene {
    let mut rows = compare(run);
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    let (caveat, label) = (run.caveat(), &run.record().published_label);
    let head = HEAD + if caveat.is_some() { CAVEAT } else { 0.0 };
    let mut scene = Scene::new(WIDTH, head + ROW * rows.len().max(1) as f64 + FOOT);
    let title = format!("{}: mask AP, ours and {label}", run.record().title);
    draw_head(&mut scene, run, &title, caveat.as_deref());
    draw_legend(&mut scene, label, head - 43.0);
    let frames = frames(&rows, head, &scene);
    for (frame, name) in frames.iter().zip(PANELS) {
        frame.draw_x(&mut scene, "");
        let middle = (0.5 * (frame.left + frame.right), frame.top - 14.0);
        scene.text(Text::new(middle, name, HEADING).anchor(Anchor::Middle).bold());
    }
    for (index, row) in rows.iter().enumerate() {
        draw_row(&mut scene, &frames, row, head + ROW * index as f64);
    }
    for frame in &frames {
        scene.line((frame.left, frame.top), (frame.left, frame.bottom), BLACK, 1.0);
    }
    let below = (0.5 * (frames[0].left + WIDTH), scene.height - 16.0);
    let more = if left_out > 0 { format!("; {left_out} more rows are in the tables") } else { String::new() };
    let axis = format!("mask AP in points (0 to 100){more}");
    scene.text(Text::new(below, &axis, LABEL).anchor(Anchor::Middle));
    scene
}

/// Swatches of ours, published, and published where a row was not measured.
fn draw_legend(scene: &mut Scene, label: &str, y: f64) {
    let mut x = 20.0;
    x = legend_entry(scene, (x, y), "ours", |scene, box_| scene.fill(box_, BLUE));
    x = legend_entry(scene, (x, y), label, |scene, box_| scene.fill(box_, LIGHT));
    legend_entry(scene, (x, y), &format!("{label}, row not measured"), |scene, box_| scene.hatch(box_, GRAY));
}

/// Draws one entry and gives where the next begins.
fn legend_entry(
    scene: &mut Scene,
    (x, y): (f64, f64),
    text: &str,
    swatch: impl Fn(&mut Scene, [(f64, f64); 2]),
) -> f64 {
    swatch(scene, [(x, y - 7.0), (x + 24.0, y + 7.0)]);
    scene.text(Text::new((x + 31.0, y), text, LABEL));
    x + 31.0 + text_width(text, LABEL) + 26.0
}

fn frames(rows: &[RowComparison], head: f64, scene: &Scene) -> [Frame; 4] {
    let titles = rows.iter().flat_map(|row| [title(row), row.row.tuned.clone()]);
    let labels = titles.map(|text| text_width(&text, LABEL)).fold(90.0, f64::max);
    let left = 20.0 + labels + 14.0;
    let width = (WIDTH - 20.0 - left - 3.0 * PANEL_GAP) / 4.0;
    let largest = rows.iter().flat_map(|row| &row.mask).flat_map(|value| [value.ours, value.published]);
    let end = ap_axis_end(largest.flatten().fold(0.0, f64::max));
    // The axis goes on past its last tick so that the longest bar leaves room for its value.
    let max = end * width / (width - VALUE).max(1.0);
    std::array::from_fn(|panel| {
        let left = left + panel as f64 * (width + PANEL_GAP);
        Frame {
            left,
            right: left + width,
            top: head,
            bottom: scene.height - FOOT,
            x: Scale::Linear { min: 0.0, max },
            y: Scale::Linear { min: 0.0, max: 1.0 },
        }
    })
}

fn title(row: &RowComparison) -> String {
    shortened(&row.row.title, TITLE_COLUMNS)
}

fn draw_row(scene: &mut Scene, frames: &[Frame; 4], row: &RowComparison, top: f64) {
    let middle = top + 0.5 * ROW;
    let at = |dy: f64| (frames[0].left - 14.0, middle + dy);
    scene.text(Text::new(at(-9.0), &title(row), LABEL).anchor(Anchor::End));
    let tuned = shortened(&row.row.tuned, TITLE_COLUMNS);
    scene.text(Text::new(at(9.0), &tuned, SMALL).anchor(Anchor::End).color(GRAY));
    for (frame, value) in frames.iter().zip(&row.mask) {
        draw_pair(scene, frame, row, value, middle);
    }
}

/// Ours above, published below.
fn draw_pair(scene: &mut Scene, frame: &Frame, row: &RowComparison, value: &Comparison, middle: f64) {
    let bar = |value: f64, top: f64| [(frame.left, top), (frame.x(value), top + BAR)];
    let (upper, lower) = (middle - BAR - 1.0, middle + 1.0);
    match value.ours {
        Some(ours) => {
            scene.fill(bar(ours, upper), BLUE);
            let differs = value.verdict == Verdict::Differs;
            let label = Text::new((frame.x(ours) + 5.0, upper + 0.5 * BAR), &points(Some(ours)), SMALL);
            scene.text(if differs { label.color(VERMILLION).bold() } else { label });
        }
        None => {
            let why = if row.metrics.is_some() { "no such categories" } else { row.verdict.words() };
            scene.text(Text::new((frame.left + 5.0, upper + 0.5 * BAR), why, SMALL).color(GRAY));
        }
    }
    let Some(known) = value.published else { return };
    if row.metrics.is_some() {
        scene.fill(bar(known, lower), LIGHT);
    } else {
        scene.hatch(bar(known, lower), GRAY);
    }
    scene.text(Text::new((frame.x(known) + 5.0, lower + 0.5 * BAR), &published(Some(known)), SMALL).color(DARK));
}
