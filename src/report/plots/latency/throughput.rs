//! Images a second by batch.

use super::figures::{Group, TimedVariant};
use super::legend::{Legend, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};
use crate::report::plots::axes::{round_end, Frame, Scale};
use crate::report::plots::scene::{Anchor, Scene, Text};
use crate::report::plots::style::{look, DARK, GRID, LABEL, SMALL};

/// The series that have a rate; nothing where all are of one batch, which makes no curve.
pub(super) fn drawn(group: Group) -> Group {
    let rated: Group = group.into_iter().filter(|series| series.summary.images_per_second.is_some()).collect();
    if batches(&rated).len() < 2 {
        return Vec::new();
    }
    rated
}

pub(super) fn scene(group: &[&TimedVariant]) -> Scene {
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let batches = batches(group);
    let frame = frame(group, &batches);
    frame.draw_y(&mut scene, "images a second, by the mean call");
    draw_batches(&mut scene, &frame, &batches);
    let mut legend = Legend::new(&mut scene, "highest, images a second");
    for (index, (variant, curve)) in curves(group).into_iter().enumerate() {
        let (color, marker, dash) = look(index);
        scene.curve(curve.iter().map(|&(batch, rate)| frame.at(batch, rate)).collect(), color, 1.8, dash);
        for &(batch, rate) in &curve {
            scene.point(frame.at(batch, rate), 4.5, color, 1.0, marker);
        }
        let best = curve.iter().copied().fold((0.0, 0.0), |best: (f64, f64), next| match next.1 > best.1 {
            true => next,
            false => best,
        });
        let numbers = [format!("{:.2} at batch {}", best.1, best.0)];
        legend.entry(&mut scene, (color, Some(marker), dash), variant, &numbers);
    }
    legend.finish(&mut scene);
    scene
}

/// Batches of all series, rising, each once.
fn batches(group: &[&TimedVariant]) -> Vec<u64> {
    let mut batches: Vec<u64> = group.iter().map(|series| series.summary.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    batches
}

/// Each variant's rates by rising batch.
fn curves<'a>(group: &[&'a TimedVariant]) -> Vec<(&'a str, Vec<(f64, f64)>)> {
    let mut curves: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for series in group {
        let point = (series.summary.batch as f64, series.summary.images_per_second.unwrap_or_default());
        match curves.iter_mut().find(|curve| curve.0 == series.variant) {
            Some(curve) => curve.1.push(point),
            None => curves.push((series.variant, vec![point])),
        }
    }
    curves.iter_mut().for_each(|curve| curve.1.sort_by(|a, b| a.0.total_cmp(&b.0)));
    curves
}

fn frame(group: &[&TimedVariant], batches: &[u64]) -> Frame {
    let ends = [batches.first(), batches.last()].map(|batch| batch.copied().unwrap_or(1).max(1) as f64);
    let fastest = group.iter().filter_map(|series| series.summary.images_per_second).fold(0.0, f64::max);
    let x = Scale::Log { min: 0.9 * ends[0], max: 1.1 * ends[1] };
    let y = Scale::Linear { min: 0.0, max: round_end(1.02 * fastest) };
    Frame { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM, x, y }
}

/// The horizontal axis, with a tick at each batch that was measured.
fn draw_batches(scene: &mut Scene, frame: &Frame, batches: &[u64]) {
    for &batch in batches {
        let x = frame.x(batch as f64);
        scene.line((x, frame.top), (x, frame.bottom), GRID, 1.0);
        let label = Text::new((x, frame.bottom + 13.0), &batch.to_string(), SMALL);
        scene.text(label.color(DARK).anchor(Anchor::Middle));
    }
    scene.line((frame.left, frame.bottom), (frame.right, frame.bottom), DARK, 1.0);
    let middle = (0.5 * (frame.left + frame.right), frame.bottom + 36.0);
    scene.text(Text::new(middle, "images a call (batch)", LABEL).anchor(Anchor::Middle));
}

#[cfg(test)]
mod tests {
    use super::super::figures::TimedVariant;
    use super::*;
    use crate::report::LatencySummary;

    fn series(variant: &'static str, batch: u64, rate: f64) -> TimedVariant<'static> {
        let summary = LatencySummary {
            latency: "forward".to_owned(),
            scenario: "offline".to_owned(),
            batch,
            score_threshold: None,
            device: "cpu".to_owned(),
            engine: "fast".to_owned(),
            dtype: "f32".to_owned(),
            samples: 1,
            p50_ms: 1.0,
            p50_ci95_ms: [1.0, 1.0],
            p90_ms: 1.0,
            p99_ms: 1.0,
            max_ms: 1.0,
            images_per_second: Some(rate),
        };
        TimedVariant { variant, summary, samples: &[], mask_ap: None }
    }

    #[test]
    fn a_variant_is_one_curve_by_rising_batch() {
        let all = [series("a", 4, 40.0), series("b", 1, 5.0), series("a", 1, 10.0)];
        let group: Vec<&TimedVariant> = all.iter().collect();
        assert_eq!(curves(&group), [("a", vec![(1.0, 10.0), (4.0, 40.0)]), ("b", vec![(1.0, 5.0)])]);
        assert_eq!(batches(&group), [1, 4]);
        assert_eq!(drawn(group.clone()).len(), 3);
        assert!(drawn(vec![&all[1], &all[2]]).is_empty(), "one batch makes no curve");
    }
}
