//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
mod annotations;
mod results;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use results::{Record, Segmentation};
