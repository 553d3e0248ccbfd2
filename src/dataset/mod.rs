//! Data sets in LVIS v1 format: annotations, results files, images and class prompts.
mod annotations;
mod file_name;
mod files;
#[cfg(feature = "images")]
mod image;
mod image_error;
mod image_ids;
mod prompts;
mod results;
mod rgb;

pub use annotations::{Annotation, Annotations, Category, Frequency, ImageRecord};
pub use files::{locate, read_image_file, FileSource, Folder, MemoryFiles, MAX_FILE_BYTES};
#[cfg(feature = "images")]
pub use image::{decode_image, load_image, MAX_PIXELS};
pub use image_error::{ImageError, NameFault};
pub use image_ids::{read_image_ids, ImageListError};
pub use prompts::{check_prompt_count, class_prompts, read_prompts, PromptError};
pub use results::{Record, Segmentation};
pub use rgb::{Image, RgbView};
