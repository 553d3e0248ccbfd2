//! Latency against AP: what accuracy costs.

use super::figures::{Group, TimedVariant};
use super::legend::{ms, Legend, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use crate::report::plots::axes::{ap_axis_end, round_end, Frame, Scale};
use crate::report::plots::paint::text_width;
use crate::report::plots::scene::{Anchor, Scene, Text};
use crate::report::plots::style::{look, Rgb, SMALL};
use crate::report::text::{fraction, shortened};

/// Half the height of an interval's end strokes: more than a point's, which may cover a narrow interval.
const CAP: f64 = 9.0;
/// Between an interval's end, which may lie inside its point, and the name.
const REACH: f64 = 11.0;
/// Between the lines of two names.
const LINE: f64 = 16.0;
const NAME_COLUMNS: usize = 26;

/// The series with an AP of what was timed: no other score threshold, and a headline latency.
pub(super) fn drawn(group: Group) -> Group {
    let headline = |name: &str| matches!(name, "forward" | "detect" | "segment");
    let own = |series: &&TimedVariant| series.summary.score_threshold.is_none() && headline(&series.summary.latency);
    group.into_iter().filter(own).filter(|series| series.mask_ap.is_some()).collect()
}

pub(super) fn scene(group: &[&TimedVariant]) -> Scene {
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let frame = frame(group);
    frame.draw(&mut scene, "median milliseconds a call, with its 95 % interval", "mask AP in points");
    let mut legend = Legend::new(&mut scene, "p50 [95 % interval], ms; AP");
    let mut names = Names::default();
    for (index, series) in group.iter().enumerate() {
        let (color, marker, _) = look(index);
        let [low, high] = series.summary.p50_ci95_ms;
        let at = frame.at(series.summary.p50_ms, points(series));
        let ends = (frame.x(low), frame.x(high));
        draw_interval(&mut scene, ends, at.1, color);
        scene.point(at, 6.0, color, 1.0, marker);
        names.place(&mut scene, ends, at.1, series.variant);
        let interval = format!("{} [{}, {}]", ms(series.summary.p50_ms), ms(low), ms(high));
        let numbers = [interval, format!("AP {}", fraction(series.mask_ap))];
        legend.entry(&mut scene, (color, Some(marker), None), series.variant, &numbers);
    }
    legend.finish(&mut scene);
    scene
}

fn points(series: &TimedVariant) -> f64 {
    100.0 * series.mask_ap.unwrap_or_default()
}

/// Both axes begin at 0, so that distances are in proportion.
fn frame(group: &[&TimedVariant]) -> Frame {
    let slowest = group.iter().map(|series| series.summary.p50_ci95_ms[1]).fold(0.0, f64::max);
    let best = group.iter().map(|series| points(series)).fold(0.0, f64::max);
    let x = Scale::Linear { min: 0.0, max: round_end(1.02 * slowest) };
    let y = Scale::Linear { min: 0.0, max: ap_axis_end(best) };
    Frame { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM, x, y }
}

fn draw_interval(scene: &mut Scene, (low, high): (f64, f64), y: f64, color: Rgb) {
    scene.line((low, y), (high, y), color, 1.8);
    for x in [low, high] {
        scene.line((x, y - CAP), (x, y + CAP), color, 1.8);
    }
}

/// Names beside their points, none over another.
#[derive(Default)]
struct Names(Vec<[f64; 3]>);

impl Names {
    /// On the side of the interval where there is more room, and lower where another name stands.
    fn place(&mut self, scene: &mut Scene, (low, high): (f64, f64), y: f64, name: &str) {
        let name = shortened(name, NAME_COLUMNS);
        let width = text_width(&name, SMALL);
        let left = low - LEFT > RIGHT - high;
        let from = if left { low - REACH - width } else { high + REACH };
        let mut y = y;
        while self.0.iter().any(|[a, b, at]| from < *b && *a < from + width && (y - at).abs() < LINE) {
            y += 1.0;
        }
        self.0.push([from, from + width, y]);
        scene.text(Text::new((from, y), &name, SMALL).anchor(Anchor::Start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart() {
        let mut names = Names::default();
        let mut scene = Scene::new(WIDTH, HEIGHT);
        for y in [200.0, 201.0, 230.0] {
            names.place(&mut scene, (150.0, 151.0), y, "a name");
        }
        let lines: Vec<f64> = names.0.iter().map(|name| name[2]).collect();
        assert_eq!(lines, [200.0, 216.0, 232.0]);
        names.place(&mut scene, (400.0, 520.0), 200.0, "a name");
        assert_eq!(names.0[3][2], 200.0, "on the other side there is room");
        assert!(names.0[3][1] < 400.0, "and not on the interval");
    }
}
