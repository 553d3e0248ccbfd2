//! How far the numbers could be others with other images of the same kind: bootstrap over images.
//!
//! A resample draws as many images as were evaluated, with replacement; an image drawn twice counts
//! twice, as if its copy stood behind it under another id. Nothing is matched again: the sorted
//! detections of every category are walked down with the images weighted, which costs less than the
//! evaluation's own last step. The draws depend on seed and number of the resample alone, so the same
//! seed gives the same bits at any number of threads.
//!
//! Images are taken as independent. A category without an instance in a resample drops out of the mean
//! there, as lvis-api drops one without instances: for rare categories, of which many have a single
//! instance, it does so in a good third of the resamples, and the interval is as much about which
//! categories are judged as about how well. [`MetricInterval`] therefore says how many categories and
//! instances stand behind each number.
mod draws;
mod interval;
mod resampler;

pub use interval::{Intervals, MetricInterval};

pub(super) use interval::percentile_interval;
pub(super) use resampler::{paired, Resampler, Sampled};

/// Share of resamples that an interval spans.
pub(super) const LEVEL: f64 = 0.95;

/// How often to draw, and from which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Resamples, at least 1. Of a normal distribution, a thousand give the ends of the interval with a standard
    /// error of 2 % of its length.
    pub resamples: u32,
    /// Any number; the same one gives the same resamples.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self { resamples: 1000, seed: 0 }
    }
}
