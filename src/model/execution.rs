//! How the image network is computed.

use serde::{Deserialize, Serialize};

use super::engine::{Device, Place, Precision};
use super::ModelError;

/// What computes the image network. All engines run the same graph with the same weights and agree
/// to the rounding of their arithmetic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// candle, operation by operation: the definition.
    Candle,
    /// The graph lowered onto this crate's kernels: the processor's ([`Plan`](super::plan::Plan)), or on a GPU a GPU's
    /// ([`DevicePlan`](super::device_plan::DevicePlan)), where what follows the network is computed as well.
    #[default]
    Fast,
    /// As [`Engine::Fast`] on the processor, every convolution as the sum it is: none by Winograd's minimal filtering.
    FastExact,
    /// As [`Engine::Candle`] on a GPU, and what follows the network there as well, by this crate's kernels.
    Device,
    /// As [`Engine::Device`], the network's launches recorded once as a CUDA graph and replayed for each batch.
    Graph,
}

impl Engine {
    /// The engines of the processor.
    pub const ON_CPU: [Self; 3] = [Self::Candle, Self::Fast, Self::FastExact];

    /// Its name in records: `candle`, `fast`, `fast-exact`, `device`, `graph`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Fast => "fast",
            Self::FastExact => "fast-exact",
            Self::Device => "device",
            Self::Graph => "graph",
        }
    }

    /// Whether the processor has an arithmetic by it.
    fn computes(self, precision: Precision) -> bool {
        match precision {
            Precision::F32 => true,
            Precision::Bf16 => matches!(self, Self::Fast | Self::FastExact),
            Precision::Tf32 | Precision::F16 => false,
        }
    }

    fn is_there(self, device: Device) -> bool {
        match self {
            Self::Candle | Self::Fast => true,
            Self::FastExact => device == Device::Cpu,
            Self::Device | Self::Graph => device != Device::Cpu,
        }
    }
}

/// Where the network runs, by what, and in which arithmetic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Execution {
    /// The device.
    pub device: Device,
    /// The engine.
    pub engine: Engine,
    /// The arithmetic.
    pub precision: Precision,
}

impl Execution {
    /// Whether this build and this machine can run so; a GPU is opened to find out.
    ///
    /// # Errors
    /// An engine or an arithmetic that the device does not have, and a device that is not there.
    pub fn check(self) -> Result<(), ModelError> {
        self.open().map(|_| ())
    }

    /// Whether a network's outputs stay in a GPU's memory, and become detections there.
    pub fn leaves_outputs_on_device(self) -> bool {
        match self.engine {
            Engine::Device | Engine::Graph => true,
            Engine::Fast => self.device != Device::Cpu,
            Engine::Candle | Engine::FastExact => false,
        }
    }

    /// Opens the device.
    pub(super) fn open(self) -> Result<Place, ModelError> {
        if !self.engine.is_there(self.device) {
            return Err(ModelError::NoSuchEngine { engine: self.engine.name(), device: self.device });
        }
        match (self.device, self.precision) {
            (Device::Cpu, precision) if !self.engine.computes(precision) => {
                Err(ModelError::NoSuchPrecision { precision: precision.name(), engine: self.engine.name() })
            }
            (device, precision) => Place::open(device, precision),
        }
    }
}

impl From<Device> for Execution {
    /// The default engine on a device: our kernels, wherever that is.
    fn from(device: Device) -> Self {
        Self { device, ..Self::default() }
    }
}

impl From<Engine> for Execution {
    /// An engine on the default device.
    fn from(engine: Engine) -> Self {
        Self { engine, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_has_a_default_engine_that_it_can_run() {
        assert!(Execution::from(Device::Cpu).check().is_ok());
        assert_eq!(Execution::from(Device::Cuda(1)).engine, Engine::Fast);
        assert!(Engine::Fast.is_there(Device::Cuda(1)));
    }

    #[test]
    fn the_processor_computes_in_float32_and_by_its_kernels_in_bfloat16() {
        for (engine, precision) in Engine::ON_CPU.iter().flat_map(|&engine| Precision::ALL.map(|other| (engine, other)))
        {
            let opened = Execution { precision, ..Execution::from(engine) }.check();
            let is_bf16 = precision == Precision::Bf16 && engine != Engine::Candle;
            assert_eq!(opened.is_ok(), precision == Precision::F32 || is_bf16, "{engine:?} {precision:?}");
            if let Err(error) = opened {
                let error = error.to_string();
                assert!(error.contains(precision.name()) && error.contains(engine.name()), "{error}");
            }
        }
    }

    #[test]
    fn what_is_exact_is_the_processor_s() {
        let on = |engine| Execution { engine, ..Execution::from(Device::Cuda(4096)) };
        let error = on(Engine::FastExact).check().expect_err("refused");
        assert!(matches!(error, ModelError::NoSuchEngine { .. }), "{error}");
        // No machine has so many GPUs, which is what is missing.
        let error = on(Engine::Fast).check().expect_err("refused");
        assert!(matches!(error, ModelError::NoDevice { .. }), "{error}");
    }

    #[test]
    fn our_own_kernels_leave_outputs_where_they_run() {
        assert!(!Execution::from(Engine::Fast).leaves_outputs_on_device());
        assert!(Execution { device: Device::Cuda(0), ..Execution::from(Engine::Fast) }.leaves_outputs_on_device());
        assert!(!Execution { device: Device::Cuda(0), ..Execution::from(Engine::Candle) }.leaves_outputs_on_device());
    }

    #[test]
    fn the_engines_on_a_device_are_a_gpu_s() {
        for engine in [Engine::Device, Engine::Graph] {
            let error = Execution::from(engine).check().expect_err("refused").to_string();
            assert!(error.contains(engine.name()) && error.contains("cpu"), "{error}");
            // No machine has so many GPUs.
            let error = Execution { engine, ..Execution::from(Device::Cuda(4096)) }.check().expect_err("refused");
            assert!(matches!(error, ModelError::NoDevice { .. }), "{error}");
        }
    }
}
