//! Instance masks from prototypes, at the original image's size.
//!
//! The reference computes every mask at full size: the sigmoid of coefficients times prototypes
//! (160 x 160), bilinear to the square input (640 x 640), zero outside the box, cut free of padding,
//! bilinear to the original size, above the threshold. [`Masks::full_size`] does just that and is
//! the definition. [`Masks::windowed`] computes only what the box can reach, by the same
//! operations in the same order on every pixel, and gives the same masks many times faster.
mod bilinear;
mod bits;
mod full;
mod probability;
mod toggles;
mod windowed;

use std::ops::Range;

use self::bilinear::{taps, Tap};
use super::geometry::{kept_columns, kept_rows};
use crate::model::{HeadOutput, Letterbox, MASK_CHANNELS};

pub(super) use self::bits::BitWindow;
pub use self::windowed::Scratch;

/// Mask coefficients of one detection.
pub type Coefficients = [f32; MASK_CHANNELS];

/// What the masks of one image have in common: prototypes, geometry and threshold.
pub struct Masks<'a> {
    prototypes: &'a [f32],
    prototype_height: usize,
    prototype_width: usize,
    threshold: f32,
    rows: Axis,
    columns: Axis,
}

/// How one side of a prototype map becomes the same side of the original image.
struct Axis {
    /// From the prototype map to the square input.
    enlarge: Vec<Tap>,
    /// The part of the square input that is kept.
    kept: Range<usize>,
    /// From the kept part to the original image; empty if nothing is kept.
    restore: Vec<Tap>,
    /// Pixels of the original image.
    original: u32,
}

impl Axis {
    fn new(prototype: usize, kept: Range<usize>, original: u32) -> Self {
        let enlarge = taps(prototype, Letterbox::SIZE as usize);
        // Without prototypes there is nothing to keep: all masks are empty.
        let kept = if prototype == 0 { 0..0 } else { kept };
        let restore = taps(kept.len(), original as usize);
        Self { enlarge, kept, restore, original }
    }
}

impl<'a> Masks<'a> {
    /// The masks of an image.
    ///
    /// `threshold` is the probability above which a pixel belongs to the object.
    pub fn new(output: &'a HeadOutput, letterbox: &Letterbox, threshold: f32) -> Self {
        Self {
            prototypes: &output.prototypes,
            prototype_height: output.prototype_height,
            prototype_width: output.prototype_width,
            threshold,
            rows: Axis::new(output.prototype_height, kept_rows(letterbox), letterbox.height),
            columns: Axis::new(output.prototype_width, kept_columns(letterbox), letterbox.width),
        }
    }
}
