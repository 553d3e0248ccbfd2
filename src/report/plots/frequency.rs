//! AP of a category against the number of training images that show it.

use super::axes::{ap_axis_end, Frame, Scale};
use super::head::draw_row_head;
use super::scene::{Anchor, Scene, Text};
use super::style::{group, Group, BLACK, DARK, GRAY, GROUPS, LABEL, SMALL};
use crate::evaluation::CategoryMetrics;
use crate::report::{Row, StoredRun, VariantMetrics};

/// LVIS calls a category rare up to 10 training images, common up to 100.
const BOUNDS: [f64; 2] = [10.0, 100.0];
const LEGEND: f64 = 650.0;

/// A category that has both numbers.
struct Dot {
    images: f64,
    ap: f64,
    group: &'static Group,
}

fn dot(category: &CategoryMetrics) -> Option<Dot> {
    let images = category.image_count.filter(|&count| count > 0)?;
    Some(Dot { images: images as f64, ap: 100.0 * category.ap?, group: group(&category.frequency)? })
}

pub(super) fn has_data(metrics: &VariantMetrics) -> bool {
    metrics.per_category.iter().any(|category| dot(category).is_some())
}

pub(super) fn scene(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> Scene {
    let mut dots: Vec<Dot> = metrics.per_category.iter().filter_map(dot).collect();
    dots.sort_by(|a, b| a.images.total_cmp(&b.images));
    let mut scene = Scene::new(900.0, 572.0);
    draw_row_head(&mut scene, run, row, "mask AP by training images");
    let frame = frame(&dots);
    frame.draw(&mut scene, "training images with the category", "mask AP of a category (points)");
    if dots.iter().all(follows_lvis_bounds) {
        draw_bounds(&mut scene, &frame);
    }
    let (radius, opacity) = if dots.len() > 200 { (2.6, 0.5) } else { (4.5, 0.8) };
    for dot in &dots {
        scene.point(frame.at(dot.images, dot.ap), radius, dot.group.color, opacity, dot.group.marker);
    }
    let trend = trend(&dots).into_iter().map(|(images, ap)| frame.at(images, ap)).collect::<Vec<_>>();
    scene.curve(trend, BLACK, 2.2, None);
    draw_legend(&mut scene, &dots);
    scene
}

fn frame(dots: &[Dot]) -> Frame {
    let min = dots.iter().map(|dot| dot.images).fold(f64::INFINITY, f64::min);
    let max = dots.iter().map(|dot| dot.images).fold(min, f64::max);
    let top = ap_axis_end(dots.iter().map(|dot| dot.ap).fold(0.0, f64::max));
    Frame {
        left: 82.0,
        right: 620.0,
        top: 96.0,
        bottom: 512.0,
        x: Scale::Log { min: (0.8 * min).max(0.5), max: 1.25 * max },
        y: Scale::Linear { min: 0.0, max: top },
    }
}

fn follows_lvis_bounds(dot: &Dot) -> bool {
    let letter = if dot.images <= BOUNDS[0] {
        "r"
    } else if dot.images <= BOUNDS[1] {
        "c"
    } else {
        "f"
    };
    dot.group.letter == letter
}

fn draw_bounds(scene: &mut Scene, frame: &Frame) {
    for bound in BOUNDS {
        let x = frame.x(bound + 0.5);
        scene.curve(vec![(x, frame.top), (x, frame.bottom)], GRAY, 1.0, Some((4.0, 4.0)));
    }
}

/// Mean AP in bins of a factor of two, at the bin's geometric mean. Bins without a category are left out.
fn trend(dots: &[Dot]) -> Vec<(f64, f64)> {
    let bin = |dot: &Dot| dot.images.log2().floor() as i64;
    let mean = |bin: &[Dot], value: fn(&Dot) -> f64| bin.iter().map(value).sum::<f64>() / bin.len() as f64;
    let bins = dots.chunk_by(|a, b| bin(a) == bin(b));
    bins.map(|bin| (mean(bin, |dot| dot.images.ln()).exp(), mean(bin, |dot| dot.ap))).collect()
}

fn draw_legend(scene: &mut Scene, dots: &[Dot]) {
    let mut y = 108.0;
    scene.text(Text::new((LEGEND, y), "categories (mean AP)", LABEL).bold());
    for group in GROUPS.iter().rev() {
        let aps: Vec<f64> = dots.iter().filter(|dot| dot.group.letter == group.letter).map(|dot| dot.ap).collect();
        if aps.is_empty() {
            continue;
        }
        y += 28.0;
        scene.point((LEGEND + 14.0, y), 5.0, group.color, 1.0, group.marker);
        let mean = aps.iter().sum::<f64>() / aps.len() as f64;
        scene.text(Text::new((LEGEND + 36.0, y), &format!("{} {} ({mean:.2})", aps.len(), group.name), SMALL));
    }
    y += 28.0;
    scene.line((LEGEND, y), (LEGEND + 28.0, y), BLACK, 2.2);
    scene.text(Text::new((LEGEND + 36.0, y), "mean, bins of factor 2", SMALL).anchor(Anchor::Start).color(DARK));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot_of(images: f64, ap: f64, letter: &str) -> Dot {
        Dot { images, ap, group: group(letter).expect("a known letter") }
    }

    #[test]
    fn the_trend_is_the_mean_of_each_bin() {
        let dots = [dot_of(1.0, 2.0, "r"), dot_of(4.0, 10.0, "r"), dot_of(4.0, 20.0, "r")];
        let trend = trend(&dots);
        assert_eq!(trend.iter().map(|point| point.1).collect::<Vec<_>>(), [2.0, 15.0]);
        assert!((trend[1].0 - 4.0).abs() < 1e-12);
    }

    #[test]
    fn bounds_are_drawn_only_where_the_letters_follow_them() {
        assert!(follows_lvis_bounds(&dot_of(10.0, 0.0, "r")));
        assert!(follows_lvis_bounds(&dot_of(101.0, 0.0, "f")));
        assert!(!follows_lvis_bounds(&dot_of(71.0, 0.0, "f")));
    }
}
