//! What stands above every picture of an explanation, and in place of one that has no data.

use super::super::head::{fitted_bold, longest};
use super::super::paint::text_width;
use super::super::scene::{Scene, Text};
use super::super::style::{DARK, LABEL, TITLE};
use crate::evaluation::Explanation;
use crate::report::text::{fraction, iou_type};

const LEFT: f64 = 20.0;

/// Title, and what it is a picture of.
pub(super) fn draw_head(scene: &mut Scene, explanation: &Explanation, title: &str) {
    let of = format!(
        "LVIS {} AP {}, {} detections an image, {} images: ",
        iou_type(explanation.iou),
        fraction(explanation.results.ap),
        explanation.max_detections,
        explanation.images,
    );
    let source = &explanation.source;
    let cut = |columns| of.clone() + &end_of(source, columns);
    let of = longest(source.chars().count(), scene.width, cut, |text| text_width(text, LABEL));
    scene.text(Text::new((LEFT, 24.0), &fitted_bold(title, TITLE, scene.width), TITLE).bold());
    scene.text(Text::new((LEFT, 48.0), &of, LABEL).color(DARK));
}

/// The last `columns` characters of a path, which tell more than the first.
fn end_of(path: &str, columns: usize) -> String {
    match path.chars().count().checked_sub(columns) {
        None | Some(0) => path.to_owned(),
        Some(over) => std::iter::once('…').chain(path.chars().skip(over + 1)).collect(),
    }
}

/// A small picture with nothing but the reason why there is none.
pub(super) fn without_data(explanation: &Explanation, title: &str, reason: &str) -> Scene {
    let mut scene = Scene::new(860.0, 120.0);
    draw_head(&mut scene, explanation, title);
    scene.text(Text::new((LEFT, 86.0), &format!("Nothing to draw: {reason}."), LABEL));
    scene
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_keeps_its_end() {
        assert_eq!(end_of("runs/v1/results.json", 20), "runs/v1/results.json");
        assert_eq!(end_of("runs/v1/results.json", 13), "…results.json");
    }
}
