//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
//!
//! Annotation and results files are taken as lvis-api takes them: JSON as Python reads it, whatever
//! lvis-api does not look at may be missing or malformed, and what it looks at only sometimes is
//! decoded, and refused, only when it is asked for. Results are scanned in memory for one chunk. Every
//! refusal is a [`DatasetError`] that names the file and the record or byte.
//!
//! ```
//! use zoobench::dataset::{scan_results, DatasetError, Key};
//!
//! let results = br#"[{"image_id": 7, "category_id": 3, "score": 0.5, "bbox": [1, 2, 3, 4]}, {"image_id": 8}]"#;
//! let refusal = scan_results("results.json", &results[..], |index, record| {
//!     assert_eq!(record.image_id()?, Key::Integer(7 + index as i64));
//!     record.score().map(drop)
//! });
//! assert_eq!(refusal.unwrap_err().to_string(), "results.json, results[1]: has no 'score'");
//! # Ok::<(), DatasetError>(())
//! ```
mod annotations;
mod annotations_parser;
mod bytes;
mod chunks;
mod decode;
mod error;
mod file_name;
mod files;
pub(crate) mod hash;
#[cfg(feature = "images")]
mod image;
mod image_error;
mod image_ids;
mod in_order;
mod json;
mod json_rule;
mod layout;
mod number;
mod prompts;
mod read_at;
mod records;
mod results;
mod results_scan;
mod results_writer;
mod rgb;
mod segmentation;
mod spans;
mod stretches;
mod table_pieces;
mod unescape;
mod whole_file;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use decode::Key;
pub use error::{DatasetError, RecordPlace};
pub use files::{locate, read_image_file, read_located, FileSource, Folder, MemoryFiles, MAX_FILE_BYTES};
#[cfg(feature = "images")]
pub use image::{decode_image, load_image, MAX_PIXELS};
pub use image_error::{ImageError, NameFault};
pub use image_ids::{read_image_ids, ImageListError};
pub use json_rule::JsonRule;
pub use prompts::{check_prompt_count, class_prompts, read_prompts, PromptError};
pub use read_at::ReadAt;
pub use records::Records;
pub use results::{read_results, RawRecord, Record, RecordMask, MAX_RECORD_BYTES};
pub use results_scan::{scan_results, scan_until};
pub use results_writer::{write_results, ResultsWriter};
pub use rgb::{Image, RgbView};
pub use segmentation::{Segmentation, SegmentationError};
pub use stretches::scan_stretches;
pub use whole_file::{write_whole, WholeFile};
