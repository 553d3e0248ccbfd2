//! The YOLO-World-Seg network: checkpoint, text tower, image network, and its input.
#[cfg(feature = "model")]
pub mod checkpoint;
mod letterbox;
mod output;

pub use letterbox::Letterbox;
pub use output::{HeadOutput, LevelOutput, MASK_CHANNELS};
