//! The entries right of a frame: a sample, the variant's name, and its numbers below.

use crate::report::plots::scene::{Dash, Scene, Text};
use crate::report::plots::style::{Marker, Rgb, DARK, LABEL, SMALL};
use crate::report::text::shortened;

pub(super) const WIDTH: f64 = 920.0;
pub(super) const HEIGHT: f64 = 572.0;
/// Sides of the frame.
pub(super) const LEFT: f64 = 82.0;
pub(super) const RIGHT: f64 = 580.0;
pub(super) const TOP: f64 = 96.0;
pub(super) const BOTTOM: f64 = 512.0;

const X: f64 = 606.0;
const LINE: f64 = 19.0;
const GAP: f64 = 10.0;
const COLUMNS: usize = 32;

/// Draws entries from the top downwards, as many as there is room for.
pub(super) struct Legend {
    y: f64,
    left_out: usize,
}

impl Legend {
    pub(super) fn new(scene: &mut Scene, heading: &str) -> Self {
        scene.text(Text::new((X, TOP + 8.0), heading, LABEL).bold());
        Self { y: TOP + 8.0 + LINE + GAP, left_out: 0 }
    }

    pub(super) fn entry(
        &mut self,
        scene: &mut Scene,
        (color, marker, dash): (Rgb, Option<Marker>, Dash),
        name: &str,
        numbers: &[String],
    ) {
        let below = self.y + LINE * (numbers.len() + 1) as f64;
        if self.left_out > 0 || below > BOTTOM {
            self.left_out += 1;
            return;
        }
        scene.curve(vec![(X, self.y), (X + 34.0, self.y)], color, 1.8, dash);
        if let Some(marker) = marker {
            scene.point((X + 17.0, self.y), 4.5, color, 1.0, marker);
        }
        scene.text(Text::new((X + 44.0, self.y), &shortened(name, COLUMNS), SMALL).bold());
        for (index, line) in numbers.iter().enumerate() {
            let y = self.y + LINE * (index + 1) as f64;
            scene.text(Text::new((X + 44.0, y), line, SMALL).color(DARK));
        }
        self.y = below + GAP;
    }

    /// A line below the entries.
    pub(super) fn note(&mut self, scene: &mut Scene, text: &str) {
        scene.text(Text::new((X, self.y), text, SMALL).color(DARK));
        self.y += LINE;
    }

    /// Says how many entries had no room.
    pub(super) fn finish(mut self, scene: &mut Scene) {
        if self.left_out > 0 {
            let text = format!("{} more are in the tables", self.left_out);
            self.note(scene, &text);
        }
    }
}

/// Two digits after the point; more where that would be nothing.
pub(super) fn ms(value: f64) -> String {
    if value < 0.1 {
        format!("{value:.4}")
    } else {
        format!("{value:.2}")
    }
}
