//! The YOLO-World-Seg network: checkpoint, text tower, image network, and its input.
mod letterbox;
mod output;
mod resize;

pub use letterbox::{letterbox_chw, letterbox_rgb, Letterbox, LetterboxError};
pub use output::{HeadOutput, LevelOutput, MASK_CHANNELS};
