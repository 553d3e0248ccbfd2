//! From the matches of images to the precision and recall of categories.

use rayon::prelude::*;

use super::ground_truth::GroundTruth;
use super::image::{DetectionMatches, ImageMatches};
use super::matching::ALL_THRESHOLDS;
use super::protocol::{recall_threshold, AREAS, RECALLS, THRESHOLDS};
use super::score::descending_key;

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

/// The curves of every category. An image that is not among `images` has no detections.
///
/// `images` must be in ascending order of image.
pub(super) fn accumulate(ground_truth: &GroundTruth<'_>, images: &[&ImageMatches]) -> Vec<CategoryCurves> {
    let categories = ground_truth.categories.ids().len();
    let counted = counted_instances(ground_truth, images, categories);
    let segments = segments(images, categories);
    let work = segments.par_iter().zip(counted);
    work.map_init(Walk::default, |walk, (segments, counted)| walk.curves(segments, counted)).collect()
}

/// Instances that count, by category.
fn counted_instances(ground_truth: &GroundTruth<'_>, images: &[&ImageMatches], categories: usize) -> Vec<[u32; AREAS]> {
    let mut counted = vec![[0; AREAS]; categories];
    let mut add = |category: u32, more: [u32; AREAS]| {
        let sums = counted[category as usize].iter_mut();
        sums.zip(more).for_each(|(sum, more)| *sum += more);
    };
    let mut rest = images;
    for position in 0..ground_truth.images.ids().len() {
        let here = rest.partition_point(|image| image.image as usize == position);
        let (now, later) = rest.split_at(here);
        rest = later;
        if now.is_empty() {
            ground_truth.cells(position).iter().for_each(|cell| add(cell.category, ground_truth.counted(cell)));
        }
        now.iter().flat_map(|image| &image.cells).for_each(|cell| add(cell.category, cell.counted));
    }
    counted
}

/// The detections of every category, image by image.
fn segments<'a>(images: &[&'a ImageMatches], categories: usize) -> Vec<Vec<&'a [DetectionMatches]>> {
    let mut segments = vec![Vec::new(); categories];
    for image in images {
        let mut rest = image.detections.as_slice();
        for cell in &image.cells {
            let (now, later) = rest.split_at(cell.detections as usize);
            rest = later;
            if !now.is_empty() {
                segments[cell.category as usize].push(now);
            }
        }
    }
    segments
}

/// The walk down one category's detections.
#[derive(Default)]
pub(super) struct Walk {
    /// True positives' ranks by area range and threshold.
    lists: [[Vec<u32>; THRESHOLDS]; AREAS],
}

impl Walk {
    pub(super) fn curves(&mut self, segments: &[&[DetectionMatches]], counted: [u32; AREAS]) -> CategoryCurves {
        if counted == [0; AREAS] {
            return CategoryCurves::default();
        }
        let mut ordered: Vec<(u64, &DetectionMatches)> =
            segments.iter().copied().flatten().map(|detection| (descending_key(detection.score), detection)).collect();
        ordered.sort_by_key(|&(key, _)| key);
        self.lists.iter_mut().flatten().for_each(Vec::clear);
        self.rank_true_positives(ordered.into_iter().map(|(_, detection)| detection));
        self.gather(counted)
    }

    fn rank_true_positives<'a>(&mut self, ordered: impl Iterator<Item = &'a DetectionMatches>) {
        // Most detections match nothing and count, or not, at all thresholds alike: they are counted
        // once an area range, the others by threshold on top.
        let mut alike = [0; AREAS];
        let mut apart = [[0; THRESHOLDS]; AREAS];
        for detection in ordered {
            let all = LOWEST_BITS * u64::from(ALL_THRESHOLDS);
            let counts = !detection.ignored.0 & all;
            let lowest = counts & LOWEST_BITS;
            if detection.matched.0 == 0 && counts == lowest * u64::from(ALL_THRESHOLDS) {
                for (area, count) in alike.iter_mut().enumerate() {
                    *count += (lowest >> (16 * area) & 1) as u32;
                }
                continue;
            }
            let is_set = |bits: u64, area: usize, threshold: usize| bits >> (16 * area + threshold) & 1 == 1;
            for (area, lists) in self.lists.iter_mut().enumerate() {
                for (threshold, list) in lists.iter_mut().enumerate() {
                    if is_set(counts, area, threshold) {
                        apart[area][threshold] += 1;
                        if is_set(detection.matched.0, area, threshold) {
                            list.push(alike[area] + apart[area][threshold]);
                        }
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

/// True positives needed to reach each recall threshold with `counted` instances: at least one, since
/// recall 0 is read at the first detection.
pub(super) fn needed(counted: u32) -> [u32; RECALLS] {
    let recall = |positives: u32| f64::from(positives) / f64::from(counted);
    let mut positives = 1;
    std::array::from_fn(|index| {
        while recall(positives) < recall_threshold(index) {
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
}
