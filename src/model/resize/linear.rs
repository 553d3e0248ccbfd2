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

/// Where a target index falls: the source index to its left (maybe -1) and the fraction beyond it.
fn position(target_index: usize, scale: f64) -> (i64, f32) {
    let position = ((target_index as f64 + 0.5) * scale - 0.5) as f32;
    let floor = position.floor();
    (floor as i64, position - floor)
}

/// The weights of the two neighbours at a fraction beyond the first, in units of 1/2048.
fn weights(fraction: f32) -> [u32; 2] {
    [1.0 - fraction, fraction].map(|weight| (weight * ONE).round_ties_even() as u32)
}

/// A target column: two neighbouring source pixels and their weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column {
    /// Byte of a source row at which the first of them starts.
    start: usize,
    weights: [u32; 2],
}

impl Column {
    /// Beyond the first and last pixel centre the border pixel alone counts.
    fn new(index: usize, source: usize, scale: f64) -> Self {
        let last = source as i64 - 1;
        let (first, fraction) = match position(index, scale) {
            (first, _) if first < 0 => (0, 0.0),
            (first, _) if first >= last => (last, 0.0),
            inside => inside,
        };
        Self { start: first as usize * CHANNELS, weights: weights(fraction) }
    }
}

/// A target row: two source rows and their weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    sources: [usize; 2],
    weights: [u32; 2],
}

impl Row {
    /// Beyond the first and last pixel centre the weights stay as they are and only the indices are
    /// clamped: two weighted parts of the same row, which round differently from the whole.
    fn new(index: usize, source: usize, scale: f64) -> Self {
        let (first, fraction) = position(index, scale);
        let sources = [first, first + 1].map(|index| index.clamp(0, source as i64 - 1) as usize);
        Self { sources, weights: weights(fraction) }
    }
}

/// Resizes `source` into `target`.
pub(in super::super) fn resize_linear(source: RgbView<'_>, target: &mut Target<'_>) {
    let row_scale = scale(source.height as usize, target.height);
    let mut rows = InterpolatedRows::new(source, target.width);
    for y in 0..target.height {
        let row = Row::new(y, source.height as usize, row_scale);
        let [first, second] = rows.pair(row.sources);
        blend(first, second, row.weights, target.row(y));
    }
}

/// Source rows, horizontally interpolated. The last two are held, so that none is computed twice.
struct InterpolatedRows<'a> {
    source: RgbView<'a>,
    columns: Vec<Column>,
    /// The source row in work, with its last pixel repeated: every pixel has a right neighbour.
    extended: Vec<u8>,
    held: [Option<usize>; 2],
    values: [Vec<u16>; 2],
}

impl<'a> InterpolatedRows<'a> {
    fn new(source: RgbView<'a>, width: usize) -> Self {
        let column_scale = scale(source.width as usize, width);
        Self {
            source,
            columns: (0..width).map(|x| Column::new(x, source.width as usize, column_scale)).collect(),
            extended: Vec::with_capacity(source.row_bytes() + CHANNELS),
            held: [None; 2],
            values: [vec![0; width * CHANNELS], vec![0; width * CHANNELS]],
        }
    }

    fn pair(&mut self, [first, second]: [usize; 2]) -> [&[u16]; 2] {
        let slots = [self.slot(first, second), self.slot(second, first)];
        slots.map(|slot| self.values[slot].as_slice())
    }

    /// The slot that holds `row`, filled if need be without losing row `keep`.
    fn slot(&mut self, row: usize, keep: usize) -> usize {
        if let Some(slot) = self.held.iter().position(|&held| held == Some(row)) {
            return slot;
        }
        let slot = usize::from(self.held[0] == Some(keep));
        let bytes = self.source.row(row);
        self.extended.clear();
        self.extended.extend_from_slice(bytes);
        self.extended.extend_from_slice(&bytes[bytes.len() - CHANNELS..]);
        interpolate(&self.extended, &self.columns, &mut self.values[slot]);
        self.held[slot] = Some(row);
        slot
    }
}

/// The horizontal pass. At most `255 * 2048 >> 4`, which fits 16 bits.
fn interpolate(row: &[u8], columns: &[Column], values: &mut [u16]) {
    for (column, value) in columns.iter().zip(values.chunks_exact_mut(CHANNELS)) {
        let neighbours = &row[column.start..column.start + 2 * CHANNELS];
        for channel in 0..CHANNELS {
            let first = u32::from(neighbours[channel]) * column.weights[0];
            let second = u32::from(neighbours[CHANNELS + channel]) * column.weights[1];
            value[channel] = ((first + second) >> DROPPED_BITS) as u16;
        }
    }
}

/// The vertical pass: each product is truncated before the sum is rounded.
fn blend(first: &[u16], second: &[u16], weights: [u32; 2], row: &mut [u8]) {
    for ((&first, &second), value) in first.iter().zip(second).zip(row) {
        let upper = (u32::from(first) * weights[0]) >> PRODUCT_BITS;
        let lower = (u32::from(second) * weights[1]) >> PRODUCT_BITS;
        *value = ((upper + lower + 2) >> 2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn border_columns_collapse_and_border_rows_keep_their_weights() {
        let doubled = scale(4, 8);
        assert_eq!(Column::new(0, 4, doubled), Column { start: 0, weights: [2048, 0] });
        assert_eq!(Row::new(0, 4, doubled), Row { sources: [0, 0], weights: [512, 1536] });
        assert_eq!(Column::new(7, 4, doubled), Column { start: 9, weights: [2048, 0] });
        assert_eq!(Row::new(7, 4, doubled), Row { sources: [3, 3], weights: [1536, 512] });
    }

    #[test]
    fn two_parts_of_a_row_round_differently_from_the_whole() {
        let blended = |weights| {
            let mut row = [9];
            blend(&[65], &[65], weights, &mut row);
            row[0]
        };
        assert_eq!(blended([2048, 0]), 1);
        assert_eq!(blended([512, 1536]), 0);
    }
}
