//! Where a network runs, and in which arithmetic.

use std::fmt;
use std::str::FromStr;

use candle_core::{DType, Result as Candle, Shape, Tensor};

use crate::model::ModelError;

/// A device that can run the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number, in builds with the feature `cuda`.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = ModelError;

    /// Reads `cpu`, `cuda` (the first GPU) or `cuda:N`.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        let unknown = || ModelError::UnknownDevice { name: name.to_owned() };
        match name.split_once(':').unwrap_or((name, "0")) {
            ("cpu", "0") if !name.contains(':') => Ok(Self::Cpu),
            ("cuda", number) => number.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// The arithmetic of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// float32 throughout.
    #[default]
    F32,
    /// float32 values, whose products a GPU may round to 10 bits of mantissa first.
    Tf32,
    /// float16 values.
    F16,
    /// bfloat16 values.
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

    fn dtype(self) -> DType {
        match self {
            Self::F32 | Self::Tf32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

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

    /// Opens a device.
    ///
    /// # Errors
    /// A GPU that this build or this machine does not have, and another arithmetic than float32 on
    /// the processor.
    pub fn open(device: Device, precision: Precision) -> Result<Self, ModelError> {
        let opened = match device {
            Device::Cpu if precision == Precision::F32 => candle_core::Device::Cpu,
            Device::Cpu => return Err(ModelError::NoSuchPrecision { precision: precision.name(), device }),
            Device::Cuda(number) => {
                check_override(precision)?;
                cuda(number, precision)
                    .map_err(|reason| ModelError::NoDevice { device, reason: first_line(&reason) })?
            }
        };
        Ok(Self { device: opened, dtype: precision.dtype() })
    }

    /// A tensor of values, row-major.
    pub fn tensor(&self, values: &[f32], shape: impl Into<Shape>) -> Candle<Tensor> {
        Tensor::from_slice(values, shape.into(), &self.device)?.to_dtype(self.dtype)
    }
}

/// What NVIDIA's libraries read when they are loaded: 0 forbids them TF32, which cuDNN's convolutions
/// otherwise use for float32 without a word.
const TF32_OVERRIDE: &str = "NVIDIA_TF32_OVERRIDE";

/// Refuses an environment in which float32 would be TF32, or TF32 float32.
fn check_override(precision: Precision) -> Result<(), ModelError> {
    let forbids = std::env::var(TF32_OVERRIDE).is_ok_and(|value| value == "0");
    match (precision, forbids) {
        (Precision::F32, false) => Err(ModelError::Tf32Override { precision: precision.name(), needed: "to be 0" }),
        (Precision::Tf32, true) => Err(ModelError::Tf32Override { precision: precision.name(), needed: "not to be 0" }),
        _ => Ok(()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize, _: Precision) -> Result<candle_core::Device, String> {
    Err("this build has no CUDA: build it with the feature `cuda` (tests/cuda/build.sh needs no toolkit)".to_owned())
}

/// A GPU, or why there is none.
///
/// cudarc panics where a library is missing, so the probe catches that, and keeps its message from the
/// terminal meanwhile.
#[cfg(feature = "cuda")]
fn cuda(number: usize, precision: Precision) -> Result<candle_core::Device, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(|| candle_core::Device::new_cuda(number));
    std::panic::set_hook(hook);
    let device = match opened {
        Ok(Ok(device)) => device,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(panic) => return Err(panic_text(panic.as_ref())),
    };
    candle_core::cuda::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
    Ok(device)
}

#[cfg(feature = "cuda")]
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "no CUDA".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse::<Device>().expect("its own name"), device);
        }
        assert_eq!("cuda".parse::<Device>().expect("the first"), Device::Cuda(0));
        for name in ["", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "gpu", "cuda:0:0"] {
            assert!(name.parse::<Device>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_processor_computes_in_float32_only() {
        assert!(Place::open(Device::Cpu, Precision::F32).is_ok());
        for precision in [Precision::Tf32, Precision::F16, Precision::Bf16] {
            let error = Place::open(Device::Cpu, precision).expect_err("refused");
            assert!(error.to_string().contains(precision.name()), "{error}");
        }
    }

    #[test]
    fn tf32_is_never_silent() {
        // The environment of a test is not changed, since other tests read it at the same time.
        let forbids = std::env::var(TF32_OVERRIDE).is_ok_and(|value| value == "0");
        assert_eq!(check_override(Precision::F32).is_ok(), forbids);
        assert_eq!(check_override(Precision::Tf32).is_ok(), !forbids);
        assert!(check_override(Precision::Bf16).is_ok());
    }

    /// On a machine with a GPU and a build for it there is nothing to refuse.
    #[test]
    fn a_missing_gpu_is_a_sentence() {
        if let Err(error) = Place::open(Device::Cuda(4096), Precision::Bf16) {
            let text = error.to_string();
            assert!(text.contains("cuda:4096") && !text.contains('\n') && text.len() > 40, "{text}");
        }
    }
}
