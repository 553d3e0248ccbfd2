//! What moves or scales values without mixing channels: safe code, since it computes little.

use super::maps::{Maps, View, LANES};

/// Copies a view into another.
///
/// # Panics
///
/// If the views are not of the same size.
pub fn copy(maps: &mut [Maps], input: View, output: View) {
    assert_eq!(input.blocks, output.blocks);
    let mut values = vec![0.0; maps[input.maps].shape().width * LANES];
    for (block, row) in rows(maps, output) {
        values.copy_from_slice(maps[input.maps].row(input.block + block, row));
        maps[output.maps].row_mut(output.block + block, row).copy_from_slice(&values);
    }
}

/// The sum of two views.
///
/// # Panics
///
/// If the views are not of the same size.
pub fn add(maps: &mut [Maps], [a, b]: [View; 2], output: View) {
    assert!(a.blocks == output.blocks && b.blocks == output.blocks);
    let mut sums = vec![0.0; maps[a.maps].shape().width * LANES];
    for (block, row) in rows(maps, output) {
        sums.copy_from_slice(maps[a.maps].row(a.block + block, row));
        let others = maps[b.maps].row(b.block + block, row);
        assert_eq!(sums.len(), others.len());
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        maps[output.maps].row_mut(output.block + block, row).copy_from_slice(&sums);
    }
}

/// Multiplies every lane of a pixel by the pixel's factor, `[height][width]`.
///
/// # Panics
///
/// If there is not a factor a pixel.
pub fn scale_pixels(maps: &mut [Maps], view: View, factors: &[f32]) {
    let shape = maps[view.maps].shape();
    assert_eq!(factors.len(), shape.height * shape.width);
    for (block, row) in rows(maps, view) {
        let pixels = maps[view.maps].row_mut(view.block + block, row).chunks_exact_mut(LANES);
        for (pixel, factor) in pixels.zip(&factors[row * shape.width..]) {
            pixel.iter_mut().for_each(|lane| *lane *= factor);
        }
    }
}

/// `[height][width]`: the sum of the squares of each pixel's lanes.
pub fn squared_lengths(maps: &[Maps], view: View) -> Vec<f32> {
    let shape = maps[view.maps].shape();
    let mut sums = vec![[0.0f32; LANES]; shape.width];
    let mut lengths = Vec::with_capacity(shape.height * shape.width);
    for row in 0..shape.height {
        sums.fill([0.0; LANES]);
        for block in view.block..view.block + view.blocks {
            let pixels = maps[view.maps].row(block, row).chunks_exact(LANES);
            for (sum, pixel) in sums.iter_mut().zip(pixels) {
                sum.iter_mut().zip(pixel).for_each(|(sum, lane)| *sum += lane * lane);
            }
        }
        lengths.extend(sums.iter().map(|sum| sum.iter().sum::<f32>()));
    }
    lengths
}

fn rows(maps: &[Maps], view: View) -> impl Iterator<Item = (usize, usize)> {
    let height = maps[view.maps].shape().height;
    (0..view.blocks).flat_map(move |block| (0..height).map(move |row| (block, row)))
}
