//! Greedy matching of one cell's detections to its instances, for every IoU threshold and area range
//! at once.

use super::ground_truth::Instance;
use super::protocol::{AREAS, IOU_THRESHOLDS, THRESHOLDS};

/// Ten bits, one a threshold.
pub(super) const ALL_THRESHOLDS: u16 = (1 << THRESHOLDS) - 1;

/// One bit for every threshold and area range: threshold `t` of area range `a` is bit `16 * a + t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bits(pub(super) u64);

impl Bits {
    /// The thresholds of one area range.
    #[inline]
    pub(super) fn area(self, area: usize) -> u16 {
        (self.0 >> (16 * area)) as u16
    }

    #[inline]
    fn set(&mut self, area: usize, thresholds: u16) {
        self.0 |= u64::from(thresholds) << (16 * area);
    }

    /// All thresholds of the given area ranges.
    #[inline]
    pub(super) fn of_areas(areas: u8) -> Self {
        let lane = |area: usize| u64::from(areas >> area & 1) << (16 * area);
        Self((0..AREAS).map(lane).sum::<u64>() * u64::from(ALL_THRESHOLDS))
    }
}

/// What became of a detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    /// Where it matched an instance (other than one of id 0).
    pub(super) matched: Bits,
    /// Where it counts neither as true nor as false positive.
    pub(super) ignored: Bits,
}

/// An instance that the detection may match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Its place among the cell's instances.
    pub(super) instance: usize,
    /// IoU: at least 0.5, if it is not NaN and none of the others is.
    pub(super) iou: f64,
}

/// Whether a detection can match at all with this IoU. NaN passes, as it does in lvis-api.
#[inline]
pub(super) fn reaches_any_threshold(iou: f64) -> bool {
    !below(iou, IOU_THRESHOLDS[0])
}

/// `iou < bound`, which no NaN is: lvis-api passes an instance over by this comparison.
#[inline]
fn below(iou: f64, bound: f64) -> bool {
    iou < bound
}

/// Matches the detections of one cell, given in descending order of score.
#[derive(Default)]
pub(super) struct Matcher {
    /// Of every instance, where it is taken.
    taken: Vec<Bits>,
}

impl Matcher {
    /// Forgets the last cell.
    pub(super) fn start(&mut self, instances: usize) {
        self.taken.clear();
        self.taken.resize(instances, Bits::default());
    }

    /// Matches the next detection to one of `candidates`, in the order of the file; where it stays
    /// unmatched it is ignored in the area ranges `ignored_areas`.
    pub(super) fn match_next(
        &mut self,
        instances: &[Instance],
        candidates: &[Candidate],
        ignored_areas: u8,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for area in 0..AREAS {
            match candidates {
                [] => break,
                [only] => self.take(instances, *only, area, reached(only.iou), &mut outcome),
                several => self.take_best(instances, several, area, &mut outcome),
            }
        }
        outcome.ignored.0 |= Bits::of_areas(ignored_areas).0 & !outcome.matched.0;
        outcome
    }

    /// Gives the instance to the detection at those of `thresholds` where it is free.
    fn take(&mut self, instances: &[Instance], of: Candidate, area: usize, thresholds: u16, outcome: &mut Outcome) {
        let instance = &instances[of.instance];
        let free = thresholds & !self.taken[of.instance].area(area);
        self.taken[of.instance].set(area, free);
        if !instance.has_id_zero {
            outcome.matched.set(area, free);
        }
        if is_ignored(instance, area) {
            outcome.ignored.set(area, free);
        }
    }

    fn take_best(&mut self, instances: &[Instance], candidates: &[Candidate], area: usize, outcome: &mut Outcome) {
        for (threshold, &iou) in IOU_THRESHOLDS.iter().enumerate() {
            let best = [false, true].into_iter().find_map(|ignored| {
                let eligible = candidates.iter().filter(|candidate| {
                    is_ignored(&instances[candidate.instance], area) == ignored
                        && self.taken[candidate.instance].area(area) >> threshold & 1 == 0
                });
                best_of(eligible, iou)
            });
            if let Some(best) = best {
                self.take(instances, best, area, 1 << threshold, outcome);
            }
        }
    }
}

/// The candidate of the highest IoU that reaches `bound`; of equal ones the last.
fn best_of<'a>(candidates: impl Iterator<Item = &'a Candidate>, mut bound: f64) -> Option<Candidate> {
    let mut best = None;
    for candidate in candidates {
        if !below(candidate.iou, bound) {
            bound = candidate.iou;
            best = Some(*candidate);
        }
    }
    best
}

/// The thresholds that an IoU reaches.
fn reached(iou: f64) -> u16 {
    let bit = |(index, &bound): (usize, &f64)| u16::from(!below(iou, bound)) << index;
    IOU_THRESHOLDS.iter().enumerate().map(bit).sum()
}

fn is_ignored(instance: &Instance, area: usize) -> bool {
    instance.ignored >> area & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGULAR: Instance = Instance { annotation: 0, ignored: 0, has_id_zero: false };
    const IGNORED: Instance = Instance { annotation: 0, ignored: 0b1111, has_id_zero: false };
    const ID_ZERO: Instance = Instance { annotation: 0, ignored: 0, has_id_zero: true };

    /// Matches detections given by their IoUs with every instance.
    fn outcomes(instances: &[Instance], detections: &[&[f64]]) -> Vec<Outcome> {
        let mut matcher = Matcher::default();
        matcher.start(instances.len());
        let candidates = |ious: &[f64]| -> Vec<Candidate> {
            let all = ious.iter().enumerate().map(|(instance, &iou)| Candidate { instance, iou });
            all.filter(|candidate| reaches_any_threshold(candidate.iou)).collect()
        };
        detections.iter().map(|ious| matcher.match_next(instances, &candidates(ious), 0)).collect()
    }

    fn matched(outcome: &Outcome) -> u16 {
        outcome.matched.area(0)
    }

    #[test]
    fn iou_on_a_threshold_matches() {
        let outcome = outcomes(&[REGULAR], &[&[0.75]]);
        assert_eq!(matched(&outcome[0]), 0b11_1111);
        assert_eq!(reached(0.9), 0b1_1111_1111);
        assert_eq!(reached(0.49999), 0);
    }

    #[test]
    fn instance_is_taken_once_a_threshold() {
        let outcome = outcomes(&[REGULAR], &[&[0.6], &[1.0]]);
        assert_eq!(matched(&outcome[0]), 0b111);
        assert_eq!(matched(&outcome[1]), ALL_THRESHOLDS & !0b111);
    }

    #[test]
    fn equal_iou_takes_the_later_instance() {
        let outcome = outcomes(&[REGULAR, ID_ZERO], &[&[0.8, 0.8]]);
        assert_eq!(matched(&outcome[0]), 0);
        let outcome = outcomes(&[ID_ZERO, REGULAR], &[&[0.8, 0.8]]);
        assert_eq!(matched(&outcome[0]), 0b111_1111);
    }

    #[test]
    fn ignored_instance_waits_for_the_regular_ones() {
        let outcome = outcomes(&[IGNORED, REGULAR], &[&[0.95, 0.6]]);
        assert_eq!(matched(&outcome[0]), ALL_THRESHOLDS);
        assert_eq!(outcome[0].ignored.area(0), ALL_THRESHOLDS & !0b111);
    }

    #[test]
    fn ignored_instance_is_taken_once() {
        let outcome = outcomes(&[IGNORED], &[&[1.0], &[1.0]]);
        assert_eq!(outcome[0].ignored.area(0), ALL_THRESHOLDS);
        assert_eq!(outcome[1], Outcome::default());
    }

    #[test]
    fn instance_of_id_zero_is_taken_without_a_match() {
        let outcome = outcomes(&[ID_ZERO], &[&[1.0], &[1.0]]);
        assert_eq!((matched(&outcome[0]), matched(&outcome[1])), (0, 0));
    }

    #[test]
    fn nan_passes_every_comparison() {
        assert_eq!(reached(f64::NAN), ALL_THRESHOLDS);
        // Once NaN is the best, no later comparison is true either.
        let outcome = outcomes(&[REGULAR, ID_ZERO], &[&[f64::NAN, 0.5]]);
        assert_eq!(matched(&outcome[0]), 0);
    }

    #[test]
    fn unmatched_detection_is_ignored_where_asked() {
        let mut matcher = Matcher::default();
        matcher.start(0);
        let outcome = matcher.match_next(&[], &[], 0b0101);
        let lanes: Vec<u16> = (0..AREAS).map(|area| outcome.ignored.area(area)).collect();
        assert_eq!(lanes, [ALL_THRESHOLDS, 0, ALL_THRESHOLDS, 0]);
    }
}
