//! `INTER_LINEAR`: bilinear interpolation in 11-bit fixed point.
//!
//! A source row is interpolated horizontally once, exactly, and kept without its 4 lowest bits; two
//! such rows make a target row. Both passes are integer arithmetic.

use super::{scale, Target, CHANNELS};
use crate::dataset::RgbView;

/// A weight of one.
const ONE: f32 = 2048.0;
/// Bits that a horizontally interpolated value loses before the vertical pass.
const DROPPED_BITS: u32 = 4;
/// Bits that a product of the vertical pass loses.
const PRODUCT_BITS: u32 = 16;

/// The two source indices of a target index, and their weights in units of 1/2048.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tap {
    first: usize,
    second: usize,
    first_weight: u32,
    second_weight: u32,
}

/// Where a target index falls: the source index to its left (maybe -1) and the fraction beyond it.
fn position(target_index: usize, scale: f64) -> (i64, f32) {
    let position = ((target_index as f64 + 0.5) * scale - 0.5) as f32;
    let floor = position.floor();
    (floor as i64, position - floor)
}

/// Along a row, beyond the first and last pixel centre, the border pixel alone counts.
fn column_tap(target_index: usize, source: usize, scale: f64) -> Tap {
    let last = source - 1;
    match position(target_index, scale) {
        (index, _) if index < 0 => Tap::new(0, 0.0, last),
        (index, _) if index >= last as i64 => Tap::new(last as i64, 0.0, last),
        (index, fraction) => Tap::new(index, fraction, last),
    }
}

/// Along a column the weights stay as they are beyond the first and last pixel centre, and only the
/// indices are clamped: two weighted halves of the same row, which round differently from the whole.
fn row_tap(target_index: usize, source: usize, scale: f64) -> Tap {
    let (index, fraction) = position(target_index, scale);
    Tap::new(index, fraction, source - 1)
}

impl Tap {
    fn new(index: i64, fraction: f32, last: usize) -> Self {
        let clamped = |index: i64| index.clamp(0, last as i64) as usize;
        Self {
            first: clamped(index),
            second: clamped(index + 1),
            first_weight: ((1.0 - fraction) * ONE).round_ties_even() as u32,
            second_weight: (fraction * ONE).round_ties_even() as u32,
        }
    }
}

/// Resizes `source` into `target`.
pub(in super::super) fn resize_linear(source: RgbView<'_>, target: &mut Target<'_>) {
    let (height, width) = (source.height as usize, source.width as usize);
    let row_scale = scale(height, target.height);
    let column_scale = scale(width, target.width);
    let columns: Vec<Tap> = (0..target.width).map(|x| column_tap(x, width, column_scale)).collect();
    let mut rows = InterpolatedRows::new(target.width * CHANNELS);
    for y in 0..target.height {
        let tap = row_tap(y, height, row_scale);
        let (first, second) = rows.pair(source, &columns, tap);
        blend(first, second, tap, target.row(y));
    }
}

/// The last two source rows, horizontally interpolated, so that none is computed twice.
struct InterpolatedRows {
    index: [Option<usize>; 2],
    values: [Vec<u16>; 2],
}

impl InterpolatedRows {
    fn new(length: usize) -> Self {
        Self { index: [None; 2], values: [vec![0; length], vec![0; length]] }
    }

    fn pair(&mut self, source: RgbView<'_>, columns: &[Tap], tap: Tap) -> (&[u16], &[u16]) {
        let first = self.slot(source, columns, tap.first, tap.second);
        let second = self.slot(source, columns, tap.second, tap.first);
        (&self.values[first], &self.values[second])
    }

    /// The slot that holds `row`, filled if need be without losing `keep`.
    fn slot(&mut self, source: RgbView<'_>, columns: &[Tap], row: usize, keep: usize) -> usize {
        if let Some(slot) = self.index.iter().position(|&held| held == Some(row)) {
            return slot;
        }
        let slot = usize::from(self.index[0] == Some(keep));
        interpolate(source.row(row), columns, &mut self.values[slot]);
        self.index[slot] = Some(row);
        slot
    }
}

/// The horizontal pass. At most `255 * 2048 >> 4`, which fits 16 bits.
fn interpolate(row: &[u8], columns: &[Tap], values: &mut [u16]) {
    for (tap, pixel) in columns.iter().zip(values.chunks_exact_mut(CHANNELS)) {
        let first = &row[tap.first * CHANNELS..][..CHANNELS];
        let second = &row[tap.second * CHANNELS..][..CHANNELS];
        for channel in 0..CHANNELS {
            let exact = u32::from(first[channel]) * tap.first_weight + u32::from(second[channel]) * tap.second_weight;
            pixel[channel] = (exact >> DROPPED_BITS) as u16;
        }
    }
}

/// The vertical pass: each product is truncated before the sum is rounded.
fn blend(first: &[u16], second: &[u16], tap: Tap, row: &mut [u8]) {
    for ((&first, &second), value) in first.iter().zip(second).zip(row) {
        let upper = (u32::from(first) * tap.first_weight) >> PRODUCT_BITS;
        let lower = (u32::from(second) * tap.second_weight) >> PRODUCT_BITS;
        *value = ((upper + lower + 2) >> 2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn border_columns_collapse_and_border_rows_keep_their_weights() {
        let doubled = scale(4, 8);
        assert_eq!(column_tap(0, 4, doubled), Tap { first: 0, second: 1, first_weight: 2048, second_weight: 0 });
        assert_eq!(row_tap(0, 4, doubled), Tap { first: 0, second: 0, first_weight: 512, second_weight: 1536 });
        assert_eq!(column_tap(7, 4, doubled), Tap { first: 3, second: 3, first_weight: 2048, second_weight: 0 });
        assert_eq!(row_tap(7, 4, doubled), Tap { first: 3, second: 3, first_weight: 1536, second_weight: 512 });
    }

    #[test]
    fn a_constant_image_stays_constant_but_for_truncation() {
        let rgb = vec![200; 5 * 7 * 3];
        let mut pixels = vec![0; 16 * 20 * 3];
        let mut target = Target { pixels: &mut pixels, stride: 20 * 3, height: 16, width: 20 };
        resize_linear(RgbView { height: 5, width: 7, rgb: &rgb }, &mut target);
        assert!(pixels.iter().all(|&value| value == 200 || value == 199), "{pixels:?}");
    }
}
