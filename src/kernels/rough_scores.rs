//! Dot products of rounded values, and how far off they can be: at twice the rate of float32 they tell which
//! scores cannot reach a floor.
//!
//! Pixels and vectors are rounded to bfloat16, whose products a machine with AVX-512 BF16 adds in pairs. Let `a` be a
//! pixel, `b` a vector, both of `n` lanes, and `a - α`, `b - β` what they are rounded to. Then
//! `a.b - (a - α).(b - β) = α.b + (a - α).β`, which by Cauchy and Schwarz is at most
//! `|α| |b| + (|a| + |α|) |β|`: lengths that are measured, not assumed. Either sum of n products is itself off by less
//! than `1.01 n 2^-24 |a| |b|` and a little for the rounded ones' length, both together by less than
//! `n 2^-22 |a| |b|` with as much to spare. (The instruction takes numbers below 2^-126 for zero. Lengths between
//! `LEAST` and `GREATEST` make that less than the spare.) Factor and bias add three roundings to either score.

use super::instruction_set::InstructionSet;
use super::maps::{Place, LANES};
use super::memory::Memory;
use super::tile::{pair_kernel, Kernel};

/// Between these lengths of a pixel and of the longest vector the bound holds.
const LEAST: f32 = 1.0 / (1u32 << 20) as f32;
const GREATEST: f32 = (1u64 << 40) as f32;
/// What a few roundings of a number are less than a multiple of.
const ROUNDINGS: f32 = 1.0 / (1u32 << 20) as f32;

/// Vectors rounded to bfloat16.
pub(super) struct RoughVectors {
    /// `[group of classes][pair of lanes][class of the group]`, two bfloat16 a value.
    pub packed: Memory,
    /// Pairs of input blocks.
    pub pairs: usize,
    /// The greatest length of a vector.
    length: f32,
    /// The greatest length of what rounding took from one.
    taken: f32,
    /// The greatest magnitude of a bias.
    bias: f32,
}

/// Pixels rounded to bfloat16.
pub(super) struct RoughPixels {
    /// `[pair of blocks][pixel][pair of lanes]`, two bfloat16 a value.
    pub values: Memory,
    /// Each pixel's length, and that of what rounding took from it.
    lengths: Vec<[f32; 2]>,
}

impl RoughVectors {
    /// Rounds packed vectors, `[group of classes][lane][class of the group]`; `None` where the machine lacks the
    /// instructions, or blocks cannot be paired. `biases` are those of classes that exist.
    pub fn new(packed: &Memory, group: usize, in_blocks: usize, biases: &[f32]) -> Option<Self> {
        if !has_pairs() || !in_blocks.is_multiple_of(2) || in_blocks == 0 {
            return None;
        }
        let mut rounded = Memory::zeros(packed.len() / 2);
        let (mut length, mut taken) = (0.0f32, 0.0f32);
        let groups = packed.values().chunks(group * in_blocks * LANES);
        for (group, to) in groups.zip(rounded.values_mut().chunks_mut(group * in_blocks * LANES / 2)) {
            for [of_vector, of_rest] in machine::round_group(group, to, in_blocks * LANES) {
                // `max` would take a NaN for the lesser number.
                length = if of_vector <= length { length } else { of_vector };
                taken = if of_rest <= taken { taken } else { of_rest };
            }
        }
        let bias = biases.iter().fold(0.0f32, |most, bias| if bias.abs() <= most { most } else { bias.abs() });
        Some(Self { packed: rounded, pairs: in_blocks / 2, length: length.sqrt(), taken: taken.sqrt(), bias })
    }

    /// Rounds the pixels of some rows.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn round(&self, from: Place, rows: std::ops::Range<usize>) -> RoughPixels {
        assert!(rows.end <= from.shape.height);
        let width = from.shape.width;
        let count = rows.len() * width;
        let values = Memory::zeros(self.pairs * count * LANES);
        let pixels = rows.flat_map(|row| (0..width).map(move |column| from.shape.pixel(row, column)));
        let to = values.pointer();
        let round = |(index, pixel): (usize, usize)| {
            let to = to.wrapping_add(index * LANES);
            // SAFETY: the pixel exists in each of the view's blocks, two of which are a pair, `values` has room for
            // as many pairs of each pixel, and `new` found the instructions.
            unsafe { machine::round_pixel(from.start.at(pixel), from.shape.block(), to, count * LANES, self.pairs) }
        };
        let lengths = pixels.enumerate().map(round).map(|squares| squares.map(f32::sqrt)).collect();
        RoughPixels { values, lengths }
    }

    /// How far off a rough score may be, of a pixel that is multiplied by a factor; infinite where nothing is known.
    pub fn slack(&self, pixels: &RoughPixels, pixel: usize, factor: f32) -> f32 {
        let [length, taken] = pixels.lengths[pixel];
        let known = |length: f32| (LEAST..=GREATEST).contains(&length);
        if !known(length) || !known(self.length) {
            return f32::INFINITY;
        }
        let lanes = (self.pairs * 2 * LANES) as f32;
        let sums = (lanes + 8.0) / (1u32 << 22) as f32 * length * self.length;
        let dot = taken * self.length + (length + taken) * self.taken + sums;
        let slack = 1.001 * factor.abs() * dot + ROUNDINGS * self.bias + f32::MIN_POSITIVE;
        // Not a number where a factor or a bias is none.
        if slack.is_nan() {
            f32::INFINITY
        } else {
            slack
        }
    }

    /// What a rough score is at least whose exact one reaches the floor; negative infinity where that is not known.
    pub fn bar(floor: f32, slack: f32) -> f32 {
        let bar = floor - slack - ROUNDINGS * floor.abs();
        if bar.is_nan() {
            f32::NEG_INFINITY
        } else {
            bar
        }
    }
}

/// Whether the machine has the instructions.
fn has_pairs() -> bool {
    InstructionSet::Avx512.is_available() && InstructionSet::Avx512.multiplies_pairs()
}

/// The kernel of so many blocks of classes and pixels on pairs.
pub(super) fn kernel(blocks: usize, pixels: usize) -> Kernel {
    pair_kernel(blocks, pixels, 1)
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use std::arch::x86_64::*;

    use super::{has_pairs, LANES};

    /// Rounds a group of vectors, `[lane][class]` to `[pair of lanes][class]`; the squared lengths of each and of what
    /// rounding took from it.
    pub fn round_group(from: &[f32], to: &mut [f32], lanes: usize) -> Vec<[f32; 2]> {
        assert!(has_pairs());
        // SAFETY: the machine has the instructions.
        unsafe { round_rows(from, to, from.len() / lanes) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bf16")]
    unsafe fn round_rows(from: &[f32], to: &mut [f32], classes: usize) -> Vec<[f32; 2]> {
        let mut squares = vec![[0.0; 2]; classes];
        for first in (0..classes).step_by(LANES) {
            let (mut lengths, mut taken) = (_mm512_setzero_ps(), _mm512_setzero_ps());
            for (rows, to) in from.chunks_exact(2 * classes).zip(to.chunks_exact_mut(classes)) {
                let low = load(&rows[first..]);
                let high = load(&rows[classes + first..]);
                let low = round(low, &mut lengths, &mut taken);
                let high = round(high, &mut lengths, &mut taken);
                let pair = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
                store(&mut to[first..], _mm512_castsi512_ps(pair));
            }
            let (mut of_vectors, mut of_rests) = ([0.0; LANES], [0.0; LANES]);
            store(&mut of_vectors, lengths);
            store(&mut of_rests, taken);
            for (lane, squares) in squares[first..first + LANES].iter_mut().enumerate() {
                *squares = [of_vectors[lane], of_rests[lane]];
            }
        }
        squares
    }

    /// Rounds a pixel's blocks, which are `block` values apart, to pairs, which are `pair` values apart; its squared
    /// length, and that of what rounding took from it.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions, and there must be two blocks and room for a pair of them so many times.
    #[target_feature(enable = "avx512f,avx512dq,avx512bf16")]
    pub unsafe fn round_pixel(from: *const f32, block: usize, to: *mut f32, pair: usize, pairs: usize) -> [f32; 2] {
        let (mut lengths, mut taken) = (_mm512_setzero_ps(), _mm512_setzero_ps());
        for index in 0..pairs {
            let low = _mm512_loadu_ps(from.add(2 * index * block));
            let high = _mm512_loadu_ps(from.add((2 * index + 1) * block));
            round(low, &mut lengths, &mut taken);
            round(high, &mut lengths, &mut taken);
            let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.add(index * pair).cast(), both);
        }
        [_mm512_reduce_add_ps(lengths), _mm512_reduce_add_ps(taken)]
    }

    /// Rounds values, each to the lower half of a lane; adds the squares of the values, and of what rounding took.
    #[inline(always)]
    unsafe fn round(values: __m512, lengths: &mut __m512, taken: &mut __m512) -> __m512i {
        let bits: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(values));
        let bits = _mm512_cvtepu16_epi32(bits);
        let rest = _mm512_sub_ps(values, _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits)));
        *lengths = _mm512_fmadd_ps(values, values, *lengths);
        *taken = _mm512_fmadd_ps(rest, rest, *taken);
        bits
    }

    #[inline(always)]
    unsafe fn load(from: &[f32]) -> __m512 {
        _mm512_loadu_ps(from[..LANES].as_ptr())
    }

    #[inline(always)]
    unsafe fn store(to: &mut [f32], values: __m512) {
        _mm512_storeu_ps(to[..LANES].as_mut_ptr(), values);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    pub fn round_group(_: &[f32], _: &mut [f32], _: usize) -> Vec<[f32; 2]> {
        unreachable!("no vectors are rounded here")
    }

    pub unsafe fn round_pixel(_: *const f32, _: usize, _: *mut f32, _: usize, _: usize) -> [f32; 2] {
        unreachable!("no vectors are rounded here")
    }
}
