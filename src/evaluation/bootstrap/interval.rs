//! Intervals beside the numbers.

use serde::{Deserialize, Serialize};

use super::super::results::names;
use super::super::summary::instances_behind;
use super::super::State;
use super::{Resampler, Resampling, Sampled, LEVEL};

/// A bootstrap interval beside each of the 13 numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Share of the resamples that each interval spans: 0.95.
    pub level: f64,
    /// Resamples drawn.
    pub resamples: u32,
    /// What they were drawn from.
    pub seed: u64,
    /// Images evaluated, as many as each resample has.
    pub images: u64,
    /// In the order of [`Results`](super::super::Results).
    pub metrics: Vec<MetricInterval>,
}

/// The interval of one number, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricInterval {
    /// The protocol's name of the number.
    pub metric: String,
    /// The 2.5th percentile over the resamples, as a fraction; null where there is no interval.
    pub low: Option<f64>,
    /// The 97.5th percentile.
    pub high: Option<f64>,
    /// Resamples in which the number exists, since one of its categories has an instance.
    pub resamples: u32,
    /// Categories that the number is a mean over.
    pub categories: u32,
    /// How many of these a resample has on average; the others dropped out of it. Of a pool, the share of
    /// resamples in which it has an instance.
    pub categories_in_resamples: f64,
    /// Instances of these categories that count.
    pub instances: u64,
    /// Of these categories, how many have a single instance.
    pub categories_with_one_instance: u32,
}

impl State {
    /// 95 % intervals of the 13 numbers by bootstrap over the state's images: percentiles, linear between
    /// neighbours, of the resamples in which a number exists. There is none where it exists in none, or
    /// where fewer than two images were evaluated.
    pub fn intervals(&self, resampling: Resampling) -> Intervals {
        let samples = Resampler::new(self).samples(resampling);
        let instances = instances_behind(&self.counted(), &self.groups());
        let names = names(&self.about.options()).into_iter().zip(&instances).enumerate();
        let metrics = names.filter_map(|(metric, (name, instances))| Some((metric, name?, instances)));
        let can_vary = self.images.len() > 1;
        Intervals {
            level: LEVEL,
            resamples: resampling.resamples,
            seed: resampling.seed,
            images: self.images.len() as u64,
            metrics: metrics.map(|(metric, name, of)| interval(metric, name, of, &samples, can_vary)).collect(),
        }
    }
}

fn interval(metric: usize, name: String, instances: &[u32], samples: &[Sampled], can_vary: bool) -> MetricInterval {
    let mut values: Vec<f64> = samples.iter().filter_map(|sample| sample.values[metric]).collect();
    let resamples = values.len() as u32;
    let bounds = percentile_interval(&mut values).filter(|_| can_vary);
    let categories: u64 = samples.iter().map(|sample| u64::from(sample.categories[metric])).sum();
    MetricInterval {
        metric: name,
        low: bounds.map(|[low, _]| low),
        high: bounds.map(|[_, high]| high),
        resamples,
        categories: instances.len() as u32,
        categories_in_resamples: categories as f64 / samples.len().max(1) as f64,
        instances: instances.iter().copied().map(u64::from).sum(),
        categories_with_one_instance: instances.iter().filter(|&&count| count == 1).count() as u32,
    }
}

/// The middle [`LEVEL`] of some values, which are sorted for it; `None` of none.
pub(in super::super) fn percentile_interval(values: &mut [f64]) -> Option<[f64; 2]> {
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some([quantile(values, tail)?, quantile(values, 1.0 - tail)?])
}

/// Linear between the neighbours of place `share * (n - 1)`: numpy's default, type 7 of Hyndman and Fan.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.025), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
        assert_eq!(quantile(&[3.0], 0.975), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn interval_leaves_out_a_fortieth_at_either_end() {
        let mut values: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        let [low, high] = percentile_interval(&mut values).expect("there are values");
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9, "{low} {high}");
    }
}
