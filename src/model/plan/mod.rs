//! A network's graph lowered once onto the CPU's kernels: the default engine.
//!
//! Takes the [`Graph`](super::network::Graph) that candle's executor runs as well, and the weights of
//! its parameters; gives the same values to float32 rounding, or those of bfloat16 where [`Arithmetic`]
//! says so. It refuses parameters that are not finite; the graph's structure it takes for granted.
//!
//! Lowering decides where every value lies. Channels are cut so that each part of a slice or a
//! concatenation starts a block of lanes; slices and concatenations then cost nothing, as whatever is
//! computed is written where it is needed (`segments`, `nesting`). A value that is needed in two
//! places is copied into the second. Values that are not needed at the same time share memory
//! (`slots`). Normalisations are folded, weights packed, bias, SiLU and residual sums are part of
//! their convolution, and what depends on the texts alone is computed once for them (`prepared`). An upsampling that one
//! convolution alone reads is left to it (`doubling`): where minimal filtering doubles an input on the way, and where a
//! pointwise convolution of a concatenation can sum over the upsampled channels before they are doubled.
//! Running it computes one image at a time in a workspace, of which there is one a caller.
//!
//! In bfloat16 convolutions and text attention multiply rounded values; maps, sums and everything else stay float32.
//!
//! Nothing is fused away that has a name: a trace sees every value that candle's executor has.
mod attention;
mod contrast;
mod distances;
mod doubling;
mod enhancer;
mod executor;
mod layout;
mod lowering;
mod nesting;
mod prepared;
mod rows;
mod segments;
mod slots;
mod workspace;

pub use executor::Plan;
pub use lowering::Arithmetic;

pub(super) use contrast::Contrast;
pub(super) use layout::Layout;
pub(super) use lowering::TextSource;
pub(super) use nesting::readers;
pub(super) use rows::{rows_shape, whole, write_rows, LayerNorm, Linear};
