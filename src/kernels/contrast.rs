//! Class scores of every pixel: a matrix product that writes class by class.

use super::instruction_set::InstructionSet;
use super::maps::{place, Maps, View, LANES};
use super::memory::{product, Memory};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::{kernel, Finish, Tile};

/// `[classes][positions]`: for each class the dot products of its vector with every position's, plus
/// `bias`. `texts` has one row, with a column a class.
///
/// Positions take the place of output channels and classes that of pixels, so that the scores of a
/// class are written side by side. `value(lane, position)` is what a text's lane is multiplied by.
///
/// # Panics
///
/// If the sizes do not fit together or the machine has no such instructions.
pub fn contrast(
    set: InstructionSet,
    texts: &mut [Maps],
    view: View,
    count: usize,
    value: impl Fn(usize, usize) -> f32 + Sync,
    bias: f32,
    spread: bool,
) -> Vec<f32> {
    assert!(set.is_available(), "this machine has no {}", set.name());
    let from = place(texts, view);
    assert_eq!(from.shape.height, 1, "one row of classes");
    let (classes, channels) = (from.shape.width, view.blocks * LANES);
    // A last block that is not full is computed aside and copied.
    let padded = count.div_ceil(LANES) * LANES;
    let scores = Memory::zeros(product(&[classes, padded]));
    let out = Shared(scores.pointer());
    let start = [bias; 2 * LANES];
    let parts = even_parts(classes, set.tile_pixels());
    let group = set.tile_blocks() * LANES;
    let start = &start;
    pieces(padded.div_ceil(group), spread, |piece| {
        let first = piece * group;
        let width = group.min(padded - first);
        let packed = pack(first, width, channels, count, &value);
        let tile = Tile {
            planes: view.blocks,
            plane: from.shape.block(),
            kernel: 1,
            row: 0,
            channels: LANES,
            out_block: LANES,
            out_pixel: padded,
            bias: start.as_ptr(),
            residual: std::ptr::null(),
            residual_block: 0,
            finish: Finish::Plain,
        };
        for &(class, tall) in &parts {
            let compute = kernel(set, width / LANES, tall, 1);
            let input = from.start.at(from.shape.pixel(0, class));
            // SAFETY: the texts hold every class and lane, `scores` every class and position, no
            // other piece writes these positions, and the instructions were checked.
            unsafe { compute(&tile, input, packed.as_ptr(), out.at(class * padded + first)) }
        }
    });
    rows(scores.values(), padded, count)
}

/// `[channel][position]` of a group of positions.
fn pack(first: usize, width: usize, channels: usize, count: usize, value: &impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut packed = vec![0.0; channels * width];
    for (channel, row) in packed.chunks_exact_mut(width).enumerate() {
        let filled = row.iter_mut().zip(first..count);
        filled.for_each(|(to, position)| *to = value(channel, position));
    }
    packed
}

fn rows(values: &[f32], padded: usize, count: usize) -> Vec<f32> {
    values.chunks_exact(padded).flat_map(|row| &row[..count]).copied().collect()
}
