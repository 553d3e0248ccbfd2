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
use super::rough_scores::{self, RoughPixels, RoughVectors};
use super::text_score::pack_classes;
use super::tile::{kernel, Kernel, Tile};

/// A vector and a bias a class, packed as a convolution's weights:
/// `[group of classes][input block][lane][class of the group]`.
pub struct ClassVectors {
    set: InstructionSet,
    classes: usize,
    in_blocks: usize,
    packed: Memory,
    /// Negative infinity in lanes without a class.
    bias: Memory,
    /// The same vectors with fewer bits, where that is faster.
    rough: Option<RoughVectors>,
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
        let packed = pack_classes(set, classes, in_blocks, value);
        let rough = (set == InstructionSet::Avx512)
            .then(|| RoughVectors::new(&packed, set.tile_blocks() * LANES, in_blocks, &padded.values()[..classes]));
        Self { set, classes, in_blocks, packed, bias: padded, rough: rough.flatten() }
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
    pieces(scoring.bands, spread, |band| {
        let band = scoring.band(band);
        let mut sums = Memory::zeros(scoring.group() * band.count);
        for (first_class, classes) in scoring.groups() {
            scoring.exact.multiply(&band.pixels, first_class, classes, &mut sums);
            for (class, index) in (0..classes).flat_map(|class| (0..band.count).map(move |index| (class, index))) {
                let dot = sums.values()[(class / LANES * band.count + index) * LANES + class % LANES];
                let (class, pixel) = (first_class + class, band.first_pixel + index);
                let score = scoring.factors.map_or(dot, |factors| dot * factors[pixel]) + vectors.bias.values()[class];
                // SAFETY: the class and the pixel exist, and no other piece writes this pixel's scores.
                unsafe { *out.at(class * pixels + pixel) = score }
            }
        }
    });
    scores
}

/// The scores of [`class_scores`] that reach the floor, which they raise: a list for every few rows of pixels, in
/// the same order at any number of threads. Nothing is missing that reaches the floor as it is afterwards. NaN is
/// above no floor.
///
/// Where the machine multiplies bfloat16 faster, rounded values tell first which pixels can reach the floor with a
/// class (`rough_scores` has the proof); their scores are then computed as ever, to the same bit.
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
    pieces(scoring.bands, spread, |band| {
        // One piece is at work on a band: nobody waits here.
        let mut found = found[band].lock().unwrap_or_else(PoisonError::into_inner);
        scoring.search(&scoring.band(band), floor, &mut found);
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
    exact: Products<'a>,
}

/// Dot products with packed vectors.
struct Products<'a> {
    set: InstructionSet,
    packed: &'a Memory,
    /// Blocks of a pixel.
    blocks: usize,
    /// Blocks that are multiplied at once: first and number.
    chunks: Vec<(usize, usize)>,
    /// The kernel of so many blocks of classes and pixels.
    kernel: fn(InstructionSet, usize, usize) -> Kernel,
}

/// Pixels whose blocks lie equally far apart.
struct Pixels {
    start: Shared,
    /// Values from a block to the next.
    block: usize,
    /// Pixels that lie side by side, a tile each: where they begin, and how many.
    tiles: Vec<(usize, usize)>,
}

/// Rows of pixels.
struct Band {
    rows: std::ops::Range<usize>,
    first_pixel: usize,
    /// Number of pixels.
    count: usize,
    pixels: Pixels,
}

impl Pixels {
    /// So many pixels, `[block][pixel][LANES]`.
    fn side_by_side(values: &Memory, count: usize, most: usize) -> Self {
        let tiles = even_parts(count, most).into_iter().map(|(first, pixels)| (first * LANES, pixels)).collect();
        Self { start: Shared(values.pointer()), block: count * LANES, tiles }
    }
}

impl<'a> Products<'a> {
    fn new(
        set: InstructionSet,
        packed: &'a Memory,
        blocks: usize,
        kernel: fn(InstructionSet, usize, usize) -> Kernel,
    ) -> Self {
        Self { set, packed, blocks, chunks: even_parts(blocks, set.panel_planes(LANES)), kernel }
    }

    /// Writes the dot products of pixels with a group of classes, `[block of classes][pixel][LANES]`.
    ///
    /// # Panics
    ///
    /// If there is no room for them.
    fn multiply(&self, pixels: &Pixels, first_class: usize, classes: usize, sums: &mut Memory) {
        let blocks = classes.div_ceil(LANES);
        let count: usize = pixels.tiles.iter().map(|&(_, pixels)| pixels).sum();
        assert!(sums.len() >= blocks * count * LANES);
        let out = sums.pointer();
        for (chunk, &(plane, planes)) in self.chunks.iter().enumerate() {
            let start = (first_class * self.blocks + plane * blocks * LANES) * LANES;
            let (panel, next) = self.packed.values()[start..].split_at(planes * blocks * LANES * LANES);
            let mut next = Ahead::new(&next[..panel.len().min(next.len())], pixels.tiles.len());
            let mut tile = Tile::product(planes, pixels.block, count * LANES);
            let mut done = 0;
            for &(offset, width) in &pixels.tiles {
                let input = pixels.start.at(plane * pixels.block + offset);
                let to = out.wrapping_add(done * LANES);
                if chunk > 0 {
                    tile.resume(to);
                }
                let compute = (self.kernel)(self.set, blocks, width);
                // SAFETY: whoever made the pixels saw to it that they lie there with as many blocks, `sums` holds a
                // value a lane and pixel, and the vectors were packed where the machine has the instructions.
                unsafe { compute(&tile, input, panel.as_ptr(), to) }
                next.step();
                done += width;
            }
        }
    }
}

impl<'a> Scoring<'a> {
    fn new(maps: &mut [Maps], view: View, vectors: &'a ClassVectors, factors: Option<&'a [f32]>) -> Self {
        assert_eq!(view.blocks, vectors.in_blocks);
        let from = place(maps, view);
        assert!(factors.is_none_or(|factors| factors.len() == from.shape.height * from.shape.width));
        let row_bytes = view.blocks * from.shape.row() * size_of::<f32>();
        let rows = (INPUT_BYTES / row_bytes.max(1)).clamp(1, from.shape.height.div_ceil(4).max(1));
        let exact = |set, blocks, pixels| kernel(set, blocks, pixels, 1);
        Self {
            from,
            vectors,
            factors,
            rows,
            bands: from.shape.height.div_ceil(rows),
            exact: Products::new(vectors.set, &vectors.packed, view.blocks, exact),
        }
    }

    fn pixels(&self) -> usize {
        self.from.shape.height * self.from.shape.width
    }

    /// Classes of a group.
    fn group(&self) -> usize {
        self.vectors.set.tile_blocks() * LANES
    }

    /// First class and number of classes of each group.
    fn groups(&self) -> impl Iterator<Item = (usize, usize)> {
        let (group, classes) = (self.group(), self.vectors.classes);
        (0..classes).step_by(group).map(move |first| (first, group.min(classes - first)))
    }

    fn band(&self, index: usize) -> Band {
        let shape = self.from.shape;
        let rows = index * self.rows..((index + 1) * self.rows).min(shape.height);
        let parts = even_parts(shape.width, self.vectors.set.tile_pixels());
        let of_row = |row: usize| parts.iter().map(move |&(column, pixels)| (shape.pixel(row, column), pixels));
        let tiles = rows.clone().flat_map(of_row).collect();
        let pixels = Pixels { start: self.from.start, block: shape.block(), tiles };
        Band { first_pixel: rows.start * shape.width, count: rows.len() * shape.width, rows, pixels }
    }

    /// Finds the scores of a band that reach the floor.
    fn search(&self, band: &Band, floor: &RisingFloor, found: &mut Vec<ClassScore>) {
        let all: Vec<u32> = (0..band.count as u32).collect();
        let mut sums = Memory::zeros(self.group() * band.count);
        let mut sieve = self.vectors.rough.as_ref().map(|vectors| Sieve::new(self, vectors, band));
        for (first_class, classes) in self.groups() {
            let group = Group { first_class, classes, floor: floor.now() };
            let near = sieve.as_mut().and_then(|sieve| sieve.near(self, band, group, &mut sums));
            let (lie, pixels) = match &near {
                Some((gathered, near)) => (gathered, near),
                None => (&band.pixels, &all),
            };
            self.exact.multiply(lie, first_class, classes, &mut sums);
            let before = found.len();
            self.of_blocks(&sums, band, pixels, group, |scores| {
                // SAFETY: `ClassVectors::new` checked the instructions.
                unsafe { (compiled(self.vectors.set).0)(scores, found) }
            });
            floor.count(found[before..].iter().map(|found| found.score));
        }
    }

    /// Shows the scores of some of a band's pixels block by block of the classes.
    fn of_blocks(&self, sums: &Memory, band: &Band, pixels: &[u32], group: Group, mut see: impl FnMut(&Scores<'_>)) {
        let values = pixels.len() * LANES;
        for block in 0..group.classes.div_ceil(LANES) {
            let first_class = group.first_class + block * LANES;
            see(&Scores {
                dots: &sums.values()[block * values..][..values],
                pixels,
                first_pixel: band.first_pixel,
                factors: self.factors,
                bias: self.vectors.bias.values()[first_class..].first_chunk().expect("biases fill whole blocks"),
                first_class,
                classes: LANES.min(group.classes - block * LANES),
                floor: group.floor,
            });
        }
    }
}

/// Classes whose scores are computed at once, and the floor at this time.
#[derive(Clone, Copy)]
struct Group {
    first_class: usize,
    classes: usize,
    floor: f32,
}

/// Tells which pixels of a band can reach the floor.
struct Sieve<'a> {
    products: Products<'a>,
    /// Rounded pixels, and where they are.
    _rounded: RoughPixels,
    pixels: Pixels,
    /// How far a pixel's rough scores may be off.
    slacks: Vec<f32>,
    /// Blocks of pixels that can reach the floor, side by side.
    gathered: Memory,
    /// Groups that the sieve is not worth asking about.
    rest: usize,
}

/// How many groups go without the sieve after it let most pixels through.
const REST: usize = 4;

impl<'a> Sieve<'a> {
    fn new(scoring: &Scoring<'a>, vectors: &'a RoughVectors, band: &Band) -> Self {
        let set = scoring.vectors.set;
        let rounded = vectors.round(scoring.from, band.rows.clone());
        let pixels = Pixels::side_by_side(&rounded.values, band.count, set.tile_pixels());
        let factor = |pixel: usize| scoring.factors.map_or(1.0, |factors| factors[band.first_pixel + pixel]);
        let slacks = (0..band.count).map(|pixel| vectors.slack(&rounded, pixel, factor(pixel))).collect();
        let kernel = |_, blocks, pixels| rough_scores::kernel(blocks, pixels);
        let products = Products::new(set, &vectors.packed, vectors.pairs, kernel);
        let gathered = Memory::zeros(scoring.vectors.in_blocks * band.count * LANES);
        Self { products, _rounded: rounded, pixels, slacks, gathered, rest: 0 }
    }

    /// The pixels of which a score can reach the group's floor, and where they lie; `None` where it is as well to
    /// look at all.
    fn near(
        &mut self,
        scoring: &Scoring<'_>,
        band: &Band,
        group: Group,
        sums: &mut Memory,
    ) -> Option<(Pixels, Vec<u32>)> {
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        self.products.multiply(&self.pixels, group.first_class, group.classes, sums);
        let bars: Vec<f32> = self.slacks.iter().map(|&slack| RoughVectors::bar(group.floor, slack)).collect();
        // Where nothing is known of a pixel, its scores need not even be numbers.
        let mut is_near: Vec<bool> = bars.iter().map(|&bar| bar == f32::NEG_INFINITY).collect();
        let all: Vec<u32> = (0..band.count as u32).collect();
        scoring.of_blocks(sums, band, &all, group, |scores| {
            // SAFETY: `ClassVectors::new` checked the instructions.
            unsafe { (compiled(scoring.vectors.set).1)(scores, &bars, &mut is_near) }
        });
        let near: Vec<u32> =
            all.into_iter().zip(is_near).filter_map(|(pixel, is_near)| is_near.then_some(pixel)).collect();
        if 2 * near.len() > band.count {
            self.rest = REST;
            return None;
        }
        self.gather(scoring, band, &near);
        Some((Pixels::side_by_side(&self.gathered, near.len(), scoring.vectors.set.tile_pixels()), near))
    }

    /// Copies some pixels of a band side by side.
    fn gather(&mut self, scoring: &Scoring<'_>, band: &Band, pixels: &[u32]) {
        let (from, values) = (scoring.from, pixels.len() * LANES);
        for (block, to) in
            self.gathered.values_mut().chunks_exact_mut(values.max(1)).take(scoring.vectors.in_blocks).enumerate()
        {
            // SAFETY: the view has the block, and whoever searches it writes no map.
            let block = unsafe { from.block(block) };
            for (to, &pixel) in to.chunks_exact_mut(LANES).zip(pixels) {
                to.copy_from_slice(&block[from.shape.pixel_at(band.first_pixel + pixel as usize)..][..LANES]);
            }
        }
    }
}

/// The scores of some pixels for a block of classes.
struct Scores<'a> {
    /// `[pixel][LANES]`.
    dots: &'a [f32],
    /// The pixels, counted from the first.
    pixels: &'a [u32],
    first_pixel: usize,
    /// Those of all pixels.
    factors: Option<&'a [f32]>,
    bias: &'a [f32; LANES],
    first_class: usize,
    /// Lanes that hold a class.
    classes: usize,
    floor: f32,
}

impl Scores<'_> {
    /// Adds the scores that reach the floor to those found.
    #[inline(always)]
    unsafe fn keep<L: Lanes>(&self, found: &mut Vec<ClassScore>) {
        for (dots, &pixel) in self.dots.chunks_exact(LANES).zip(self.pixels) {
            let pixel = self.first_pixel + pixel as usize;
            let factor = self.factor(pixel);
            let mut reached = self.reached::<L>(dots, factor, self.floor);
            if reached == 0 {
                continue;
            }
            let mut scores = [0.0; LANES];
            for lane in (0..LANES).step_by(L::WIDTH) {
                self.score::<L>(dots, factor, lane).store(scores[lane..].as_mut_ptr());
            }
            while reached != 0 {
                let lane = reached.trailing_zeros() as usize;
                let (pixel, class) = (pixel as u32, (self.first_class + lane) as u32);
                found.push(ClassScore { score: scores[lane], pixel, class });
                reached &= reached - 1;
            }
        }
    }

    /// Notes which pixels have a score that reaches the pixel's bar.
    #[inline(always)]
    unsafe fn reach<L: Lanes>(&self, bars: &[f32], reach: &mut [bool]) {
        let pixels = self.dots.chunks_exact(LANES).zip(self.pixels);
        for ((dots, &pixel), (&bar, reach)) in pixels.zip(bars.iter().zip(reach)) {
            *reach |= self.reached::<L>(dots, self.factor(self.first_pixel + pixel as usize), bar) != 0;
        }
    }

    /// What a pixel's dot products are multiplied by.
    #[inline(always)]
    fn factor(&self, pixel: usize) -> f32 {
        self.factors.map_or(1.0, |factors| factors[pixel])
    }

    /// A bit a class whose score reaches a floor.
    #[inline(always)]
    unsafe fn reached<L: Lanes>(&self, dots: &[f32], factor: f32, floor: f32) -> u32 {
        let mut reached = 0;
        for lane in (0..LANES).step_by(L::WIDTH) {
            reached |= self.score::<L>(dots, factor, lane).reach(L::splat(floor)) << lane;
        }
        reached & ((1 << self.classes) - 1)
    }

    /// A pixel's scores from a lane on.
    #[inline(always)]
    unsafe fn score<L: Lanes>(&self, dots: &[f32], factor: f32, lane: usize) -> L {
        L::load(dots[lane..].as_ptr()).mul(L::splat(factor)).add(L::load(self.bias[lane..].as_ptr()))
    }
}

/// [`Scores::keep`] and [`Scores::reach`] compiled for an instruction set.
macro_rules! compiled {
    ($keep:ident $reach:ident: $lanes:ty, [$($feature:literal)?]) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $keep(scores: &Scores<'_>, found: &mut Vec<ClassScore>) {
            scores.keep::<$lanes>(found);
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn $reach(scores: &Scores<'_>, bars: &[f32], reach: &mut [bool]) {
            scores.reach::<$lanes>(bars, reach);
        }
    };
}

compiled!(keep_portable reach_portable: [f32; 16], []);
#[cfg(target_arch = "x86_64")]
compiled!(keep_avx2 reach_avx2: Avx2, ["avx2,fma"]);
#[cfg(target_arch = "x86_64")]
compiled!(keep_avx512 reach_avx512: Avx512, ["avx512f,avx512dq"]);

type Keep = unsafe fn(&Scores<'_>, &mut Vec<ClassScore>);
type Reach = unsafe fn(&Scores<'_>, &[f32], &mut [bool]);

fn compiled(set: InstructionSet) -> (Keep, Reach) {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => (keep_avx512, reach_avx512),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => (keep_avx2, reach_avx2),
        _ => (keep_portable, reach_portable),
    }
}
