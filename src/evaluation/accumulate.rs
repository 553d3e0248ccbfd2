//! From the matches of images to the precision and recall of categories.

use rayon::prelude::*;

use super::matching::ALL_THRESHOLDS;
use super::protocol::{recall_threshold, AREAS, RECALLS, THRESHOLDS};
use super::ranking::{RankedDetection, Ranking};

/// Lowest bit of every area range.
const LOWEST_BITS: u64 = 0x0001_0001_0001_0001;

/// Precision against recall of one category, without the array: at every IoU threshold and in every
/// area range, how many detections count up to each true positive.
#[derive(Debug, Clone, Default)]
pub(super) struct CategoryCurves {
    /// Instances that count, in each area range.
    counted: [u32; AREAS],
    /// List after list, area range by area range and threshold by threshold.
    ranks: Vec<u32>,
    /// Where each list ends; empty if no list holds anything.
    ends: Vec<u32>,
}

impl CategoryCurves {
    /// Instances that count, in each area range.
    pub(super) fn counted_by_area(&self) -> [u32; AREAS] {
        self.counted
    }

    /// Instances that count in an area range.
    pub(super) fn counted(&self, area: usize) -> u32 {
        self.counted[area]
    }

    /// For every true positive in descending order of score, the number of counted detections up to
    /// and including it.
    pub(super) fn ranks(&self, area: usize, threshold: usize) -> &[u32] {
        let list = area * THRESHOLDS + threshold;
        let Some(&end) = self.ends.get(list) else { return &[] };
        let start = if list == 0 { 0 } else { self.ends[list - 1] };
        &self.ranks[start as usize..end as usize]
    }

    /// Recall over all detections.
    pub(super) fn recall(&self, area: usize, threshold: usize) -> f64 {
        self.ranks(area, threshold).len() as f64 / f64::from(self.counted[area])
    }
}

/// The curves of every category, each image counted once.
pub(super) fn accumulate(rankings: &[Ranking]) -> Vec<CategoryCurves> {
    rankings.par_iter().map_init(Walk::default, |walk, ranking| walk.curves(ranking, |_| 1)).collect()
}

/// The walk down one category's detections.
#[derive(Default)]
pub(super) struct Walk {
    /// True positives' ranks by area range and threshold.
    lists: [[Vec<u32>; THRESHOLDS]; AREAS],
    /// Most detections match nothing and count, or not, at all thresholds alike: they are counted once
    /// an area range, the others by threshold on top.
    alike: [u32; AREAS],
    apart: [[u32; THRESHOLDS]; AREAS],
}

impl Walk {
    /// The curves of a category in which an image counts as often as `weight` says of its slot, as if
    /// its copies stood behind one another.
    pub(super) fn curves(&mut self, ranking: &Ranking, weight: impl Fn(u32) -> u32) -> CategoryCurves {
        let counted = counted_instances(&ranking.instances, &weight);
        if counted == [0; AREAS] {
            return CategoryCurves::default();
        }
        self.lists.iter_mut().flatten().for_each(Vec::clear);
        (self.alike, self.apart) = Default::default();
        self.rank_true_positives(&ranking.detections, weight);
        self.gather(counted)
    }

    fn rank_true_positives(&mut self, detections: &[RankedDetection], weight: impl Fn(u32) -> u32) {
        let mut rest = detections;
        while let Some(first) = rest.first() {
            let (group, later) = rest.split_at(first.group as usize);
            rest = later;
            let copies = weight(first.slot);
            match group {
                [only] => self.count(only, copies),
                several => (0..copies).for_each(|_| several.iter().for_each(|detection| self.count(detection, 1))),
            }
        }
    }

    /// Counts the copies of one detection.
    fn count(&mut self, detection: &RankedDetection, copies: u32) {
        let (matched, counts) = (detection.matched.0, detection.counts.0);
        let lowest = counts & LOWEST_BITS;
        if matched == 0 && counts == lowest * u64::from(ALL_THRESHOLDS) {
            for (area, count) in self.alike.iter_mut().enumerate() {
                *count += (lowest >> (16 * area) & 1) as u32 * copies;
            }
            return;
        }
        let is_set = |bits: u64, area: usize, threshold: usize| bits >> (16 * area + threshold) & 1 == 1;
        for (area, lists) in self.lists.iter_mut().enumerate() {
            for (threshold, list) in lists.iter_mut().enumerate() {
                if is_set(counts, area, threshold) {
                    let before = self.alike[area] + self.apart[area][threshold];
                    self.apart[area][threshold] += copies;
                    if is_set(matched, area, threshold) {
                        list.extend(before + 1..=before + copies);
                    }
                }
            }
        }
    }

    fn gather(&self, counted: [u32; AREAS]) -> CategoryCurves {
        let mut ends = Vec::with_capacity(AREAS * THRESHOLDS);
        let mut ranks = Vec::with_capacity(self.lists.iter().flatten().map(Vec::len).sum());
        for list in self.lists.iter().flatten() {
            ranks.extend_from_slice(list);
            ends.push(ranks.len() as u32);
        }
        CategoryCurves { counted, ranks, ends }
    }
}

/// Instances that count, in each area range.
fn counted_instances(instances: &[(u32, [u32; AREAS])], weight: impl Fn(u32) -> u32) -> [u32; AREAS] {
    let mut counted = [0; AREAS];
    for &(slot, of_image) in instances {
        let copies = weight(slot);
        let sums = counted.iter_mut().zip(of_image);
        sums.for_each(|(sum, more): (&mut u32, u32)| *sum = sum.saturating_add(more.saturating_mul(copies)));
    }
    counted
}

/// True positives needed to reach each recall threshold with `counted` instances: at least one, since
/// recall 0 is read at the first detection.
pub(super) fn needed(counted: u32) -> [u32; RECALLS] {
    let recall = |positives: u32| f64::from(positives) / f64::from(counted);
    std::array::from_fn(|index| {
        let threshold = recall_threshold(index);
        // Never too many: one true positive is far more than what rounding adds.
        let mut positives = ((threshold * f64::from(counted)) as u32).max(1);
        while recall(positives) < threshold {
            positives += 1;
        }
        positives
    })
}

/// Replaces `precision` by the precision at each true positive, made to fall from left to right by
/// carrying the highest one to the left, as lvis-api does.
pub(super) fn falling_precision(ranks: &[u32], precision: &mut Vec<f64>) {
    precision.clear();
    let at = |(positives, &rank): (u32, &u32)| f64::from(positives) / (f64::from(rank) + f64::EPSILON);
    precision.extend((1..).zip(ranks).map(at));
    let mut highest = 0.0;
    for value in precision.iter_mut().rev() {
        if highest > *value {
            *value = highest;
        }
        highest = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_first_true_positive_misses_one_by_an_ulp() {
        let mut precision = Vec::new();
        falling_precision(&[1], &mut precision);
        assert_eq!(precision, [0.9999999999999998]);
    }

    #[test]
    fn precision_falls() {
        let mut precision = vec![7.0];
        falling_precision(&[2, 3, 6], &mut precision);
        assert_eq!(precision, [2.0 / 3.0, 2.0 / 3.0, 0.5]);
    }

    #[test]
    fn needed_is_a_left_search() {
        for counted in [1, 3, 7, 29, 100, 101, 1000] {
            let recalls: Vec<f64> = (1..=counted).map(|positives| f64::from(positives) / f64::from(counted)).collect();
            for (index, &needed) in needed(counted).iter().enumerate() {
                let expected = recalls.partition_point(|&recall| recall < recall_threshold(index));
                assert_eq!(needed as usize, expected + 1, "recall {index} of {counted}");
            }
        }
    }

    #[test]
    fn needed_is_neither_too_few_nor_too_many() {
        let many = (0..400).map(|place: u32| u32::MAX - place * place * 26_000);
        for counted in (1..6000).chain(many) {
            let recall = |positives: u32| f64::from(positives) / f64::from(counted);
            for (index, &needed) in needed(counted).iter().enumerate() {
                let threshold = recall_threshold(index);
                assert!(recall(needed) >= threshold, "recall {index} of {counted}");
                assert!(needed == 1 || recall(needed - 1) < threshold, "recall {index} of {counted}");
            }
        }
    }
}
