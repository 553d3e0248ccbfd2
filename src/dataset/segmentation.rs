//! Masks as files spell them, and how pycocotools reads each spelling.

use crate::mask::{MaskError, Rasterizer, Rle};

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

/// Why a segmentation is no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SegmentationError {
    /// An empty list of polygons.
    #[error("the list of polygons is empty")]
    NoPolygons,
    /// The first polygon has so few coordinates that pycocotools does not take it for a polygon.
    #[error("the first polygon has {coordinates} coordinates: pycocotools takes a list for polygons only if its first one has more than 4")]
    FirstPolygonTooShort {
        /// Its coordinates.
        coordinates: usize,
    },
    /// An uncompressed run that is not a whole number from 0 to 2^32 - 1.
    #[error("run {index} is {value}, which is not a whole number of pixels")]
    Run {
        /// Index of the run.
        index: usize,
        /// The number in the file.
        value: f64,
    },
    /// Neither polygons nor runs.
    #[error("the segmentation is neither a list of polygons nor an object with 'size' and 'counts'")]
    Malformed,
    /// The polygons or runs describe no mask.
    #[error(transparent)]
    Mask(#[from] MaskError),
}

impl Segmentation {
    /// The mask. Polygons are drawn on an image of `height` x `width` pixels; run lengths carry their
    /// own size, which may differ.
    ///
    /// # Errors
    /// What pycocotools refuses: a list of polygons that is empty or whose first one has at most 4
    /// coordinates, and [`Segmentation::Malformed`]. Beyond that, run lengths that are not well formed
    /// and polygons that cannot be drawn, see [`MaskError`].
    pub fn to_rle(&self, height: u32, width: u32) -> Result<Rle, SegmentationError> {
        self.to_rle_with(&mut Rasterizer::default(), height, width)
    }

    /// [`Segmentation::to_rle`] with a rasterizer that keeps its memory from one mask to the next.
    ///
    /// # Errors
    /// As [`Segmentation::to_rle`].
    pub fn to_rle_with(&self, rasterizer: &mut Rasterizer, height: u32, width: u32) -> Result<Rle, SegmentationError> {
        match self {
            Self::Polygons(parts) => {
                check_first_polygon(parts)?;
                Ok(rasterizer.union(height, width, parts)?)
            }
            Self::Compressed { size: [height, width], counts } => Ok(Rle::from_string(*height, *width, counts)?),
            Self::Runs { size: [height, width], counts } => Ok(Rle::from_counts(*height, *width, whole_runs(counts)?)?),
            Self::Malformed => Err(SegmentationError::Malformed),
        }
    }
}

/// pycocotools looks at the first part only to tell polygons from boxes.
fn check_first_polygon(parts: &[Vec<f64>]) -> Result<(), SegmentationError> {
    match parts.first().map(Vec::len) {
        None => Err(SegmentationError::NoPolygons),
        Some(coordinates) if coordinates <= 4 => Err(SegmentationError::FirstPolygonTooShort { coordinates }),
        Some(_) => Ok(()),
    }
}

fn whole_runs(counts: &[f64]) -> Result<Vec<u32>, SegmentationError> {
    let whole = |(index, &value): (usize, &f64)| {
        if value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0 {
            return Ok(value as u32);
        }
        Err(SegmentationError::Run { index, value })
    };
    counts.iter().enumerate().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_polygon_decides() {
        let triangle = vec![0.0, 0.0, 4.0, 0.0, 0.0, 4.0];
        let line = vec![0.0, 0.0, 4.0, 4.0];
        assert!(Segmentation::Polygons(vec![triangle.clone(), line.clone(), vec![1.0]]).to_rle(5, 5).is_ok());
        let refused = Segmentation::Polygons(vec![line, triangle]).to_rle(5, 5).unwrap_err();
        assert_eq!(refused, SegmentationError::FirstPolygonTooShort { coordinates: 4 });
        assert_eq!(Segmentation::Polygons(vec![]).to_rle(5, 5), Err(SegmentationError::NoPolygons));
    }

    #[test]
    fn runs_keep_their_own_size() {
        let mask = Segmentation::Runs { size: [2, 3], counts: vec![2.0, 4.0] }.to_rle(9, 9).unwrap();
        assert_eq!((mask.height(), mask.width(), mask.area()), (2, 3, 4));
        let mask = Segmentation::Compressed { size: [2, 3], counts: b"24".to_vec() }.to_rle(9, 9).unwrap();
        assert_eq!((mask.height(), mask.width(), mask.area()), (2, 3, 4));
    }

    #[test]
    fn runs_must_be_whole_numbers() {
        for value in [-1.0, 0.5, f64::NAN, f64::INFINITY, 4294967296.0] {
            let error = Segmentation::Runs { size: [2, 3], counts: vec![6.0, value] }.to_rle(2, 3).unwrap_err();
            assert!(matches!(error, SegmentationError::Run { index: 1, .. }));
        }
    }

    #[test]
    fn ill_formed_runs_are_refused() {
        let short = Segmentation::Runs { size: [2, 3], counts: vec![2.0] };
        assert!(matches!(short.to_rle(2, 3), Err(SegmentationError::Mask(MaskError::Coverage { .. }))));
        let short = Segmentation::Compressed { size: [2, 3], counts: b"2".to_vec() };
        assert!(matches!(short.to_rle(2, 3), Err(SegmentationError::Mask(MaskError::Coverage { .. }))));
        assert_eq!(Segmentation::Malformed.to_rle(2, 3), Err(SegmentationError::Malformed));
    }
}
