//! Pieces of one kernel on several threads.

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Computes every piece, on the current pool's threads if `spread`.
pub(super) fn pieces(count: usize, spread: bool, piece: impl Fn(usize) + Sync + Send) {
    if spread && count > 1 && rayon::current_num_threads() > 1 {
        (0..count).into_par_iter().with_max_len(1).for_each(piece);
    } else {
        (0..count).for_each(piece);
    }
}

/// A pointer that pieces on several threads write disjoint parts through.
#[derive(Clone, Copy)]
pub(super) struct Shared(pub *mut f32);

// SAFETY: whoever makes one sees to it that the pieces write disjoint parts.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The address `offset` values on.
    pub fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// Splits `count` into as few parts of at most `most` as possible, as even as possible: pairs of
/// first and length.
pub(super) fn even_parts(count: usize, most: usize) -> Vec<(usize, usize)> {
    let parts = count.div_ceil(most);
    (0..parts).map(|part| (part * count / parts, (part + 1) * count / parts)).map(|(a, b)| (a, b - a)).collect()
}
