//! f32 values that are computed together, one a channel of a block.

/// Arithmetic on so many values.
///
/// # Safety
///
/// Every function must run on a machine that has the implementor's instructions; pointers must be
/// valid for [`Lanes::WIDTH`] values (one for [`Lanes::splat_from`]). No alignment is needed.
pub(super) trait Lanes: Copy {
    /// Number of values: a block's sixteen, or half of them.
    const WIDTH: usize = 16;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(value: f32) -> Self;
    unsafe fn splat_from(from: *const f32) -> Self;
    /// `self * by + to`.
    unsafe fn mul_add(self, by: Self, to: Self) -> Self;
    unsafe fn mul(self, by: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    /// A bit a lane, the first lane's the lowest: whether it is at least the other's. NaN is not.
    unsafe fn reach(self, floor: Self) -> u32;
    /// `x * sigmoid(x)`, with a relative error of at most 4 + |x| times 2^-23 for negative x from -87
    /// and 4 times 2^-23 for positive x. Below -87, where the value is nearly 0, it is |x| times 2^-125
    /// off at most.
    unsafe fn silu(self) -> Self;
    /// Asks for the cache line of an address, which need not be valid.
    unsafe fn prefetch(_: *const f32) {}
}

/// The sum of all sixteen lanes, halves onto halves.
#[inline(always)]
pub(super) unsafe fn sum<L: Lanes>(values: L) -> f32 {
    let mut lanes = [0.0f32; 16];
    values.store(lanes.as_mut_ptr());
    for half in [8, 4, 2, 1] {
        let (low, high) = lanes.split_at_mut(half);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
    }
    lanes[0]
}

/// 2^f for f in -0.5..=0.5, the highest power first: the polynomial of least relative error (7.5e-8,
/// 1.6e-7 with these coefficients; the first terms of the series would be 2.4e-6 off).
const EXP2: [f32; 6] = [1.327_645_2e-3, 9.675_541e-3, 5.550_713_5e-2, 2.402_212e-1, 0.693_146_94, 1.0];
/// Exponents beyond this would leave the range of f32.
const MAX_EXPONENT: f32 = 126.0;

impl Lanes for [f32; 16] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        from.cast::<Self>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        to.cast::<Self>().write_unaligned(self);
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 16]
    }
    #[inline(always)]
    unsafe fn splat_from(from: *const f32) -> Self {
        [*from; 16]
    }
    #[inline(always)]
    unsafe fn mul_add(self, by: Self, to: Self) -> Self {
        // Two roundings: without the instruction, a fused one would be a function call.
        std::array::from_fn(|lane| self[lane] * by[lane] + to[lane])
    }
    #[inline(always)]
    unsafe fn mul(self, by: Self) -> Self {
        std::array::from_fn(|lane| self[lane] * by[lane])
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + other[lane])
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] - other[lane])
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        std::array::from_fn(|lane| if self[lane] > other[lane] { self[lane] } else { other[lane] })
    }
    #[inline(always)]
    unsafe fn reach(self, floor: Self) -> u32 {
        (0..16).fold(0, |bits, lane| bits | (u32::from(self[lane] >= floor[lane]) << lane))
    }
    #[inline(always)]
    unsafe fn silu(self) -> Self {
        self.map(|x| x / (1.0 + (-x).exp()))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx2Half, Avx512, Avx512Pairs};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::f32::consts::LOG2_E;

    use super::{Lanes, EXP2, MAX_EXPONENT};

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    impl Lanes for Avx512 {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(_mm512_loadu_ps(from))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm512_storeu_ps(to, self.0);
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(_mm512_set1_ps(value))
        }
        #[inline(always)]
        unsafe fn splat_from(from: *const f32) -> Self {
            Self(_mm512_set1_ps(*from))
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, to: Self) -> Self {
            Self(_mm512_fmadd_ps(self.0, by.0, to.0))
        }
        #[inline(always)]
        unsafe fn mul(self, by: Self) -> Self {
            Self(_mm512_mul_ps(self.0, by.0))
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(_mm512_add_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            Self(_mm512_sub_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            Self(_mm512_max_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn reach(self, floor: Self) -> u32 {
            _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, floor.0).into()
        }
        #[inline(always)]
        unsafe fn silu(self) -> Self {
            let exponent = _mm512_mul_ps(self.0, _mm512_set1_ps(-LOG2_E));
            let exponent = _mm512_max_ps(exponent, _mm512_set1_ps(-MAX_EXPONENT));
            let exponent = _mm512_min_ps(exponent, _mm512_set1_ps(MAX_EXPONENT));
            let whole = _mm512_roundscale_ps::<8>(exponent);
            let fraction = _mm512_sub_ps(exponent, whole);
            let mut power = _mm512_set1_ps(EXP2[0]);
            for coefficient in &EXP2[1..] {
                power = _mm512_fmadd_ps(power, fraction, _mm512_set1_ps(*coefficient));
            }
            let power = _mm512_scalef_ps(power, whole);
            Self(_mm512_div_ps(self.0, _mm512_add_ps(power, _mm512_set1_ps(1.0))))
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            _mm_prefetch::<_MM_HINT_T0>(from.cast());
        }
    }

    /// One register of AVX-512: what is multiplied are pairs of bfloat16, sums and anything else are f32.
    #[derive(Clone, Copy)]
    pub struct Avx512Pairs(Avx512);

    impl Lanes for Avx512Pairs {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(Avx512::load(from))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            self.0.store(to);
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(Avx512::splat(value))
        }
        #[inline(always)]
        unsafe fn splat_from(from: *const f32) -> Self {
            // Bits, not a number: that of a pair is none in particular.
            Self(Avx512(_mm512_castsi512_ps(_mm512_set1_epi32(from.cast::<i32>().read()))))
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, to: Self) -> Self {
            let [pairs, by]: [__m512bh; 2] =
                [std::mem::transmute::<__m512, __m512bh>(self.0 .0), std::mem::transmute::<__m512, __m512bh>(by.0 .0)];
            Self(Avx512(_mm512_dpbf16_ps(to.0 .0, pairs, by)))
        }
        #[inline(always)]
        unsafe fn mul(self, by: Self) -> Self {
            Self(self.0.mul(by.0))
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(self.0.add(other.0))
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            Self(self.0.sub(other.0))
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            Self(self.0.max(other.0))
        }
        #[inline(always)]
        unsafe fn reach(self, floor: Self) -> u32 {
            self.0.reach(floor.0)
        }
        #[inline(always)]
        unsafe fn silu(self) -> Self {
            Self(self.0.silu())
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            Avx512::prefetch(from);
        }
    }

    /// One register of AVX2: half of a block.
    #[derive(Clone, Copy)]
    pub struct Avx2Half(__m256);

    impl Lanes for Avx2Half {
        const WIDTH: usize = 8;
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(_mm256_loadu_ps(from))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm256_storeu_ps(to, self.0);
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(_mm256_set1_ps(value))
        }
        #[inline(always)]
        unsafe fn splat_from(from: *const f32) -> Self {
            Self(_mm256_set1_ps(*from))
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, to: Self) -> Self {
            Self(_mm256_fmadd_ps(self.0, by.0, to.0))
        }
        #[inline(always)]
        unsafe fn mul(self, by: Self) -> Self {
            Self(_mm256_mul_ps(self.0, by.0))
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(_mm256_add_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            Self(_mm256_sub_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            Self(_mm256_max_ps(self.0, other.0))
        }
        #[inline(always)]
        unsafe fn reach(self, floor: Self) -> u32 {
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(self.0, floor.0)) as u32
        }
        #[inline(always)]
        unsafe fn silu(self) -> Self {
            let exponent = _mm256_mul_ps(self.0, _mm256_set1_ps(-LOG2_E));
            let exponent = _mm256_max_ps(exponent, _mm256_set1_ps(-MAX_EXPONENT));
            let exponent = _mm256_min_ps(exponent, _mm256_set1_ps(MAX_EXPONENT));
            let whole = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(exponent);
            let fraction = _mm256_sub_ps(exponent, whole);
            let mut power = _mm256_set1_ps(EXP2[0]);
            for coefficient in &EXP2[1..] {
                power = _mm256_fmadd_ps(power, fraction, _mm256_set1_ps(*coefficient));
            }
            // 2^whole by its bits: the biased exponent of an f32 starts at bit 23.
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
            let scale = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased));
            Self(_mm256_div_ps(self.0, _mm256_fmadd_ps(power, scale, _mm256_set1_ps(1.0))))
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            _mm_prefetch::<_MM_HINT_T0>(from.cast());
        }
    }

    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    pub struct Avx2(Avx2Half, Avx2Half);

    impl Lanes for Avx2 {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(Avx2Half::load(from), Avx2Half::load(from.add(8)))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            self.0.store(to);
            self.1.store(to.add(8));
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            let all = Avx2Half::splat(value);
            Self(all, all)
        }
        #[inline(always)]
        unsafe fn splat_from(from: *const f32) -> Self {
            Self::splat(*from)
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, to: Self) -> Self {
            Self(self.0.mul_add(by.0, to.0), self.1.mul_add(by.1, to.1))
        }
        #[inline(always)]
        unsafe fn mul(self, by: Self) -> Self {
            Self(self.0.mul(by.0), self.1.mul(by.1))
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(self.0.add(other.0), self.1.add(other.1))
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            Self(self.0.sub(other.0), self.1.sub(other.1))
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            Self(self.0.max(other.0), self.1.max(other.1))
        }
        #[inline(always)]
        unsafe fn reach(self, floor: Self) -> u32 {
            self.0.reach(floor.0) | (self.1.reach(floor.1) << 8)
        }
        #[inline(always)]
        unsafe fn silu(self) -> Self {
            Self(self.0.silu(), self.1.silu())
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            Avx2Half::prefetch(from);
        }
    }
}
