//! At which score the F1 of each category peaks: a histogram for each frequency group.

use super::super::axes::{Frame, Scale};
use super::super::scene::{Scene, Text};
use super::super::style::{Group, BLACK, DARK, GROUPS, LABEL, SMALL};
use super::head::{draw_head, without_data};
use crate::evaluation::{Explanation, OperatingPoint};

const TITLE: &str = "Score threshold of each category's highest F1, at IoU 0.5";
const BINS: usize = 20;
const TOP: f64 = 84.0;
const PANEL: f64 = 150.0;
const PANEL_GAP: f64 = 34.0;
const LEGEND: f64 = 590.0;

/// The categories of a group that have instances.
struct Categories {
    group: &'static Group,
    /// Thresholds from 0 to 1, ascending.
    thresholds: Vec<f64>,
    /// Categories whose threshold is none from 0 to 1.
    outside: usize,
    /// Categories without a true positive: no threshold is better than another.
    without: usize,
}

impl Categories {
    fn of(explanation: &Explanation, group: &'static Group) -> Self {
        let own = explanation.categories.iter().filter(|row| row.frequency == group.letter && row.instances > 0);
        let (best, none): (Vec<_>, Vec<_>) = own.map(|row| row.best).partition(Option::is_some);
        let all = best.into_iter().flatten().map(|best| best.threshold);
        let (mut thresholds, outside): (Vec<f64>, Vec<f64>) = all.partition(|at| (0.0..=1.0).contains(at));
        thresholds.sort_by(f64::total_cmp);
        Self { group, thresholds, outside: outside.len(), without: none.len() }
    }

    /// Categories in each bin, which are closed below and, but for the last, open above.
    fn counts(&self) -> [usize; BINS] {
        let mut counts = [0; BINS];
        self.thresholds.iter().for_each(|at| counts[((at * BINS as f64) as usize).min(BINS - 1)] += 1);
        counts
    }

    fn median(&self) -> Option<f64> {
        let middle = self.thresholds.len() / 2;
        match self.thresholds.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(self.thresholds[middle]),
            _ => Some(0.5 * (self.thresholds[middle - 1] + self.thresholds[middle])),
        }
    }
}

pub(super) fn scene(explanation: &Explanation) -> Scene {
    let groups: Vec<Categories> = GROUPS.iter().rev().map(|group| Categories::of(explanation, group)).collect();
    if groups.iter().all(|categories| categories.thresholds.is_empty()) {
        return without_data(explanation, TITLE, "no category has a true positive with a score from 0 to 1");
    }
    let mut scene = Scene::new(860.0, 680.0);
    draw_head(&mut scene, explanation, TITLE);
    for (index, categories) in groups.iter().enumerate() {
        let title = if index + 1 == groups.len() { "score" } else { "" };
        draw_panel(&mut scene, TOP + (PANEL + PANEL_GAP) * index as f64, categories, title);
    }
    draw_overall(&mut scene, explanation);
    scene
}

fn frame(top: f64, most: f64) -> Frame {
    let (x, y) = (Scale::Linear { min: 0.0, max: 1.0 }, Scale::Linear { min: 0.0, max: most });
    Frame { left: 82.0, right: 560.0, top, bottom: top + PANEL, x, y }
}

fn draw_panel(scene: &mut Scene, top: f64, categories: &Categories, x_title: &str) {
    let counts = categories.counts();
    // Below five the ticks would be parts of categories.
    let frame = frame(top, counts.iter().copied().max().unwrap_or(0).max(5) as f64);
    frame.draw(scene, x_title, "categories");
    for (bin, &count) in counts.iter().enumerate().filter(|(_, &count)| count > 0) {
        let end = |bin: usize| bin as f64 / BINS as f64;
        let [(left, high), (right, low)] = [frame.at(end(bin), count as f64), frame.at(end(bin + 1), 0.0)];
        scene.fill([(left + 1.0, high), (right - 1.0, low)], categories.group.color);
    }
    scene.line((frame.left, frame.bottom), (frame.right, frame.bottom), BLACK, 1.0);
    let shown = categories.thresholds.len();
    scene.point((LEGEND + 8.0, top + 12.0), 5.0, categories.group.color, 1.0, categories.group.marker);
    scene.text(Text::new((LEGEND + 22.0, top + 12.0), categories.group.name, LABEL).bold());
    let mut lines = vec![format!("{shown} categories with a threshold")];
    lines.extend(categories.median().map(|median| format!("median {median:.3}")));
    lines.extend((categories.without > 0).then(|| format!("{} without a true positive", categories.without)));
    lines.extend((categories.outside > 0).then(|| format!("{} at scores outside 0 to 1", categories.outside)));
    for (line, text) in lines.iter().enumerate() {
        scene.text(Text::new((LEGEND + 22.0, top + 36.0 + 22.0 * line as f64), text, SMALL).color(DARK));
    }
}

/// What one threshold for all comes to beside the categories' own.
fn draw_overall(scene: &mut Scene, explanation: &Explanation) {
    let thresholds = &explanation.thresholds;
    let y = scene.height - 22.0;
    if let Some(OperatingPoint { threshold, f1, .. }) = thresholds.overall {
        if (0.0..=1.0).contains(&threshold) {
            for panel in 0..GROUPS.len() {
                let frame = frame(TOP + (PANEL + PANEL_GAP) * panel as f64, 1.0);
                let x = frame.x(threshold);
                scene.curve(vec![(x, frame.top), (x, frame.bottom)], BLACK, 1.4, Some((5.0, 4.0)));
            }
        }
        scene.curve(vec![(82.0, y), (110.0, y)], BLACK, 1.4, Some((5.0, 4.0)));
        let text = format!("one threshold for all, {threshold:.3}: F1 {f1:.3} over the pooled detections");
        scene.text(Text::new((118.0, y), &text, SMALL));
    }
    if let Some(mean) = thresholds.mean_of_categories {
        scene.text(Text::new((LEGEND, y), &format!("own thresholds: mean F1 {mean:.3}"), SMALL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories(thresholds: &[f64]) -> Categories {
        Categories { group: &GROUPS[0], thresholds: thresholds.to_vec(), outside: 0, without: 0 }
    }

    #[test]
    fn bins_hold_every_threshold_once() {
        let counts = categories(&[0.0, 0.05, 0.07, 0.999, 1.0]).counts();
        assert_eq!((counts[0], counts[1], counts[BINS - 1]), (1, 2, 2));
        assert_eq!(counts.iter().sum::<usize>(), 5);
    }

    #[test]
    fn median_is_between_the_middle_two() {
        assert_eq!(categories(&[0.1, 0.2, 0.9]).median(), Some(0.2));
        assert_eq!(categories(&[0.25, 0.75]).median(), Some(0.5));
        assert_eq!(categories(&[]).median(), None);
    }
}
