//! A picture as a list of shapes, in logical pixels from the top left.

use super::style::{Marker, Rgb, BLACK};
use crate::report::text::sanitized;

/// Where a text's position lies in it, horizontally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) at: (f64, f64),
    pub(super) text: String,
    pub(super) size: f64,
    pub(super) color: Rgb,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    /// Turned to read upwards.
    pub(super) upwards: bool,
}

impl Text {
    /// Black text, vertically centred at `at`.
    pub(super) fn new(at: (f64, f64), text: &str, size: f64) -> Self {
        let text = sanitized(text);
        Self { at, text, size, color: BLACK, anchor: Anchor::Start, bold: false, upwards: false }
    }

    pub(super) fn color(mut self, color: Rgb) -> Self {
        self.color = color;
        self
    }

    pub(super) fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(super) fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(super) fn upwards(mut self) -> Self {
        self.upwards = true;
        self
    }
}

/// Lengths of strokes and gaps along a line; `None` is solid.
pub(super) type Dash = Option<(f64, f64)>;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Line { points: Vec<(f64, f64)>, color: Rgb, width: f64, dash: Dash },
    Fill { corners: [(f64, f64); 2], color: Rgb },
    Point { at: (f64, f64), radius: f64, color: Rgb, opacity: f64, marker: Marker },
    Text(Text),
}

/// Shapes in painting order on a white ground.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    pub(super) fn text(&mut self, text: Text) {
        self.shapes.push(Shape::Text(text));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: Rgb, width: f64) {
        self.curve(vec![from, to], color, width, None);
    }

    pub(super) fn curve(&mut self, points: Vec<(f64, f64)>, color: Rgb, width: f64, dash: Dash) {
        self.shapes.push(Shape::Line { points, color, width, dash });
    }

    pub(super) fn fill(&mut self, corners: [(f64, f64); 2], color: Rgb) {
        self.shapes.push(Shape::Fill { corners, color });
    }

    pub(super) fn point(&mut self, at: (f64, f64), radius: f64, color: Rgb, opacity: f64, marker: Marker) {
        self.shapes.push(Shape::Point { at, radius, color, opacity, marker });
    }

    pub(super) fn outline(&mut self, [(x0, y0), (x1, y1)]: [(f64, f64); 2], color: Rgb) {
        self.curve(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], color, 1.0, None);
    }

    /// A rectangle filled with rising strokes.
    pub(super) fn hatch(&mut self, corners: [(f64, f64); 2], color: Rgb) {
        const SPACING: f64 = 6.0;
        let [(x0, y0), (x1, y1)] = corners;
        let height = y1 - y0;
        let strokes = ((x1 - x0 + height) / SPACING).ceil().max(0.0) as usize;
        for stroke in 1..strokes {
            let foot = x0 + stroke as f64 * SPACING;
            let (left, right) = ((foot - height).max(x0), foot.min(x1));
            self.line((left, y0 + (foot - left)), (right, y0 + (foot - right)), color, 0.8);
        }
        self.outline(corners, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hatch_stays_inside_its_rectangle() {
        let mut scene = Scene::new(100.0, 100.0);
        scene.hatch([(10.0, 20.0), (43.0, 31.0)], BLACK);
        let inside = |&(x, y): &(f64, f64)| (10.0..=43.0).contains(&x) && (20.0..=31.0).contains(&y);
        assert!(scene.shapes.len() > 4);
        assert!(scene.shapes.iter().all(|shape| match shape {
            Shape::Line { points, .. } => points.iter().all(inside),
            _ => false,
        }));
    }
}
