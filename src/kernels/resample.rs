//! Max-pooling and upsampling, a block at a time.

use super::elementwise::{row_mut, row_of};
use super::maps::{place, Maps, MapsShape, View, LANES};
use super::parallel::pieces;

/// The greatest value of the square window of side `kernel` around each pixel. What lies outside of
/// the maps does not count.
///
/// # Panics
///
/// If the views are not of the same size, or overlap.
pub fn max_pool(maps: &mut [Maps], input: View, output: View, kernel: usize, spread: bool) {
    assert!(input.blocks == output.blocks && !input.overlaps(output));
    let [from, to] = [input, output].map(|view| place(maps, view));
    assert_eq!((from.shape.height, from.shape.width), (to.shape.height, to.shape.width));
    pieces(input.blocks, spread, |block| {
        // SAFETY: both views have the block, they do not overlap, and each piece writes a block of its own.
        let (from_block, to_block) = unsafe { (from.block(block), to.block_mut(block)) };
        let across = greatest_across(from.shape, from_block, kernel / 2);
        greatest_down(&across, to.shape, to_block, kernel / 2);
    });
}

/// `[height][width][LANES]`: the greatest value of each pixel and its neighbours in the row.
fn greatest_across(shape: MapsShape, block: &[f32], reach: usize) -> Vec<f32> {
    let mut across = vec![f32::NEG_INFINITY; shape.height * shape.width * LANES];
    for (row, best) in across.chunks_exact_mut(shape.width * LANES).enumerate() {
        let pixels = row_of(shape, block, row);
        for (column, best) in best.chunks_exact_mut(LANES).enumerate() {
            let near = column.saturating_sub(reach)..(column + reach + 1).min(shape.width);
            near.for_each(|near| take_greater(best, &pixels[near * LANES..][..LANES]));
        }
    }
    across
}

/// The greatest value of each pixel and its neighbours in the column.
fn greatest_down(across: &[f32], shape: MapsShape, block: &mut [f32], reach: usize) {
    let width = shape.width * LANES;
    for row in 0..shape.height {
        let best = row_mut(shape, block, row);
        best.fill(f32::NEG_INFINITY);
        let near = row.saturating_sub(reach)..(row + reach + 1).min(shape.height);
        near.for_each(|near| take_greater(best, &across[near * width..][..width]));
    }
}

/// Repeats each pixel twice in both directions.
///
/// # Panics
///
/// If the output is not twice as high and wide, or the views overlap.
pub fn upsample(maps: &mut [Maps], input: View, output: View, spread: bool) {
    assert!(input.blocks == output.blocks && !input.overlaps(output));
    let [from, to] = [input, output].map(|view| place(maps, view));
    assert_eq!((2 * from.shape.height, 2 * from.shape.width), (to.shape.height, to.shape.width));
    pieces(input.blocks, spread, |block| {
        // SAFETY: as in `max_pool`.
        let (from_block, to_block) = unsafe { (from.block(block), to.block_mut(block)) };
        for row in 0..to.shape.height {
            let pixels = row_of(from.shape, from_block, row / 2).chunks_exact(LANES);
            for (twice, pixel) in row_mut(to.shape, to_block, row).chunks_exact_mut(2 * LANES).zip(pixels) {
                twice[..LANES].copy_from_slice(pixel);
                twice[LANES..].copy_from_slice(pixel);
            }
        }
    });
}

fn take_greater(best: &mut [f32], other: &[f32]) {
    best.iter_mut().zip(other).for_each(|(best, other)| *best = if *other > *best { *other } else { *best });
}
