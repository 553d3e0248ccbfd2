//! From head outputs to detections: boxes, non-maximum suppression, masks.
mod settings;

pub use settings::{Detection, Settings};
