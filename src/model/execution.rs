//! How the image network is computed.

use super::engine::{Device, Precision};

/// What computes the image network. All engines run the same graph with the same weights and agree
/// to float32 rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// candle, operation by operation: the definition.
    Candle,
    /// The graph lowered onto this crate's kernels ([`Plan`](super::plan::Plan)).
    #[default]
    Fast,
    /// As [`Engine::Fast`], every convolution as the sum it is: none by Winograd's minimal filtering.
    FastExact,
}

impl Engine {
    /// All engines.
    pub const ALL: [Self; 3] = [Self::Candle, Self::Fast, Self::FastExact];

    /// Its name in records: `candle`, `fast`, `fast-exact`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Fast => "fast",
            Self::FastExact => "fast-exact",
        }
    }

    /// The engine of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

/// Where the network runs, by what, and in which arithmetic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Execution {
    /// The device.
    pub device: Device,
    /// The engine.
    pub engine: Engine,
    /// The arithmetic.
    pub precision: Precision,
}

impl From<Device> for Execution {
    /// The default engine of a device: our kernels on the processor, candle's on a GPU.
    fn from(device: Device) -> Self {
        let engine = match device {
            Device::Cpu => Engine::Fast,
            Device::Cuda(_) => Engine::Candle,
        };
        Self { device, engine, precision: Precision::default() }
    }
}

impl From<Engine> for Execution {
    /// An engine on the default device.
    fn from(engine: Engine) -> Self {
        Self { engine, ..Self::default() }
    }
}
