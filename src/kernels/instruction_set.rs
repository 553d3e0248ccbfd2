//! Which vector instructions a kernel is made of.

use super::maps::LANES;

/// Vector instructions, chosen at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstructionSet {
    /// What any machine of the target runs.
    Portable,
    /// AVX2 with FMA: 16 registers of 8 values.
    Avx2,
    /// AVX-512 F and DQ: 32 registers of 16 values.
    Avx512,
}

/// `kernel`, which gives what an expression over a type of lanes is compiled to for an instruction set.
macro_rules! kernel_by_instruction_set {
    ($kernel:ty, $lanes:ident, |$($argument:ident: $type:ty),+| $body:expr) => {
        fn kernel(set: InstructionSet) -> $kernel {
            unsafe fn portable($($argument: $type),+) {
                type $lanes = [f32; 16];
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($argument: $type),+) {
                type $lanes = super::lanes::Avx2;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq")]
            unsafe fn avx512($($argument: $type),+) {
                type $lanes = super::lanes::Avx512;
                $body
            }
            match set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 => avx512,
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => avx2,
                _ => portable,
            }
        }
    };
}
pub(super) use kernel_by_instruction_set;

impl InstructionSet {
    /// The best that this machine has.
    pub fn detect() -> Self {
        *Self::available().last().expect("every machine runs the portable kernels")
    }

    /// All that this machine has, the best last.
    pub fn available() -> Vec<Self> {
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        all.into_iter().filter(|set| set.is_available()).collect()
    }

    /// Whether this machine has it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq"),
        }
    }

    /// Whether this machine has it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Portable
    }

    /// Whether this machine multiplies pairs of bfloat16 beside it.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn multiplies_pairs(self) -> bool {
        self == Self::Avx512 && is_x86_feature_detected!("avx512bf16")
    }

    /// Whether this machine multiplies pairs of bfloat16 beside it.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn multiplies_pairs(self) -> bool {
        false
    }

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Blocks of output channels a tile covers.
    pub(super) fn tile_blocks(self) -> usize {
        match self {
            Self::Avx512 => 2,
            Self::Avx2 | Self::Portable => 1,
        }
    }

    /// Input blocks whose weights for a tile's output channels, with so many values a pair of blocks
    /// and output lane, stay in a first-level cache beside the inputs.
    pub(super) fn panel_planes(self, taps: usize) -> usize {
        let bytes = match self {
            Self::Avx512 => 24 << 10,
            Self::Avx2 | Self::Portable => 18 << 10,
        };
        (bytes / (taps * self.tile_blocks() * LANES * size_of::<f32>())).max(1)
    }

    /// Most pixels a tile covers, so that all its sums stay in registers.
    pub(super) fn tile_pixels(self) -> usize {
        match self {
            Self::Avx512 => 14,
            Self::Avx2 => 6,
            Self::Portable => 2,
        }
    }
}
