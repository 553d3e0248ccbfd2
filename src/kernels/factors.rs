//! What a convolution multiplies: float32 values, or values rounded to bfloat16.
//!
//! A bfloat16 is the upper half of a float32, rounded to the nearest, to the even one of two that are equally near. The
//! product of two is exact in float32, so that machines which multiply pairs of them and machines which multiply
//! the same values as float32 differ by the rounding of their sums only. (The former take values below 2^-126 for zero.)

use super::instruction_set::InstructionSet;
use super::maps::{MapsShape, Place, LANES};
use super::memory::{product, Scratch};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::{kernel, pair_kernel, Kernel};

/// Parts of a plane that may be rounded at the same time.
const SHARES: usize = 4;

/// How the factors of products are held in planes of [`LANES`] values a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factors {
    /// As they are: a plane is a block of channels.
    Whole,
    /// Rounded to bfloat16, each in a float32: for machines that multiply no pairs.
    Rounded,
    /// Rounded to bfloat16, two neighbouring channels in the bits of a float32: a plane is two blocks of channels.
    Pairs,
}

/// Rounds lines of values, one after the other in the first two, to lines that are so many values apart. Of pairs, the
/// first lines hold a plane's lower channels, the second its upper ones; otherwise the first are all.
pub(super) type Round = unsafe fn(low: *const f32, high: *const f32, to: *mut f32, lines: usize, step: usize);

impl Factors {
    /// Rounded ones, in the form that is fastest with an instruction set.
    pub fn rounded(set: InstructionSet) -> Self {
        match set.multiplies_pairs() {
            true => Self::Pairs,
            false => Self::Rounded,
        }
    }

    /// Channels in a value.
    pub fn per_value(self) -> usize {
        match self {
            Self::Whole | Self::Rounded => 1,
            Self::Pairs => 2,
        }
    }

    /// Planes that hold so many blocks of channels.
    pub fn planes(self, blocks: usize) -> usize {
        blocks.div_ceil(self.per_value())
    }

    /// The value of a plane's lane, counted through all planes, of what `channel` says of each channel's lane.
    pub fn value(self, lane: usize, channel: impl Fn(usize) -> f32) -> f32 {
        match self {
            Self::Whole => channel(lane),
            Self::Rounded => f32::from_bits(u32::from(bfloat16(channel(lane))) << 16),
            Self::Pairs => {
                let [low, high] = [2 * lane, 2 * lane + 1].map(|lane| u32::from(bfloat16(channel(lane))));
                f32::from_bits(low | (high << 16))
            }
        }
    }

    /// The kernel for so many blocks and pixels, whose input pixels are `stride` apart.
    pub fn kernel(self, set: InstructionSet, blocks: usize, pixels: usize, stride: usize) -> Kernel {
        match self {
            Self::Whole | Self::Rounded => kernel(set, blocks, pixels, stride),
            Self::Pairs => pair_kernel(blocks, pixels, stride),
        }
    }

    /// What rounds values to this form.
    pub fn round(self) -> Round {
        match self {
            Self::Whole => unreachable!("float32 values are multiplied where they are"),
            Self::Rounded => round_each,
            Self::Pairs => round_pairs,
        }
    }

    /// Some blocks of maps, borders included, as planes of this form: where they are, if that is what they are, else
    /// in the scratch memory.
    pub fn planes_of(self, from: Place, blocks: usize, scratch: &mut Scratch, spread: bool) -> Place {
        if self == Self::Whole {
            return from;
        }
        let shape = MapsShape { blocks: self.planes(blocks), ..from.shape };
        let [to, _] = scratch.areas([product(&[shape.blocks, shape.block()]), 0]);
        let to = Place { start: Shared(to), shape };
        let parts = even_parts(shape.block() / LANES, (shape.block() / LANES).div_ceil(SHARES));
        pieces(shape.blocks * parts.len(), spread, |piece| {
            let (plane, (first, lines)) = (piece / parts.len(), parts[piece % parts.len()]);
            let line = |place: Place, block: usize| place.start.at(block * shape.block() + first * LANES);
            let [low, high] = [0, 1].map(|half| plane * self.per_value() + half).map(|block| match block < blocks {
                true => line(from, block).cast_const(),
                false => std::ptr::null(),
            });
            // SAFETY: the blocks are the view's, which nobody writes meanwhile, as long as the plane, which was sized
            // for them all; no other piece writes these lines, and who packed pairs has the instructions.
            unsafe { self.round()(low, high, line(to, plane), lines, LANES) }
        });
        to
    }
}

/// The bits of the nearest bfloat16. No number stays none.
fn bfloat16(value: f32) -> u16 {
    let bits = value.to_bits();
    let nearest = match value.is_nan() {
        true => bits | (1 << 22),
        false => bits + 0x7fff + ((bits >> 16) & 1),
    };
    (nearest >> 16) as u16
}

/// Rounds lines in their places; see [`Round`].
///
/// # Safety
///
/// So many lines must be readable at `low`, and writable at each step from `to` on.
unsafe fn round_each(low: *const f32, _: *const f32, to: *mut f32, lines: usize, step: usize) {
    for line in 0..lines {
        let values = low.add(line * LANES).cast::<[f32; LANES]>().read();
        let rounded = values.map(|value| f32::from_bits(u32::from(bfloat16(value)) << 16));
        to.add(line * step).cast::<[f32; LANES]>().write(rounded);
    }
}

/// Rounds lines to pairs of neighbours; see [`Round`]. Where `high` is null, the upper ones are zero.
///
/// # Safety
///
/// As [`round_each`], for both; the machine must have the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn round_pairs(low: *const f32, high: *const f32, to: *mut f32, lines: usize, step: usize) {
    use std::arch::x86_64::{__m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_si512};
    for line in 0..lines {
        let upper = match high.is_null() {
            true => _mm512_setzero_ps(),
            false => _mm512_loadu_ps(high.add(line * LANES)),
        };
        let pairs: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(upper, _mm512_loadu_ps(low.add(line * LANES))));
        _mm512_storeu_si512(to.add(line * step).cast(), pairs);
    }
}

#[cfg(not(target_arch = "x86_64"))]
unsafe fn round_pairs(_: *const f32, _: *const f32, _: *mut f32, _: usize, _: usize) {
    unreachable!("no machine of this kind multiplies pairs")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By what rounding to the nearest means: no neighbour is nearer, and of two as near the even one is taken.
    #[test]
    fn the_nearest_bfloat16_is_found() {
        let value = |bits: u16| f64::from(f32::from_bits(u32::from(bits) << 16));
        for bits in (0..0x7f7f_0000u32).step_by(0x1357).chain((0..0x7f00).map(|upper| (upper << 16) | 0x8000)) {
            let exact = f32::from_bits(bits);
            let found = bfloat16(exact);
            let off = |bits: u16| (value(bits) - f64::from(exact)).abs();
            for other in [found.saturating_sub(1), found + 1].into_iter().filter(|&other| other != found) {
                assert!(off(found) < off(other) || (off(found) == off(other) && found.is_multiple_of(2)), "{exact:e}");
            }
            assert_eq!(bfloat16(-exact), found | 0x8000);
        }
        assert_eq!(bfloat16(f32::MAX), 0x7f80, "infinity is nearer than any other");
        assert!(f32::from_bits(u32::from(bfloat16(f32::from_bits(0x7f80_0001))) << 16).is_nan());
    }

    /// The instruction rounds as the portable code does.
    #[test]
    fn pairs_are_neighbours_rounded_alike() {
        if !InstructionSet::Avx512.is_available() || !InstructionSet::Avx512.multiplies_pairs() {
            return;
        }
        let lines: Vec<f32> =
            (0..4 * LANES as u32).map(|index| f32::from_bits(0x3f80_0000 + index * 0x1_3579)).collect();
        let (low, high) = lines.split_at(2 * LANES);
        for has_high in [true, false] {
            let mut found = [0.0f32; 2 * LANES];
            let upper = if has_high { high.as_ptr() } else { std::ptr::null() };
            // SAFETY: there are two lines of each, and the machine has the instructions.
            unsafe { round_pairs(low.as_ptr(), upper, found.as_mut_ptr(), 2, LANES) }
            for (index, pair) in found.iter().enumerate() {
                let (line, lane) = (index / LANES, index % LANES);
                let expected = Factors::Pairs.value(lane, |channel| match (channel / LANES, has_high) {
                    (0, _) => low[line * LANES + channel],
                    (_, true) => high[line * LANES + channel - LANES],
                    (_, false) => 0.0,
                });
                assert_eq!(pair.to_bits(), expected.to_bits(), "{index}");
            }
        }
    }
}
