//! Which (position, class) pairs are worth a look, best first.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::geometry::Box2;
use super::sigmoid::{logit, sigmoid};
use super::Settings;
use crate::model::{HeadOutput, LevelOutput};

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
    let rows: Vec<_> = rows(output).collect();
    let floor = logit_floor(settings.score_threshold);
    let is_finite = |bbox: &Box2| bbox.iter().all(|side| side.is_finite());
    let mut found = if boxes.iter().all(is_finite) {
        let crowd_floor = crowd_floor(&rows, floor, settings.max_candidates);
        collect(&rows, settings.score_threshold, crowd_floor)
    } else {
        let mut found = collect(&rows, settings.score_threshold, floor);
        found.retain(|candidate| is_finite(&boxes[candidate.position as usize]));
        found
    };
    keep_best(&mut found, settings.max_candidates);
    found.sort_unstable_by_key(Candidate::rank);
    found
}

/// Every pair that scores above `threshold` with a logit of at least `floor`, in no order that later
/// steps rely on.
fn collect(rows: &[Row<'_>], threshold: f32, floor: f32) -> Vec<Candidate> {
    rows.par_iter().flat_map_iter(|row| row.above(threshold, floor)).collect()
}

/// Difference of logits that, below [`FLAT`], their scores show in spite of rounding: thousands of
/// times the error of `sigmoid`.
const MARGIN: f32 = 1e-3;
/// Above this logit, `sigmoid` is too flat for [`MARGIN`] to show.
const FLAT: f32 = 8.0;

/// A logit below which no score is above `threshold`: spares nearly all positions the exponential.
fn logit_floor(threshold: f32) -> f32 {
    (logit(threshold.clamp(0.0, 1.0)) as f32).min(FLAT) - MARGIN
}

/// A logit, at least `floor`, below which nothing is among the best `count`: spares a crowd the
/// exponential and the sorting.
///
/// Counts logits in steps; the best `count` lie in the fewest highest steps that hold as many.
fn crowd_floor(rows: &[Row<'_>], floor: f32, count: usize) -> f32 {
    let mut held = 0;
    let step = histogram(rows, floor).iter().rposition(|&logits| {
        held += logits;
        held >= count
    });
    let start = floor + step.unwrap_or(0) as f32 / STEPS_A_UNIT;
    (start.min(FLAT) - MARGIN).max(floor)
}

/// Steps of a histogram in a unit of the logit, in all from the floor to 20 above it.
const STEPS_A_UNIT: f32 = 64.0;
const STEPS: usize = 20 * 64;

/// How many logits lie in each step above `floor`; the last step has no end.
fn histogram(rows: &[Row<'_>], floor: f32) -> Vec<usize> {
    let empty = || vec![0; STEPS];
    let count = |mut counts: Vec<usize>, row: &Row<'_>| {
        for (_, logit) in row.promising(floor) {
            counts[(((logit - floor) * STEPS_A_UNIT) as usize).min(STEPS - 1)] += 1;
        }
        counts
    };
    let add = |mut sum: Vec<usize>, counts: Vec<usize>| {
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        sum
    };
    rows.par_iter().fold(empty, count).reduce(empty, add)
}

/// The logits of one class on one level.
struct Row<'a> {
    first_position: usize,
    label: usize,
    logits: &'a [f32],
}

fn rows(output: &HeadOutput) -> impl Iterator<Item = Row<'_>> {
    let starts = output.levels.iter().scan(0, |next, level| {
        let start = *next;
        *next += positions(level);
        Some(start)
    });
    output.levels.iter().zip(starts).flat_map(|(level, first_position)| {
        let count = positions(level);
        (0..output.classes).map(move |label| Row {
            first_position,
            label,
            logits: &level.logits[label * count..][..count],
        })
    })
}

fn positions(level: &LevelOutput) -> usize {
    level.height * level.width
}

impl Row<'_> {
    /// Logits of at least `floor` with their index in the row.
    fn promising(&self, floor: f32) -> impl Iterator<Item = (usize, f32)> + '_ {
        // Most blocks hold none, which is seen for a whole block faster than one by one.
        let blocks = self.logits.chunks(BLOCK).enumerate();
        let promising = blocks.filter(move |(_, block)| block.iter().fold(false, |any, &logit| any | (logit >= floor)));
        promising.flat_map(move |(number, block)| {
            let logits = block.iter().enumerate().filter(move |(_, &logit)| logit >= floor);
            logits.map(move |(offset, &logit)| (number * BLOCK + offset, logit))
        })
    }

    fn above(&self, threshold: f32, floor: f32) -> impl Iterator<Item = Candidate> + '_ {
        self.promising(floor).filter_map(move |(index, logit)| {
            let score = sigmoid(logit);
            let position = (self.first_position + index) as u32;
            (score > threshold).then_some(Candidate { score, position, label: self.label as u32 })
        })
    }
}

/// Logits looked at together.
const BLOCK: usize = 64;

fn keep_best(candidates: &mut Vec<Candidate>, count: usize) {
    if candidates.len() > count {
        candidates.select_nth_unstable_by_key(count, Candidate::rank);
        candidates.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                    assert_eq!(found(&logits, &settings), all(&logits, &settings), "{settings:?}");
                }
            }
        }
    }

    #[test]
    fn the_crowd_floor_spares_something() {
        let ramp: Vec<f32> = (0..4000).map(|index| index as f32 * 0.001).collect();
        let output = output(ramp);
        let rows: Vec<_> = rows(&output).collect();
        assert!(crowd_floor(&rows, -6.9, 100) > 3.8);
        assert_eq!(crowd_floor(&rows, -6.9, 5000), -6.9);
    }

    #[test]
    fn a_box_that_is_not_finite_makes_no_candidate_and_takes_no_place() {
        let settings = Settings { max_candidates: 1, ..Settings::default() };
        let boxes = [[0.0; 4], [0.0, f32::NAN, 1.0, 1.0], [f32::INFINITY; 4]];
        let found = candidates(&output(vec![1.0, 2.0, 3.0]), &boxes, &settings);
        assert_eq!(found.iter().map(|candidate| candidate.position).collect::<Vec<_>>(), [0]);
    }
}
