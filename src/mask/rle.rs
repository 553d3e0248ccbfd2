//! Run-length encoded masks, column-major, as COCO defines them.

use super::MaskError;

/// Largest `height * width` of a mask, in pixels.
///
/// Run ends are stored in 32 bits and hostile sizes must not be able to ask for memory; the largest
/// image of LVIS is 640 x 640.
pub const MAX_PIXELS: u32 = 1 << 28;

/// The bounding box of a mask in whole pixels: `[x, y, width, height]`, as pycocotools computes it.
pub type PixelBox = [u32; 4];

/// A binary mask of `height` x `width` pixels as alternating run lengths of 0 and 1, starting with
/// a (possibly empty) run of 0, pixels in column-major order.
///
/// Invariant: the runs sum to `height * width`, which is at most [`MAX_PIXELS`].
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
    /// [`MaskError::TooLarge`], [`MaskError::TooManyRuns`], or [`MaskError::Coverage`] if the runs do
    /// not sum to `height * width`.
    pub fn from_counts(height: u32, width: u32, counts: Vec<u32>) -> Result<Self, MaskError> {
        let pixels = pixel_count(height, width)?;
        if counts.len() > pixels as usize + 1 {
            return Err(MaskError::TooManyRuns { runs: counts.len(), pixels });
        }
        let covered = counts.iter().map(|&run| u64::from(run)).sum();
        if covered != u64::from(pixels) {
            return Err(MaskError::Coverage { covered, height, width });
        }
        Ok(Self { height, width, counts })
    }

    /// A mask from runs that the caller knows to sum to `height * width`.
    pub(super) fn from_exact(height: u32, width: u32, counts: Vec<u32>) -> Self {
        debug_assert_eq!(counts.iter().map(|&run| u64::from(run)).sum::<u64>(), u64::from(height) * u64::from(width));
        Self { height, width, counts }
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

    /// The runs' memory, for use by the next mask.
    pub fn into_counts(self) -> Vec<u32> {
        self.counts
    }

    /// Number of foreground pixels.
    pub fn area(&self) -> u32 {
        self.counts.chunks_exact(2).map(|pair| pair[1]).sum()
    }

    /// The bounding box as pycocotools computes it (`rleToBbox`): `[0, 0, 0, 0]` for a mask of one run,
    /// the full height for a run of ones that crosses into another column.
    ///
    /// A mask whose runs of ones are all empty gets pycocotools' box too, which starts beyond the last
    /// pixel and has a size that wrapped around.
    pub fn bbox(&self) -> PixelBox {
        if self.counts.len() < 2 || self.height == 0 {
            return [0; 4];
        }
        let mut extent = Extent::new(self.height, self.width);
        let mut place = Place { column: 0, row: 0, height: self.height };
        for pair in self.counts.chunks_exact(2) {
            place.advance(pair[0]);
            if pair[1] > 0 {
                let first = place;
                place.advance(pair[1] - 1);
                extent.add(first, place);
                place.advance(1);
            }
        }
        extent.pixel_box()
    }
}

/// `height * width`, if it is within [`MAX_PIXELS`].
pub(super) fn pixel_count(height: u32, width: u32) -> Result<u32, MaskError> {
    match height.checked_mul(width) {
        Some(pixels) if pixels <= MAX_PIXELS => Ok(pixels),
        _ => Err(MaskError::TooLarge { height, width }),
    }
}

/// Runs that change value at every one of the sorted `positions`.
pub(super) fn toggled_runs(positions: &[u32], pixels: u32, runs: &mut Vec<u32>) {
    runs.clear();
    let mut last = 0;
    for same in positions.chunk_by(|a, b| a == b) {
        if same.len() % 2 == 1 && same[0] < pixels {
            runs.push(same[0] - last);
            last = same[0];
        }
    }
    runs.push(pixels - last);
}

/// A pixel. Most runs end in their own column or the next one, which needs no division.
#[derive(Clone, Copy)]
struct Place {
    column: u32,
    row: u32,
    height: u32,
}

impl Place {
    #[inline]
    fn advance(&mut self, pixels: u32) {
        self.row += pixels;
        if self.row >= self.height {
            self.row -= self.height;
            self.column += 1;
            if self.row >= self.height {
                self.column += self.row / self.height;
                self.row %= self.height;
            }
        }
    }
}

/// Columns and rows that runs of ones reach, both ends inclusive.
struct Extent {
    height: u32,
    columns: [u32; 2],
    rows: [u32; 2],
}

impl Extent {
    fn new(height: u32, width: u32) -> Self {
        Self { height, columns: [width, 0], rows: [height, 0] }
    }

    /// Adds the run from pixel `first` to pixel `last`, both included.
    #[inline]
    fn add(&mut self, first: Place, last: Place) {
        self.columns = [self.columns[0].min(first.column), self.columns[1].max(last.column)];
        if first.column < last.column {
            self.rows = [0, self.height - 1];
        } else {
            self.rows = [self.rows[0].min(first.row), self.rows[1].max(last.row)];
        }
    }

    fn pixel_box(&self) -> PixelBox {
        let span = |ends: [u32; 2]| ends[1].wrapping_sub(ends[0]).wrapping_add(1);
        [self.columns[0], self.rows[0], span(self.columns), span(self.rows)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rle(height: u32, width: u32, counts: &[u32]) -> Rle {
        Rle::from_counts(height, width, counts.to_vec()).unwrap()
    }

    #[test]
    fn runs_must_cover_the_image() {
        for counts in [vec![], vec![5], vec![4, 3], vec![u32::MAX, 7]] {
            let error = Rle::from_counts(2, 3, counts).unwrap_err();
            assert!(matches!(error, MaskError::Coverage { height: 2, width: 3, .. }));
        }
    }

    #[test]
    fn size_and_run_count_are_bounded() {
        let large = Rle::from_counts(1 << 16, 1 << 16, vec![0]).unwrap_err();
        assert!(matches!(large, MaskError::TooLarge { .. }));
        let large = Rle::from_counts(1 << 14, (1 << 14) + 1, vec![1 << 28]).unwrap_err();
        assert!(matches!(large, MaskError::TooLarge { .. }));
        let many = Rle::from_counts(1, 2, vec![2, 0, 0, 0]).unwrap_err();
        assert_eq!(many, MaskError::TooManyRuns { runs: 4, pixels: 2 });
    }

    #[test]
    fn box_of_a_single_column_is_tight() {
        assert_eq!(rle(4, 3, &[5, 2, 5]).bbox(), [1, 1, 1, 2]);
    }

    #[test]
    fn box_of_a_run_across_columns_has_full_height() {
        assert_eq!(rle(4, 3, &[7, 2, 3]).bbox(), [1, 0, 2, 4]);
    }

    #[test]
    fn mask_without_ones_has_no_box() {
        assert_eq!(rle(4, 3, &[12]).bbox(), [0; 4]);
        assert_eq!(rle(0, 0, &[]).bbox(), [0; 4]);
    }

    #[test]
    fn empty_runs_of_ones_have_no_extent() {
        assert_eq!(rle(4, 3, &[1, 0, 4, 2, 5, 0]).bbox(), [1, 1, 1, 2]);
        assert_eq!(rle(4, 3, &[12, 0]).bbox(), [3, 4, u32::MAX - 1, u32::MAX - 2]);
    }
}
