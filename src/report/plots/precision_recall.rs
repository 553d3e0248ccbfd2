//! Precision against recall.

use super::axes::{Frame, Scale};
use super::head::draw_row_head;
use super::scene::{Dash, Scene, Text};
use super::style::{Rgb, BLACK, BLUE, GRAY, GREEN, LABEL, SMALL, VERMILLION};
use crate::report::text::fraction;
use crate::report::{Row, StoredRun, VariantMetrics};

struct Line<'a> {
    name: &'static str,
    precision: &'a [f64],
    ap: Option<f64>,
    color: Rgb,
    width: f64,
    dash: Dash,
}

fn lines(metrics: &VariantMetrics) -> [Line<'_>; 6] {
    let (curves, masks) = (&metrics.curves, &metrics.results.segm);
    let line = |name, precision, ap, color, width, dash| Line { name, precision, ap, color, width, dash };
    [
        line("IoU .50", &curves.iou50, masks.ap50, GRAY, 1.6, Some((8.0, 4.0))),
        line("IoU .75", &curves.iou75, masks.ap75, GRAY, 1.6, Some((2.5, 3.0))),
        line("frequent, IoU .50:.95", &curves.frequent, masks.ap_frequent, BLUE, 1.8, None),
        line("common, IoU .50:.95", &curves.common, masks.ap_common, GREEN, 1.8, Some((11.0, 3.0))),
        line("rare, IoU .50:.95", &curves.rare, masks.ap_rare, VERMILLION, 1.8, Some((5.0, 2.5))),
        line("all, IoU .50:.95", &curves.mean, masks.ap, BLACK, 2.6, None),
    ]
}

pub(super) fn has_data(metrics: &VariantMetrics) -> bool {
    !metrics.curves.mean.is_empty()
}

pub(super) fn scene(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> Scene {
    let mut scene = Scene::new(860.0, 572.0);
    draw_row_head(&mut scene, run, row, "precision and recall of masks");
    let unit = Scale::Linear { min: 0.0, max: 1.0 };
    let frame = Frame { left: 82.0, right: 560.0, top: 96.0, bottom: 512.0, x: unit, y: unit };
    frame.draw(&mut scene, "recall", "precision, mean over categories");
    scene.text(Text::new((590.0, 108.0), "curve (AP in points)", LABEL).bold());
    let shown = lines(metrics).into_iter().filter(|line| !line.precision.is_empty());
    // The last is drawn on top and listed first.
    for (index, line) in shown.rev().enumerate().collect::<Vec<_>>().into_iter().rev() {
        draw_line(&mut scene, &frame, &line);
        draw_legend(&mut scene, &line, 138.0 + 28.0 * index as f64);
    }
    scene
}

fn draw_line(scene: &mut Scene, frame: &Frame, line: &Line) {
    let last = line.precision.len().saturating_sub(1).max(1) as f64;
    let points = line.precision.iter().enumerate().map(|(index, &precision)| frame.at(index as f64 / last, precision));
    scene.curve(points.collect(), line.color, line.width, line.dash);
}

fn draw_legend(scene: &mut Scene, line: &Line, y: f64) {
    scene.curve(vec![(590.0, y), (626.0, y)], line.color, line.width, line.dash);
    scene.text(Text::new((636.0, y), &format!("{} ({})", line.name, fraction(line.ap)), SMALL));
}
