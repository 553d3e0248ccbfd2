//! How the calls of each variant spread: empirical distribution, with its percentiles marked.

use super::figures::{Group, TimedVariant};
use super::legend::{ms, Legend, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use crate::report::plots::axes::{Frame, Scale};
use crate::report::plots::scene::{Dash, Scene, Text};
use crate::report::plots::style::{look, Marker, DARK, SMALL};

/// Fewer calls have no 90th percentile to speak of.
const FEWEST_SAMPLES: usize = 10;
/// Points of a curve: more would not show.
const MOST_POINTS: usize = 500;
/// From this ratio of the slowest to the fastest call on, the axis is logarithmic.
const WIDE: f64 = 8.0;
/// Curves differ in dash too, since markers stand for percentiles.
const DASHES: [Dash; 4] = [None, Some((9.0, 4.0)), Some((3.0, 3.0)), Some((14.0, 3.0))];
const PERCENTILES: [(&str, Marker); 3] = [("p50", Marker::Circle), ("p90", Marker::Square), ("p99", Marker::Triangle)];

/// The series with calls enough.
pub(super) fn drawn(group: Group) -> Group {
    group.into_iter().filter(|series| series.samples.len() >= FEWEST_SAMPLES).collect()
}

pub(super) fn scene(group: &[&TimedVariant]) -> Scene {
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let frame = frame(group);
    frame.draw(&mut scene, "milliseconds a call", "share of calls that took no longer");
    let mut legend = Legend::new(&mut scene, "p50 [95 % interval], ms");
    for (index, series) in group.iter().enumerate() {
        let color = look(index).0;
        let dash = DASHES[index % DASHES.len()];
        let points = points(series.samples).into_iter().filter(|point| point.0 <= end(frame.x));
        scene.curve(points.map(|(ms, share)| frame.at(ms, share)).collect(), color, 1.8, dash);
        let summary = &series.summary;
        let marks = [(summary.p50_ms, 0.5), (summary.p90_ms, 0.9), (summary.p99_ms, 0.99)];
        for ((ms, share), (_, marker)) in marks.into_iter().zip(PERCENTILES) {
            scene.point(frame.at(ms, share), 5.0, color, 1.0, marker);
        }
        legend.entry(&mut scene, (color, None, dash), series.variant, &numbers(series));
    }
    let beyond: usize = group.iter().map(|series| beyond(series, end(frame.x))).sum();
    if beyond > 0 {
        let calls = if beyond == 1 { "call lies" } else { "calls lie" };
        legend.note(&mut scene, &format!("{beyond} {calls} right of the axis"));
    }
    legend.finish(&mut scene);
    draw_marks(&mut scene);
    scene
}

/// From the fastest call to a little beyond the largest 99th percentile: a single straggler must not
/// squeeze all others.
fn frame(group: &[&TimedVariant]) -> Frame {
    let samples = group.iter().flat_map(|series| series.samples);
    let low = samples.clone().copied().fold(f64::INFINITY, f64::min);
    let slowest = samples.copied().fold(low, f64::max);
    let p99 = group.iter().map(|series| series.summary.p99_ms).fold(low, f64::max);
    let margin = (0.05 * (p99 - low)).max(0.002 * p99).max(f64::MIN_POSITIVE);
    let high = slowest.min(p99 + 3.0 * margin) + margin;
    let x = match low > 0.0 && high / low > WIDE {
        true => Scale::Log { min: 0.9 * low, max: high },
        false => Scale::Linear { min: low - margin, max: high },
    };
    Frame { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM, x, y: Scale::Linear { min: 0.0, max: 1.0 } }
}

fn end(scale: Scale) -> f64 {
    match scale {
        Scale::Linear { max, .. } | Scale::Log { max, .. } => max,
    }
}

/// Milliseconds and the share of calls that took no longer.
fn points(samples: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (last, count) = (sorted.len() - 1, sorted.len().min(MOST_POINTS));
    let ranks = (0..count).map(|point| point * last / (count - 1).max(1));
    let start = std::iter::once((sorted[0], 0.0));
    start.chain(ranks.map(|rank| (sorted[rank], (rank + 1) as f64 / sorted.len() as f64))).collect()
}

fn beyond(series: &TimedVariant, end: f64) -> usize {
    series.samples.iter().filter(|&&ms| ms > end).count()
}

fn numbers(series: &TimedVariant) -> Vec<String> {
    let summary = &series.summary;
    let [low, high] = summary.p50_ci95_ms;
    vec![
        format!("{} [{}, {}]", ms(summary.p50_ms), ms(low), ms(high)),
        format!("p90 {}, p99 {}", ms(summary.p90_ms), ms(summary.p99_ms)),
        format!("max {}, {} calls", ms(summary.max_ms), summary.samples),
    ]
}

/// What the markers mean, below the legend and beside the axis' title.
fn draw_marks(scene: &mut Scene) {
    for (index, (name, marker)) in PERCENTILES.into_iter().enumerate() {
        let x = RIGHT + 32.0 + 64.0 * index as f64;
        scene.point((x, BOTTOM + 36.0), 5.0, DARK, 1.0, marker);
        scene.text(Text::new((x + 11.0, BOTTOM + 36.0), name, SMALL).color(DARK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_to_one_at_the_slowest_call() {
        assert_eq!(points(&[3.0, 1.0, 2.0, 4.0]), [(1.0, 0.0), (1.0, 0.25), (2.0, 0.5), (3.0, 0.75), (4.0, 1.0)]);
        let many: Vec<f64> = (0..100_000).map(f64::from).collect();
        let points = points(&many);
        assert_eq!((points.len(), points.last()), (MOST_POINTS + 1, Some(&(99_999.0, 1.0))));
    }
}
