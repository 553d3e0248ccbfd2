//! Box sides as expectations over bins; see [`Op::BoxDistribution`](crate::model::network::Op).

use rayon::prelude::*;

use super::layout::Place;
use crate::kernels::{Maps, LANES};

/// The distribution of one level.
pub(super) struct Distances {
    /// `[4][bins]` channels.
    pub input: Place,
    /// Bins a side.
    pub bins: usize,
}

impl Distances {
    /// `[4][positions]`: for each side the mean of 0, 1, .. under the softmax of its bins.
    pub fn run(&self, maps: &[Maps], spread: bool) -> Vec<f32> {
        let maps = &maps[self.input.view.maps];
        let lanes = self.input.channels();
        let rows = (0..4 * maps.shape().height).into_par_iter().with_min_len(if spread { 1 } else { usize::MAX });
        let distances = rows.flat_map_iter(|row| {
            let (side, row) = (row / maps.shape().height, row % maps.shape().height);
            self.row(maps, &lanes[side * self.bins..][..self.bins], row)
        });
        distances.collect()
    }

    /// The distances of a row to one side, whose bins lie in `lanes`.
    fn row(&self, maps: &Maps, lanes: &[usize], row: usize) -> Vec<f32> {
        let rows: Vec<&[f32]> = lanes.iter().map(|lane| &maps.row(lane / LANES, row)[lane % LANES..]).collect();
        let mut scores = vec![0.0; self.bins];
        let columns = (0..maps.shape().width).map(|column| {
            scores.iter_mut().zip(&rows).for_each(|(score, row)| *score = row[column * LANES]);
            expectation(&mut scores)
        });
        columns.collect()
    }
}

/// The mean of 0, 1, .. under the softmax of the scores, which are overwritten.
fn expectation(scores: &mut [f32]) -> f32 {
    let most = scores.iter().fold(f32::NEG_INFINITY, |most, &score| most.max(score));
    scores.iter_mut().for_each(|score| *score = (*score - most).exp());
    let sum: f32 = scores.iter().sum();
    let weighted: f32 = scores.iter().enumerate().map(|(bin, score)| bin as f32 * score).sum();
    weighted / sum
}
