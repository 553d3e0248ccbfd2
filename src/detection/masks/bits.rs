//! Run lengths of a mask that comes as bits.

use super::toggles::Toggles;
use crate::mask::Rle;

/// The part of a mask that may be set, column by column, 32 pixels a word, the upper ones in the lower bits.
pub(in crate::detection) struct BitWindow<'a> {
    /// Its first column.
    pub first_column: usize,
    /// Words of a column above it.
    pub first_word: usize,
    /// Words of a column in it.
    pub column_words: usize,
    /// All its words. Bits below the mask's last row are 0.
    pub words: &'a [u32],
}

impl BitWindow<'_> {
    /// The mask of `height` x `width`.
    ///
    /// # Panics
    /// If the mask has more than [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
    pub fn to_rle(&self, height: u32, width: u32) -> Rle {
        let mut toggles = Toggles::default();
        for (offset, words) in self.words.chunks_exact(self.column_words.max(1)).enumerate() {
            self.note(self.first_column + offset, words, &mut toggles);
        }
        toggles.finish(height, width)
    }

    fn note(&self, column: usize, words: &[u32], toggles: &mut Toggles) {
        let mut above = 0;
        for (index, &word) in words.iter().enumerate() {
            let mut changes = word ^ (word << 1 | above);
            while changes != 0 {
                toggles.add(column, row(self.first_word + index) + changes.trailing_zeros() as usize);
                changes &= changes - 1;
            }
            above = word >> (u32::BITS - 1);
        }
        if above == 1 {
            toggles.add(column, row(self.first_word + words.len()));
        }
    }
}

/// The first row of a word.
fn row(word: usize) -> usize {
    word * u32::BITS as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rle(column_words: usize, words: &[u32], height: u32) -> Rle {
        BitWindow { first_column: 1, first_word: 1, column_words, words }.to_rle(height, 3)
    }

    #[test]
    fn runs_cross_words_and_end_with_the_window() {
        let mask = rle(2, &[0x8000_0001, 0x0000_0001, 0, 0], 96);
        assert_eq!(mask.counts(), [96 + 32, 1, 30, 2, 288 - 96 - 65]);
        let full = rle(2, &[u32::MAX; 4], 96);
        assert_eq!(full.counts(), [96 + 32, 64, 32, 64]);
        let partial = rle(1, &[0b11, 0b11], 34);
        assert_eq!(partial.counts(), [34 + 32, 2, 32, 2]);
    }

    #[test]
    fn no_words_are_an_empty_mask() {
        assert_eq!(rle(0, &[], 5).counts(), [15]);
    }
}
