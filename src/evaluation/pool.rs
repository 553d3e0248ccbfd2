//! AP_pool: the detections of many categories ranked together.
//!
//! The paper's code, `LVISPooledEval` of large-vocab-devil, matches detections category by category as
//! always and takes precision and recall over all categories, and over those of each frequency, at once.

use super::accumulate::{CategoryCurves, Walk};
use super::ground_truth::GroundTruth;
use super::image::{DetectionMatches, ImageMatches};
use super::summary::slice_means;
use super::{Curves, Metrics};
use crate::dataset::Frequency;

/// The area range of all areas, the only one that is reported.
const ALL: usize = 0;

/// AP of all categories together and of those of each frequency, and their precision-recall curves.
///
/// Of the 13 numbers these are AP, APr, APc and APf; the others are not defined for pools. `categories`
/// are the curves of single categories, whose instances are counted.
pub(super) fn summarize_pools(
    ground_truth: &GroundTruth<'_>,
    images: &[&ImageMatches],
    categories: &[CategoryCurves],
) -> (Metrics, Curves) {
    let pool = |frequency: Option<Frequency>| {
        let holds = |category: usize| frequency.is_none_or(|of| ground_truth.frequencies[category] == of);
        let counted = counted_instances(categories, holds);
        let curves = Walk::default().curves(&segments(images, holds), counted);
        match curves.counted(ALL) {
            0 => slice_means(&[], ALL),
            _ => slice_means(&[&curves], ALL),
        }
    };
    let all = pool(None);
    let [rare, common, frequent] = [Frequency::Rare, Frequency::Common, Frequency::Frequent].map(|of| pool(Some(of)));
    let metrics =
        Metrics { ap: all.ap, ap_rare: rare.ap, ap_common: common.ap, ap_frequent: frequent.ap, ..Metrics::default() };
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

/// Instances that count in a pool, in each area range.
fn counted_instances(categories: &[CategoryCurves], holds: impl Fn(usize) -> bool) -> [u32; super::AREAS] {
    let pooled = || categories.iter().enumerate().filter(|&(position, _)| holds(position));
    std::array::from_fn(|area| pooled().map(|(_, category)| category.counted(area)).sum())
}

/// The detections of a pool: image by image and, within one, category by category, which decides about
/// equal scores.
fn segments<'a>(images: &[&'a ImageMatches], holds: impl Fn(usize) -> bool) -> Vec<&'a [DetectionMatches]> {
    let mut segments = Vec::new();
    for image in images {
        let mut rest = image.detections.as_slice();
        for cell in &image.cells {
            let (now, later) = rest.split_at(cell.detections as usize);
            rest = later;
            if holds(cell.category as usize) && !now.is_empty() {
                segments.push(now);
            }
        }
    }
    segments
}
