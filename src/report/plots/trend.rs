//! Mask AP over the runs.

use super::axes::{ap_axis_end, Frame, Scale};
use super::picture::{painted, Plot};
use super::scene::{Anchor, Scene, Text};
use super::style::{look, DARK, LABEL, SMALL, TITLE};
use crate::report::text::{fraction, shortened};
use crate::report::{ReportError, Trend, TrendSeries};

const LEGEND_LINES: usize = 16;

/// `trend.svg` and `trend.png`: mask AP of every variant over the runs.
///
/// # Errors
/// [`ReportError::Drawing`] if the drawing library fails.
pub fn trend_plots(trend: &Trend) -> Result<Vec<Plot>, ReportError> {
    painted("trend", &scene(trend))
}

fn scene(trend: &Trend) -> Scene {
    let series: Vec<&TrendSeries> = trend.of_metric("segm/AP").collect();
    let highest = series.iter().flat_map(|series| series.values.iter().flatten()).fold(0.0, |a: f64, &b| a.max(b));
    let last = trend.runs.len().saturating_sub(1).max(1) as f64;
    let mut scene = Scene::new(860.0, 572.0);
    scene.text(Text::new((20.0, 24.0), "Mask AP over the runs", TITLE).bold());
    let note = "lines join runs of the same data, images and protocol";
    scene.text(Text::new((20.0, 48.0), note, LABEL).color(DARK));
    let (x, y) = (Scale::Linear { min: 0.0, max: last }, Scale::Linear { min: 0.0, max: ap_axis_end(100.0 * highest) });
    let frame = Frame { left: 82.0, right: 560.0, top: 76.0, bottom: 490.0, x, y };
    frame.draw_y(&mut scene, "mask AP in points");
    for (index, run) in trend.runs.iter().enumerate() {
        let at = (frame.x(index as f64), frame.bottom + 16.0 + 16.0 * (index % 3) as f64);
        scene.text(Text::new(at, &shortened(&run.run, 30), SMALL).anchor(Anchor::Middle).color(DARK));
    }
    for (index, series) in series.iter().enumerate() {
        draw_series(&mut scene, &frame, series, index);
        if index < LEGEND_LINES {
            draw_legend(&mut scene, series, index);
        }
    }
    scene
}

fn draw_series(scene: &mut Scene, frame: &Frame, series: &TrendSeries, index: usize) {
    let (color, marker, dash) = look(index);
    let at = |run: usize| series.values[run].map(|value| frame.at(run as f64, 100.0 * value));
    for run in 1..series.values.len() {
        if let (Some(from), Some(to), Some(_)) = (at(run - 1), at(run), series.from_previous[run]) {
            scene.curve(vec![from, to], color, 1.8, dash);
        }
    }
    for point in (0..series.values.len()).filter_map(at) {
        scene.point(point, 4.5, color, 1.0, marker);
    }
}

fn draw_legend(scene: &mut Scene, series: &TrendSeries, index: usize) {
    let (color, marker, dash) = look(index);
    let y = 96.0 + 26.0 * index as f64;
    scene.curve(vec![(590.0, y), (626.0, y)], color, 1.8, dash);
    scene.point((608.0, y), 4.5, color, 1.0, marker);
    let last = series.values.iter().rev().flatten().next().copied();
    let text = format!("{} ({})", shortened(&series.variant, 20), fraction(last));
    scene.text(Text::new((636.0, y), &text, SMALL));
}
