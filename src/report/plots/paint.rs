//! Scenes to SVG and PNG, with a font of our own.

use std::io::Cursor;
use std::sync::OnceLock;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{register_font, FontTransform, RGBAColor};

use super::scene::{Anchor, Dash, Scene, Shape, Text};
use super::style::{Marker, Rgb};

/// Pixels of the output for one logical pixel: sharp in print, and finer than whole pixels in SVG.
const SCALE: f64 = 2.0;

/// The registered name is also what an SVG names, so it lists what viewers without the first may take.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// The bitmap backend centres text by its line box, SVG by its small letters: the difference in
/// units of the text's size.
const BITMAP_TEXT_DROP: f64 = 0.11;

/// What the drawing library said.
pub(super) type PaintError = String;

type Area<B> = DrawingArea<B, Shift>;
type Painted<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

pub(super) fn svg(scene: &Scene) -> Result<Vec<u8>, PaintError> {
    require_font()?;
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size(scene)).into_drawing_area();
    paint(scene, &area, 0.0).map_err(|error| error.to_string())?;
    drop(area);
    Ok(text.into_bytes())
}

pub(super) fn png(scene: &Scene) -> Result<Vec<u8>, PaintError> {
    require_font()?;
    let (width, height) = size(scene);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    paint(scene, &area, BITMAP_TEXT_DROP).map_err(|error| error.to_string())?;
    drop(area);
    let mut bytes = Cursor::new(Vec::new());
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}

/// Columns that `text` takes, in logical pixels.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    styled_width(text, size, FontStyle::Normal)
}

/// Columns that bold `text` takes, in logical pixels.
pub(super) fn bold_width(text: &str, size: f64) -> f64 {
    styled_width(text, size, FontStyle::Bold)
}

fn styled_width(text: &str, size: f64, style: FontStyle) -> f64 {
    /// Mean advance of the font's letters, for the case that it cannot be measured.
    const MEAN_ADVANCE: f64 = 0.6;
    let measured = require_font().ok().and_then(|()| (FONT, SCALE * size, style).into_font().box_size(text).ok());
    measured.map_or(MEAN_ADVANCE * size * text.chars().count() as f64, |(width, _)| f64::from(width) / SCALE)
}

/// Registers the font, once.
fn require_font() -> Result<(), PaintError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font(FONT, FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    registered.then_some(()).ok_or_else(|| "the built-in font cannot be read".to_string())
}

fn size(scene: &Scene) -> (u32, u32) {
    ((scene.width * SCALE) as u32, (scene.height * SCALE) as u32)
}

/// Paints every shape; horizontal text is lowered by `text_drop` of its size.
fn paint<B: DrawingBackend>(scene: &Scene, area: &Area<B>, text_drop: f64) -> Painted<B> {
    area.fill(&WHITE)?;
    for shape in &scene.shapes {
        match shape {
            Shape::Line { points, color, width, dash } => paint_line(area, points, rgba(*color, 1.0), *width, *dash)?,
            Shape::Fill { corners, color } => {
                area.draw(&Rectangle::new(corners.map(pixel), rgba(*color, 1.0).filled()))?;
            }
            Shape::Point { at, radius, color, opacity, marker } => {
                paint_point(area, *at, *radius, rgba(*color, *opacity), *marker)?;
            }
            Shape::Text(text) => paint_text(area, text, text_drop)?,
        }
    }
    area.present()
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn rgba((red, green, blue): Rgb, opacity: f64) -> RGBAColor {
    RGBAColor(red, green, blue, opacity)
}

fn paint_line<B: DrawingBackend>(
    area: &Area<B>,
    points: &[(f64, f64)],
    color: RGBAColor,
    width: f64,
    dash: Dash,
) -> Painted<B> {
    let style = color.stroke_width((width * SCALE).round().max(1.0) as u32);
    let Some(dash) = dash else {
        return area.draw(&PathElement::new(points.iter().copied().map(pixel).collect::<Vec<_>>(), style));
    };
    for stroke in dashes(points, dash) {
        area.draw(&PathElement::new(stroke.into_iter().map(pixel).collect::<Vec<_>>(), style))?;
    }
    Ok(())
}

/// The strokes of a dashed line, along its whole length.
fn dashes(points: &[(f64, f64)], (stroke, gap): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut strokes = Vec::new();
    let mut current = points.first().map(|&first| vec![first]).unwrap_or_default();
    let (mut inked, mut left) = (true, stroke);
    for pair in points.windows(2) {
        let ((mut x, mut y), (x1, y1)) = (pair[0], pair[1]);
        let mut rest = (x1 - x).hypot(y1 - y);
        while rest > left {
            let share = left / rest;
            (x, y) = (x + share * (x1 - x), y + share * (y1 - y));
            rest -= left;
            current.push((x, y));
            if inked {
                strokes.push(std::mem::take(&mut current));
            }
            current = vec![(x, y)];
            inked = !inked;
            left = if inked { stroke } else { gap };
        }
        left -= rest;
        if inked {
            current.push((x1, y1));
        }
    }
    if inked && current.len() > 1 {
        strokes.push(current);
    }
    strokes
}

fn paint_point<B: DrawingBackend>(
    area: &Area<B>,
    (x, y): (f64, f64),
    radius: f64,
    color: RGBAColor,
    marker: Marker,
) -> Painted<B> {
    let style = color.filled();
    match marker {
        Marker::Circle => area.draw(&Circle::new(pixel((x, y)), (radius * SCALE).round() as u32, style)),
        Marker::Square => {
            let half = 0.886 * radius; // the circle's area
            area.draw(&Rectangle::new([pixel((x - half, y - half)), pixel((x + half, y + half))], style))
        }
        Marker::Triangle => {
            let corners =
                [(x, y - 1.3 * radius), (x + 1.13 * radius, y + 0.8 * radius), (x - 1.13 * radius, y + 0.8 * radius)];
            area.draw(&Polygon::new(corners.map(pixel), style))
        }
    }
}

fn paint_text<B: DrawingBackend>(area: &Area<B>, text: &Text, drop: f64) -> Painted<B> {
    let horizontal = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let weight = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
    let turn = if text.upwards { FontTransform::Rotate270 } else { FontTransform::None };
    let color = rgba(text.color, 1.0);
    let style = TextStyle::from((FONT, SCALE * text.size, weight).into_font().transform(turn))
        .color(&color)
        .pos(Pos::new(horizontal, VPos::Center));
    let (x, y) = text.at;
    let at = if text.upwards { (x, y) } else { (x, y + drop * text.size) };
    area.draw_text(&text.text, &style, pixel(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line_and_leave_gaps() {
        let strokes = dashes(&[(0.0, 0.0), (10.0, 0.0)], (4.0, 2.0));
        assert_eq!(strokes, [vec![(0.0, 0.0), (4.0, 0.0)], vec![(6.0, 0.0), (10.0, 0.0)]]);
        assert!(dashes(&[], (4.0, 2.0)).is_empty());
    }

    #[test]
    fn text_is_measured_with_the_built_in_font() {
        assert!(text_width("wide words", 14.0) > text_width("ill", 14.0));
        assert!(bold_width("wide words", 14.0) > text_width("wide words", 14.0));
    }
}
