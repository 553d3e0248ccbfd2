//! Box sides as expectations over bins; see [`Op::BoxDistribution`](crate::model::network::Op).

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
    pub fn run(&self, maps: &[Maps]) -> Vec<f32> {
        let maps = &maps[self.input.view.maps];
        let sides = self.input.channels();
        let mut scores = vec![0.0; self.bins];
        let mut distances = Vec::with_capacity(4 * maps.shape().height * maps.shape().width);
        for lanes in sides.chunks_exact(self.bins) {
            for row in 0..maps.shape().height {
                let rows: Vec<&[f32]> = lanes.iter().map(|lane| &maps.row(lane / LANES, row)[lane % LANES..]).collect();
                for column in 0..maps.shape().width {
                    scores.iter_mut().zip(&rows).for_each(|(score, row)| *score = row[column * LANES]);
                    distances.push(expectation(&mut scores));
                }
            }
        }
        distances
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
