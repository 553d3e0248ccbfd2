//! A device opened in one arithmetic.

use candle_core::{DType, Result as Candle, Shape, Tensor};

use super::{cuda, Device, Precision};
use crate::model::ModelError;

/// An opened device with the type its values have there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub device: candle_core::Device,
    pub dtype: DType,
}

impl Place {
    /// float32 on the processor.
    pub fn cpu() -> Self {
        Self { device: candle_core::Device::Cpu, dtype: DType::F32 }
    }

    /// Opens a device, the processor in float32: what else it computes in, it makes of float32 values.
    ///
    /// # Errors
    /// A GPU that this build or this machine does not have, and an environment in which a GPU's arithmetic would be
    /// another than asked for.
    pub fn open(device: Device, precision: Precision) -> Result<Self, ModelError> {
        let opened = match device {
            Device::Cpu => return Ok(Self::cpu()),
            Device::Cuda(number) => {
                let no_device = |reason| ModelError::NoDevice { device, reason };
                cuda::check_libraries().map_err(no_device)?;
                check_override(precision, tf32_override().as_deref())?;
                cuda::open(number, precision).map_err(no_device)?
            }
        };
        Ok(Self { device: opened, dtype: precision.dtype() })
    }

    /// A tensor of values, row-major.
    pub fn tensor(&self, values: &[f32], shape: impl Into<Shape>) -> Candle<Tensor> {
        Tensor::from_slice(values, shape.into(), &self.device)?.to_dtype(self.dtype)
    }
}

fn tf32_override() -> Option<String> {
    std::env::var("NVIDIA_TF32_OVERRIDE").ok()
}

/// Refuses an environment in which float32 would be TF32, or TF32 float32.
///
/// NVIDIA's libraries read NVIDIA_TF32_OVERRIDE when they are loaded: 0 forbids them TF32, which cuDNN's
/// convolutions otherwise use for float32 without a word.
fn check_override(precision: Precision, value: Option<&str>) -> Result<(), ModelError> {
    let needed = match (precision, value == Some("0")) {
        (Precision::F32, false) if cfg!(feature = "cudnn") => "to be 0",
        (Precision::Tf32, true) => "not to be 0",
        _ => return Ok(()),
    };
    Err(ModelError::Tf32Override { precision: precision.name(), needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tf32_is_never_silent() {
        let silent = check_override(Precision::F32, None).is_ok() || check_override(Precision::F32, Some("1")).is_ok();
        assert_eq!(silent, !cfg!(feature = "cudnn"), "without cuDNN nothing takes TF32 unasked");
        assert!(check_override(Precision::F32, Some("0")).is_ok());
        let forbidden = check_override(Precision::Tf32, Some("0")).expect_err("TF32 is asked for").to_string();
        assert!(forbidden.contains("tf32") && forbidden.contains("not to be 0"), "{forbidden}");
        assert!(check_override(Precision::Tf32, None).is_ok());
        assert!(check_override(Precision::Bf16, None).is_ok());
    }

    /// No machine has so many, whatever the build.
    #[test]
    fn a_missing_gpu_is_a_sentence() {
        let error = Place::open(Device::Cuda(4096), Precision::Bf16).expect_err("no such GPU").to_string();
        assert!(error.contains("cuda:4096") && !error.contains('\n') && error.len() > 40, "{error}");
        if !cfg!(feature = "cuda") {
            assert!(error.ends_with("this binary was built without CUDA: cargo build --release --features cuda"));
        }
    }
}
