//! Where a detection's mask comes from.

use std::ops::Range;

use crate::dataset::{RecordMask, Segmentation, SegmentationError};
use crate::mask::{Rasterizer, Rle};

/// A mask that is not rasterised yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum MaskSource<'a> {
    /// Compressed run lengths.
    Compressed {
        /// `[height, width]`.
        size: [u32; 2],
        /// COCO's string.
        counts: &'a [u8],
    },
    /// Any other spelling.
    Whole(&'a Segmentation),
    /// None: the box `[x, y, width, height]` is taken for a polygon.
    Box([f64; 4]),
}

/// A mask that outlives the text it was read from.
#[derive(Debug)]
pub(super) enum StoredMask {
    /// Compressed run lengths, whose string is kept elsewhere.
    Compressed {
        /// `[height, width]`.
        size: [u32; 2],
        /// Where the string is.
        counts: Range<usize>,
    },
    /// Any other spelling.
    Whole(Box<Segmentation>),
    /// The box is taken for a polygon, or no mask is needed.
    Box,
}

impl StoredMask {
    /// The same mask where the strings have been moved on by `bytes`.
    pub(super) fn move_by(&mut self, bytes: usize) {
        if let Self::Compressed { counts, .. } = self {
            *counts = counts.start + bytes..counts.end + bytes;
        }
    }

    /// The mask of a detection with this box; `text` holds the strings.
    pub(super) fn source<'a>(&'a self, bbox: [f64; 4], text: &'a [u8]) -> MaskSource<'a> {
        match self {
            Self::Compressed { size, counts } => MaskSource::Compressed { size: *size, counts: &text[counts.clone()] },
            Self::Whole(segmentation) => MaskSource::Whole(segmentation),
            Self::Box => MaskSource::Box(bbox),
        }
    }
}

impl From<RecordMask> for StoredMask {
    fn from(mask: RecordMask) -> Self {
        match mask {
            RecordMask::Compressed { size, counts } => Self::Compressed { size, counts },
            RecordMask::Other(segmentation) => Self::Whole(Box::new(segmentation)),
        }
    }
}

impl<'a> From<&'a Segmentation> for MaskSource<'a> {
    fn from(segmentation: &'a Segmentation) -> Self {
        match segmentation {
            Segmentation::Compressed { size, counts } => Self::Compressed { size: *size, counts },
            other => Self::Whole(other),
        }
    }
}

impl MaskSource<'_> {
    /// The mask on an image of `size`, `[height, width]`, in the memory of `counts` where possible.
    pub(super) fn rasterize(
        &self,
        size: [u32; 2],
        rasterizer: &mut Rasterizer,
        counts: Vec<u32>,
    ) -> Result<Rle, SegmentationError> {
        match self {
            Self::Compressed { size: [height, width], counts: text } => {
                Ok(Rle::from_string_in(*height, *width, text, counts)?)
            }
            Self::Whole(Segmentation::Polygons(parts)) if is_polygon_list(parts) => {
                Ok(rasterizer.union(size[0], size[1], parts)?)
            }
            Self::Whole(segmentation) => segmentation.to_rle(size[0], size[1]),
            Self::Box(bbox) => Ok(rasterizer.union(size[0], size[1], &[corners(*bbox)])?),
        }
    }
}

/// Refuses a segmentation that lvis-api cannot convert to run lengths even where no mask is compared
/// with it. Whether the runs make a mask shows only when they are compared.
pub(super) fn check_spelling(segmentation: &Segmentation) -> Result<(), SegmentationError> {
    match segmentation {
        Segmentation::Compressed { .. } => Ok(()),
        Segmentation::Polygons(parts) if is_polygon_list(parts) => Ok(()),
        // What is wrong with the spelling does not depend on the size.
        unusual => match unusual.to_rle(0, 0) {
            Ok(_) | Err(SegmentationError::Mask(_)) => Ok(()),
            Err(problem) => Err(problem),
        },
    }
}

/// Whether pycocotools takes a list for polygons: it looks at the first part only.
fn is_polygon_list(parts: &[Vec<f64>]) -> bool {
    parts.first().is_some_and(|part| part.len() > 4)
}

/// The box as lvis-api turns it into a polygon.
fn corners([x1, y1, width, height]: [f64; 4]) -> Vec<f64> {
    let (x2, y2) = (x1 + width, y1 + height);
    vec![x1, y1, x1, y2, x2, y2, x2, y1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_becomes_a_polygon() {
        let mask = MaskSource::Box([1.0, 1.0, 2.0, 2.0]).rasterize([4, 4], &mut Rasterizer::default(), Vec::new());
        assert_eq!(mask.unwrap().area(), 4);
    }

    #[test]
    fn every_spelling_gives_the_same_mask() {
        let polygon = Segmentation::Polygons(vec![vec![1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 1.0]]);
        let expected = polygon.to_rle(4, 4).unwrap();
        let compressed = Segmentation::Compressed { size: [4, 4], counts: expected.to_string().into_bytes() };
        let runs = expected.counts().iter().map(|&run| f64::from(run)).collect();
        for segmentation in [polygon, compressed, Segmentation::Runs { size: [4, 4], counts: runs }] {
            let source = MaskSource::from(&segmentation);
            let mask = source.rasterize([4, 4], &mut Rasterizer::default(), vec![7; 3]).unwrap();
            assert_eq!(mask, expected);
        }
    }

    #[test]
    fn spelling_is_checked_without_the_runs() {
        let short = Segmentation::Runs { size: [4, 4], counts: vec![1.0] };
        assert_eq!(check_spelling(&short), Ok(()));
        let negative = Segmentation::Runs { size: [4, 4], counts: vec![-1.0, 17.0] };
        assert!(matches!(check_spelling(&negative), Err(SegmentationError::Run { index: 0, .. })));
        assert_eq!(check_spelling(&Segmentation::Malformed), Err(SegmentationError::Malformed));
        assert_eq!(check_spelling(&Segmentation::Polygons(vec![])), Err(SegmentationError::NoPolygons));
    }

    #[test]
    fn degenerate_first_polygon_is_refused() {
        let line = Segmentation::Polygons(vec![vec![1.0, 1.0, 3.0, 3.0]]);
        let refused = MaskSource::from(&line).rasterize([4, 4], &mut Rasterizer::default(), Vec::new());
        assert!(matches!(refused, Err(SegmentationError::FirstPolygonTooShort { coordinates: 4 })));
    }
}
