//! numpy's pairwise summation, whose order of additions is part of the last bit of every mean.
//!
//! A block of up to 128 numbers is added with eight interleaved accumulators; a longer sequence is
//! cut in two, the first half rounded down to a multiple of eight.

/// Longest sequence that is added without cutting it.
const BLOCK: usize = 128;

/// The mean of `numpy.mean`; `None` of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let mut sum = PairwiseSum::new(values.len());
    sum.extend(values);
    sum.mean()
}

/// A pairwise sum of a known number of values that arrive in order, piece by piece.
pub(super) struct PairwiseSum {
    count: usize,
    /// What the values still to come will be combined with, innermost last.
    pending: Vec<Pending>,
    block: [f64; BLOCK],
    filled: usize,
    /// Length of the block being filled.
    wanted: usize,
    total: f64,
}

/// An enclosing sum that is not finished.
enum Pending {
    /// The second half, of this many values, is still to come.
    SecondHalf(usize),
    /// The first half gave this sum.
    FirstHalf(f64),
}

impl PairwiseSum {
    /// A sum of `count` values.
    pub(super) fn new(count: usize) -> Self {
        let mut sum = Self { count, pending: Vec::new(), block: [0.0; BLOCK], filled: 0, wanted: 0, total: 0.0 };
        sum.descend(count);
        sum
    }

    /// Adds the next values.
    pub(super) fn extend(&mut self, mut values: &[f64]) {
        while !values.is_empty() {
            let take = values.len().min(self.wanted - self.filled);
            let (now, later) = values.split_at(take);
            self.block[self.filled..self.filled + take].copy_from_slice(now);
            self.filled += take;
            values = later;
            if self.filled == self.wanted {
                self.finish_block();
            }
        }
    }

    /// The mean of all `count` values; `None` of nothing.
    pub(super) fn mean(&self) -> Option<f64> {
        debug_assert!(self.pending.is_empty() && self.wanted == 0, "a value is missing");
        (self.count > 0).then(|| self.total / self.count as f64)
    }

    /// Halves the next `count` values until a block remains.
    fn descend(&mut self, mut count: usize) {
        while count > BLOCK {
            let first = count / 2 / 8 * 8;
            self.pending.push(Pending::SecondHalf(count - first));
            count = first;
        }
        (self.filled, self.wanted) = (0, count);
    }

    fn finish_block(&mut self) {
        let mut sum = block_sum(&self.block[..self.wanted]);
        loop {
            match self.pending.pop() {
                Some(Pending::FirstHalf(first)) => sum += first,
                Some(Pending::SecondHalf(count)) => {
                    self.pending.push(Pending::FirstHalf(sum));
                    return self.descend(count);
                }
                None => {
                    self.total = sum;
                    return self.descend(0);
                }
            }
        }
    }
}

/// The sum of at most [`BLOCK`] values.
fn block_sum(values: &[f64]) -> f64 {
    let (lanes, rest) = values.split_at(values.len() / 8 * 8);
    let Some((first, others)) = lanes.split_first_chunk::<8>() else {
        return rest.iter().fold(0.0, |sum, value| sum + value);
    };
    let mut r = *first;
    for lane in others.chunks_exact(8) {
        for (sum, value) in r.iter_mut().zip(lane) {
            *sum += value;
        }
    }
    let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    rest.iter().fold(sum, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose sum depends on the order of the additions.
    fn values(count: usize) -> Vec<f64> {
        (0..count as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / 9e15).collect()
    }

    /// The definition, in numpy's own recursive form.
    fn reference(values: &[f64]) -> f64 {
        if values.len() <= BLOCK {
            return block_sum(values);
        }
        let half = values.len() / 2;
        let (first, second) = values.split_at(half - half % 8);
        reference(first) + reference(second)
    }

    #[test]
    fn equals_numpy_on_known_sums() {
        // numpy.mean of [((i * 0x9e3779b97f4a7c15) % 2**64 >> 11) / 9e15 for i in range(n)].
        for (count, expected) in NUMPY_MEANS {
            assert_eq!(mean(&values(count)).map(f64::to_bits), Some(expected), "{count} values");
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        for count in [1, 7, 8, 128, 129, 1000, 12_345] {
            let values = values(count);
            let expected = reference(&values) / count as f64;
            for piece in [1, 3, 101, 4096] {
                let mut sum = PairwiseSum::new(count);
                values.chunks(piece).for_each(|chunk| sum.extend(chunk));
                assert_eq!(sum.mean(), Some(expected), "{count} values in pieces of {piece}");
            }
        }
    }

    #[test]
    fn order_is_not_that_of_a_plain_sum() {
        let values: Vec<f64> = (1..=1000).map(|i| 1.0 / f64::from(i)).collect();
        assert_ne!(mean(&values), Some(values.iter().sum::<f64>() / 1000.0));
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean(&[]), None);
    }

    /// Number of values, bits of their mean.
    const NUMPY_MEANS: [(usize, u64); 6] = [
        (1, 0x0000000000000000),
        (7, 0x3fdb417821cec9e8),
        (10, 0x3fded1840df0a96d),
        (128, 0x3fdfb729ae78a0e4),
        (1010, 0x3fe004526beff056),
        (123456, 0x3fe003470896631d),
    ];
}
