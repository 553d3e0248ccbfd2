//! The micro-kernel: a tile of output channels by pixels whose sums stay in registers.
//!
//! Every convolution, matrix product and class score is made of it. A macro names each sum: sums in
//! an array would be spilled to the stack, at a third of the speed.

use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512, Avx512Pairs};
use super::maps::LANES;

/// What a tile adds up and what becomes of the sums.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Blocks of input channels.
    pub planes: usize,
    /// Values from a block of input channels to the next.
    pub plane: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Values from an input row to the next.
    pub row: usize,
    /// Input channels of a block that hold something.
    pub channels: usize,
    /// Values from a block of output channels to the next.
    pub out_block: usize,
    /// Values from an output pixel to the next.
    pub out_pixel: usize,
    /// What the sums start from.
    pub start: *const f32,
    /// Values from what a block's sums start from to the next.
    pub start_block: usize,
    /// Values from what a pixel's sums start from to the next: 0 where all start from the same.
    pub start_pixel: usize,
    /// Binary digits that a pixel's number loses first: 1 where two neighbours start from the same.
    pub start_shift: u32,
    /// Added after the activation, laid out as the output; nothing if null.
    pub residual: *const f32,
    /// Values from a block of the residual to the next.
    pub residual_block: usize,
    /// How sums are written.
    pub finish: Finish,
}

/// How sums are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// As they are.
    Plain,
    /// After SiLU.
    Silu,
    /// Where they are greater than what is there.
    Greatest,
}

/// Computes a tile.
///
/// # Safety
///
/// The machine must have the kernel's instructions. For the kernel's blocks and pixels, all input
/// pixels under the window, the packed weights, what the sums start from and the residual must be
/// readable and the output pixels writable.
pub(super) type Kernel = unsafe fn(&Tile, input: *const f32, weights: *const f32, out: *mut f32);

/// What sums start from where they start from zero.
static ZEROS: [f32; 2 * LANES] = [0.0; 2 * LANES];

impl Tile {
    /// A product of matrices, zero at the start: blocks of rows times columns that lie side by side.
    pub fn product(planes: usize, plane: usize, out_block: usize) -> Self {
        Self {
            planes,
            plane,
            kernel: 1,
            row: 0,
            channels: LANES,
            out_block,
            out_pixel: LANES,
            start: ZEROS.as_ptr(),
            start_block: LANES,
            start_pixel: 0,
            start_shift: 0,
            residual: std::ptr::null(),
            residual_block: 0,
            finish: Finish::Plain,
        }
    }

    /// Goes on with sums that were written as they were, so that the result is the same as without the
    /// stop.
    pub fn resume(&mut self, out: *const f32) {
        (self.start, self.start_block, self.start_pixel) = (out, self.out_block, self.out_pixel);
        self.start_shift = 0;
    }

    #[inline(always)]
    unsafe fn start<L: Lanes>(&self, block: usize, pixel: usize) -> L {
        L::load(self.start.add(block * self.start_block + (pixel >> self.start_shift) * self.start_pixel))
    }

    #[inline(always)]
    unsafe fn put<L: Lanes>(&self, sum: L, out: *mut f32, block: usize, pixel: usize) {
        let to = out.add(block * self.out_block + pixel * self.out_pixel);
        let mut value = match self.finish {
            Finish::Plain => sum,
            Finish::Silu => sum.silu(),
            Finish::Greatest => sum.max(L::load(to)),
        };
        if !self.residual.is_null() {
            value = value.add(L::load(self.residual.add(block * self.residual_block + pixel * LANES)));
        }
        value.store(to);
    }
}

/// A kernel of two blocks of output channels.
macro_rules! two_blocks {
    ($name:ident: $count:literal $(($pixel:literal $a:ident $b:ident))+) => {
        #[inline(always)]
        unsafe fn $name<L: Lanes, const STEP: usize>(tile: &Tile, input: *const f32, weights: *const f32, out: *mut f32) {
            $(let (mut $a, mut $b) = (tile.start::<L>(0, $pixel), tile.start::<L>(1, $pixel));)+
            let (mut weight, mut plane) = (weights, input);
            for _ in 0..tile.planes {
                let mut row = plane;
                for _ in 0..tile.kernel {
                    let mut pixel = row;
                    for _ in 0..tile.kernel {
                        let mut next_tile = pixel.wrapping_add($count * STEP);
                        let mut x = pixel;
                        for _ in 0..tile.channels {
                            let (first, second) = (L::load(weight), L::load(weight.add(16)));
                            $(
                                let value = L::splat_from(x.add($pixel * STEP));
                                $a = first.mul_add(value, $a);
                                $b = second.mul_add(value, $b);
                            )+
                            L::prefetch(next_tile);
                            next_tile = next_tile.wrapping_add(16);
                            weight = weight.add(32);
                            x = x.add(1);
                        }
                        pixel = pixel.wrapping_add(16);
                    }
                    row = row.wrapping_add(tile.row);
                }
                plane = plane.wrapping_add(tile.plane);
            }
            $(tile.put($a, out, 0, $pixel);)+
            $(tile.put($b, out, 1, $pixel);)+
        }
    };
}

/// A kernel of one block of output channels.
macro_rules! one_block {
    ($name:ident: $count:literal $(($pixel:literal $a:ident $b:ident))+) => {
        #[inline(always)]
        unsafe fn $name<L: Lanes, const STEP: usize>(tile: &Tile, input: *const f32, weights: *const f32, out: *mut f32) {
            $(let mut $a = tile.start::<L>(0, $pixel);)+
            let (mut weight, mut plane) = (weights, input);
            for _ in 0..tile.planes {
                let mut row = plane;
                for _ in 0..tile.kernel {
                    let mut pixel = row;
                    for _ in 0..tile.kernel {
                        let mut next_tile = pixel.wrapping_add($count * STEP);
                        let mut x = pixel;
                        for _ in 0..tile.channels {
                            let first = L::load(weight);
                            $($a = first.mul_add(L::splat_from(x.add($pixel * STEP)), $a);)+
                            L::prefetch(next_tile);
                            next_tile = next_tile.wrapping_add(16);
                            weight = weight.add(16);
                            x = x.add(1);
                        }
                        pixel = pixel.wrapping_add(16);
                    }
                    row = row.wrapping_add(tile.row);
                }
                plane = plane.wrapping_add(tile.plane);
            }
            $(tile.put($a, out, 0, $pixel);)+
        }
    };
}

/// Applies a macro to every number of pixels.
macro_rules! pixels {
    ($make:ident: $($name:ident)+) => {
        pixels!(@ $make [$($name)+] [1 2 3 4 5 6 7 8 9 10 11 12 13 14] []
            (0 a0 b0) (1 a1 b1) (2 a2 b2) (3 a3 b3) (4 a4 b4) (5 a5 b5) (6 a6 b6)
            (7 a7 b7) (8 a8 b8) (9 a9 b9) (10 a10 b10) (11 a11 b11) (12 a12 b12) (13 a13 b13));
    };
    (@ $make:ident [] [$($count:literal)*] [$($done:tt)*] $($rest:tt)*) => {};
    (@ $make:ident [$name:ident $($names:ident)*] [$count:literal $($counts:literal)*] [$($done:tt)*] $next:tt $($rest:tt)*) => {
        $make!($name: $count $($done)* $next);
        pixels!(@ $make [$($names)*] [$($counts)*] [$($done)* $next] $($rest)*);
    };
}

pixels!(two_blocks: two_1 two_2 two_3 two_4 two_5 two_6 two_7 two_8 two_9 two_10 two_11 two_12 two_13 two_14);
pixels!(one_block: one_1 one_2 one_3 one_4 one_5 one_6 one_7 one_8 one_9 one_10 one_11 one_12 one_13 one_14);

/// A table of kernels compiled for an instruction set, by pixels and by step between pixels.
macro_rules! table {
    ($table:ident: $lanes:ty, $attribute:meta, $($kernel:ident)+) => {
        static $table: &[[Kernel; 2]] = &[$({
            #[$attribute]
            unsafe fn compiled<const STEP: usize>(tile: &Tile, input: *const f32, weights: *const f32, out: *mut f32) {
                $kernel::<$lanes, STEP>(tile, input, weights, out);
            }
            [compiled::<16>, compiled::<32>]
        }),+];
    };
}

table!(PORTABLE: [f32; 16], inline(never), one_1 one_2);
#[cfg(target_arch = "x86_64")]
table!(AVX2: Avx2, target_feature(enable = "avx2,fma"), one_1 one_2 one_3 one_4 one_5 one_6);
#[cfg(target_arch = "x86_64")]
table!(AVX512_ONE: Avx512, target_feature(enable = "avx512f,avx512dq"),
    one_1 one_2 one_3 one_4 one_5 one_6 one_7 one_8 one_9 one_10 one_11 one_12 one_13 one_14);
#[cfg(target_arch = "x86_64")]
table!(AVX512_TWO: Avx512, target_feature(enable = "avx512f,avx512dq"),
    two_1 two_2 two_3 two_4 two_5 two_6 two_7 two_8 two_9 two_10 two_11 two_12 two_13 two_14);

#[cfg(target_arch = "x86_64")]
table!(PAIRS_ONE: Avx512Pairs, target_feature(enable = "avx512f,avx512dq,avx512bf16"),
    one_1 one_2 one_3 one_4 one_5 one_6 one_7 one_8 one_9 one_10 one_11 one_12 one_13 one_14);
#[cfg(target_arch = "x86_64")]
table!(PAIRS_TWO: Avx512Pairs, target_feature(enable = "avx512f,avx512dq,avx512bf16"),
    two_1 two_2 two_3 two_4 two_5 two_6 two_7 two_8 two_9 two_10 two_11 two_12 two_13 two_14);

/// As [`kernel`], for pairs of bfloat16 in the bits of each value: for AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
pub(super) fn pair_kernel(blocks: usize, pixels: usize, stride: usize) -> Kernel {
    [PAIRS_ONE, PAIRS_TWO][blocks - 1][pixels - 1][stride - 1]
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn pair_kernel(_: usize, _: usize, _: usize) -> Kernel {
    unreachable!("no machine of this kind multiplies pairs")
}

/// The kernel of so many blocks and pixels, whose input pixels are `stride` apart.
pub(super) fn kernel(set: InstructionSet, blocks: usize, pixels: usize, stride: usize) -> Kernel {
    debug_assert!((1..=set.tile_blocks()).contains(&blocks));
    let by_pixels: &[[Kernel; 2]] = match (set, blocks) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, 2) => AVX512_TWO,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, _) => AVX512_ONE,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, _) => AVX2,
        _ => PORTABLE,
    };
    by_pixels[pixels - 1][stride - 1]
}
