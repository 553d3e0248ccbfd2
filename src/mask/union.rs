//! Union of masks, on their runs.

use super::rle::pixel_count;
use super::{MaskError, Rle};

impl Rle {
    /// The union of `parts`, masks of `height` x `width`; no parts give an empty mask.
    ///
    /// # Errors
    /// [`MaskError::SizeMismatch`] if a part has another size, [`MaskError::TooLarge`].
    pub fn union(height: u32, width: u32, parts: &[Rle]) -> Result<Self, MaskError> {
        let pixels = pixel_count(height, width)?;
        let mut edges = Vec::new();
        for part in parts {
            if (part.height(), part.width()) != (height, width) {
                let (other_height, other_width) = (part.height(), part.width());
                return Err(MaskError::SizeMismatch { height, width, other_height, other_width });
            }
            push_edges(part.counts(), &mut edges);
        }
        Ok(Self::from_exact(height, width, covered_runs(edges, pixels)))
    }
}

/// Where a run of ones starts (+1) and ends (-1).
pub(super) type Edge = (u32, i32);

/// Appends the edges of a mask's runs of ones.
pub(super) fn push_edges(counts: &[u32], edges: &mut Vec<Edge>) {
    let mut end = 0;
    for pair in counts.chunks_exact(2) {
        let start = end + pair[0];
        end = start + pair[1];
        if start < end {
            edges.extend([(start, 1), (end, -1)]);
        }
    }
}

/// The runs of the pixels that at least one run of ones covers.
pub(super) fn covered_runs(mut edges: Vec<Edge>, pixels: u32) -> Vec<u32> {
    // At one position starts come before ends, so that adjacent runs join.
    // What the parts leave is sorted already, part by part, which a stable sort makes use of.
    edges.sort_by_key(|&(position, step)| (position, -step));
    let mut runs = Vec::new();
    let (mut depth, mut last) = (0, 0);
    for (position, step) in edges {
        let was_set = depth > 0;
        depth += step;
        if (depth > 0) != was_set {
            runs.push(position - last);
            last = position;
        }
    }
    if last < pixels || runs.is_empty() {
        runs.push(pixels - last);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rle(height: u32, width: u32, counts: &[u32]) -> Rle {
        Rle::from_counts(height, width, counts.to_vec()).unwrap()
    }

    #[test]
    fn overlapping_and_adjacent_runs_join() {
        let parts = [rle(2, 5, &[1, 3, 6]), rle(2, 5, &[3, 2, 5]), rle(2, 5, &[5, 2, 3])];
        assert_eq!(Rle::union(2, 5, &parts).unwrap().counts(), [1, 6, 3]);
    }

    #[test]
    fn empty_runs_leave_no_trace() {
        assert_eq!(Rle::union(1, 5, &[rle(1, 5, &[2, 0, 3])]).unwrap().counts(), [5]);
        assert_eq!(Rle::union(1, 5, &[rle(1, 5, &[1, 3, 1]), rle(1, 5, &[2, 0, 3])]).unwrap().counts(), [1, 3, 1]);
    }

    #[test]
    fn union_of_nothing_is_empty() {
        assert_eq!(Rle::union(2, 5, &[]).unwrap().counts(), [10]);
        assert_eq!(Rle::union(2, 5, &[rle(2, 5, &[10])]).unwrap().counts(), [10]);
    }

    #[test]
    fn union_up_to_the_end_has_no_last_run_of_zeros() {
        assert_eq!(Rle::union(1, 4, &[rle(1, 4, &[0, 1, 3]), rle(1, 4, &[1, 3])]).unwrap().counts(), [0, 4]);
    }

    #[test]
    fn parts_must_have_the_size() {
        let error = Rle::union(2, 5, &[rle(5, 2, &[10])]).unwrap_err();
        assert!(matches!(error, MaskError::SizeMismatch { other_height: 5, .. }));
    }
}
