//! The YOLO-World-Seg network: checkpoint, text tower, image network, and its input.
//!
//! Takes a checkpoint's [`Weights`], class prompts and letterboxed images; gives [`HeadOutput`]s.
//! The architecture follows from the tensors' names and shapes alone. Refuses weights that are not
//! exactly a YOLO-World-Seg's, each with the reason ([`ModelError`]).
//!
//! ```no_run
//! # #[cfg(feature = "model")] {
//! # use zoobench::model::{checkpoint::Checkpoint, Device, InputBatch, Model, ModelError};
//! # fn example(pixels: Vec<f32>) -> Result<(), ModelError> {
//! let checkpoint = Checkpoint::read("yolo_world_seg_m.pth".as_ref())?;
//! let model = Model::load(&checkpoint, Device::Cpu)?;
//! let texts = model.encode_text(&["cat".to_owned(), "hot-air balloon".to_owned()])?;
//! let outputs = model.forward(&InputBatch::new(1, pixels)?, &texts)?;
//! assert_eq!(outputs[0].classes, 2);
//! # Ok(())
//! # } }
//! ```
mod letterbox;
mod output;
mod resize;

#[cfg(feature = "model")]
mod architecture;
#[cfg(feature = "model")]
pub mod checkpoint;
#[cfg(feature = "model")]
pub mod device_plan;
#[cfg(feature = "model")]
pub mod engine;
#[cfg(feature = "model")]
mod error;
#[cfg(feature = "model")]
mod execution;
#[cfg(feature = "model")]
mod input;
#[cfg(feature = "model")]
pub mod network;
#[cfg(feature = "model")]
pub mod plan;
#[cfg(feature = "model")]
pub mod text;
#[cfg(feature = "model")]
mod weights;
#[cfg(feature = "model")]
mod yolo_world;

pub use letterbox::{letterbox_chw, letterbox_rgb, Letterbox, LetterboxError};
pub use output::{DeviceLevel, DeviceOutput, HeadOutput, LevelOutput, PairLogit, SparseOutput, MASK_CHANNELS};

#[cfg(feature = "model")]
pub use architecture::{Architecture, EnhancerSize, Family, HeadSize, Size, TextSize};
#[cfg(feature = "model")]
pub use engine::{Device, Precision};
#[cfg(feature = "model")]
pub use error::{Excerpt, ModelError};
#[cfg(feature = "model")]
pub use execution::{Engine, Execution};
#[cfg(feature = "model")]
pub use input::InputBatch;
#[cfg(feature = "model")]
pub use text::{TextCache, TextEmbeddings};
#[cfg(feature = "model")]
pub use weights::Weights;
#[cfg(feature = "model")]
pub use yolo_world::Model;
