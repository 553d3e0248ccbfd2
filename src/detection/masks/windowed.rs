//! The same masks, computed only where the box can reach.

use std::ops::Range;

use super::bilinear::Tap;
use super::toggles::Toggles;
use super::{Axis, Coefficients, Masks};
use crate::detection::geometry::pixels_between;
use crate::kernels::{mix_above, mix_rows};
use crate::mask::Rle;

/// Buffers for one mask at a time: reuse them for the next.
#[derive(Default)]
pub struct Scratch {
    /// Probabilities of a window of the prototype map.
    prototype: Vec<f32>,
    /// The same, with rows as long as the box's part of the square input.
    stretched: Vec<f32>,
    /// The box's part of a row of the square input, with a zero on either side.
    square: Vec<f32>,
    /// The box's rows of the square input, with a row of zeros above and below, and with rows as
    /// long as the box's part of the original image.
    restored: Vec<f32>,
    /// A row of the mask, the row above it, and where they differ.
    rows: [Vec<u8>; 3],
    toggles: Toggles,
}

/// What of an axis a box can reach.
struct Reach {
    /// Samples of the prototype map.
    prototype: Range<usize>,
    /// Pixels of the square input: those the crop keeps, within the kept part.
    square: Range<usize>,
    /// Pixels of the original image that mix at least one of `square`.
    original: Range<usize>,
}

impl Axis {
    fn reach(&self, low: f32, high: f32) -> Reach {
        let square = pixels_between(low, high, self.kept.clone());
        let (start, end) = (square.start - self.kept.start, square.end - self.kept.start);
        // Taps ascend, so what mixes a pixel of start..end is contiguous.
        let first = self.restore.partition_point(|tap| tap.high < start);
        let last = self.restore.partition_point(|tap| tap.low < end);
        let original = if square.is_empty() { 0..0 } else { first..last.max(first) };
        let prototype = match self.enlarge.get(square.clone()) {
            Some([first, .., last]) => first.low..last.high + 1,
            Some([only]) => only.low..only.high + 1,
            _ => 0..0,
        };
        Reach { prototype, square, original }
    }

    /// Whether the kept part has as many pixels as the original: each is then one of the original's.
    fn keeps_its_size(&self) -> bool {
        self.kept.len() == self.original as usize
    }

    /// Taps from the square input into the original image's `reach`, with indices counted from the
    /// pixel before `reach.square`.
    fn restore_within<'a>(&'a self, reach: &Reach) -> impl Iterator<Item = Tap> + 'a {
        let before = reach.square.start - self.kept.start;
        let shift = move |tap: &Tap| Tap { low: tap.low + 1 - before, high: tap.high + 1 - before, ..*tap };
        self.restore[reach.original.clone()].iter().map(shift)
    }

    /// Taps from the prototype map into `reach.square`, with indices counted from
    /// `reach.prototype`.
    fn enlarge_within<'a>(&'a self, reach: &Reach) -> impl Iterator<Item = Tap> + 'a {
        let start = reach.prototype.start;
        let shift = move |tap: &Tap| Tap { low: tap.low - start, high: tap.high - start, ..*tap };
        self.enlarge[reach.square.clone()].iter().map(shift)
    }
}

impl Masks<'_> {
    /// The mask of a detection: equal to [`Masks::full_size`].
    ///
    /// `bbox` is the detection's box in pixels of the square input. Outside the box the definition
    /// mixes zeros only, so the mask is empty there unless the threshold is negative, for which
    /// nothing can be spared.
    ///
    /// # Panics
    /// If the image has more than [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
    pub fn windowed(&self, coefficients: &Coefficients, bbox: [f32; 4], scratch: &mut Scratch) -> Rle {
        if self.threshold < 0.0 {
            return self.full_size(coefficients, bbox);
        }
        let [x1, y1, x2, y2] = bbox;
        let (rows, columns) = (self.rows.reach(y1, y2), self.columns.reach(x1, x2));
        scratch.toggles.clear();
        if !rows.original.is_empty() && !columns.original.is_empty() {
            self.stretch(coefficients, &rows, &columns, scratch);
            self.restore_rows(&rows, &columns, scratch);
            self.find_toggles(&rows, &columns, scratch);
        }
        scratch.toggles.finish(self.rows.original, self.columns.original)
    }

    /// Rows of the prototype map, enlarged along the columns.
    fn stretch(&self, coefficients: &Coefficients, rows: &Reach, columns: &Reach, scratch: &mut Scratch) {
        self.probabilities(coefficients, rows.prototype.clone(), columns.prototype.clone(), &mut scratch.prototype);
        scratch.stretched.clear();
        for row in scratch.prototype.chunks_exact(columns.prototype.len()) {
            let taps = self.columns.enlarge_within(columns);
            scratch.stretched.extend(taps.map(|tap| tap.mix(row[tap.low], row[tap.high])));
        }
    }

    /// Rows of the square input, enlarged along the rows and cropped, then restored along the
    /// columns.
    fn restore_rows(&self, rows: &Reach, columns: &Reach, scratch: &mut Scratch) {
        let (cropped, restored) = (columns.square.len(), columns.original.len());
        scratch.square.clear();
        scratch.square.resize(cropped + 2, 0.0);
        scratch.restored.clear();
        scratch.restored.resize((rows.square.len() + 2) * restored, 0.0);
        for (tap, out) in self.rows.enlarge_within(rows).zip(scratch.restored.chunks_exact_mut(restored).skip(1)) {
            let low = &scratch.stretched[tap.low * cropped..][..cropped];
            let high = &scratch.stretched[tap.high * cropped..][..cropped];
            mix_rows(&mut scratch.square[1..], low, high, tap.weights());
            if self.columns.keeps_its_size() {
                // Every tap takes one sample whole, and neighbours follow each other.
                let first = columns.original.start + 1 + self.columns.kept.start - columns.square.start;
                out.copy_from_slice(&scratch.square[first..first + restored]);
                continue;
            }
            for (value, tap) in out.iter_mut().zip(self.columns.restore_within(columns)) {
                *value = tap.mix(scratch.square[tap.low], scratch.square[tap.high]);
            }
        }
    }

    /// Restores along the rows as well, and compares with the threshold: finds where a pixel differs
    /// from the one above it.
    fn find_toggles(&self, rows: &Reach, columns: &Reach, scratch: &mut Scratch) {
        let width = columns.original.len();
        let [current, previous, differs] = &mut scratch.rows;
        for buffer in [&mut *current, &mut *previous, &mut *differs] {
            buffer.clear();
            // Whole words, for `note`.
            buffer.resize(width.next_multiple_of(WORD), 0);
        }
        let mut row = rows.original.start;
        for tap in self.rows.restore_within(rows) {
            let low = &scratch.restored[tap.low * width..][..width];
            let high = &scratch.restored[tap.high * width..][..width];
            mix_above(current, low, high, tap.weights(), self.threshold);
            differs.iter_mut().zip(&*current).zip(&*previous).for_each(|((bit, a), b)| *bit = a ^ b);
            note(differs, columns.original.start, row, &mut scratch.toggles);
            std::mem::swap(current, previous);
            row += 1;
        }
        note(previous, columns.original.start, row, &mut scratch.toggles);
    }
}

/// Bytes looked at together.
const WORD: usize = 8;

/// Notes a toggle in `row` for every byte that is not 0, of which there are few.
fn note(bytes: &[u8], first_column: usize, row: usize, toggles: &mut Toggles) {
    for (index, word) in bytes.chunks_exact(WORD).enumerate() {
        if word != [0; WORD] {
            for (offset, _) in word.iter().enumerate().filter(|(_, &byte)| byte != 0) {
                toggles.add(first_column + index * WORD + offset, row);
            }
        }
    }
}
