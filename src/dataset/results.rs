//! LVIS results: detections as records.

/// A mask as a file spells it, not yet rasterised.
#[derive(Debug, Clone, PartialEq)]
pub enum Segmentation {
    /// Polygon parts, each `x0, y0, x1, y1, ...` in pixels.
    Polygons(Vec<Vec<f64>>),
    /// Compressed run lengths: COCO's string form.
    Compressed {
        /// `[height, width]`.
        size: [u32; 2],
        /// The string's bytes.
        counts: Vec<u8>,
    },
    /// Uncompressed run lengths.
    Runs {
        /// `[height, width]`.
        size: [u32; 2],
        /// Run lengths as written: checked when the mask is needed.
        counts: Vec<f64>,
    },
    /// JSON null, or anything else that is no mask: an error wherever it is needed.
    Malformed,
}

/// One detection: what a results file holds and what the evaluator takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Image id.
    pub image_id: i64,
    /// Category id.
    pub category_id: i64,
    /// Confidence.
    pub score: f64,
    /// Bounding box `[x, y, width, height]` in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Mask.
    pub segmentation: Option<Segmentation>,
}
