//! Which (position, class) pairs are worth a look, best first.

use std::borrow::Cow;
use std::cmp::Reverse;

use rayon::prelude::*;

use super::geometry::Box2;
use super::sigmoid::{logit, sigmoid};
use super::Settings;
use crate::kernels::{RisingFloor, Wanted};
use crate::model::{HeadOutput, PairLogit, SparseOutput};

/// A (position, class) pair whose score is above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Confidence in 0..=1.
    pub score: f32,
    /// Index among the positions of all levels.
    pub position: u32,
    /// Index of the class.
    pub label: u32,
}

impl Candidate {
    /// Best score first; equal scores in the order of position, then class. Scores are not
    /// negative, so their bits order as they do.
    fn rank(&self) -> (Reverse<u32>, u32, u32) {
        (Reverse(self.score.to_bits()), self.position, self.label)
    }
}

/// The best `settings.max_candidates` candidates, best first.
///
/// A position is a candidate once for every class that it scores for. With one class that is at
/// most once, so the reference's separate path for one class needs none here. A box that is not
/// finite makes no candidate: no results file could hold it.
pub(super) fn candidates(output: &HeadOutput, boxes: &[Box2], settings: &Settings) -> Vec<Candidate> {
    best_of(&output.pairs_at_least(logit_floor(settings.score_threshold)), boxes, settings)
}

/// As [`candidates`], of what was kept of the logits.
///
/// # Panics
/// If less was kept than the threshold asks for.
pub(super) fn sparse_candidates(output: &SparseOutput, boxes: &[Box2], settings: &Settings) -> Vec<Candidate> {
    let Wanted { floor, most, .. } = wanted_logits(settings);
    assert!(output.floor <= floor, "logits below {} are gone, those from {floor} on are needed", output.floor);
    assert!(output.most >= most, "logits beyond the best {} are gone, {most} are needed", output.most);
    best_of(&output.pairs, boxes, settings)
}

/// The best candidates among pairs that hold every one whose logit is at least the threshold's floor. They
/// may be millions, and are not copied.
fn best_of(pairs: &[PairLogit], boxes: &[Box2], settings: &Settings) -> Vec<Candidate> {
    let whole = with_whole_boxes(pairs, boxes);
    let floor = crowd_floor(&whole, wanted_logits(settings));
    let promising = whole.par_iter().filter(|pair| pair.logit >= floor);
    let scored = promising.map(|&PairLogit { logit, position, class }| Candidate {
        score: sigmoid(logit),
        position,
        label: class,
    });
    let mut found: Vec<_> = scored.filter(|candidate| candidate.score > settings.score_threshold).collect();
    keep_best(&mut found, settings.max_candidates);
    found.par_sort_unstable_by_key(Candidate::rank);
    found
}

/// The pairs whose box is finite: nearly always all of them.
fn with_whole_boxes<'a>(pairs: &'a [PairLogit], boxes: &[Box2]) -> Cow<'a, [PairLogit]> {
    let is_finite = |bbox: &Box2| bbox.iter().all(|side| side.is_finite());
    if boxes.iter().all(is_finite) {
        return Cow::Borrowed(pairs);
    }
    Cow::Owned(pairs.iter().filter(|pair| is_finite(&boxes[pair.position as usize])).copied().collect())
}

/// Difference of logits that, below [`FLAT`], their scores show in spite of rounding: thousands of
/// times the error of `sigmoid`.
const MARGIN: f32 = 1e-3;
/// Above this logit, `sigmoid` is too flat for [`MARGIN`] to show.
const FLAT: f32 = 8.0;

/// A logit below which no score is above `threshold`: spares nearly all positions the exponential,
/// and the network from storing them.
pub fn logit_floor(threshold: f32) -> f32 {
    (logit(threshold.clamp(0.0, 1.0)) as f32).min(FLAT) - MARGIN
}

/// The logits that can become candidates.
pub fn wanted_logits(settings: &Settings) -> Wanted {
    let floor = logit_floor(settings.score_threshold);
    Wanted { floor, most: settings.max_candidates, margin: MARGIN, flat: FLAT }
}

/// A logit, at least the floor, below which nothing is among the best: spares a crowd the exponential and the
/// sorting.
fn crowd_floor(pairs: &[PairLogit], wanted: Wanted) -> f32 {
    if pairs.len() <= wanted.most {
        return wanted.floor;
    }
    let floor = RisingFloor::new(wanted);
    floor.count(pairs.iter().map(|pair| pair.logit).filter(|&logit| logit >= wanted.floor));
    floor.settle()
}

fn keep_best(candidates: &mut Vec<Candidate>, count: usize) {
    if candidates.len() > count {
        candidates.select_nth_unstable_by_key(count, Candidate::rank);
        candidates.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LevelOutput;

    /// One level of 1 x `logits.len()` positions and one class.
    fn output(logits: Vec<f32>) -> HeadOutput {
        let level =
            LevelOutput { stride: 8, height: 1, width: logits.len(), logits, distances: vec![], coefficients: vec![] };
        HeadOutput { classes: 1, levels: vec![level], prototype_height: 0, prototype_width: 0, prototypes: vec![] }
    }

    fn found(logits: &[f32], settings: &Settings) -> Vec<Candidate> {
        candidates(&output(logits.to_vec()), &vec![[0.0; 4]; logits.len()], settings)
    }

    /// The definition: every score, sorted.
    fn all(logits: &[f32], settings: &Settings) -> Vec<Candidate> {
        let scored = logits.iter().enumerate().map(|(position, &logit)| Candidate {
            score: sigmoid(logit),
            position: position as u32,
            label: 0,
        });
        let mut all: Vec<_> = scored.filter(|candidate| candidate.score > settings.score_threshold).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all.truncate(settings.max_candidates);
        all
    }

    #[test]
    fn floors_spare_nothing_that_counts() {
        let ramp: Vec<f32> = (0..4000).map(|index| (index * 1777 % 4000) as f32 * 0.01 - 15.0).collect();
        let saturated: Vec<f32> = (0..500).map(|index| 30.0 - index as f32 * 0.05).collect();
        let tied = vec![-3.0; 300];
        let hostile = vec![f32::NAN, f32::INFINITY, 2.0, f32::NEG_INFINITY, -f32::NAN, f32::MAX, f32::MIN];
        for logits in [ramp, saturated, tied, hostile, vec![]] {
            for score_threshold in [-1.0, 0.0, 0.001, 0.5, 0.9, 0.999_999, 1.0, 2.0] {
                for max_candidates in [0, 1, 2, 100, 299, 30_000] {
                    let settings = Settings { score_threshold, max_candidates, ..Settings::default() };
                    let expected = all(&logits, &settings);
                    assert_eq!(found(&logits, &settings), expected, "{settings:?}");
                    let sparse = output(logits.clone()).into_sparse(logit_floor(score_threshold) - 0.5);
                    let boxes = vec![[0.0; 4]; logits.len()];
                    assert_eq!(sparse_candidates(&sparse, &boxes, &settings), expected, "sparse, {settings:?}");
                }
            }
        }
    }

    #[test]
    fn the_crowd_floor_spares_something() {
        let ramp: Vec<f32> = (0..4000).map(|index| index as f32 * 0.001).collect();
        let promising = output(ramp).pairs_at_least(-6.9);
        let wanted = |most: usize| Wanted { floor: -6.9, most, ..wanted_logits(&Settings::default()) };
        assert!(crowd_floor(&promising, wanted(100)) > 3.8);
        assert_eq!(crowd_floor(&promising, wanted(5000)), -6.9);
    }

    #[test]
    fn a_box_that_is_not_finite_makes_no_candidate_and_takes_no_place() {
        let settings = Settings { max_candidates: 1, ..Settings::default() };
        let boxes = [[0.0; 4], [0.0, f32::NAN, 1.0, 1.0], [f32::INFINITY; 4]];
        let found = candidates(&output(vec![1.0, 2.0, 3.0]), &boxes, &settings);
        assert_eq!(found.iter().map(|candidate| candidate.position).collect::<Vec<_>>(), [0]);
    }

    #[test]
    #[should_panic(expected = "are gone")]
    fn logits_that_were_not_kept_are_missed() {
        let sparse = output(vec![1.0]).into_sparse(0.0);
        sparse_candidates(&sparse, &[[0.0; 4]], &Settings::default());
    }

    #[test]
    #[should_panic(expected = "are gone")]
    fn logits_that_were_crowded_out_are_missed() {
        let settings = Settings::default();
        let sparse = SparseOutput { most: settings.max_candidates - 1, ..output(vec![1.0]).into_sparse(-9.0) };
        sparse_candidates(&sparse, &[[0.0; 4]], &settings);
    }
}
