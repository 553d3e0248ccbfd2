//! AP_pool: the detections of many categories ranked together.
//!
//! The paper's code, `LVISPooledEval` of large-vocab-devil, matches detections category by category as
//! always and takes precision and recall over all categories, and over those of each frequency, at once.

use super::accumulate::CategoryCurves;
use super::image::ImageMatches;
use super::ranking::{pooled_ranking, Ranking};
use super::summary::{slice_means, SliceMeans};
use super::{Curves, Metrics};
use crate::dataset::Frequency;

/// The area range of all areas, the only one that is reported.
const ALL: usize = 0;

/// The rankings of the pools: of all categories, and of the rare, common and frequent ones.
pub(super) fn pool_rankings(groups: &[Frequency], images: &[ImageMatches]) -> Vec<Ranking> {
    let pools = [None, Some(Frequency::Rare), Some(Frequency::Common), Some(Frequency::Frequent)];
    let rank =
        |pool: Option<Frequency>| pooled_ranking(images, |category| pool.is_none_or(|of| groups[category] == of));
    pools.into_iter().map(rank).collect()
}

/// AP of the pools, given their curves, and their precision-recall curves.
///
/// Of the 13 numbers these are AP, APr, APc and APf; the others are not defined for pools.
pub(super) fn summarize_pools(pools: &[CategoryCurves]) -> (Metrics, Curves) {
    let means = |pool: usize| {
        let judged: Vec<&CategoryCurves> = pools[pool..=pool].iter().filter(|pool| pool.counted(ALL) > 0).collect();
        slice_means(&judged, ALL, true)
    };
    let means = [0, 1, 2, 3].map(means);
    let [ap, ap_rare, ap_common, ap_frequent] = [0, 1, 2, 3].map(|pool: usize| means[pool].ap);
    let metrics = Metrics { ap, ap_rare, ap_common, ap_frequent, ..Metrics::default() };
    (metrics, SliceMeans::into_curves(means))
}
