//! Convolutions and their neighbours on the CPU, as fast as the machine's vector units.
//!
//! Takes [`Maps`]: feature maps in blocks of sixteen channels, with a border of zeros, so that a
//! convolution needs neither padding nor rearranging; and weights packed once for an
//! [`InstructionSet`]. Writes into [`View`]s of maps: a concatenation is several views side by side.
//! A convolution can double its input's rows and columns on the way ([`ConvolutionSpec::doubled`]).
//! Convolutions and guides multiply float32 values, or the same rounded to bfloat16 (`Convolution::bf16`, `Guide::bf16`).
//! It knows no network and refuses nothing: views and shapes that do not fit together are a
//! programmer's error and panic before any memory is touched.
//!
//! Beside them stand the classes of bytes that text is scanned by ([`non_digits`], [`text_marks`]).
//!
//! This is the only room with `unsafe`; what it gives is safe to call. Every kernel is one generic
//! function over `Lanes`, compiled for each instruction set and chosen at run time.
//!
//! ```
//! use zoobench::kernels::{
//!     lane_map, Convolution, ConvolutionSpec, InstructionSet, Maps, MapsShape, Operands, Scratch, View,
//! };
//! let shape = MapsShape { blocks: 1, height: 4, width: 6, border: 1 };
//! let mut maps = vec![Maps::new(shape), Maps::new(shape)];
//! maps[0].write_channel(0, &[1.0; 24]);
//! let lanes = lane_map(&[1]);
//! let spec = ConvolutionSpec {
//!     weights: &[1.0; 9], bias: &[0.5], kernel: 3, stride: 1, doubled: false, silu: false, input: &lanes, output: &lanes,
//! };
//! let convolution = Convolution::new(&spec, InstructionSet::detect(), false);
//! let [from, to] = [0, 1].map(|maps| View { maps, block: 0, blocks: 1 });
//! convolution.run(&mut maps, &mut Scratch::default(), Operands::new(from, to), false);
//! assert_eq!(maps[1].read_channel(0)[..2], [4.5, 6.5]);
//! ```
mod ahead;
mod attention;
mod bytes;
mod class_scores;
mod convolution;
mod direct;
mod elementwise;
mod factors;
pub mod gpu;
mod instruction_set;
mod lanes;
mod logistic;
mod maps;
mod memory;
mod normalise;
mod parallel;
mod peak;
mod resample;
mod rising_floor;
mod rough_scores;
mod text_score;
mod tile;
mod winograd;
mod winograd_rows;
mod winograd_transform;

pub use attention::{Attention, Seen};
pub use bytes::{differences, non_digits, text_marks, BLOCK};
pub use class_scores::{class_scores, class_scores_above, ClassScore, ClassVectors};
pub use convolution::{Convolution, ConvolutionSpec, Operands};
pub use elementwise::{add, copy, scale_pixels, squared_lengths};
pub use instruction_set::InstructionSet;
pub use logistic::{add_scaled, logistic, logistic_row, mix_above, mix_rows};
pub use maps::{lane_map, Maps, MapsShape, View, LANES};
pub use memory::Scratch;
pub use normalise::LayerNorm;
pub use peak::multiply_adds;
pub use resample::{max_pool, upsample};
pub use rising_floor::{RisingFloor, Wanted};
pub use text_score::{best_scores, Guide};
