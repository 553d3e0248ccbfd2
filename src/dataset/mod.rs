//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
mod annotations;
mod results;
mod segmentation;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use results::Record;
pub use segmentation::{Segmentation, SegmentationError};
