//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
mod annotations;
mod annotations_parser;
mod bytes;
mod chunks;
mod decode;
mod error;
mod json;
mod layout;
mod number;
mod records;
mod results;
mod results_writer;
mod segmentation;
mod stretches;
mod unescape;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use decode::Key;
pub use error::{DatasetError, RecordPlace};
pub use json::JsonRule;
pub use records::Records;
pub use results::{read_results, RawRecord, Record, RecordMask, MAX_RECORD_BYTES};
pub use results_writer::write_results;
pub use segmentation::{Segmentation, SegmentationError};
pub use stretches::{scan_results, scan_stretches, scan_until};
