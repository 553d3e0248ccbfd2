//! Bitmaps to masks and back. A bitmap is one byte a pixel, 0 for background.

use super::rle::{pixel_count, toggled_runs};
use super::{MaskError, Rle};

impl Rle {
    /// A mask from a bitmap of `height * width` pixels in column-major order.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`], [`MaskError::BitmapLength`].
    pub fn from_column_major(height: u32, width: u32, bitmap: &[u8]) -> Result<Self, MaskError> {
        check_length(height, width, bitmap)?;
        Ok(Self::from_exact(height, width, runs(bitmap.iter().map(|&pixel| pixel != 0))))
    }

    /// A mask from a bitmap of `height * width` pixels in row-major order.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`], [`MaskError::BitmapLength`].
    pub fn from_row_major(height: u32, width: u32, bitmap: &[u8]) -> Result<Self, MaskError> {
        check_length(height, width, bitmap)?;
        let mut counts = Vec::new();
        toggled_runs(&row_changes(height, width, bitmap), height * width, &mut counts);
        Ok(Self::from_exact(height, width, counts))
    }

    /// The mask's pixels, 0 or 1, in column-major order.
    pub fn to_column_major(&self) -> Vec<u8> {
        let mut bitmap = Vec::with_capacity(self.height() as usize * self.width() as usize);
        for (index, &run) in self.counts().iter().enumerate() {
            bitmap.resize(bitmap.len() + run as usize, (index % 2) as u8);
        }
        bitmap
    }

    /// The mask's pixels, 0 or 1, in row-major order.
    pub fn to_row_major(&self) -> Vec<u8> {
        let (rows, columns) = (self.height() as usize, self.width() as usize);
        let column_major = self.to_column_major();
        let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
        pixels.map(|position| column_major[position]).collect()
    }
}

fn check_length(height: u32, width: u32, bitmap: &[u8]) -> Result<(), MaskError> {
    if bitmap.len() != pixel_count(height, width)? as usize {
        return Err(MaskError::BitmapLength { height, width, found: bitmap.len() });
    }
    Ok(())
}

/// Pixels compared together.
const BLOCK: usize = 32;

/// The column-major positions, ascending, of the pixels of a row-major bitmap that differ from the one
/// above; above the first row are the last pixels of the columns before.
///
/// Masks are mostly areas of one value, so whole stretches of two rows are equal.
fn row_changes(height: u32, width: u32, bitmap: &[u8]) -> Vec<u32> {
    let columns = width as usize;
    if bitmap.is_empty() {
        return Vec::new();
    }
    let mut before = vec![0; columns];
    before[1..].copy_from_slice(&bitmap[bitmap.len() - columns..bitmap.len() - 1]);
    let mut changes = Vec::new();
    let mut above = &before[..];
    for (row, pixels) in (0..height).zip(bitmap.chunks_exact(columns)) {
        for (block, (pixels, above)) in pixels.chunks(BLOCK).zip(above.chunks(BLOCK)).enumerate() {
            if pixels != above {
                let differs = |&column: &usize| (pixels[column] != 0) != (above[column] != 0);
                let position = |column| (block * BLOCK + column) as u32 * height + row;
                changes.extend((0..pixels.len()).filter(differs).map(position));
            }
        }
        above = pixels;
    }
    changes.sort_unstable();
    changes
}

/// Run lengths of the pixels, starting with zeros.
fn runs(pixels: impl Iterator<Item = bool>) -> Vec<u32> {
    let mut counts = vec![0];
    let (mut set, mut run) = (false, 0);
    for pixel in pixels {
        if pixel != set {
            *counts.last_mut().expect("counts starts with one run") = run;
            counts.push(0);
            (set, run) = (pixel, 0);
        }
        run += 1;
    }
    *counts.last_mut().expect("counts starts with one run") = run;
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_give_the_same_mask() {
        // Row-major: the first row of two is set.
        let by_rows = Rle::from_row_major(2, 3, &[1, 1, 1, 0, 0, 0]).unwrap();
        let by_columns = Rle::from_column_major(2, 3, &[9, 0, 1, 0, 1, 0]).unwrap();
        assert_eq!(by_rows, by_columns);
        assert_eq!(by_rows.counts(), [0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(by_rows.to_row_major(), [1, 1, 1, 0, 0, 0]);
        assert_eq!(by_rows.to_column_major(), [1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn bitmap_must_have_the_size() {
        let error = Rle::from_row_major(2, 3, &[0; 5]).unwrap_err();
        assert_eq!(error, MaskError::BitmapLength { height: 2, width: 3, found: 5 });
        assert!(Rle::from_column_major(2, 3, &[0; 7]).is_err());
    }
}
