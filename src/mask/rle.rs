//! Run-length encoded masks, column-major, as COCO defines them.

/// Why a mask was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// The runs do not cover the image exactly.
    #[error("runs cover {covered} pixels but the mask is {height} x {width}")]
    Coverage {
        /// Pixels covered by the runs.
        covered: u64,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
}

/// A binary mask of `height` x `width` pixels as alternating run lengths of 0 and 1, starting with
/// a (possibly empty) run of 0, pixels in column-major order.
///
/// Invariant: the runs sum to `height * width`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rle {
    height: u32,
    width: u32,
    counts: Vec<u32>,
}

impl Rle {
    /// A mask from its run lengths.
    ///
    /// # Errors
    /// [`MaskError::Coverage`] if the runs do not sum to `height * width`.
    pub fn from_counts(height: u32, width: u32, counts: Vec<u32>) -> Result<Self, MaskError> {
        let covered = counts.iter().map(|&run| u64::from(run)).sum();
        if covered != u64::from(height) * u64::from(width) {
            return Err(MaskError::Coverage { covered, height, width });
        }
        Ok(Self { height, width, counts })
    }

    /// Rows of the mask.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Columns of the mask.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Run lengths, starting with zeros.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }
}
