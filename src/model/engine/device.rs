//! Where a network runs.

/// A device that can run the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
}

impl Device {
    pub(crate) fn candle(self) -> candle_core::Device {
        match self {
            Device::Cpu => candle_core::Device::Cpu,
        }
    }
}
