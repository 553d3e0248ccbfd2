//! What stands above every picture.

use super::scene::{Scene, Text};
use super::style::{DARK, LABEL, TITLE, VERMILLION};
use crate::report::text::{protocol_short, shortened};
use crate::report::{Row, StoredRun};

const LEFT: f64 = 20.0;
/// Mean advance of the bold font's letters in units of the text's size.
const MEAN_ADVANCE: f64 = 0.62;

/// Title and protocol of a row's picture, and why its numbers are not comparable if they are not.
pub(super) fn draw_row_head(scene: &mut Scene, run: &StoredRun, row: &Row, what: &str) {
    let incomplete = || (!run.is_comparable(&row.variant)).then(|| "this row is incomplete".to_string());
    let caveat = run.caveat().or_else(incomplete);
    draw_head(scene, run, &format!("{}, {}: {what}", row.title, row.tuned), caveat.as_deref());
}

/// Title, protocol, and a third line if the numbers are not comparable.
pub(super) fn draw_head(scene: &mut Scene, run: &StoredRun, title: &str, caveat: Option<&str>) {
    let protocol = format!("{}, IoU type segm", protocol_short(&run.record().protocol));
    let warning = caveat.map(|caveat| format!("NOT COMPARABLE: {caveat}"));
    draw_lines(scene, title, &protocol, warning.as_deref());
}

/// Title, how its numbers were made, and a warning if they are not to be used as they stand.
pub(super) fn draw_lines(scene: &mut Scene, title: &str, how: &str, warning: Option<&str>) {
    let title = fitted(title, TITLE, scene.width);
    scene.text(Text::new((LEFT, 24.0), &title, TITLE).bold());
    scene.text(Text::new((LEFT, 48.0), &fitted(how, LABEL, scene.width), LABEL).color(DARK));
    if let Some(warning) = warning {
        let line = fitted(warning, LABEL, scene.width);
        scene.text(Text::new((LEFT, 69.0), &line, LABEL).color(VERMILLION).bold());
    }
}

/// `text` cut to the picture's width.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    shortened(text, columns(size, width))
}

/// Letters that the picture's width takes.
pub(super) fn columns(size: f64, width: f64) -> usize {
    ((width - 2.0 * LEFT) / (MEAN_ADVANCE * size)) as usize
}
