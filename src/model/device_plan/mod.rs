//! A network's graph lowered once onto a GPU's kernels.
//!
//! Takes the [`Graph`](super::network::Graph) that candle's executor runs as well, and the weights of its parameters;
//! gives the same values to the rounding of a [`Format`](crate::kernels::gpu::Format). It refuses parameters that are
//! not finite, and operations of sizes that no kernel has; the graph's structure it takes for granted.
//!
//! Where every value lies is what the processor's plan decides ([`plan`](super::plan)): a map of its layout is here a
//! buffer of pixels, each with all its channels, so that slices and concatenations cost nothing. [`Lowered`] holds
//! steps and packed parameters in the host's memory; a [`DevicePlan`] has them on a machine. All memory is allocated
//! before anything is launched, and what depends on the texts alone is computed once for them: launching a batch
//! allocates, reads and writes nothing, so that it can be recorded and replayed.
mod enhancing;
mod lowering;
mod numbers;
#[cfg(feature = "cuda")]
mod recorded;
mod room;
mod run;
mod steps;

pub use lowering::Lowered;
pub use run::DevicePlan;

#[cfg(feature = "cuda")]
pub(super) use recorded::PlannedNetwork;
