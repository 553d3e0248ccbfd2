//! The detections of every category in the order in which they are counted.
//!
//! Sorted once, they can be counted again and again with images weighted differently: a bootstrap
//! resample is one walk down these lists.

use rayon::prelude::*;

use super::image::{DetectionMatches, ImageMatches};
use super::matching::Bits;
use super::protocol::AREAS;
use super::score::descending_key;

/// One category over all images.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranking {
    /// Where it has instances: the image's slot and how many count, in each area range.
    pub(super) instances: Vec<(u32, [u32; AREAS])>,
    /// In descending order of score; equal scores in the order of the images, then of the file. Those
    /// below the last true positive are left out: they change no precision and no recall.
    pub(super) detections: Vec<RankedDetection>,
}

/// One detection.
#[derive(Debug, Clone, Copy)]
pub(super) struct RankedDetection {
    /// Slot of its image.
    pub(super) slot: u32,
    /// How many detections of the same score and image begin here, itself included; 0 within such a
    /// group.
    pub(super) group: u32,
    /// Where it matched an instance.
    pub(super) matched: Bits,
    /// Where it counts as true or as false positive.
    pub(super) counts: Bits,
}

/// Where a detection counts as true or as false positive.
pub(super) fn counts(detection: &DetectionMatches) -> Bits {
    Bits(Bits::of_areas(u8::MAX).0 & !detection.ignored.0)
}

impl RankedDetection {
    fn is_true_positive(&self) -> bool {
        self.matched.0 & self.counts.0 != 0
    }
}

/// Categories that one thread takes at once.
const CHUNK: usize = 1 << 5;

/// The rankings of `categories` categories over `images`, which must be in ascending order. An image's
/// slot is its place among them.
pub(super) fn rankings(categories: usize, images: &[ImageMatches]) -> Vec<Ranking> {
    let parts = gather(categories, images, Some);
    parts.into_par_iter().with_max_len(CHUNK).map(Parts::rank).collect()
}

/// The ranking of the categories that `holds` holds of, as if they were one. Equal scores come image by
/// image and, within one, category by category.
pub(super) fn pooled_ranking(images: &[ImageMatches], holds: impl Fn(usize) -> bool) -> Ranking {
    let mut parts = gather(1, images, |category| holds(category).then_some(0));
    parts.pop().expect("one was asked for").rank()
}

/// What the images hold of `count` places, each category in the place that is given for it.
fn gather(count: usize, images: &[ImageMatches], place: impl Fn(usize) -> Option<usize>) -> Vec<Parts<'_>> {
    let mut parts = vec![Parts::default(); count];
    for (slot, image) in (0u32..).zip(images) {
        let mut rest = image.detections.as_slice();
        for cell in &image.cells {
            let (now, later) = rest.split_at(cell.detections as usize);
            rest = later;
            let Some(place) = place(cell.category as usize) else { continue };
            let parts = &mut parts[place];
            if cell.counted != [0; AREAS] {
                parts.instances.push((slot, cell.counted));
            }
            if !now.is_empty() {
                parts.detections.push((slot, now));
            }
        }
    }
    parts
}

/// What the images hold of one category.
#[derive(Clone, Default)]
struct Parts<'a> {
    instances: Vec<(u32, [u32; AREAS])>,
    detections: Vec<(u32, &'a [DetectionMatches])>,
}

impl Parts<'_> {
    fn rank(self) -> Ranking {
        if self.instances.is_empty() {
            return Ranking::default();
        }
        let all = || self.detections.iter().flat_map(|&(slot, of_image)| of_image.iter().map(move |it| (slot, it)));
        let true_positives = all().filter(|(_, detection)| detection.matched.0 & counts(detection).0 != 0);
        let lowest = true_positives.map(|(_, detection)| descending_key(detection.score)).max();
        let Some(lowest) = lowest else { return Ranking { instances: self.instances, detections: Vec::new() } };
        // What is below the last true positive need not even be sorted.
        let counted = all().filter(|(_, detection)| counts(detection).0 != 0);
        let keyed = counted.map(|(slot, it)| (descending_key(it.score), slot, it));
        let mut ordered: Vec<_> = keyed.filter(|&(key, _, _)| key <= lowest).collect();
        ordered.sort_by_key(|&(key, _, _)| key);
        let mut detections = Vec::with_capacity(ordered.len());
        let mut end = 0;
        for group in ordered.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            for (place, &(_, slot, detection)) in group.iter().enumerate() {
                let group = if place == 0 { group.len() as u32 } else { 0 };
                let (matched, counts) = (detection.matched, counts(detection));
                detections.push(RankedDetection { slot, group, matched, counts });
            }
            if detections[detections.len() - group.len()..].iter().any(RankedDetection::is_true_positive) {
                end = detections.len();
            }
        }
        detections.truncate(end);
        Ranking { instances: self.instances, detections }
    }
}

#[cfg(test)]
mod tests {
    use super::super::image::CellMatches;
    use super::super::{AreaRule, Swallowed};
    use super::*;

    const MATCHED: Bits = Bits(1);

    fn detection(score: f64, matched: Bits) -> DetectionMatches {
        DetectionMatches { score, matched, ignored: Bits::default() }
    }

    fn image(position: u32, detections: &[DetectionMatches]) -> ImageMatches {
        ImageMatches {
            image: position,
            cells: vec![CellMatches { category: 0, detections: detections.len() as u32, counted: [1; AREAS] }],
            detections: detections.to_vec(),
            swallowed: Swallowed::default(),
            area: AreaRule::Box,
        }
    }

    #[test]
    fn equal_scores_of_an_image_are_a_group_that_is_kept_whole() {
        let none = Bits::default();
        let images = [
            image(0, &[detection(0.9, none), detection(0.5, MATCHED), detection(0.5, none), detection(0.1, none)]),
            image(1, &[detection(0.7, none), detection(0.5, none)]),
        ];
        let ranking = &rankings(1, &images)[0];
        let found: Vec<_> = ranking.detections.iter().map(|detection| (detection.slot, detection.group)).collect();
        // What is below the last true positive is gone, but for its group.
        assert_eq!(found, [(0, 1), (1, 1), (0, 2), (0, 0)]);
    }

    #[test]
    fn a_category_without_instances_ranks_nothing() {
        let mut image = image(0, &[detection(0.9, MATCHED)]);
        image.cells[0].counted = [0; AREAS];
        assert!(rankings(1, &[image])[0].detections.is_empty());
    }
}
