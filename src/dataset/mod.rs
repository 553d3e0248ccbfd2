//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
mod annotations;
mod annotations_parser;
mod chunks;
mod decode;
mod error;
mod file_name;
mod files;
#[cfg(feature = "images")]
mod image;
mod image_error;
mod image_ids;
mod json;
mod number;
mod prompts;
mod results;
mod results_writer;
mod rgb;
mod segmentation;
mod unescape;
mod whole_file;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use decode::Key;
pub use error::{DatasetError, RecordPlace};
pub use files::{locate, read_image_file, FileSource, Folder, MemoryFiles, MAX_FILE_BYTES};
#[cfg(feature = "images")]
pub use image::{decode_image, load_image, MAX_PIXELS};
pub use image_error::{ImageError, NameFault};
pub use image_ids::{read_image_ids, ImageListError};
pub use json::JsonRule;
pub use prompts::{check_prompt_count, class_prompts, read_prompts, PromptError};
pub use results::{read_results, scan_results, RawRecord, Record, MAX_RECORD_BYTES};
pub use results_writer::{write_results, ResultsWriter};
pub use rgb::{Image, RgbView};
pub use segmentation::{Segmentation, SegmentationError};
pub use whole_file::{write_whole, WholeFile};
