//! Run lengths from the places where a mask changes value.

use crate::mask::Rle;

/// Collects, row by row, where columns change value, and makes run lengths of them.
#[derive(Default)]
pub(super) struct Toggles {
    /// Column in the upper half, row in the lower: sorts column-major.
    places: Vec<u64>,
}

impl Toggles {
    pub(super) fn clear(&mut self) {
        self.places.clear();
    }

    /// The pixels of a column change value at `row`, compared to the row above.
    pub(super) fn add(&mut self, column: usize, row: usize) {
        self.places.push((column as u64) << 32 | row as u64);
    }

    /// The mask of `height` x `width` that is 0 before the first of a column's toggles and, by an
    /// even number of them, after its last (at row `height` at the latest).
    ///
    /// # Panics
    /// If the mask has more than [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
    pub(super) fn to_rle(&mut self, height: u32, width: u32) -> Rle {
        self.places.sort_unstable();
        let pixels = u64::from(height) * u64::from(width);
        let positions = self.places.iter().map(|&place| (place >> 32) * u64::from(height) + (place & 0xffff_ffff));
        let mut counts: Vec<u32> = Vec::with_capacity(self.places.len() + 1);
        let mut last = 0;
        for position in positions {
            let run = (position - last) as u32;
            // A column that ends set and a next one that starts set toggle at one position: no change.
            match counts.pop_if(|_| run == 0) {
                Some(before) => last -= u64::from(before),
                None => {
                    counts.push(run);
                    last = position;
                }
            }
        }
        if last < pixels {
            counts.push((pixels - last) as u32);
        }
        Rle::from_counts(height, width, counts).expect("the caller sees to the image's size")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rle(places: &[(usize, usize)]) -> Rle {
        let mut toggles = Toggles::default();
        places.iter().for_each(|&(column, row)| toggles.add(column, row));
        toggles.to_rle(3, 2)
    }

    #[test]
    fn rows_become_column_major_runs() {
        assert_eq!(rle(&[(1, 0), (0, 1), (1, 1), (0, 2)]).counts(), [1, 1, 1, 1, 2]);
    }

    #[test]
    fn a_run_may_go_on_in_the_next_column() {
        assert_eq!(rle(&[(1, 0), (0, 1), (1, 1), (0, 3)]).counts(), [1, 3, 2]);
        assert_eq!(rle(&[(0, 0), (1, 0), (0, 3), (1, 3)]).counts(), [0, 6]);
    }

    #[test]
    fn no_toggles_are_an_empty_mask() {
        assert_eq!(rle(&[]).counts(), [6]);
    }
}
