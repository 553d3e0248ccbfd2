//! Scores of every pixel for every class: all of them, or those above a floor without storing any
//! other.

use std::sync::{Mutex, PoisonError};

use super::instruction_set::InstructionSet;
use super::maps::{place, Maps, Place, View, LANES};
use super::memory::{product, Memory};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::{kernel, Finish, Tile};

/// A vector and a bias a class, packed as a convolution's weights:
/// `[group of classes][input block][lane][class of the group]`.
pub struct ClassVectors {
    set: InstructionSet,
    classes: usize,
    in_blocks: usize,
    packed: Memory,
    bias: Vec<f32>,
}

/// A score above the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// The score.
    pub score: f32,
    /// Index of the pixel, row-major.
    pub pixel: u32,
    /// Index of the class.
    pub class: u32,
}

/// Bytes of input rows that a piece of work reads again for each group of classes.
const INPUT_BYTES: usize = 256 << 10;

impl ClassVectors {
    /// Packs a vector for each bias; `value(class, lane)` is what the lane of a pixel is multiplied by.
    ///
    /// # Panics
    ///
    /// If the machine has no such instructions.
    pub fn new(set: InstructionSet, bias: Vec<f32>, in_blocks: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        assert!(set.is_available(), "this machine has no {}", set.name());
        let classes = bias.len();
        let padded = classes.div_ceil(LANES) * LANES;
        let mut packed = Memory::zeros(product(&[padded, in_blocks, LANES]));
        let mut values = packed.values_mut().iter_mut();
        let group = set.tile_blocks() * LANES;
        for first in (0..padded).step_by(group) {
            for lane in 0..in_blocks * LANES {
                let lanes = (first..(first + group).min(padded)).zip(&mut values);
                lanes.filter(|(class, _)| *class < classes).for_each(|(class, to)| *to = value(class, lane));
            }
        }
        Self { set, classes, in_blocks, packed, bias }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }
}

/// `[classes][height][width]`: each pixel's dot product with each class's vector, times the pixel's
/// factor (`[height][width]`, 1 if there are none), plus the class's bias.
///
/// # Panics
///
/// If the view has another number of blocks than the vectors, or there is not a factor a pixel.
pub fn class_scores(
    maps: &mut [Maps],
    view: View,
    vectors: &ClassVectors,
    factors: Option<&[f32]>,
    spread: bool,
) -> Vec<f32> {
    let scoring = Scoring::new(maps, view, vectors, factors);
    let pixels = scoring.pixels();
    let mut scores = vec![0.0; product(&[vectors.classes, pixels])];
    let out = Shared(scores.as_mut_ptr());
    scoring.run(spread, |_, tile| {
        for (class, pixel, dot) in tile.sums() {
            // SAFETY: the class and the pixel exist, and no other piece writes this pixel's scores.
            unsafe { *out.at(class * pixels + pixel) = scoring.score(class, pixel, dot) }
        }
    });
    scores
}

/// The scores of [`class_scores`] that are at least `floor`, by rows of pixels, in the same order at
/// any number of threads. NaN is above no floor.
///
/// # Panics
///
/// As [`class_scores`].
pub fn class_scores_above(
    maps: &mut [Maps],
    view: View,
    vectors: &ClassVectors,
    factors: Option<&[f32]>,
    floor: f32,
    spread: bool,
) -> Vec<ClassScore> {
    let scoring = Scoring::new(maps, view, vectors, factors);
    let found: Vec<Mutex<Vec<ClassScore>>> = (0..scoring.bands).map(|_| Mutex::default()).collect();
    scoring.run(spread, |band, tile| {
        if !scoring.may_reach(&tile, floor) {
            return;
        }
        // One piece is at work on a band: nobody waits here.
        let mut found = found[band].lock().unwrap_or_else(PoisonError::into_inner);
        for (class, pixel, dot) in tile.sums() {
            let score = scoring.score(class, pixel, dot);
            if score >= floor {
                found.push(ClassScore { score, pixel: pixel as u32, class: class as u32 });
            }
        }
    });
    found.into_iter().flat_map(|band| band.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Everything that the pieces of work share.
struct Scoring<'a> {
    from: Place,
    vectors: &'a ClassVectors,
    factors: Option<&'a [f32]>,
    /// Rows of pixels a piece.
    rows: usize,
    /// Pieces.
    bands: usize,
}

/// The dot products of a few neighbouring pixels with a group of classes.
struct Sums<'a> {
    first_class: usize,
    /// Classes in the group, without padding.
    classes: usize,
    first_pixel: usize,
    pixels: usize,
    /// `[block][pixel][LANES]`.
    values: &'a [f32],
}

impl<'a> Scoring<'a> {
    fn new(maps: &mut [Maps], view: View, vectors: &'a ClassVectors, factors: Option<&'a [f32]>) -> Self {
        assert_eq!(view.blocks, vectors.in_blocks);
        let from = place(maps, view);
        assert!(factors.is_none_or(|factors| factors.len() == from.shape.height * from.shape.width));
        let row_bytes = view.blocks * from.shape.row() * size_of::<f32>();
        let rows = (INPUT_BYTES / row_bytes.max(1)).clamp(1, from.shape.height.div_ceil(4).max(1));
        Self { from, vectors, factors, rows, bands: from.shape.height.div_ceil(rows) }
    }

    fn pixels(&self) -> usize {
        self.from.shape.height * self.from.shape.width
    }

    /// Computes all sums and gives them to `take`, tile by tile, with the number of their band.
    fn run(&self, spread: bool, take: impl Fn(usize, Sums<'_>) + Sync) {
        let set = self.vectors.set;
        let parts = even_parts(self.from.shape.width, set.tile_pixels());
        pieces(self.bands, spread, |band| {
            let mut values = vec![0.0; set.tile_blocks() * set.tile_pixels() * LANES];
            let rows = band * self.rows..((band + 1) * self.rows).min(self.from.shape.height);
            for first_class in (0..self.vectors.classes).step_by(set.tile_blocks() * LANES) {
                for row in rows.clone() {
                    for &(column, pixels) in &parts {
                        take(band, self.tile(first_class, row, column, pixels, &mut values));
                    }
                }
            }
        });
    }

    fn tile<'t>(
        &self,
        first_class: usize,
        row: usize,
        column: usize,
        pixels: usize,
        values: &'t mut [f32],
    ) -> Sums<'t> {
        let ClassVectors { set, classes, in_blocks, packed, .. } = self.vectors;
        let classes = (set.tile_blocks() * LANES).min(classes - first_class);
        let tile = Tile {
            planes: *in_blocks,
            plane: self.from.shape.block(),
            kernel: 1,
            row: 0,
            channels: LANES,
            out_block: pixels * LANES,
            out_pixel: LANES,
            bias: std::ptr::null(),
            residual: std::ptr::null(),
            residual_block: 0,
            finish: Finish::Plain,
        };
        let compute = kernel(*set, classes.div_ceil(LANES), pixels, 1);
        let input = self.from.start.at(self.from.shape.pixel(row, column));
        let weights = packed.values()[first_class * in_blocks * LANES..].as_ptr();
        // SAFETY: `place` found the view, the pixels are within its rows, `values` holds a value a
        // lane and pixel of the largest tile, and `ClassVectors::new` checked the instructions.
        unsafe { compute(&tile, input, weights, values.as_mut_ptr()) }
        Sums { first_class, classes, first_pixel: row * self.from.shape.width + column, pixels, values }
    }

    fn score(&self, class: usize, pixel: usize, dot: f32) -> f32 {
        self.factors.map_or(dot, |factors| dot * factors[pixel]) + self.vectors.bias[class]
    }

    /// Whether a score of the tile may reach the floor; spares nearly all tiles a closer look.
    fn may_reach(&self, tile: &Sums<'_>, floor: f32) -> bool {
        let mut any = false;
        for (block, values) in
            tile.values.chunks_exact(tile.pixels * LANES).take(tile.classes.div_ceil(LANES)).enumerate()
        {
            let mut bias = [f32::NEG_INFINITY; LANES];
            let first = tile.first_class + block * LANES;
            let last = (first + LANES).min(tile.first_class + tile.classes);
            bias[..last - first].copy_from_slice(&self.vectors.bias[first..last]);
            for (pixel, lanes) in values.chunks_exact(LANES).enumerate() {
                let factor = self.factors.map_or(1.0, |factors| factors[tile.first_pixel + pixel]);
                let scores = lanes.iter().zip(&bias);
                any |= scores.fold(false, |any, (dot, bias)| any | (dot * factor + bias >= floor));
            }
        }
        any
    }
}

impl Sums<'_> {
    /// Class, pixel and dot product of all.
    fn sums(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        (0..self.classes).flat_map(move |class| {
            let block = &self.values[class / LANES * self.pixels * LANES..];
            let lanes = block[class % LANES..].iter().step_by(LANES).take(self.pixels);
            lanes.enumerate().map(move |(pixel, &dot)| (self.first_class + class, self.first_pixel + pixel, dot))
        })
    }
}
