//! From class prompts to class embeddings, with the checkpoint's own text encoder.
//!
//! Takes prompts as plain text; gives [`TextEmbeddings`]: one row of Euclidean length 1 a prompt, in
//! the prompts' order. Equal prompts get bit-identical rows. [`TextEncoder`] computes them by candle or
//! by this crate's kernels, which agree to float32 rounding; [`TextCache`] keeps them on disk.
//! Refuses an empty list, a list of more than [`TextEmbeddings::MAX_CLASSES`], and prompts of more
//! than [`Tokenizer::MAX_TOKENS`] tokens: the reference would fail on these as well, it never
//! truncates.
//!
//! ```
//! use zoobench::model::text::Tokenizer;
//! let tokens = Tokenizer::new().encode("aerosol can");
//! assert_eq!(tokens, [49406, 10196, 9941, 753, 49407]);
//! ```
mod cache;
mod embeddings;
mod encoder;
mod fast_tower;
mod parameters;
mod prefixes;
mod reference_tower;
mod tokenizer;

pub use cache::TextCache;
pub use embeddings::TextEmbeddings;
pub use encoder::TextEncoder;
pub use tokenizer::Tokenizer;

pub(crate) use parameters::{parameters, PROJECTION, TRANSFORMER};
