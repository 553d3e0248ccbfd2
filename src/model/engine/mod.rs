//! Executes a network's graph on a device.
//!
//! Takes a [`Graph`](super::network::Graph) and the weights of its parameters; gives the values of
//! the graph for a batch of images. The executor here is candle's, op by op: it is the yardstick that
//! faster engines, which lower the same graph, are held to. It refuses parameters that are not
//! finite; the graph's structure it takes for granted.
mod device;
mod executor;
mod layers;
mod text_layers;

pub use device::{Device, Precision};
pub use executor::{Network, Trace, Traced};

pub(crate) use device::Place;
pub(crate) use layers::{LayerNorm, Linear};
