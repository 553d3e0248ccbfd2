//! Max-pooling and upsampling: safe code, since they move little.

use super::maps::{Maps, View, LANES};

/// The greatest value of the square window of side `kernel` around each pixel. What lies outside of
/// the maps does not count.
///
/// # Panics
///
/// If the views are not of the same size.
pub fn max_pool(maps: &mut [Maps], input: View, output: View, kernel: usize) {
    let shape = maps[input.maps].shape();
    assert_eq!(input.blocks, output.blocks);
    assert_eq!((shape.height, shape.width), (maps[output.maps].shape().height, maps[output.maps].shape().width));
    let reach = kernel / 2;
    let mut across = vec![[f32::NEG_INFINITY; LANES]; shape.height * shape.width];
    for block in 0..input.blocks {
        for (index, best) in across.iter_mut().enumerate() {
            let (row, column) = (index / shape.width, index % shape.width);
            *best = [f32::NEG_INFINITY; LANES];
            for near in column.saturating_sub(reach)..(column + reach + 1).min(shape.width) {
                take_greater(best, maps[input.maps].pixel(input.block + block, row, near));
            }
        }
        for (index, (row, column)) in pixels(shape.height, shape.width).enumerate() {
            let mut best = across[index];
            for near in row.saturating_sub(reach)..(row + reach + 1).min(shape.height) {
                take_greater(&mut best, &across[near * shape.width + column]);
            }
            maps[output.maps].pixel_mut(output.block + block, row, column).copy_from_slice(&best);
        }
    }
}

/// Repeats each pixel twice in both directions.
///
/// # Panics
///
/// If the output is not twice as high and wide.
pub fn upsample(maps: &mut [Maps], input: View, output: View) {
    let (from, to) = (maps[input.maps].shape(), maps[output.maps].shape());
    assert_eq!((input.blocks, 2 * from.height, 2 * from.width), (output.blocks, to.height, to.width));
    for block in 0..input.blocks {
        for (row, column) in pixels(from.height, from.width) {
            let mut value = [0.0; LANES];
            value.copy_from_slice(maps[input.maps].pixel(input.block + block, row, column));
            for (down, right) in pixels(2, 2) {
                let pixel = maps[output.maps].pixel_mut(output.block + block, 2 * row + down, 2 * column + right);
                pixel.copy_from_slice(&value);
            }
        }
    }
}

fn pixels(height: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |row| (0..width).map(move |column| (row, column)))
}

fn take_greater(best: &mut [f32; LANES], other: &[f32]) {
    best.iter_mut().zip(other).for_each(|(best, other)| *best = if *other > *best { *other } else { *best });
}
