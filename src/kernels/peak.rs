//! What the vector units can do at most: the yardstick of the kernels' benchmark.

use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};

/// Independent chains of multiply-adds, as many as hide an instruction's latency and fit registers.
macro_rules! chains {
    ($name:ident: $lanes:ty, $attribute:meta, $($chain:ident)+) => {
        #[$attribute]
        unsafe fn $name(starts: &[[f32; 16]; 12], rounds: u64) -> (f32, u64) {
            let (factor, term) = (<$lanes>::splat(0.5), <$lanes>::splat(1.0));
            // No two registers start alike: equal ones would be merged, and half of the work with them.
            let mut start = starts.as_ptr();
            $(
                let mut $chain = <$lanes>::load(start.cast());
                start = start.wrapping_add(1);
            )+
            std::hint::black_box(start);
            for _ in 0..rounds {
                $($chain = $chain.mul_add(factor, term);)+
            }
            let mut sum = <$lanes>::splat(0.0);
            $(sum = sum.add($chain);)+
            let mut lanes = [0.0; 16];
            sum.store(lanes.as_mut_ptr());
            // All lanes count: half of the work would be left out otherwise.
            (lanes.iter().sum(), rounds * 2 * 16 * [$(stringify!($chain)),+].len() as u64)
        }
    };
}

chains!(portable: [f32; 16], inline(never), a b);
#[cfg(target_arch = "x86_64")]
chains!(avx2: Avx2, target_feature(enable = "avx2,fma"), a b c d e f);
#[cfg(target_arch = "x86_64")]
chains!(avx512: Avx512, target_feature(enable = "avx512f,avx512dq"), a b c d e f g h i j k l);

/// Multiplies and adds in registers only, `rounds` times; returns a result, which the caller should
/// keep from being optimised away, and the number of floating-point operations (two a multiply-add).
///
/// # Panics
///
/// If the machine has no such instructions.
pub fn multiply_adds(set: InstructionSet, rounds: u64) -> (f32, u64) {
    assert!(set.is_available(), "this machine has no {}", set.name());
    let starts = std::array::from_fn(|chain| std::array::from_fn(|lane| (16 * chain + lane) as f32));
    let starts = std::hint::black_box(&starts);
    // SAFETY: the machine has the instructions, and no set has more than twelve chains.
    unsafe {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512(starts, rounds),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2(starts, rounds),
            _ => portable(starts, rounds),
        }
    }
}
