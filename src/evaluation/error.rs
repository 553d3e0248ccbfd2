//! Why an evaluation was refused.

use crate::dataset::SegmentationError;
use crate::mask::MaskError;

/// Why an evaluation was refused. lvis-api stops with an exception, or never, in the same places.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A mask of two sets of detections that are compared with each other is not well-formed.
    #[error("image {image}: a detection's mask cannot be compared: {error}; write the results file again")]
    ComparedMask {
        /// Image id.
        image: i64,
        /// What is wrong with it.
        error: MaskError,
    },
    /// A category has no `frequency`.
    #[error(
        "{source_name}: category {category} has no frequency; LVIS needs \"r\", \"c\" or \"f\" for APr, APc and APf"
    )]
    MissingFrequency {
        /// Annotation file.
        source_name: String,
        /// Category id.
        category: i64,
    },
    /// A category's `frequency` is no letter of LVIS.
    #[error("{source_name}: category {category} has the frequency {frequency:?}; it must be \"r\", \"c\" or \"f\"")]
    UnknownFrequency {
        /// Annotation file.
        source_name: String,
        /// Category id.
        category: i64,
        /// What the record says.
        frequency: String,
    },
    /// An image has no `neg_category_ids` or no `not_exhaustive_category_ids`.
    #[error("{source_name}: image {image} has no {key}; give it a list, empty if there is nothing to list")]
    MissingCategoryList {
        /// Annotation file.
        source_name: String,
        /// Image id.
        image: i64,
        /// The key that is missing.
        key: &'static str,
    },
    /// Masks are compared in an image whose height or width is not given.
    #[error("{source_name}: image {image} has no height or no width, which its masks need")]
    MissingImageSize {
        /// Annotation file.
        source_name: String,
        /// Image id.
        image: i64,
    },
    /// An annotation lacks what the evaluation reads.
    #[error("{source_name}: annotation {annotation} of image {image} has no {key}, which this evaluation needs")]
    MissingAnnotationKey {
        /// Annotation file.
        source_name: String,
        /// Annotation id.
        annotation: i64,
        /// Image id.
        image: i64,
        /// The key that is missing.
        key: &'static str,
    },
    /// An annotation id is given twice, the second time in an image that is not listed.
    #[error(
        "{source_name}: annotation id {annotation} is repeated, and its last record is of image {image}, which is \
         not listed; make annotation ids unique"
    )]
    RepeatedIdElsewhere {
        /// Annotation file.
        source_name: String,
        /// Annotation id.
        annotation: i64,
        /// Image id of the last record.
        image: i64,
    },
    /// An annotation's mask cannot be rasterised.
    #[error("{source_name}: annotation {annotation} of image {image}: {problem}")]
    AnnotationMask {
        /// Annotation file.
        source_name: String,
        /// Annotation id.
        annotation: i64,
        /// Image id.
        image: i64,
        /// What is wrong with it.
        problem: SegmentationError,
    },
    /// A detection of an image that the annotation file does not list.
    #[error("{source_name}: record {record} is of image {image}, which {annotations} does not list")]
    UnknownImage {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
        /// Annotation file.
        annotations: String,
    },
    /// An image is to be evaluated that the annotation file does not have.
    #[error("image {image} is to be evaluated, but {annotations} does not list it; take it off the list")]
    UnlistedImage {
        /// Image id.
        image: i64,
        /// Annotation file.
        annotations: String,
    },
    /// A record was handed over with those of another image.
    #[error("record {record} is of image {found}, not of image {image} whose records are evaluated")]
    ForeignRecord {
        /// Index of the record.
        record: u64,
        /// Image whose records are evaluated.
        image: i64,
        /// Image of the record.
        found: i64,
    },
    /// A detection has no `bbox` in a file whose first record has one.
    #[error(
        "{source_name}: record {record} of image {image} has no bbox of four numbers, as the first record has; give \
         every record one, or evaluate with mask areas"
    )]
    MissingBox {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
    },
    /// A detection has no `segmentation` where its mask is needed.
    #[error("{source_name}: record {record} of image {image} has no segmentation, which this evaluation needs")]
    MissingMask {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
    },
    /// The area or the box of a mask that is not compressed run lengths is needed.
    #[error(
        "{source_name}: record {record} of image {image} has a segmentation whose area LVIS cannot take; write it as \
         compressed run lengths, or give every record a bbox and evaluate with box areas"
    )]
    NotCompressed {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
    },
    /// A detection's mask is needed and unusable.
    #[error("{source_name}: record {record} of image {image}: {problem}")]
    DetectionMask {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
        /// What is wrong with it.
        problem: SegmentationError,
    },
    /// A score that is no number in an image whose detections must be ranked to cut them.
    #[error(
        "{source_name}: image {image} has over {limit} detections and record {record} has the score NaN, so which to \
         keep is undefined; remove it"
    )]
    UnrankableScore {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Image id.
        image: i64,
        /// Detections that count.
        limit: usize,
    },
    /// A score that is no number in a category whose detections must be ranked.
    #[error(
        "{source_name}: record {record} of category {category} has the score NaN, so its place among the category's \
         detections is undefined; remove it"
    )]
    UnrankableInCategory {
        /// Results file.
        source_name: String,
        /// Index of the record.
        record: u64,
        /// Category id.
        category: i64,
    },
    /// An image was handed over alone under a protocol whose limit is over all images, or is not among
    /// those ranked.
    #[error(
        "image {image} has not been ranked with the others, which this protocol's limit needs; add all images to a \
         ranking, then compare them by it"
    )]
    NotRanked {
        /// Image id.
        image: i64,
    },
    /// An annotation whose boundary is to be taken is of an image that is not listed.
    #[error(
        "{source_name}: annotation {annotation} is of image {image}, which is not listed, so that its mask has no \
         boundary; remove it, or list the image"
    )]
    BoundaryElsewhere {
        /// Annotation file.
        source_name: String,
        /// Annotation id.
        annotation: i64,
        /// Image id.
        image: i64,
    },
    /// The results file cannot be read.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
}

impl EvaluationError {
    /// The same of a record that comes `count` records later, if it is of a detection.
    pub(super) fn renumbered(mut self, count: usize) -> Self {
        match &mut self {
            Self::Dataset(_) => {}
            Self::UnknownImage { record, .. }
            | Self::ForeignRecord { record, .. }
            | Self::MissingBox { record, .. }
            | Self::MissingMask { record, .. }
            | Self::NotCompressed { record, .. }
            | Self::DetectionMask { record, .. }
            | Self::UnrankableInCategory { record, .. }
            | Self::UnrankableScore { record, .. } => *record += count as u64,
            Self::ComparedMask { .. }
            | Self::UnlistedImage { .. }
            | Self::MissingFrequency { .. }
            | Self::UnknownFrequency { .. }
            | Self::MissingCategoryList { .. }
            | Self::MissingImageSize { .. }
            | Self::MissingAnnotationKey { .. }
            | Self::RepeatedIdElsewhere { .. }
            | Self::AnnotationMask { .. }
            | Self::NotRanked { .. }
            | Self::BoundaryElsewhere { .. } => {}
        }
        match self {
            Self::Dataset(error) => Self::Dataset(error.renumbered(count)),
            other => other,
        }
    }
}
