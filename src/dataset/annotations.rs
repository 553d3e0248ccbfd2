//! LVIS v1 annotation files.
//!
//! What lvis-api reads only when it needs it (a frequency, an area, a bounding box) is optional
//! here: whoever needs it reports its absence.

use super::Segmentation;

/// How often a category occurs in the training set: LVIS's `r`, `c` and `f`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// 1 to 10 training images.
    Rare,
    /// 11 to 100 training images.
    Common,
    /// More than 100 training images.
    Frequent,
}

/// One category of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// Category id (LVIS: 1 to 1203).
    pub id: i64,
    /// Name as the file spells it, for example `baseball_bat`.
    pub name: Option<String>,
    /// The frequency letter, verbatim; `None` when the record has none. Checked by the evaluator.
    pub frequency: Option<String>,
    /// Synonyms, the first of which is the prompt.
    pub synonyms: Vec<String>,
    /// Number of training images with the category, if the file says so.
    pub image_count: Option<u64>,
}

/// One image of the set.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRecord {
    /// Image id.
    pub id: i64,
    /// Path below the data root, if given.
    pub file_name: Option<String>,
    /// Where COCO serves the image, if given.
    pub coco_url: Option<String>,
    /// Rows.
    pub height: Option<u32>,
    /// Columns.
    pub width: Option<u32>,
    /// Categories verified to be absent; `None` when the record lacks the key.
    pub neg_category_ids: Option<Vec<i64>>,
    /// Categories whose instances are not all annotated; `None` when the record lacks the key.
    pub not_exhaustive_category_ids: Option<Vec<i64>>,
}

/// One annotated instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Annotation id.
    pub id: i64,
    /// The image it lies in.
    pub image_id: i64,
    /// Its category.
    pub category_id: i64,
    /// Area in pixels, as annotated.
    pub area: Option<f64>,
    /// Bounding box `[x, y, width, height]` in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Its mask; `None` when the record lacks the key.
    pub segmentation: Option<Segmentation>,
    /// The `ignore` flag (never set in LVIS's own files, honoured by lvis-api).
    pub ignore: bool,
}

/// A whole annotation file, in file order.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotations {
    /// Where it was read from, as given: for messages.
    pub source: String,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub sha256: String,
    /// Images in file order.
    pub images: Vec<ImageRecord>,
    /// Categories in file order.
    pub categories: Vec<Category>,
    /// Instances in file order.
    pub annotations: Vec<Annotation>,
}
