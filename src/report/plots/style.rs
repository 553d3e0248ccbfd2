//! Colours, sizes and markers.

use super::scene::Dash;

/// Red, green, blue.
pub(super) type Rgb = (u8, u8, u8);

pub(super) const BLACK: Rgb = (0, 0, 0);
pub(super) const DARK: Rgb = (70, 70, 70);
pub(super) const GRAY: Rgb = (120, 120, 120);
pub(super) const GRID: Rgb = (222, 222, 222);
pub(super) const LIGHT: Rgb = (196, 196, 196);
// Okabe and Ito's palette, told apart by colour-blind readers.
pub(super) const BLUE: Rgb = (0, 114, 178);
pub(super) const GREEN: Rgb = (0, 158, 115);
pub(super) const VERMILLION: Rgb = (213, 94, 0);

pub(super) const TITLE: f64 = 19.0;
pub(super) const HEADING: f64 = 16.0;
pub(super) const LABEL: f64 = 15.0;
pub(super) const SMALL: f64 = 13.5;

/// Shape of a point: groups differ in more than colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
}

/// How a frequency group looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) letter: &'static str,
    pub(super) name: &'static str,
    pub(super) color: Rgb,
    pub(super) marker: Marker,
}

pub(super) const GROUPS: [Group; 3] = [
    Group { letter: "r", name: "rare", color: VERMILLION, marker: Marker::Triangle },
    Group { letter: "c", name: "common", color: GREEN, marker: Marker::Square },
    Group { letter: "f", name: "frequent", color: BLUE, marker: Marker::Circle },
];

/// The group of a frequency letter.
pub(super) fn group(letter: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.letter == letter)
}

/// Colour and marker of series, in turn: more than six also differ in dash.
const LOOKS: [(Rgb, Marker); 6] = [
    (BLUE, Marker::Circle),
    (VERMILLION, Marker::Triangle),
    (GREEN, Marker::Square),
    (BLACK, Marker::Circle),
    (GRAY, Marker::Triangle),
    (DARK, Marker::Square),
];

/// How the series of that index looks.
pub(super) fn look(index: usize) -> (Rgb, Marker, Dash) {
    let (color, marker) = LOOKS[index % LOOKS.len()];
    (color, marker, (index >= LOOKS.len()).then_some((6.0, 3.0)))
}
