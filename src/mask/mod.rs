//! Binary instance masks as COCO run-length encodings.
mod rle;

pub use rle::{MaskError, Rle};
