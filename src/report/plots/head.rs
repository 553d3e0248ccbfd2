//! What stands above every picture.

use super::paint::{bold_width, text_width};
use super::scene::{Scene, Text};
use super::style::{DARK, LABEL, TITLE, VERMILLION};
use crate::report::text::{protocol_short, shortened};
use crate::report::{Row, StoredRun};

const LEFT: f64 = 20.0;

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
    scene.text(Text::new((LEFT, 24.0), &fitted_bold(title, TITLE, scene.width), TITLE).bold());
    scene.text(Text::new((LEFT, 48.0), &fitted(how, LABEL, scene.width), LABEL).color(DARK));
    if let Some(warning) = warning {
        let line = fitted_bold(warning, LABEL, scene.width);
        scene.text(Text::new((LEFT, 69.0), &line, LABEL).color(VERMILLION).bold());
    }
}

/// `text` cut to the picture's width.
fn fitted(text: &str, size: f64, width: f64) -> String {
    longest(2 * text.chars().count(), width, |columns| shortened(text, columns), |cut| text_width(cut, size))
}

/// Bold `text` cut to the picture's width.
pub(super) fn fitted_bold(text: &str, size: f64, width: f64) -> String {
    longest(2 * text.chars().count(), width, |columns| shortened(text, columns), |cut| bold_width(cut, size))
}

/// The longest of the cuts of a text, to 0 to `most` columns, that the picture's width takes.
pub(super) fn longest(
    most: usize,
    width: f64,
    cut: impl Fn(usize) -> String,
    measured: impl Fn(&str) -> f64,
) -> String {
    let fits = |columns: usize| measured(&cut(columns)) <= width - 2.0 * LEFT;
    let (mut fitting, mut beyond) = (0, most + 1);
    while fitting + 1 < beyond {
        let middle = fitting.midpoint(beyond);
        if fits(middle) {
            fitting = middle;
        } else {
            beyond = middle;
        }
    }
    cut(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_the_picture_ends_and_not_before() {
        let room = 400.0 - 2.0 * LEFT;
        for letter in ["i", "W", "実"] {
            let long = letter.repeat(300);
            let cut = fitted_bold(&long, TITLE, 400.0);
            assert!(cut.ends_with('…') && bold_width(&cut, TITLE) <= room, "{cut}");
            assert!(bold_width(&cut.replace('…', &letter.repeat(2)), TITLE) > room - TITLE, "{cut}");
            assert!(text_width(&fitted(&long, LABEL, 400.0), LABEL) <= room);
        }
        assert_eq!(fitted("all of it", LABEL, 400.0), "all of it");
        assert_eq!(fitted_bold("実測", TITLE, 400.0), "実測");
    }
}
