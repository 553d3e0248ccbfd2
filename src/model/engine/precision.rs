//! In which arithmetic a network runs.

use candle_core::DType;
use serde::{Deserialize, Serialize};

/// The arithmetic of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32 throughout.
    #[default]
    F32,
    /// float32 values, whose products a GPU rounds to 10 bits of mantissa first.
    Tf32,
    /// float16 values. cuDNN adds up its convolutions in float16 too, as candle calls it.
    F16,
    /// bfloat16 values, added up in float32. On the processor the factors of convolutions alone are bfloat16.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F32, Self::Tf32, Self::F16, Self::Bf16];

    /// Its name in records: `f32`, `tf32`, `f16`, `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// The numbers of our own kernels on a GPU.
    #[cfg(feature = "cuda")]
    pub(crate) fn format(self) -> crate::kernels::gpu::Format {
        use crate::kernels::gpu::Format;
        match self {
            Self::F32 => Format::F32,
            Self::Tf32 => Format::Tf32,
            Self::F16 => Format::F16,
            Self::Bf16 => Format::Bf16,
        }
    }

    /// The type of its values.
    pub(super) fn dtype(self) -> DType {
        match self {
            Self::F32 | Self::Tf32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_call_it_by_its_name() {
        for precision in Precision::ALL {
            assert_eq!(serde_json::to_value(precision).expect("a name"), precision.name());
        }
    }
}
