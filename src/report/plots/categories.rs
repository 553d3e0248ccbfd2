//! AP of every category, sorted; the best and the worst by name.

use super::axes::{ap_axis_end, Frame, Scale};
use super::head::draw_row_head;
use super::scene::{Anchor, Scene, Text};
use super::style::{group, Group, Rgb, DARK, GRAY, GROUPS, HEADING, SMALL};
use crate::report::text::shortened;
use crate::report::{Row, StoredRun, VariantMetrics};

/// Named at each end.
const NAMED: usize = 10;
const NAME_COLUMNS: usize = 26;
const LINE: f64 = 19.5;

/// A category with ground truth.
struct Entry<'a> {
    name: &'a str,
    ap: f64,
    group: Option<&'static Group>,
}

impl Entry<'_> {
    fn color(&self) -> Rgb {
        self.group.map_or(GRAY, |group| group.color)
    }
}

/// Best first; equal ones in the file's order.
fn sorted(metrics: &VariantMetrics) -> Vec<Entry<'_>> {
    let entries = metrics.per_category.iter().filter_map(|category| {
        Some(Entry { name: &category.name, ap: 100.0 * category.ap?, group: group(&category.frequency) })
    });
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by(|a, b| b.ap.total_cmp(&a.ap));
    entries
}

pub(super) fn has_data(metrics: &VariantMetrics) -> bool {
    metrics.per_category.iter().any(|category| category.ap.is_some())
}

pub(super) fn scene(run: &StoredRun, row: &Row, metrics: &VariantMetrics) -> Scene {
    let entries = sorted(metrics);
    let mut scene = Scene::new(1040.0, 612.0);
    draw_row_head(&mut scene, run, row, "mask AP by category");
    let end = ap_axis_end(entries.first().map_or(0.0, |entry| entry.ap));
    draw_ranks(&mut scene, &entries, end);
    draw_legend(&mut scene, &entries);
    let named = NAMED.min(entries.len().div_ceil(2));
    let worst = &entries[entries.len() - named.min(entries.len() / 2)..];
    draw_names(&mut scene, &format!("best {named}"), &entries[..named], 96.0, end);
    let zeros = entries.iter().filter(|entry| entry.ap == 0.0).count();
    let heading = match zeros {
        0 => format!("worst {}", worst.len()),
        _ => format!("worst {} ({zeros} of {} have AP 0)", worst.len(), entries.len()),
    };
    draw_names(&mut scene, &heading, worst, 340.0, end);
    scene
}

fn draw_ranks(scene: &mut Scene, entries: &[Entry], end: f64) {
    let frame = Frame {
        left: 82.0,
        right: 560.0,
        top: 120.0,
        bottom: 552.0,
        x: Scale::Linear { min: 0.0, max: entries.len() as f64 },
        y: Scale::Linear { min: 0.0, max: end },
    };
    frame.draw(scene, "rank of the category, by AP", "mask AP of a category (points)");
    let radius = if entries.len() > 200 { 2.4 } else { 4.0 };
    for (index, entry) in entries.iter().enumerate() {
        let marker = entry.group.unwrap_or(&GROUPS[2]).marker;
        scene.point(frame.at(index as f64 + 0.5, entry.ap), radius, entry.color(), 0.85, marker);
    }
}

fn draw_legend(scene: &mut Scene, entries: &[Entry]) {
    let mut x = 330.0;
    for group in GROUPS.iter().rev() {
        let letter = |entry: &&Entry| entry.group.is_some_and(|own| own.letter == group.letter);
        let count = entries.iter().filter(letter).count();
        let text = format!("{} ({count})", group.name);
        scene.point((x - 235.0, 100.0), 5.0, group.color, 1.0, group.marker);
        scene.text(Text::new((x - 222.0, 100.0), &text, SMALL));
        x += 150.0;
    }
}

/// Bars with names, from `top` down.
fn draw_names(scene: &mut Scene, heading: &str, entries: &[Entry], top: f64, end: f64) {
    const LEFT: f64 = 800.0;
    const LENGTH: f64 = 160.0;
    scene.text(Text::new((LEFT, top), heading, HEADING).anchor(Anchor::Middle).bold());
    for (index, entry) in entries.iter().enumerate() {
        let y = top + 24.0 + LINE * index as f64;
        let name = shortened(entry.name, NAME_COLUMNS);
        scene.text(Text::new((LEFT - 8.0, y), &name, SMALL).anchor(Anchor::End));
        let reach = LEFT + LENGTH * entry.ap / end;
        scene.fill([(LEFT, y - 6.0), (reach, y + 6.0)], entry.color());
        let letter = entry.group.map_or("", |group| group.letter);
        scene.text(Text::new((reach + 6.0, y), &format!("{:.1} {letter}", entry.ap), SMALL).color(DARK));
    }
    let bottom = top + 24.0 + LINE * entries.len().saturating_sub(1) as f64 + 9.0;
    scene.line((LEFT, top + 15.0), (LEFT, bottom), DARK, 1.0);
}
