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
    let mut found = collect(output, settings.score_threshold);
    found.retain(|candidate| boxes[candidate.position as usize].iter().all(|side| side.is_finite()));
    keep_best(&mut found, settings.max_candidates);
    found.sort_unstable_by_key(Candidate::rank);
    found
}

/// Every pair above the threshold, in no particular order that later steps rely on.
fn collect(output: &HeadOutput, threshold: f32) -> Vec<Candidate> {
    let logit_floor = logit_floor(threshold);
    let rows: Vec<_> = rows(output).collect();
    rows.par_iter().flat_map_iter(|row| row.above(threshold, logit_floor)).collect()
}

/// A logit below which no score is above `threshold`: spares nearly all positions the exponential.
/// The margin is thousands of times the error of `sigmoid` at any threshold up to 0.9; beyond, the
/// function is too flat for a margin.
fn logit_floor(threshold: f32) -> f32 {
    const MARGIN: f64 = 1e-3;
    (logit(threshold.clamp(0.0, 0.9)) - MARGIN) as f32
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
    fn above(&self, threshold: f32, logit_floor: f32) -> impl Iterator<Item = Candidate> + '_ {
        let promising = self.logits.iter().enumerate().filter(move |(_, &logit)| logit >= logit_floor);
        promising.filter_map(move |(index, &logit)| {
            let score = sigmoid(logit);
            let position = (self.first_position + index) as u32;
            (score > threshold).then_some(Candidate { score, position, label: self.label as u32 })
        })
    }
}

fn keep_best(candidates: &mut Vec<Candidate>, count: usize) {
    if candidates.len() > count {
        candidates.select_nth_unstable_by_key(count, Candidate::rank);
        candidates.truncate(count);
    }
}
