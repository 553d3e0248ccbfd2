//! What each kind of error costs: bars of AP50, over all categories and by frequency.

use super::super::axes::{Frame, Scale};
use super::super::scene::{Anchor, Scene, Text};
use super::super::style::{group, Rgb, BLACK, DARK, GRAY, HEADING, LABEL, SMALL};
use super::head::{draw_head, without_data};
use crate::evaluation::{ErrorCounts, Explanation, Gains};
use crate::report::text::{difference, fraction};

const TITLE: &str = "What each kind of error costs, at IoU 0.5";
const WIDTH: f64 = 1040.0;
const HEAD: f64 = 122.0;
const ROW: f64 = 50.0;
const FOOT: f64 = 58.0;
const BAR: f64 = 17.0;
const LEFT: f64 = 144.0;
const PANEL_GAP: f64 = 22.0;
/// Kept free right of the longest bar, for its value.
const VALUE: f64 = 52.0;

/// Some categories: all, or those of a frequency.
struct Panel<'a> {
    name: &'a str,
    gains: &'a Gains,
    errors: &'a ErrorCounts,
    color: Rgb,
}

fn panels(explanation: &Explanation) -> Vec<Panel<'_>> {
    let all = Panel { name: "all", gains: &explanation.gains, errors: &explanation.errors, color: DARK };
    let groups = explanation.frequencies.iter().map(|row| {
        let (name, color) = group(&row.frequency).map_or((&row.frequency[..], GRAY), |own| (own.name, own.color));
        Panel { name, gains: &row.gains, errors: &row.errors, color }
    });
    std::iter::once(all).chain(groups).collect()
}

pub(super) fn scene(explanation: &Explanation) -> Scene {
    if explanation.gains.ap50.is_none() {
        return without_data(explanation, TITLE, "no instance counts, so there is no AP50 that an error could cost");
    }
    let panels = panels(explanation);
    let mut scene = Scene::new(WIDTH, HEAD + ROW * explanation.gains.named().len() as f64 + FOOT);
    draw_head(&mut scene, explanation, TITLE);
    for (row, (kind, _)) in explanation.gains.named().iter().enumerate() {
        scene.text(Text::new((LEFT - 14.0, middle(row)), kind, LABEL).anchor(Anchor::End));
    }
    let width = (WIDTH - 20.0 - LEFT - PANEL_GAP * (panels.len() - 1) as f64) / panels.len() as f64;
    let largest = panels.iter().flat_map(|panel| panel.gains.named()).filter_map(|(_, gain)| gain).fold(0.0, f64::max);
    // The axis goes on past its last tick so that the longest bar leaves room for its value.
    let max = axis_end(100.0 * largest) * width / (width - VALUE);
    for (index, panel) in panels.iter().enumerate() {
        let left = LEFT + index as f64 * (width + PANEL_GAP);
        let (x, y) = (Scale::Linear { min: 0.0, max }, Scale::Linear { min: 0.0, max: 1.0 });
        let frame = Frame { left, right: left + width, top: HEAD, bottom: scene.height - FOOT, x, y };
        draw_panel(&mut scene, &frame, panel);
    }
    let below = (0.5 * (LEFT + WIDTH), scene.height - 14.0);
    let axis = "points of AP50 that fixing this kind alone would gain; the gains do not add up";
    scene.text(Text::new(below, axis, LABEL).anchor(Anchor::Middle));
    scene
}

/// A round end for an axis that shows gains up to `value`.
fn axis_end(value: f64) -> f64 {
    [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0]
        .into_iter()
        .find(|&end| value <= end)
        .unwrap_or(100.0)
}

fn middle(row: usize) -> f64 {
    HEAD + ROW * (row as f64 + 0.5)
}

fn draw_panel(scene: &mut Scene, frame: &Frame, panel: &Panel) {
    let at = |dy: f64| (0.5 * (frame.left + frame.right), frame.top - dy);
    scene.text(Text::new(at(34.0), panel.name, HEADING).anchor(Anchor::Middle).bold());
    let Some(ap50) = panel.gains.ap50 else {
        scene.text(Text::new(at(14.0), "no instances", SMALL).anchor(Anchor::Middle).color(GRAY));
        return;
    };
    let heading = format!("AP50 {}", fraction(Some(ap50)));
    scene.text(Text::new(at(14.0), &heading, SMALL).anchor(Anchor::Middle).color(DARK));
    frame.draw_x(scene, "");
    let counts = panel.errors.named();
    for (row, ((kind, gain), (_, count))) in panel.gains.named().into_iter().zip(counts).enumerate() {
        let (gain, top) = (gain.map(|gain| 100.0 * gain), middle(row) - BAR + 1.0);
        let reach = frame.x(gain.unwrap_or(0.0));
        scene.fill([(frame.left, top), (reach, top + BAR)], panel.color);
        scene.text(Text::new((reach + 5.0, top + 0.5 * BAR), &difference(gain), SMALL));
        let what = if kind == "missed" { "instances" } else { "detections" };
        let counted = format!("{count} {what}");
        scene.text(Text::new((frame.left + 5.0, top + BAR + 10.0), &counted, SMALL).color(GRAY));
    }
    scene.line((frame.left, frame.top), (frame.left, frame.bottom), BLACK, 1.0);
}
