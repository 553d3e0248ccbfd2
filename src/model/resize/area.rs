//! `INTER_AREA`, shrinking: a target pixel is the mean of the source area it covers.
//!
//! Where both scales are whole numbers the cells are summed as integers; otherwise each side has a
//! list of weighted source indices, and the sums are formed in `f32` in a fixed order.

use super::{scale, Target, CHANNELS};
use crate::dataset::RgbView;

/// Parts of a source pixel below this share are not counted.
const NEGLIGIBLE: f64 = 1e-3;

/// Resizes `source` into `target`, whose sides are at most the source's.
pub(in super::super) fn resize_area(source: RgbView<'_>, target: &mut Target<'_>) {
    let row_scale = scale(source.height as usize, target.height);
    let column_scale = scale(source.width as usize, target.width);
    match (whole(row_scale), whole(column_scale)) {
        (Some(2), Some(2)) => average_pairs(source, target),
        (Some(rows), Some(columns)) => average_cells(source, target, rows, columns),
        _ => average_areas(source, target, row_scale, column_scale),
    }
}

/// The scale as a whole number, if it is one to `f64`'s rounding.
fn whole(scale: f64) -> Option<usize> {
    let rounded = scale.round_ties_even();
    ((scale - rounded).abs() < f64::EPSILON).then_some(rounded as usize)
}

/// Cells of 2 by 2: rounds half up.
fn average_pairs(source: RgbView<'_>, target: &mut Target<'_>) {
    for y in 0..target.height {
        let upper = source.row(2 * y).chunks_exact(2 * CHANNELS);
        let lower = source.row(2 * y + 1).chunks_exact(2 * CHANNELS);
        for ((upper, lower), pixel) in upper.zip(lower).zip(target.row(y).chunks_exact_mut(CHANNELS)) {
            for channel in 0..CHANNELS {
                let at = |cell: &[u8], column: usize| u16::from(cell[column * CHANNELS + channel]);
                let sum = at(upper, 0) + at(upper, 1) + at(lower, 0) + at(lower, 1);
                pixel[channel] = ((sum + 2) >> 2) as u8;
            }
        }
    }
}

/// Cells of whole pixels: rounds half to even, after a product with the reciprocal in `f32`.
fn average_cells(source: RgbView<'_>, target: &mut Target<'_>, rows: usize, columns: usize) {
    let reciprocal = 1.0 / (rows * columns) as f32;
    let mut sums = vec![0u32; target.width * CHANNELS];
    for y in 0..target.height {
        sums.fill(0);
        for row in 0..rows {
            let cells = source.row(y * rows + row).chunks_exact(columns * CHANNELS);
            for (cell, sum) in cells.zip(sums.chunks_exact_mut(CHANNELS)) {
                add_pixels(cell, sum);
            }
        }
        for (&sum, value) in sums.iter().zip(target.row(y)) {
            *value = rounded(sum as f32 * reciprocal);
        }
    }
}

fn add_pixels(pixels: &[u8], sum: &mut [u32]) {
    for pixel in pixels.chunks_exact(CHANNELS) {
        for channel in 0..CHANNELS {
            sum[channel] += u32::from(pixel[channel]);
        }
    }
}

/// Cells with parts of pixels.
fn average_areas(source: RgbView<'_>, target: &mut Target<'_>, row_scale: f64, column_scale: f64) {
    let columns = Coverage::new(source.width as usize, target.width, column_scale);
    let rows = Coverage::new(source.height as usize, target.height, row_scale);
    let mut averaged = vec![0f32; target.width * CHANNELS];
    let mut averaged_row = None;
    let mut sums = averaged.clone();
    for y in 0..target.height {
        for (place, &(row, weight)) in rows.of(y).iter().enumerate() {
            // A row that two cells share is the last of one and the first of the next.
            if averaged_row != Some(row) {
                average_row(source.row(row), &columns, &mut averaged);
                averaged_row = Some(row);
            }
            if place == 0 {
                sums.iter_mut().zip(&averaged).for_each(|(sum, value)| *sum = weight * value);
            } else {
                sums.iter_mut().zip(&averaged).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        sums.iter().zip(target.row(y)).for_each(|(&sum, value)| *value = rounded(sum));
    }
}

fn average_row(row: &[u8], columns: &Coverage, averaged: &mut [f32]) {
    for (x, pixel) in averaged.chunks_exact_mut(CHANNELS).enumerate() {
        let mut sum = [0f32; CHANNELS];
        for &(column, weight) in columns.of(x) {
            let source = &row[column * CHANNELS..][..CHANNELS];
            for channel in 0..CHANNELS {
                sum[channel] += f32::from(source[channel]) * weight;
            }
        }
        pixel.copy_from_slice(&sum);
    }
}

/// Rounds half to even; the cast saturates.
fn rounded(value: f32) -> u8 {
    value.round_ties_even() as u8
}

/// For each target index of one side, the source indices it covers and their shares of it.
struct Coverage {
    /// `(source index, weight)`, target after target.
    shares: Vec<(usize, f32)>,
    /// Where each target's shares start, and the end of the last.
    starts: Vec<usize>,
}

impl Coverage {
    fn new(source: usize, target: usize, scale: f64) -> Self {
        let mut coverage = Self { shares: Vec::new(), starts: vec![0] };
        for index in 0..target {
            coverage.cover(index, source, scale);
            coverage.starts.push(coverage.shares.len());
        }
        coverage
    }

    /// Adds the shares of one target index: a leading part of a pixel, whole ones, a trailing part.
    fn cover(&mut self, index: usize, source: usize, scale: f64) {
        let from = index as f64 * scale;
        let to = from + scale;
        let cell = scale.min(source as f64 - from);
        let end = (to.floor() as usize).min(source - 1);
        let start = (from.ceil() as usize).min(end);
        let leading = start as f64 - from;
        if leading > NEGLIGIBLE {
            self.shares.push((start - 1, (leading / cell) as f32));
        }
        self.shares.extend((start..end).map(|whole| (whole, (1.0 / cell) as f32)));
        let trailing = to - end as f64;
        if trailing > NEGLIGIBLE {
            self.shares.push((end, (trailing.min(1.0).min(cell) / cell) as f32));
        }
    }

    fn of(&self, index: usize) -> &[(usize, f32)] {
        &self.shares[self.starts[index]..self.starts[index + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_each_target_once() {
        for (source, target) in [(641, 640), (800, 640), (1999, 640), (37, 11), (3, 2), (65_500, 640)] {
            let coverage = Coverage::new(source, target, scale(source, target));
            for index in 0..target {
                let total: f32 = coverage.of(index).iter().map(|share| share.1).sum();
                assert!((total - 1.0).abs() < 2e-3, "{source} to {target}, target {index}: {total}");
            }
        }
    }

    #[test]
    fn whole_scales_are_recognised() {
        assert_eq!(whole(scale(1280, 640)), Some(2));
        assert_eq!(whole(scale(1920, 640)), Some(3));
        assert_eq!(whole(scale(1281, 640)), None);
    }
}
