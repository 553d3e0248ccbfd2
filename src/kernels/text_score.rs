//! The best of all classes' dot products with each pixel, without storing any other.

use super::factors::Factors;
use super::instruction_set::InstructionSet;
use super::maps::{place, Maps, View, LANES};
use super::memory::{product, Memory, Scratch};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::{Finish, Tile};

/// A vector a class, packed as a convolution's weights:
/// `[group of classes][input plane][lane][class of the group]`.
pub struct Guide {
    set: InstructionSet,
    factors: Factors,
    in_blocks: usize,
    class_blocks: usize,
    packed: Memory,
    /// Negative infinity in lanes without a class.
    start: Memory,
}

impl Guide {
    /// Packs `[classes]` vectors; `value(class, lane)` is what the lane of a pixel is multiplied by.
    ///
    /// # Panics
    ///
    /// If the machine has no such instructions.
    pub fn new(set: InstructionSet, classes: usize, in_blocks: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        Self::pack(set, classes, in_blocks, Factors::Whole, value)
    }

    /// As [`Guide::new`], of vectors that are rounded to bfloat16, and so are the pixels they are multiplied with.
    ///
    /// # Panics
    ///
    /// As [`Guide::new`].
    pub fn bf16(set: InstructionSet, classes: usize, in_blocks: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        Self::pack(set, classes, in_blocks, Factors::rounded(set), value)
    }

    fn pack(
        set: InstructionSet,
        classes: usize,
        in_blocks: usize,
        factors: Factors,
        value: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let of_lane = |class: usize, lane: usize| if lane < in_blocks * LANES { value(class, lane) } else { 0.0 };
        let packed = pack_classes(set, classes, factors.planes(in_blocks), |class, lane| {
            factors.value(lane, |lane| of_lane(class, lane))
        });
        let padded = classes.div_ceil(LANES) * LANES;
        let mut start = Memory::zeros(padded);
        start.values_mut()[classes..].fill(f32::NEG_INFINITY);
        Self { set, factors, in_blocks, class_blocks: padded / LANES, packed, start }
    }
}

/// Packs a vector a class as a convolution's weights, `[group of classes][input block][lane][class of the
/// group]`, zero where a group has no class.
///
/// # Panics
///
/// If the machine has no such instructions.
pub(super) fn pack_classes(
    set: InstructionSet,
    classes: usize,
    in_blocks: usize,
    value: impl Fn(usize, usize) -> f32,
) -> Memory {
    assert!(set.is_available(), "this machine has no {}", set.name());
    let padded = classes.div_ceil(LANES) * LANES;
    let mut packed = Memory::zeros(product(&[padded, in_blocks, LANES]));
    let mut values = packed.values_mut().iter_mut();
    let group = set.tile_blocks() * LANES;
    for first in (0..padded).step_by(group) {
        for lane in 0..in_blocks * LANES {
            let of_group = (first..(first + group).min(padded)).zip(&mut values);
            of_group.filter(|(class, _)| *class < classes).for_each(|(class, to)| *to = value(class, lane));
        }
    }
    packed
}

/// `[height][width]`: for each pixel of the view the greatest dot product with a class's vector.
///
/// # Panics
///
/// If the view has another number of blocks than the guide.
pub fn best_scores(maps: &mut [Maps], view: View, guide: &Guide, spread: bool) -> Vec<f32> {
    assert_eq!(view.blocks, guide.in_blocks);
    let from = place(maps, view);
    let mut scratch = Scratch::default();
    let (from, planes) =
        (guide.factors.planes_of(from, view.blocks, &mut scratch, spread), guide.factors.planes(view.blocks));
    let (height, width) = (from.shape.height, from.shape.width);
    // As wide as a tile's two blocks of classes: they meet in the end.
    let blocks = guide.set.tile_blocks();
    let mut best = Memory::zeros(product(&[blocks, height, width, LANES]));
    best.values_mut().fill(f32::NEG_INFINITY);
    let out = Shared(best.pointer());
    let parts = even_parts(width, guide.set.tile_pixels());
    let tile = Tile { finish: Finish::Greatest, ..Tile::product(planes, from.shape.block(), height * width * LANES) };
    let row_of = |row: usize, tile: Tile| {
        for first in (0..guide.class_blocks).step_by(blocks) {
            let tile = Tile { start: guide.start.values()[first * LANES..].as_ptr(), ..tile };
            let weights = guide.packed.values()[first * LANES * planes * LANES..].as_ptr();
            for &(column, pixels) in &parts {
                let compute = guide.factors.kernel(guide.set, blocks.min(guide.class_blocks - first), pixels, 1);
                let input = from.start.at(from.shape.pixel(row, column));
                let to = out.at((row * width + column) * LANES);
                // SAFETY: `place` found the view, the pixels are within its rows, `best` holds a
                // value a pixel and lane of the tile, no other piece writes this row, and
                // `Guide::new` checked the instructions.
                unsafe { compute(&tile, input, weights, to) }
            }
        }
    };
    let tile = SharedTile(tile);
    pieces(height, spread, |row| row_of(row, tile.get()));
    greatest_lanes(best.values(), height * width)
}

#[derive(Clone, Copy)]
struct SharedTile(Tile);
// SAFETY: its pointers are only read through, and what they point to outlives the call.
unsafe impl Send for SharedTile {}
// SAFETY: as above.
unsafe impl Sync for SharedTile {}

impl SharedTile {
    fn get(&self) -> Tile {
        self.0
    }
}

/// For each pixel the greatest lane of all its blocks.
fn greatest_lanes(values: &[f32], pixels: usize) -> Vec<f32> {
    let mut best = vec![f32::NEG_INFINITY; pixels];
    for block in values.chunks_exact(pixels * LANES) {
        for (best, lanes) in best.iter_mut().zip(block.chunks_exact(LANES)) {
            *best = lanes.iter().fold(*best, |most, &lane| if lane > most { lane } else { most });
        }
    }
    best
}
