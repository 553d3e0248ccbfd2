//! The numbers of resamples.

use rayon::prelude::*;

use super::super::accumulate::{CategoryCurves, Walk};
use super::super::pool::{pool_rankings, summarize_pools};
use super::super::ranking::{rankings, Ranking};
use super::super::summary::{instances_behind, summarize_numbers};
use super::super::{Metrics, Protocol, State};
use super::draws::draw;
use super::Resampling;
use crate::dataset::Frequency;

/// The 13 numbers of a resample, and how many categories each is a mean over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Sampled {
    pub(in super::super) values: [Option<f64>; 13],
    pub(in super::super) categories: [u32; 13],
}

/// A state made ready to be counted with its images weighted.
pub(in super::super) struct Resampler {
    /// Of the categories, or of the pools.
    rankings: Vec<Ranking>,
    groups: Vec<Frequency>,
    protocol: Protocol,
    images: usize,
}

impl Resampler {
    pub(in super::super) fn new(state: &State) -> Self {
        let (groups, protocol) = (state.groups(), state.about.protocol);
        let rankings = match protocol {
            Protocol::Lvis | Protocol::Fixed => rankings(state.categories.len(), &state.images),
            Protocol::Pool => pool_rankings(&groups, &state.images),
        };
        Self { rankings, groups, protocol, images: state.images.len() }
    }

    /// The 13 numbers with each image counted as often as its weight says.
    pub(in super::super) fn sample(&self, weights: &[u32], walk: &mut Walk) -> Sampled {
        let curves = self.curves(weights, walk);
        let values = self.numbers(&curves).values();
        let categories = match self.protocol {
            Protocol::Lvis | Protocol::Fixed => {
                let counted: Vec<_> = curves.iter().map(CategoryCurves::counted_by_area).collect();
                instances_behind(&counted, &self.groups).map(|instances| instances.len() as u32)
            }
            // A pool is there or is not.
            Protocol::Pool => values.map(|value| u32::from(value.is_some())),
        };
        Sampled { values, categories }
    }

    fn numbers(&self, curves: &[CategoryCurves]) -> Metrics {
        match self.protocol {
            Protocol::Lvis | Protocol::Fixed => summarize_numbers(curves, &self.groups),
            Protocol::Pool => summarize_pools(curves).0,
        }
    }

    fn curves(&self, weights: &[u32], walk: &mut Walk) -> Vec<CategoryCurves> {
        self.rankings.iter().map(|ranking| walk.curves(ranking, |slot| weights[slot as usize])).collect()
    }

    /// The numbers of all resamples, in order, on the threads of the current rayon pool.
    pub(in super::super) fn samples(&self, resampling: Resampling) -> Vec<Sampled> {
        let work = (0..resampling.resamples).into_par_iter();
        let sample = |(walk, weights): &mut (Walk, Vec<u32>), resample| {
            draw(resampling.seed, resample, weights);
            self.sample(weights, walk)
        };
        work.map_init(|| (Walk::default(), vec![0; self.images]), sample).collect()
    }
}

impl State {
    /// The 13 numbers with each image of the state, in ascending id, counted as often as its weight says:
    /// as if its copies stood behind it in the data set under ids of their own. With ones they are those
    /// of [`State::evaluation`], bit for bit.
    ///
    /// # Panics
    /// Unless there is one weight an image.
    pub fn weighted(&self, weights: &[u32]) -> Metrics {
        assert_eq!(weights.len(), self.images.len(), "there must be one weight an image");
        let resampler = Resampler::new(self);
        resampler.numbers(&resampler.curves(weights, &mut Walk::default()))
    }
}

/// The numbers of two states of the same images in the same resamples.
pub(in super::super) fn paired(a: &Resampler, b: &Resampler, resampling: Resampling) -> Vec<[Sampled; 2]> {
    let work = (0..resampling.resamples).into_par_iter();
    let sample = |(walk, weights): &mut (Walk, Vec<u32>), resample| {
        draw(resampling.seed, resample, weights);
        [a.sample(weights, walk), b.sample(weights, walk)]
    };
    work.map_init(|| (Walk::default(), vec![0; a.images]), sample).collect()
}
