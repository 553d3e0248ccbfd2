//! Kernels for what follows the network on a GPU: boxes, candidates, suppression, masks.
//!
//! The kernels are CUDA C++ (`*.cu`). With the feature `cuda` they are compiled into the binary and run on NVIDIA's
//! GPUs; they use neither barriers nor shared memory, so that a host compiler takes the same source, and the tests
//! hold it to `detection` that way on machines without a GPU. Whatever runs them is an [`Accelerator`]; the functions
//! here check what a kernel will touch before it is launched.
mod accelerator;
mod candidates;
#[cfg(feature = "cuda")]
mod cuda;
mod masks;
#[cfg(feature = "cuda")]
mod memory;
#[cfg(feature = "cuda")]
mod recorded;
mod suppression;

pub use accelerator::{Accelerator, Argument, Kernel, Source};
pub use candidates::{best_candidates, collect_candidates, decode_boxes, expected_distances, Grid, Ranked, Scored};
#[cfg(feature = "cuda")]
pub use cuda::CudaAccelerator;
pub use masks::{
    assemble_masks, describe, gather_coefficients, mask_probabilities, place_masks, Canvas, MaskPass, HEAD,
    MASK_CHANNELS, RECORD,
};
#[cfg(feature = "cuda")]
pub use recorded::Recorded;
pub use suppression::{suppress, Suppression, Survivors};
