//! The reliability diagram: the share of true positives among detections of a score.

use super::super::axes::{Frame, Scale};
use super::super::scene::{Scene, Text};
use super::super::style::{Marker, BLACK, BLUE, DARK, GRAY, LABEL, LIGHT, SMALL, VERMILLION};
use super::head::{draw_head, without_data};
use crate::evaluation::{Calibration, CalibrationBin, Explanation};

const TITLE: &str = "Calibration: precision by score, at IoU 0.5";
const LEGEND: f64 = 536.0;

pub(super) fn scene(explanation: &Explanation) -> Scene {
    let calibration = &explanation.calibration;
    let Some(ece) = calibration.ece else {
        return without_data(explanation, TITLE, "no judged detection has a score from 0 to 1");
    };
    let mut scene = Scene::new(860.0, 700.0);
    draw_head(&mut scene, explanation, TITLE);
    let unit = Scale::Linear { min: 0.0, max: 1.0 };
    let frame = Frame { left: 82.0, right: 502.0, top: 78.0, bottom: 498.0, x: unit, y: unit };
    frame.draw(&mut scene, "", "precision");
    let bins = || calibration.bins.iter().filter(|bin| bin.detections > 0);
    bins().for_each(|bin| draw_bar(&mut scene, &frame, bin));
    scene.curve(vec![frame.at(0.0, 0.0), frame.at(1.0, 1.0)], GRAY, 1.2, Some((5.0, 4.0)));
    bins().for_each(|bin| draw_distance(&mut scene, &frame, bin));
    draw_counts(&mut scene, calibration);
    draw_legend(&mut scene, calibration, ece);
    scene
}

/// How high the precision of a bin is.
fn draw_bar(scene: &mut Scene, frame: &Frame, bin: &CalibrationBin) {
    let corners = [frame.at(bin.from, bin.precision.unwrap_or(0.0)), frame.at(bin.to, 0.0)];
    scene.fill(corners, LIGHT);
    scene.outline(corners, GRAY);
}

/// How far it is from its mean score, of which the calibration error is the mean.
fn draw_distance(scene: &mut Scene, frame: &Frame, bin: &CalibrationBin) {
    let Some((score, precision)) = bin.mean_score.zip(bin.precision) else { return };
    scene.line(frame.at(score, precision), frame.at(score, score), VERMILLION, 2.2);
    scene.point(frame.at(score, precision), 4.5, BLUE, 1.0, Marker::Circle);
}

/// How many detections each bin has.
fn draw_counts(scene: &mut Scene, calibration: &Calibration) {
    let most = calibration.bins.iter().map(|bin| bin.detections).max().unwrap_or(0) as f64;
    let frame = Frame {
        left: 82.0,
        right: 502.0,
        top: 536.0,
        bottom: 648.0,
        x: Scale::Linear { min: 0.0, max: 1.0 },
        // A bin of a single detection has a bar too.
        y: Scale::Log { min: 0.8, max: (1.2 * most).max(10.0) },
    };
    frame.draw(scene, "score", "detections");
    for bin in calibration.bins.iter().filter(|bin| bin.detections > 0) {
        let corners = [frame.at(bin.from, bin.detections as f64), frame.at(bin.to, 0.0)];
        scene.fill(corners, LIGHT);
        scene.outline(corners, GRAY);
    }
    scene.line((frame.left, frame.bottom), (frame.right, frame.bottom), BLACK, 1.0);
}

fn draw_legend(scene: &mut Scene, calibration: &Calibration, ece: f64) {
    scene.text(Text::new((LEGEND, 90.0), &format!("ECE {ece:.4}"), LABEL).bold());
    let largest = calibration.largest.map_or(String::new(), |largest| format!("largest distance {largest:.4}"));
    let counted = format!("{} judged detections, {} bins", calibration.detections, calibration.bins.len());
    for (line, text) in [largest, counted].iter().enumerate() {
        scene.text(Text::new((LEGEND, 114.0 + 22.0 * line as f64), text, SMALL).color(DARK));
    }
    if calibration.outside > 0 {
        let outside = format!("{} more outside 0 to 1", calibration.outside);
        scene.text(Text::new((LEGEND, 158.0), &outside, SMALL).color(DARK));
    }
    let entries =
        ["precision at the bin's mean score", "distance; ECE is its mean", "a score that tells the precision"];
    for (index, entry) in entries.iter().enumerate() {
        let y = 204.0 + 28.0 * index as f64;
        match index {
            0 => scene.point((LEGEND + 14.0, y), 4.5, BLUE, 1.0, Marker::Circle),
            1 => scene.line((LEGEND + 14.0, y - 9.0), (LEGEND + 14.0, y + 9.0), VERMILLION, 2.2),
            _ => scene.curve(vec![(LEGEND, y), (LEGEND + 28.0, y)], GRAY, 1.2, Some((5.0, 4.0))),
        }
        scene.text(Text::new((LEGEND + 38.0, y), entry, SMALL));
    }
}
