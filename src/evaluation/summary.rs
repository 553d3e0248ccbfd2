//! The 13 numbers, and what stands beside them, from the curves of all categories.

use rayon::prelude::*;

use super::accumulate::{falling_precision, needed, CategoryCurves};
use super::pairwise::{mean, PairwiseSum};
use super::protocol::{AREAS, IOU_50, IOU_75, RECALLS, THRESHOLDS};
use super::vocabulary::CategoryRow;
use super::{CategoryMetrics, Curves, Metrics};
use crate::dataset::Frequency;

/// The area range of all areas.
const ALL: usize = 0;
const SMALL: usize = 1;
const MEDIUM: usize = 2;
const LARGE: usize = 3;

/// Precision over some categories in one area range.
#[derive(Default)]
pub(super) struct SliceMeans {
    pub(super) ap: Option<f64>,
    ap50: Option<f64>,
    ap75: Option<f64>,
    curve: Vec<f64>,
    curve50: Vec<f64>,
    curve75: Vec<f64>,
}

impl SliceMeans {
    /// The curves over all, rare, common and frequent categories.
    pub(super) fn into_curves([all, rare, common, frequent]: [Self; 4]) -> Curves {
        Curves {
            mean: all.curve,
            iou50: all.curve50,
            iou75: all.curve75,
            rare: rare.curve,
            common: common.curve,
            frequent: frequent.curve,
        }
    }

    /// Adds the mean precisions at one threshold.
    fn add_curve(&mut self, threshold: usize, rows: Vec<f64>) {
        self.curve.iter_mut().zip(&rows).for_each(|(sum, row)| *sum += row / THRESHOLDS as f64);
        match threshold {
            IOU_50 => self.curve50 = rows,
            IOU_75 => self.curve75 = rows,
            _ => {}
        }
    }
}

/// What a slice is a mean over: an area range, and a frequency group or all categories.
type Slice = (usize, Option<Frequency>);

/// The slices of the mean precisions, in the order of [`Metrics::NAMES`].
const SLICES: [Slice; 7] = [
    (ALL, None),
    (SMALL, None),
    (MEDIUM, None),
    (LARGE, None),
    (ALL, Some(Frequency::Rare)),
    (ALL, Some(Frequency::Common)),
    (ALL, Some(Frequency::Frequent)),
];

/// The slice of each of [`Metrics::NAMES`].
const SLICE_OF_METRIC: [usize; 13] = [0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3];

/// The 13 numbers and the precision-recall curves.
pub(super) fn summarize(categories: &[CategoryCurves], frequencies: &[Frequency]) -> (Metrics, Curves) {
    let means = |slice: &Slice| slice_means(&judged(categories, frequencies, *slice), slice.0, true);
    let mut means: Vec<SliceMeans> = SLICES.par_iter().with_max_len(1).map(means).collect();
    let metrics = metrics_of(&means, categories, frequencies);
    let curves = SliceMeans::into_curves([0, 4, 5, 6].map(|slice: usize| std::mem::take(&mut means[slice])));
    (metrics, curves)
}

/// The 13 numbers alone, on the calling thread.
pub(super) fn summarize_numbers(categories: &[CategoryCurves], frequencies: &[Frequency]) -> Metrics {
    let means = |slice: &Slice| slice_means(&judged(categories, frequencies, *slice), slice.0, false);
    metrics_of(&SLICES.iter().map(means).collect::<Vec<_>>(), categories, frequencies)
}

fn metrics_of(means: &[SliceMeans], categories: &[CategoryCurves], frequencies: &[Frequency]) -> Metrics {
    let recall = |area| mean_recall(&judged(categories, frequencies, (area, None)), area);
    Metrics {
        ap: means[0].ap,
        ap50: means[0].ap50,
        ap75: means[0].ap75,
        ap_small: means[1].ap,
        ap_medium: means[2].ap,
        ap_large: means[3].ap,
        ap_rare: means[4].ap,
        ap_common: means[5].ap,
        ap_frequent: means[6].ap,
        ar: recall(ALL),
        ar_small: recall(SMALL),
        ar_medium: recall(MEDIUM),
        ar_large: recall(LARGE),
    }
}

/// For each of the 13 numbers, the instances of every category that it is a mean over, given how many of each
/// category count in each area range.
pub(super) fn instances_behind(counted: &[[u32; AREAS]], frequencies: &[Frequency]) -> [Vec<u32>; 13] {
    SLICE_OF_METRIC.map(|slice| {
        let (area, group) = SLICES[slice];
        let all = counted.iter().zip(frequencies);
        let of_group = all.filter(|(_, &frequency)| group.is_none_or(|group| group == frequency));
        of_group.map(|(counted, _)| counted[area]).filter(|&counted| counted > 0).collect()
    })
}

/// The categories of a slice that have instances that count there.
fn judged<'a>(
    categories: &'a [CategoryCurves],
    frequencies: &[Frequency],
    (area, group): Slice,
) -> Vec<&'a CategoryCurves> {
    let all = categories.iter().zip(frequencies);
    let of_group = all.filter(|(_, &frequency)| group.is_none_or(|group| group == frequency));
    of_group.map(|(category, _)| category).filter(|category| category.counted(area) > 0).collect()
}

/// Means over lvis-api's array of precisions `[threshold, recall, category]`, of which one threshold
/// is held at a time.
pub(super) fn slice_means(categories: &[&CategoryCurves], area: usize, with_curves: bool) -> SliceMeans {
    if categories.is_empty() {
        return SliceMeans::default();
    }
    let needed: Vec<[u32; RECALLS]> = categories.iter().map(|category| needed(category.counted(area))).collect();
    let mut means = SliceMeans { curve: vec![0.0; RECALLS], ..SliceMeans::default() };
    let mut plane = vec![0.0; RECALLS * categories.len()];
    let mut sum = PairwiseSum::new(THRESHOLDS * plane.len());
    let mut scratch = Vec::new();
    for threshold in 0..THRESHOLDS {
        plane.fill(0.0);
        for (column, (category, needed)) in categories.iter().zip(&needed).enumerate() {
            let places = plane[column..].iter_mut().step_by(categories.len());
            fill_column(category.ranks(area, threshold), needed, places, &mut scratch);
        }
        sum.extend(&plane);
        match threshold {
            IOU_50 => means.ap50 = mean(&plane),
            IOU_75 => means.ap75 = mean(&plane),
            _ => {}
        }
        if with_curves {
            means.add_curve(threshold, plane.chunks_exact(categories.len()).map(row_mean).collect());
        }
    }
    means.ap = sum.mean();
    means
}

fn row_mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / row.len() as f64
}

/// Writes the precision at every recall threshold that is reached; the places of the others must hold 0.
fn fill_column<'a>(
    ranks: &[u32],
    needed: &[u32; RECALLS],
    places: impl Iterator<Item = &'a mut f64>,
    precision: &mut Vec<f64>,
) {
    falling_precision(ranks, precision);
    let reached = needed.partition_point(|&needed| needed as usize <= precision.len());
    for (place, &needed) in places.zip(&needed[..reached]) {
        *place = precision[needed as usize - 1];
    }
}

/// Mean over lvis-api's array of recalls `[threshold, category]`.
fn mean_recall(judged: &[&CategoryCurves], area: usize) -> Option<f64> {
    let recalls = |threshold| judged.iter().map(move |category| category.recall(area, threshold));
    mean(&(0..THRESHOLDS).flat_map(recalls).collect::<Vec<f64>>())
}

/// The results of every category in ascending id.
pub(super) fn category_metrics(rows: &[CategoryRow], categories: &[CategoryCurves]) -> Vec<CategoryMetrics> {
    let work = rows.par_iter().zip(categories);
    let metrics = work.map_init(
        || (vec![0.0; THRESHOLDS * RECALLS], Vec::new()),
        |(array, scratch), (row, category)| metrics_of_category(row, category, array, scratch),
    );
    metrics.collect()
}

fn metrics_of_category(
    row: &CategoryRow,
    category: &CategoryCurves,
    array: &mut [f64],
    scratch: &mut Vec<f64>,
) -> CategoryMetrics {
    let num_gt = category.counted(ALL);
    let [ap, ap50, ar] = match num_gt {
        0 => [None; 3],
        _ => category_means(category, array, scratch),
    };
    CategoryMetrics {
        id: row.id,
        name: row.name.clone(),
        frequency: row.frequency.clone(),
        ap,
        ap50,
        ar,
        num_gt: u64::from(num_gt),
        image_count: row.image_count,
    }
}

/// AP, AP50 and AR.
fn category_means(category: &CategoryCurves, array: &mut [f64], scratch: &mut Vec<f64>) -> [Option<f64>; 3] {
    let needed = needed(category.counted(ALL));
    array.fill(0.0);
    for (threshold, row) in array.chunks_exact_mut(RECALLS).enumerate() {
        fill_column(category.ranks(ALL, threshold), &needed, row.iter_mut(), scratch);
    }
    let recalls: Vec<f64> = (0..THRESHOLDS).map(|threshold| category.recall(ALL, threshold)).collect();
    [mean(array), mean(&array[IOU_50 * RECALLS..][..RECALLS]), mean(&recalls)]
}

/// lvis-api's arrays, with -1 where a category has no instance that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrays {
    /// Category ids in the order of the arrays.
    pub categories: Vec<i64>,
    /// `[threshold, recall, category, area]`: 10 x 101 x categories x 4.
    pub precision: Vec<f64>,
    /// `[threshold, category, area]`: 10 x categories x 4.
    pub recall: Vec<f64>,
}

/// The arrays that `summarize` and `category_metrics` do without.
pub(super) fn arrays(ids: &[i64], categories: &[CategoryCurves]) -> Arrays {
    let count = categories.len();
    let mut precision = vec![-1.0; THRESHOLDS * RECALLS * count * AREAS];
    let mut recall = vec![-1.0; THRESHOLDS * count * AREAS];
    let mut scratch = Vec::new();
    for (position, category) in categories.iter().enumerate() {
        for area in (0..AREAS).filter(|&area| category.counted(area) > 0) {
            let needed = needed(category.counted(area));
            for threshold in 0..THRESHOLDS {
                recall[(threshold * count + position) * AREAS + area] = category.recall(area, threshold);
                let first = (threshold * RECALLS * count + position) * AREAS + area;
                let mut column = [0.0; RECALLS];
                fill_column(category.ranks(area, threshold), &needed, column.iter_mut(), &mut scratch);
                let places = precision[first..].iter_mut().step_by(count * AREAS);
                places.zip(column).for_each(|(place, precision)| *place = precision);
            }
        }
    }
    Arrays { categories: ids.to_vec(), precision, recall }
}
