//! Executes a network's graph on a device.
//!
//! Takes a [`Graph`](super::network::Graph) and the weights of its parameters; gives the values of
//! the graph for a batch of images. The executor here is candle's, op by op, on the processor in float32
//! and on an NVIDIA GPU in any [`Precision`]: on the processor it is the yardstick that faster engines,
//! which lower the same graph, are held to. It refuses parameters that are not finite, and a device or an
//! arithmetic that is not there; the graph's structure it takes for granted.
mod cuda;
mod device;
mod executor;
#[cfg(feature = "cuda")]
mod gpu_thread;
mod layers;
mod libraries;
#[cfg(feature = "cuda")]
mod on_device;
mod place;
mod precision;
mod text_layers;

pub use device::Device;
pub use executor::{Network, Trace, Traced};
pub use libraries::{Library, SearchPath, Wheel};
pub use precision::Precision;

pub(crate) use executor::wanted_values;
#[cfg(feature = "cuda")]
pub(crate) use gpu_thread::GpuThread;
pub(crate) use layers::{LayerNorm, Linear};
#[cfg(feature = "cuda")]
pub(crate) use on_device::{DeviceNetwork, DeviceOutputs};
pub(crate) use place::Place;
