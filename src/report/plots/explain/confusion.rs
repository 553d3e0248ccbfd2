//! The categories that are most often taken for one another.

use super::super::scene::{Anchor, Scene, Text};
use super::super::style::{BLUE, DARK, GRAY, LABEL, LIGHT, SMALL};
use super::head::{draw_head, without_data};
use crate::evaluation::{ConfusedPair, Explanation};
use crate::report::text::shortened;

const TITLE: &str = "Confused categories: detections on an instance of another category";
const SHOWN: usize = 20;
const NAME_COLUMNS: usize = 28;
const HEAD: f64 = 120.0;
const LINE: f64 = 24.0;
const FOOT: f64 = 44.0;
/// Where the names of the detections end, and those of the instances.
const COLUMNS: [f64; 2] = [256.0, 496.0];
const LEFT: f64 = 508.0;
const LENGTH: f64 = 262.0;

pub(super) fn scene(explanation: &Explanation) -> Scene {
    let pairs = &explanation.confusion;
    if pairs.is_empty() {
        return without_data(explanation, TITLE, "no detection lies on an instance of another category alone");
    }
    let shown = &pairs[..pairs.len().min(SHOWN)];
    let mut scene = Scene::new(860.0, HEAD + LINE * shown.len() as f64 + FOOT);
    draw_head(&mut scene, explanation, TITLE);
    for (heading, x) in ["detected as", "annotated as"].into_iter().zip(COLUMNS) {
        scene.text(Text::new((x, HEAD - 34.0), heading, LABEL).anchor(Anchor::End).bold());
    }
    draw_legend(&mut scene, HEAD - 34.0);
    let most = shown.iter().map(|pair| pair.count).max().unwrap_or(1).max(1) as f64;
    for (index, pair) in shown.iter().enumerate() {
        draw_pair(&mut scene, HEAD + LINE * index as f64, pair, most);
    }
    let bottom = HEAD + LINE * (shown.len() - 1) as f64 + 12.0;
    scene.line((LEFT, HEAD - 12.0), (LEFT, bottom), DARK, 1.0);
    let all: u64 = pairs.iter().map(|pair| pair.count).sum();
    let foot = format!("{} of {} pairs; {all} detections in all of them", shown.len(), pairs.len());
    scene.text(Text::new((20.0, scene.height - 20.0), &foot, SMALL).color(DARK));
    scene
}

fn draw_legend(scene: &mut Scene, y: f64) {
    scene.fill([(LEFT, y - 7.0), (LEFT + 18.0, y + 7.0)], BLUE);
    scene.text(Text::new((LEFT + 25.0, y), "absent from the image", SMALL));
    let left = LEFT + 180.0;
    scene.fill([(left, y - 7.0), (left + 18.0, y + 7.0)], LIGHT);
    scene.text(Text::new((left + 25.0, y), "elsewhere in it", SMALL));
}

/// One bar, its part in images from which the detected category is known to be absent in front.
fn draw_pair(scene: &mut Scene, y: f64, pair: &ConfusedPair, most: f64) {
    for (name, x) in [&pair.detected_name, &pair.annotated_name].into_iter().zip(COLUMNS) {
        let name = shortened(name, NAME_COLUMNS);
        scene.text(Text::new((x, y), &name, SMALL).anchor(Anchor::End));
    }
    let reach = |count: u64| LEFT + LENGTH * count as f64 / most;
    let end = reach(pair.count);
    let corners = [(LEFT, y - 8.0), (end, y + 8.0)];
    scene.fill(corners, LIGHT);
    scene.fill([(LEFT, y - 8.0), (reach(pair.count_absent), y + 8.0)], BLUE);
    scene.outline(corners, GRAY);
    scene.text(Text::new((end + 6.0, y), &pair.count.to_string(), SMALL).color(DARK));
}
