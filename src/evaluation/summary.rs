//! The 13 numbers, and what stands beside them, from the curves of all categories.

use rayon::prelude::*;

use super::accumulate::{falling_precision, needed, CategoryCurves};
use super::ground_truth::GroundTruth;
use super::pairwise::{mean, PairwiseSum};
use super::protocol::{AREAS, IOU_50, IOU_75, RECALLS, THRESHOLDS};
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
    pub(super) curve: Vec<f64>,
    pub(super) curve50: Vec<f64>,
    pub(super) curve75: Vec<f64>,
}

/// The 13 numbers and the precision-recall curves.
pub(super) fn summarize(categories: &[CategoryCurves], frequencies: &[Frequency]) -> (Metrics, Curves) {
    let of = |frequency| move |position: usize| frequencies[position] == frequency;
    let slices: [(usize, Option<Frequency>); 7] = [
        (ALL, None),
        (SMALL, None),
        (MEDIUM, None),
        (LARGE, None),
        (ALL, Some(Frequency::Rare)),
        (ALL, Some(Frequency::Common)),
        (ALL, Some(Frequency::Frequent)),
    ];
    let mut means: Vec<SliceMeans> = slices
        .par_iter()
        .map(|&(area, frequency)| match frequency {
            None => slice_means(&judged(categories, area, |_| true), area),
            Some(frequency) => slice_means(&judged(categories, area, of(frequency)), area),
        })
        .collect();
    let metrics = Metrics {
        ap: means[0].ap,
        ap50: means[0].ap50,
        ap75: means[0].ap75,
        ap_small: means[1].ap,
        ap_medium: means[2].ap,
        ap_large: means[3].ap,
        ap_rare: means[4].ap,
        ap_common: means[5].ap,
        ap_frequent: means[6].ap,
        ar: mean_recall(categories, ALL),
        ar_small: mean_recall(categories, SMALL),
        ar_medium: mean_recall(categories, MEDIUM),
        ar_large: mean_recall(categories, LARGE),
    };
    let mut take = |slice: usize| std::mem::take(&mut means[slice]);
    let (all, rare, common, frequent) = (take(0), take(4), take(5), take(6));
    let curves = Curves {
        mean: all.curve,
        iou50: all.curve50,
        iou75: all.curve75,
        rare: rare.curve,
        common: common.curve,
        frequent: frequent.curve,
    };
    (metrics, curves)
}

/// The categories with instances that count in an area range, of those that `keep` lets pass.
fn judged(categories: &[CategoryCurves], area: usize, keep: impl Fn(usize) -> bool) -> Vec<&CategoryCurves> {
    let kept = categories.iter().enumerate().filter(|(position, _)| keep(*position));
    kept.map(|(_, category)| category).filter(|category| category.counted(area) > 0).collect()
}

/// Means over lvis-api's array of precisions `[threshold, recall, category]`, of which one threshold
/// is held at a time.
pub(super) fn slice_means(categories: &[&CategoryCurves], area: usize) -> SliceMeans {
    if categories.is_empty() {
        return SliceMeans::default();
    }
    let needed: Vec<[u32; RECALLS]> = categories.iter().map(|category| needed(category.counted(area))).collect();
    let mut means = SliceMeans { curve: vec![0.0; RECALLS], ..SliceMeans::default() };
    let mut plane = vec![0.0; RECALLS * categories.len()];
    let mut sum = PairwiseSum::new(THRESHOLDS * plane.len());
    let mut scratch = Vec::new();
    for threshold in 0..THRESHOLDS {
        for (column, (category, needed)) in categories.iter().zip(&needed).enumerate() {
            let places = plane[column..].iter_mut().step_by(categories.len());
            fill_column(category.ranks(area, threshold), needed, places, &mut scratch);
        }
        sum.extend(&plane);
        let rows: Vec<f64> = plane.chunks_exact(categories.len()).map(row_mean).collect();
        means.curve.iter_mut().zip(&rows).for_each(|(sum, row)| *sum += row / THRESHOLDS as f64);
        match threshold {
            IOU_50 => (means.ap50, means.curve50) = (mean(&plane), rows),
            IOU_75 => (means.ap75, means.curve75) = (mean(&plane), rows),
            _ => {}
        }
    }
    means.ap = sum.mean();
    means
}

fn row_mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / row.len() as f64
}

/// Writes the precision at every recall threshold: 0 where the recall is not reached.
fn fill_column<'a>(
    ranks: &[u32],
    needed: &[u32; RECALLS],
    places: impl Iterator<Item = &'a mut f64>,
    precision: &mut Vec<f64>,
) {
    falling_precision(ranks, precision);
    for (place, &needed) in places.zip(needed) {
        *place = precision.get(needed as usize - 1).copied().unwrap_or(0.0);
    }
}

/// Mean over lvis-api's array of recalls `[threshold, category]`.
fn mean_recall(categories: &[CategoryCurves], area: usize) -> Option<f64> {
    let judged = judged(categories, area, |_| true);
    let recalls = |threshold| judged.iter().map(move |category| category.recall(area, threshold));
    mean(&(0..THRESHOLDS).flat_map(recalls).collect::<Vec<f64>>())
}

/// The results of every category in ascending id.
pub(super) fn category_metrics(ground_truth: &GroundTruth<'_>, categories: &[CategoryCurves]) -> Vec<CategoryMetrics> {
    let rows = categories.par_iter().enumerate().map_init(
        || (vec![0.0; THRESHOLDS * RECALLS], Vec::new()),
        |(array, scratch), (position, category)| category_row(ground_truth, position, category, array, scratch),
    );
    rows.collect()
}

fn category_row(
    ground_truth: &GroundTruth<'_>,
    position: usize,
    category: &CategoryCurves,
    array: &mut [f64],
    scratch: &mut Vec<f64>,
) -> CategoryMetrics {
    let record = &ground_truth.annotations.categories[ground_truth.categories.record(position)];
    let num_gt = category.counted(ALL);
    let [ap, ap50, ar] = match num_gt {
        0 => [None; 3],
        _ => category_means(category, array, scratch),
    };
    CategoryMetrics {
        id: record.id,
        name: record.name.clone().unwrap_or_default(),
        frequency: record.frequency.clone().unwrap_or_default(),
        ap,
        ap50,
        ar,
        num_gt: u64::from(num_gt),
        image_count: record.image_count,
    }
}

/// AP, AP50 and AR.
fn category_means(category: &CategoryCurves, array: &mut [f64], scratch: &mut Vec<f64>) -> [Option<f64>; 3] {
    let needed = needed(category.counted(ALL));
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
                let places = precision[first..].iter_mut().step_by(count * AREAS);
                fill_column(category.ranks(area, threshold), &needed, places, &mut scratch);
            }
        }
    }
    Arrays { categories: ids.to_vec(), precision, recall }
}
