//! What moves or scales values without mixing channels, a block at a time.

use super::maps::{place, Maps, MapsShape, Place, View, LANES};
use super::parallel::{pieces, Shared};

/// Copies a view into another.
///
/// # Panics
///
/// If the views are not of the same size, or overlap.
pub fn copy(maps: &mut [Maps], input: View, output: View, spread: bool) {
    assert!(input.blocks == output.blocks && !input.overlaps(output));
    let [from, to] = [input, output].map(|view| place(maps, view));
    check_sizes(from, to);
    pieces(output.blocks, spread, |block| {
        // SAFETY: both views have the block, they do not overlap, and each piece writes a block of its own.
        let (from_block, to_block) = unsafe { (from.block(block), to.block_mut(block)) };
        for row in 0..to.shape.height {
            row_mut(to.shape, to_block, row).copy_from_slice(row_of(from.shape, from_block, row));
        }
    });
}

/// The sum of two views.
///
/// # Panics
///
/// If the views are not of the same size, or one of the summands overlaps the output.
pub fn add(maps: &mut [Maps], inputs: [View; 2], output: View, spread: bool) {
    assert!(inputs.iter().all(|input| input.blocks == output.blocks && !input.overlaps(output)));
    let to = place(maps, output);
    let [a, b] = inputs.map(|view| place(maps, view));
    [a, b].into_iter().for_each(|from| check_sizes(from, to));
    pieces(output.blocks, spread, |block| {
        // SAFETY: as in `copy`; two pieces may read the same block.
        let (a_block, b_block, to_block) = unsafe { (a.block(block), b.block(block), to.block_mut(block)) };
        for row in 0..to.shape.height {
            let summands = row_of(a.shape, a_block, row).iter().zip(row_of(b.shape, b_block, row));
            let sums = row_mut(to.shape, to_block, row).iter_mut();
            sums.zip(summands).for_each(|(sum, (a, b))| *sum = a + b);
        }
    });
}

/// Multiplies every lane of a pixel by the pixel's factor, `[height][width]`.
///
/// # Panics
///
/// If there is not a factor a pixel.
pub fn scale_pixels(maps: &mut [Maps], view: View, factors: &[f32], spread: bool) {
    let to = place(maps, view);
    assert_eq!(factors.len(), to.shape.height * to.shape.width);
    pieces(view.blocks, spread, |block| {
        // SAFETY: the view has the block, and each piece works on one of its own.
        let values = unsafe { to.block_mut(block) };
        for row in 0..to.shape.height {
            let pixels = row_mut(to.shape, values, row).chunks_exact_mut(LANES);
            for (pixel, factor) in pixels.zip(&factors[row * to.shape.width..]) {
                pixel.iter_mut().for_each(|lane| *lane *= factor);
            }
        }
    });
}

/// `[height][width]`: the sum of the squares of each pixel's lanes.
pub fn squared_lengths(maps: &mut [Maps], view: View, spread: bool) -> Vec<f32> {
    let from = place(maps, view);
    let MapsShape { height, width, .. } = from.shape;
    let mut lengths = vec![0.0; height * width];
    let out = Shared(lengths.as_mut_ptr());
    pieces(height, spread, |row| {
        let mut sums = vec![[0.0f32; LANES]; width];
        for block in 0..view.blocks {
            // SAFETY: the view has the block, and nobody writes it.
            let pixels = row_of(from.shape, unsafe { from.block(block) }, row).chunks_exact(LANES);
            for (sum, pixel) in sums.iter_mut().zip(pixels) {
                sum.iter_mut().zip(pixel).for_each(|(sum, lane)| *sum += lane * lane);
            }
        }
        for (column, sum) in sums.iter().enumerate() {
            // SAFETY: the pixel exists, and no other piece writes this row.
            unsafe { *out.at(row * width + column) = sum.iter().sum() }
        }
    });
    lengths
}

fn check_sizes(from: Place, to: Place) {
    assert_eq!((from.shape.height, from.shape.width), (to.shape.height, to.shape.width));
}

/// The pixels of a row of a block.
pub(super) fn row_of(shape: MapsShape, block: &[f32], row: usize) -> &[f32] {
    &block[shape.pixel(row, 0)..][..shape.width * LANES]
}

/// The pixels of a row of a block, to write.
pub(super) fn row_mut(shape: MapsShape, block: &mut [f32], row: usize) -> &mut [f32] {
    &mut block[shape.pixel(row, 0)..][..shape.width * LANES]
}
