//! LVIS v1 annotation files.
//!
//! What lvis-api reads only when it needs it (a frequency, an area, a bounding box) is optional
//! here: whoever needs it reports its absence.

use std::collections::BTreeMap;
use std::path::Path;

use super::annotations_parser::parse;
use super::read_at::read_whole;
use super::{DatasetError, Segmentation};

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
    /// Categories verified to be absent; `None` when the record lacks the list.
    pub neg_category_ids: Option<Vec<i64>>,
    /// Categories whose instances are not all annotated; `None` when the record lacks the list.
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
    /// Area in pixels, as annotated; `None` when the record lacks it or it is no number.
    pub area: Option<f64>,
    /// Bounding box `[x, y, width, height]` in pixels; `None` when the record lacks it or it is not
    /// four numbers.
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

impl Annotations {
    /// Reads an annotation file.
    ///
    /// # Errors
    /// [`DatasetError::Read`], and as [`Annotations::from_bytes`].
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let file = path.display().to_string();
        match read_whole(path) {
            Ok(bytes) => Self::from_bytes(&file, &bytes),
            Err(error) => Err(DatasetError::Read { file, error }),
        }
    }

    /// Parses the bytes of an annotation file; `source` names it in messages.
    ///
    /// The top-level keys may come in any order, unknown keys are ignored, of a repeated key the last
    /// one counts.
    ///
    /// # Errors
    /// [`DatasetError::Json`], [`DatasetError::NotAnObject`], [`DatasetError::MissingTable`],
    /// [`DatasetError::TableNotAList`], [`DatasetError::RecordNotAnObject`],
    /// [`DatasetError::MissingKey`] and [`DatasetError::IdNotAnInteger`] for the ids that lvis-api
    /// indexes by.
    pub fn from_bytes(source: &str, bytes: &[u8]) -> Result<Self, DatasetError> {
        parse(source, bytes)
    }

    /// The image with this id, the last one if several have it. Looks at every image: to find many,
    /// use [`Annotations::images_by_id`].
    pub fn image(&self, id: i64) -> Option<&ImageRecord> {
        self.images.iter().rfind(|image| image.id == id)
    }

    /// The category with this id, the last one if several have it. Looks at every category: to find
    /// many, use [`Annotations::categories_by_id`].
    pub fn category(&self, id: i64) -> Option<&Category> {
        self.categories.iter().rfind(|category| category.id == id)
    }

    /// Images by ascending id; of several with one id the last.
    pub fn images_by_id(&self) -> BTreeMap<i64, &ImageRecord> {
        self.images.iter().map(|image| (image.id, image)).collect()
    }

    /// Categories by ascending id; of several with one id the last.
    pub fn categories_by_id(&self) -> BTreeMap<i64, &Category> {
        self.categories.iter().map(|category| (category.id, category)).collect()
    }
}
