//! Layer normalisation: each pixel's channels brought to mean 0 and variance 1.

use super::instruction_set::{kernel_by_instruction_set, InstructionSet};
use super::lanes::{sum, Lanes};
use super::maps::{place, Maps, Place, View, LANES};
use super::memory::Memory;
use super::parallel::{even_parts, pieces};

/// Pixels of a piece of work.
pub(super) const PIXELS: usize = 32;

/// `(x - mean) / sqrt(variance + epsilon) * weight + bias` over the channels of a pixel, which lie in one
/// piece. The variance is that about the mean: a difference of squares would lose digits.
pub struct LayerNorm {
    set: InstructionSet,
    channels: usize,
    epsilon: f32,
    /// Three times `[lanes]`: 1 where a lane holds a channel, the weights, the biases.
    lanes: Memory,
}

/// One pixel: where it is, where it goes, and the values from a block of either to the next.
#[derive(Clone, Copy)]
struct Pixel {
    from: *const f32,
    from_block: usize,
    to: *mut f32,
    to_block: usize,
}

/// Normalises a pixel.
///
/// # Safety
///
/// The machine must have the kernel's instructions, and the pixel must have the norm's blocks.
type Kernel = unsafe fn(&LayerNorm, Pixel);

impl LayerNorm {
    /// Of a weight and a bias a channel.
    ///
    /// # Panics
    ///
    /// If there is not one of both for each channel, or the machine has no such instructions.
    pub fn new(set: InstructionSet, weight: &[f32], bias: &[f32], epsilon: f32) -> Self {
        assert!(set.is_available(), "this machine has no {}", set.name());
        assert_eq!(weight.len(), bias.len());
        let channels = weight.len();
        let mut lanes = Memory::zeros(3 * channels.div_ceil(LANES) * LANES);
        let thirds = lanes.values_mut().chunks_exact_mut(channels.div_ceil(LANES).max(1) * LANES);
        for (third, values) in thirds.zip([vec![1.0; channels].as_slice(), weight, bias]) {
            third[..channels].copy_from_slice(values);
        }
        Self { set, channels, epsilon, lanes }
    }

    fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Normalises a view's pixels into another view, which may be the same.
    ///
    /// # Panics
    ///
    /// If the views differ in size, overlap in part, or do not have the norm's channels.
    pub fn run(&self, maps: &mut [Maps], input: View, output: View, spread: bool) {
        assert!(input.blocks == self.blocks() && output.blocks == self.blocks());
        assert!(input == output || !input.overlaps(output), "{input:?} overlaps {output:?}");
        let [from, to] = [input, output].map(|view| place(maps, view));
        assert_eq!((from.shape.height, from.shape.width), (to.shape.height, to.shape.width));
        let compute = kernel(self.set);
        let parts = even_parts(from.shape.height * from.shape.width, PIXELS);
        pieces(parts.len(), spread, |part| {
            for index in parts[part].0..parts[part].0 + parts[part].1 {
                let at = |place: Place| place.start.at(place.shape.pixel_at(index));
                let (from_block, to_block) = (from.shape.block(), to.shape.block());
                // SAFETY: `new` checked the instructions, `place` found the views, the pixel is within
                // both, and no other piece reads or writes it.
                unsafe { compute(self, Pixel { from: at(from), from_block, to: at(to), to_block }) }
            }
        });
    }

    #[inline(always)]
    unsafe fn pixel<L: Lanes>(&self, pixel: Pixel) {
        let Pixel { from, from_block, to, to_block } = pixel;
        let (blocks, lanes) = (self.blocks(), self.lanes.values().as_ptr());
        let [mask, weight, bias] = [lanes, lanes.add(blocks * LANES), lanes.add(2 * blocks * LANES)];
        let count = self.channels as f32;
        let mut total = L::splat(0.0);
        for block in 0..blocks {
            total = total.add(L::load(from.add(block * from_block)));
        }
        let mean = L::splat(sum(total) / count);
        let mut squares = L::splat(0.0);
        for block in 0..blocks {
            let centred = L::load(from.add(block * from_block)).sub(mean).mul(L::load(mask.add(block * LANES)));
            squares = centred.mul_add(centred, squares);
        }
        let factor = L::splat(1.0 / (sum(squares) / count + self.epsilon).sqrt());
        for block in 0..blocks {
            let normal = L::load(from.add(block * from_block)).sub(mean).mul(factor);
            let value = normal.mul_add(L::load(weight.add(block * LANES)), L::load(bias.add(block * LANES)));
            value.store(to.add(block * to_block));
        }
    }
}

kernel_by_instruction_set!(Kernel, Vector, |norm: &LayerNorm, pixel: Pixel| norm.pixel::<Vector>(pixel));
