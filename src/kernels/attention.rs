//! Attention of pixels to listed pixels, a head at a time.

use super::instruction_set::{kernel_by_instruction_set, InstructionSet};
use super::lanes::{sum, Lanes};
use super::maps::{place, Maps, Place, View};
use super::normalise::PIXELS;
use super::parallel::{even_parts, pieces};

/// Which pixels each pixel looks at: lists behind one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Where each list ends.
    ends: Vec<usize>,
    pixels: Vec<u32>,
}

impl Seen {
    /// Adds the next pixel's list.
    ///
    /// # Panics
    ///
    /// If it is empty: an average over nothing has no value.
    pub fn push(&mut self, pixels: impl IntoIterator<Item = u32>) {
        self.pixels.extend(pixels);
        assert!(self.pixels.len() > self.ends.last().copied().unwrap_or(0), "a pixel looks at nothing");
        self.ends.push(self.pixels.len());
    }

    /// The lists of some pixels alone, in their order.
    pub fn only(&self, pixels: &[u32]) -> Self {
        let mut only = Self::default();
        pixels.iter().for_each(|&pixel| only.push(self.of(pixel as usize).iter().copied()));
        only
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// What a pixel looks at.
    pub fn of(&self, pixel: usize) -> &[u32] {
        let start = pixel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.pixels[start..self.ends[pixel]]
    }
}

/// Scaled dot-product attention with several heads, each of which starts a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// What computes it.
    pub set: InstructionSet,
    /// Number of heads.
    pub heads: usize,
    /// What dot products are multiplied by.
    pub scale: f32,
}

/// The values of one head of one pixel, and those of all that it may look at.
#[derive(Clone, Copy)]
struct Head {
    /// Blocks of the head.
    blocks: usize,
    scale: f32,
    query: *const f32,
    query_block: usize,
    keys: Place,
    values: Place,
    /// The head's first block of keys and values.
    first: usize,
    to: *mut f32,
    to_block: usize,
}

/// Computes a head of a pixel; the last argument has room for a weight for each pixel that is seen.
///
/// # Safety
///
/// The machine must have the kernel's instructions; the head's blocks and the pixels that are seen must
/// exist.
type Kernel = unsafe fn(&Head, &[u32], &mut [f32]);

impl Attention {
    /// For each of the first pixels of `output`, as many as `seen` lists, and each head: the average of
    /// the `values` of the pixels it sees, weighted by the softmax of its query's scaled dot products
    /// with their `keys`. Other pixels of `output` stay as they are.
    ///
    /// # Panics
    ///
    /// If the views differ in blocks, the heads do not share them evenly, queries and output differ in
    /// size as keys and values do, the output overlaps what is read, or a pixel is seen that does not exist.
    pub fn run(
        &self,
        maps: &mut [Maps],
        queries: View,
        [keys, values]: [View; 2],
        output: View,
        seen: &Seen,
        spread: bool,
    ) {
        assert!(self.set.is_available(), "this machine has no {}", self.set.name());
        let inputs = [queries, keys, values];
        assert!(inputs.iter().all(|view| view.blocks == output.blocks));
        assert!(inputs.iter().all(|view| !view.overlaps(output)), "{output:?} overlaps what is read");
        assert!(output.blocks.is_multiple_of(self.heads), "{} heads in {} blocks", self.heads, output.blocks);
        let [from, keys, values, to] = [queries, keys, values, output].map(|view| place(maps, view));
        let sides = |place: Place| (place.shape.height, place.shape.width);
        assert!(sides(from) == sides(to) && sides(keys) == sides(values));
        assert!(seen.len() <= to.shape.height * to.shape.width, "more lists than pixels");
        let pixels = keys.shape.height * keys.shape.width;
        assert!(seen.pixels.iter().all(|&pixel| (pixel as usize) < pixels), "a pixel is seen that does not exist");
        let compute = kernel(self.set);
        let (blocks, parts) = (output.blocks / self.heads, even_parts(seen.len(), PIXELS));
        pieces(parts.len(), spread, |part| {
            let mut weights = Vec::new();
            for index in parts[part].0..parts[part].0 + parts[part].1 {
                let seen = seen.of(index);
                weights.resize(seen.len(), 0.0);
                for first in (0..self.heads).map(|head| head * blocks) {
                    let at = |place: Place| place.start.at(first * place.shape.block() + place.shape.pixel_at(index));
                    let (query_block, to_block) = (from.shape.block(), to.shape.block());
                    let (scale, query, to) = (self.scale, at(from), at(to));
                    let head = Head { blocks, scale, query, query_block, keys, values, first, to, to_block };
                    // SAFETY: the instructions, the views and what is seen were checked above, and no
                    // other piece writes this pixel.
                    unsafe { compute(&head, seen, &mut weights) }
                }
            }
        });
    }
}

impl Head {
    /// Where the head's first block of a pixel is.
    #[inline(always)]
    fn at(&self, place: Place, pixel: u32) -> *const f32 {
        place.start.at(self.first * place.shape.block() + place.shape.pixel_at(pixel as usize))
    }

    #[inline(always)]
    unsafe fn compute<L: Lanes>(&self, seen: &[u32], weights: &mut [f32]) {
        let mut most = f32::NEG_INFINITY;
        for (&pixel, weight) in seen.iter().zip(&mut *weights) {
            let (key, key_block) = (self.at(self.keys, pixel), self.keys.shape.block());
            let mut dot = L::splat(0.0);
            for block in 0..self.blocks {
                dot =
                    L::load(self.query.add(block * self.query_block)).mul_add(L::load(key.add(block * key_block)), dot);
            }
            *weight = sum(dot) * self.scale;
            most = most.max(*weight);
        }
        let mut total = 0.0;
        for weight in &mut *weights {
            *weight = (*weight - most).exp();
            total += *weight;
        }
        for block in 0..self.blocks {
            let mut mixed = L::splat(0.0);
            for (&pixel, &weight) in seen.iter().zip(&*weights) {
                let value = self.at(self.values, pixel).add(block * self.values.shape.block());
                mixed = L::load(value).mul_add(L::splat(weight), mixed);
            }
            mixed.mul(L::splat(1.0 / total)).store(self.to.add(block * self.to_block));
        }
    }
}

kernel_by_instruction_set!(Kernel, Vector, |head: &Head, seen: &[u32], weights: &mut [f32]| head
    .compute::<Vector>(seen, weights));
