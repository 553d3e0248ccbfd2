//! Kernels for a GPU: the network's, and for what follows it boxes, candidates, suppression, masks.
//!
//! The kernels are CUDA C++ (`*.cu`). With the feature `cuda` they are compiled into the binary and run on NVIDIA's
//! GPUs. What follows the network uses neither barriers nor shared memory, so that a host compiler takes the same
//! source, and the tests hold it to `detection` that way on machines without a GPU. The network's kernels (convolutions,
//! attention, pooling) work in blocks, in one of the formats of numbers ([`Format`]). Whatever runs them is an
//! [`Accelerator`]; the functions here check what a kernel will touch before it is launched.
mod accelerator;
mod candidates;
mod convolution;
#[cfg(feature = "cuda")]
mod cuda;
mod guidance;
mod maps;
mod masks;
#[cfg(feature = "cuda")]
mod memory;
mod pixels;
#[cfg(feature = "cuda")]
mod recorded;
mod suppression;
mod tile;

pub use accelerator::{Accelerator, Argument, Blocks, Format, Kernel, Source};
pub use candidates::{best_candidates, collect_candidates, decode_boxes, expected_distances, Grid, Ranked, Scored};
pub use convolution::{
    convolve, convolve_in, Convolution, ConvolutionOutput, ConvolutionScratch, Filter, WeightPlaces,
};
#[cfg(feature = "cuda")]
pub use cuda::CudaAccelerator;
pub use guidance::{attend, attend_tokens, pool_tokens, Attend, AttendTokens, PoolTokens};
pub use maps::{add_maps, copy_maps, inverse_lengths, pool_maps, upsample_maps, write_bytes, write_planes, Planar};
pub use masks::{
    assemble_masks, describe, gather_coefficients, mask_probabilities, place_masks, Canvas, MaskPass, HEAD,
    MASK_CHANNELS, RECORD,
};
pub use pixels::Pixels;
#[cfg(feature = "cuda")]
pub use recorded::Recorded;
pub use suppression::{suppress, Suppression, Survivors};
pub use tile::{choose, Tile, TILES};
