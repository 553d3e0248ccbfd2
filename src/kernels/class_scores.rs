//! Scores of every pixel for every class: all of them, or those above a floor without storing any
//! other.

use std::sync::{Mutex, PoisonError};

use super::ahead::Ahead;
use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::maps::{place, Maps, Place, View, LANES};
use super::memory::{product, Memory};
use super::parallel::{even_parts, pieces, Shared};
use super::rising_floor::RisingFloor;
use super::text_score::pack_classes;
use super::tile::{kernel, Tile};

/// A vector and a bias a class, packed as a convolution's weights:
/// `[group of classes][input block][lane][class of the group]`.
pub struct ClassVectors {
    set: InstructionSet,
    classes: usize,
    in_blocks: usize,
    packed: Memory,
    /// Negative infinity in lanes without a class.
    bias: Memory,
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
const INPUT_BYTES: usize = 512 << 10;

impl ClassVectors {
    /// Packs a vector for each bias; `value(class, lane)` is what the lane of a pixel is multiplied by.
    ///
    /// # Panics
    ///
    /// If the machine has no such instructions.
    pub fn new(set: InstructionSet, bias: Vec<f32>, in_blocks: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let classes = bias.len();
        let mut padded = Memory::zeros(classes.div_ceil(LANES) * LANES);
        let (filled, empty) = padded.values_mut().split_at_mut(classes);
        filled.copy_from_slice(&bias);
        empty.fill(f32::NEG_INFINITY);
        Self { set, classes, in_blocks, packed: pack_classes(set, classes, in_blocks, value), bias: padded }
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

/// The scores of [`class_scores`] that reach the floor, which they raise: a list for every few rows of pixels, in
/// the same order at any number of threads. Nothing is missing that reaches the floor as it is afterwards. NaN is
/// above no floor.
///
/// # Panics
///
/// As [`class_scores`].
pub fn class_scores_above(
    maps: &mut [Maps],
    view: View,
    vectors: &ClassVectors,
    factors: Option<&[f32]>,
    floor: &RisingFloor,
    spread: bool,
) -> Vec<Vec<ClassScore>> {
    let scoring = Scoring::new(maps, view, vectors, factors);
    let found: Vec<Mutex<Vec<ClassScore>>> = (0..scoring.bands).map(|_| Mutex::default()).collect();
    scoring.run(spread, |band, tile| {
        // One piece is at work on a band: nobody waits here.
        let mut found = found[band].lock().unwrap_or_else(PoisonError::into_inner);
        let before = found.len();
        scoring.keep(&tile, floor.now(), &mut found);
        floor.count(found[before..].iter().map(|found| found.score));
    });
    found.into_iter().map(|band| band.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
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
    /// Pixels of a tile each: first column and number.
    parts: Vec<(usize, usize)>,
    /// Input blocks that are multiplied at once: first and number.
    chunks: Vec<(usize, usize)>,
}

/// The dot products of a few neighbouring pixels with a group of classes.
struct Sums<'a> {
    first_class: usize,
    /// Classes in the group, without padding.
    classes: usize,
    first_pixel: usize,
    pixels: usize,
    /// `[block][pixel][LANES]`, the first of these pixels first.
    values: &'a [f32],
    /// Values from a block to the next.
    block: usize,
}

impl<'a> Scoring<'a> {
    fn new(maps: &mut [Maps], view: View, vectors: &'a ClassVectors, factors: Option<&'a [f32]>) -> Self {
        assert_eq!(view.blocks, vectors.in_blocks);
        let from = place(maps, view);
        assert!(factors.is_none_or(|factors| factors.len() == from.shape.height * from.shape.width));
        let row_bytes = view.blocks * from.shape.row() * size_of::<f32>();
        let rows = (INPUT_BYTES / row_bytes.max(1)).clamp(1, from.shape.height.div_ceil(4).max(1));
        Self {
            from,
            vectors,
            factors,
            rows,
            bands: from.shape.height.div_ceil(rows),
            parts: even_parts(from.shape.width, vectors.set.tile_pixels()),
            chunks: even_parts(view.blocks, vectors.set.panel_planes(LANES)),
        }
    }

    fn pixels(&self) -> usize {
        self.from.shape.height * self.from.shape.width
    }

    /// Computes all sums and gives them to `take`, tile by tile, with the number of their band.
    fn run(&self, spread: bool, take: impl Fn(usize, Sums<'_>) + Sync) {
        let group = self.vectors.set.tile_blocks() * LANES;
        let width = self.from.shape.width;
        pieces(self.bands, spread, |band| {
            let rows = band * self.rows..((band + 1) * self.rows).min(self.from.shape.height);
            let mut values = vec![0.0; group * rows.len() * width];
            for first_class in (0..self.vectors.classes).step_by(group) {
                let classes = group.min(self.vectors.classes - first_class);
                self.products(first_class, classes, rows.clone(), &mut values);
                for (row, &(column, pixels)) in
                    rows.clone().flat_map(|row| self.parts.iter().map(move |part| (row, part)))
                {
                    let values = &values[((row - rows.start) * width + column) * LANES..];
                    let (first_pixel, block) = (row * width + column, rows.len() * width * LANES);
                    take(band, Sums { first_class, classes, first_pixel, pixels, values, block });
                }
            }
        });
    }

    /// Writes the dot products of some rows' pixels with a group of classes, `[block][row][column][LANES]`.
    fn products(&self, first_class: usize, classes: usize, rows: std::ops::Range<usize>, values: &mut [f32]) {
        let ClassVectors { set, in_blocks, packed, .. } = self.vectors;
        let (shape, blocks) = (self.from.shape, classes.div_ceil(LANES));
        assert!(values.len() >= blocks * rows.len() * shape.width * LANES);
        let out = values.as_mut_ptr();
        for (chunk, &(plane, planes)) in self.chunks.iter().enumerate() {
            let start = (first_class * in_blocks + plane * blocks * LANES) * LANES;
            let (panel, next) = packed.values()[start..].split_at(planes * blocks * LANES * LANES);
            let mut next = Ahead::new(&next[..panel.len().min(next.len())], rows.len() * self.parts.len());
            let mut tile = Tile::product(planes, shape.block(), rows.len() * shape.width * LANES);
            for (row, &(column, pixels)) in rows.clone().flat_map(|row| self.parts.iter().map(move |part| (row, part)))
            {
                let input = self.from.start.at(plane * shape.block() + shape.pixel(row, column));
                let to = out.wrapping_add(((row - rows.start) * shape.width + column) * LANES);
                if chunk > 0 {
                    tile.resume(to);
                }
                let compute = kernel(*set, blocks, pixels, 1);
                // SAFETY: `place` found the view, the pixels are within its rows, `values` holds a
                // value a lane and pixel, and `ClassVectors::new` checked the instructions.
                unsafe { compute(&tile, input, panel.as_ptr(), to) }
                next.step();
            }
        }
    }

    fn score(&self, class: usize, pixel: usize, dot: f32) -> f32 {
        self.factors.map_or(dot, |factors| dot * factors[pixel]) + self.vectors.bias.values()[class]
    }

    /// Keeps the scores of a tile that reach the floor.
    fn keep(&self, tile: &Sums<'_>, floor: f32, found: &mut Vec<ClassScore>) {
        let (keep, factors) = (keep(self.vectors.set), self.factors.map(|all| &all[tile.first_pixel..]));
        for block in 0..tile.classes.div_ceil(LANES) {
            let first_class = tile.first_class + block * LANES;
            let dots = &tile.values[block * tile.block..][..tile.pixels * LANES];
            let bias = self.vectors.bias.values()[first_class..].first_chunk().expect("biases fill whole blocks");
            let classes = LANES.min(tile.classes - block * LANES);
            let scores = Scores { dots, factors, bias, classes, floor, first_class, first_pixel: tile.first_pixel };
            // SAFETY: `ClassVectors::new` checked the instructions.
            unsafe { keep(&scores, found) }
        }
    }
}

/// The scores of some pixels for a block of classes.
struct Scores<'a> {
    /// `[pixel][LANES]`.
    dots: &'a [f32],
    /// A factor a pixel and more.
    factors: Option<&'a [f32]>,
    bias: &'a [f32; LANES],
    /// Lanes that hold a class.
    classes: usize,
    floor: f32,
    first_class: usize,
    first_pixel: usize,
}

impl Scores<'_> {
    /// What a pixel's dot products are multiplied by.
    #[inline(always)]
    fn factor(&self, pixel: usize) -> f32 {
        self.factors.map_or(1.0, |factors| factors[pixel])
    }

    /// Adds the scores that reach the floor to those found.
    #[inline(always)]
    unsafe fn keep<L: Lanes>(&self, found: &mut Vec<ClassScore>) {
        let (floor, classes) = (L::splat(self.floor), (1u32 << self.classes) - 1);
        for (pixel, dots) in self.dots.chunks_exact(LANES).enumerate() {
            let mut reached = 0;
            for lane in (0..LANES).step_by(L::WIDTH) {
                reached |= self.score::<L>(dots, pixel, lane).reach(floor) << lane;
            }
            reached &= classes;
            if reached == 0 {
                continue;
            }
            let mut scores = [0.0; LANES];
            for lane in (0..LANES).step_by(L::WIDTH) {
                self.score::<L>(dots, pixel, lane).store(scores[lane..].as_mut_ptr());
            }
            while reached != 0 {
                let lane = reached.trailing_zeros() as usize;
                let (pixel, class) = ((self.first_pixel + pixel) as u32, (self.first_class + lane) as u32);
                found.push(ClassScore { score: scores[lane], pixel, class });
                reached &= reached - 1;
            }
        }
    }

    /// Scores of a pixel from a lane on.
    #[inline(always)]
    unsafe fn score<L: Lanes>(&self, dots: &[f32], pixel: usize, lane: usize) -> L {
        L::load(dots[lane..].as_ptr()).mul(L::splat(self.factor(pixel))).add(L::load(self.bias[lane..].as_ptr()))
    }
}

/// [`Scores::keep`] compiled for an instruction set.
macro_rules! keep {
    ($name:ident: $lanes:ty, [$($feature:literal)?]) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $name(scores: &Scores<'_>, found: &mut Vec<ClassScore>) {
            scores.keep::<$lanes>(found);
        }
    };
}

keep!(keep_portable: [f32; 16], []);
#[cfg(target_arch = "x86_64")]
keep!(keep_avx2: Avx2, ["avx2,fma"]);
#[cfg(target_arch = "x86_64")]
keep!(keep_avx512: Avx512, ["avx512f,avx512dq"]);

fn keep(set: InstructionSet) -> unsafe fn(&Scores<'_>, &mut Vec<ClassScore>) {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => keep_avx512,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => keep_avx2,
        _ => keep_portable,
    }
}

impl Sums<'_> {
    /// Class, pixel and dot product of all.
    fn sums(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        (0..self.classes).flat_map(move |class| {
            let block = &self.values[class / LANES * self.block..];
            let lanes = block[class % LANES..].iter().step_by(LANES).take(self.pixels);
            lanes.enumerate().map(move |(pixel, &dot)| (self.first_class + class, self.first_pixel + pixel, dot))
        })
    }
}
