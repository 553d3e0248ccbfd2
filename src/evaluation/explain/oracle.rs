//! What each kind of error costs: AP50 with that kind alone fixed.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::accumulate::{falling_precision, needed};
use super::super::pairwise::mean;
use super::super::protocol::RECALLS;
use super::super::score::descending_key;
use super::super::vocabulary::{groups, vocabulary};
use super::findings::{Findings, InstanceState, JudgedDetection};
use super::kinds::{named, ErrorKind};
use crate::dataset::Frequency;

/// AP50, and how much higher it were with one kind of error fixed; `None` where no category has an
/// instance left. As fractions.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Gains {
    /// AP50 as it is.
    pub ap50: Option<f64>,
    /// Classification errors fixed.
    pub classification: Option<f64>,
    /// Localisation errors fixed.
    pub localisation: Option<f64>,
    /// Errors of both fixed.
    pub both: Option<f64>,
    /// Duplicates fixed.
    pub duplicate: Option<f64>,
    /// Background errors fixed.
    pub background: Option<f64>,
    /// Missed instances fixed.
    pub missed: Option<f64>,
    /// All false positives left out.
    pub false_positives: Option<f64>,
    /// No instance asked for that is not found.
    pub false_negatives: Option<f64>,
    /// All six kinds fixed: AP50 is then 1.
    pub all: Option<f64>,
}

impl Gains {
    /// The gain of each kind with its name.
    pub fn named(&self) -> [(&'static str, Option<f64>); 6] {
        named([self.classification, self.localisation, self.both, self.duplicate, self.background, self.missed])
    }
}

/// What an oracle does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fix {
    Nothing,
    Kind(ErrorKind),
    Missed,
    FalsePositives,
    FalseNegatives,
    All,
}

/// In the order of [`Gains`]' fields.
const FIXES: [Fix; 10] = [
    Fix::Nothing,
    Fix::Kind(ErrorKind::Classification),
    Fix::Kind(ErrorKind::Localisation),
    Fix::Kind(ErrorKind::Both),
    Fix::Kind(ErrorKind::Duplicate),
    Fix::Kind(ErrorKind::Background),
    Fix::Missed,
    Fix::FalsePositives,
    Fix::FalseNegatives,
    Fix::All,
];

impl Fix {
    fn fixes(self, kind: ErrorKind) -> bool {
        matches!(self, Self::All | Self::FalsePositives) || self == Self::Kind(kind)
    }

    /// Whether a detection that is fixed may become a true positive.
    fn moves(self) -> bool {
        self != Self::FalsePositives
    }
}

/// The gains over all categories, and over the rare, common and frequent ones.
pub(super) fn gains(findings: &Findings<'_>) -> [Gains; 4] {
    let ranking = Ranking::new(findings);
    let frequencies = groups(&vocabulary(findings.ground_truth)).expect("checked when the ground truth was indexed");
    let values: Vec<[Option<f64>; 4]> = FIXES.iter().map(|&fix| ranking.ap50(fix, &frequencies)).collect();
    std::array::from_fn(|group| {
        let ap50 = values[0][group];
        let gain = |fix: usize| values[fix][group].zip(ap50).map(|(fixed, ap50)| fixed - ap50);
        Gains {
            ap50,
            classification: gain(1),
            localisation: gain(2),
            both: gain(3),
            duplicate: gain(4),
            background: gain(5),
            missed: gain(6),
            false_positives: gain(7),
            false_negatives: gain(8),
            all: gain(9),
        }
    })
}

/// Every category's detections in the order in which lvis-api accumulates them.
struct Ranking<'a> {
    /// By category, with the descending key of the score.
    detections: Vec<Vec<(u64, &'a JudgedDetection)>>,
    /// By category: instances that count, those not found, and of these the missed ones.
    instances: Vec<Instances>,
    /// Category of every instance by its number; `None` if it is found or does not count.
    open: Vec<Option<u32>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Instances {
    counted: u32,
    not_found: u32,
    missed: u32,
}

/// The detection that gets an instance: the highest score, then the first of the ranking.
type Claim = (u64, usize, usize);

impl<'a> Ranking<'a> {
    fn new(findings: &'a Findings<'_>) -> Self {
        let mut detections = vec![Vec::new(); findings.categories()];
        for detection in findings.detections().filter(|detection| detection.counts()) {
            detections[detection.category as usize].push((descending_key(detection.score), detection));
        }
        detections.par_iter_mut().for_each(|ranked| ranked.sort_by_key(|&(key, _)| key));
        let mut instances = vec![Instances::default(); findings.categories()];
        let mut open = vec![None; findings.instances().count()];
        for &(category, number, state) in findings.instances() {
            let sums = &mut instances[category as usize];
            sums.counted += u32::from(state != InstanceState::Ignored);
            sums.missed += u32::from(state == InstanceState::Missed);
            if matches!(state, InstanceState::Missed | InstanceState::Covered) {
                sums.not_found += 1;
                open[number as usize] = Some(category);
            }
        }
        Self { detections, instances, open }
    }

    /// AP50 over all categories and over each frequency group.
    fn ap50(&self, fix: Fix, frequencies: &[Frequency]) -> [Option<f64>; 4] {
        let claims = self.claims(fix);
        let moved = self.moved(&claims);
        let precision: Vec<Option<Vec<f64>>> = (0..self.detections.len())
            .into_par_iter()
            .map(|category| self.precision(category, fix, &moved[category]))
            .collect();
        let of = |frequency: Option<Frequency>| {
            let kept = precision.iter().zip(frequencies);
            let kept = kept.filter(|(_, own)| frequency.is_none_or(|wanted| wanted == **own));
            mean_of_columns(&kept.filter_map(|(column, _)| column.as_deref()).collect::<Vec<_>>())
        };
        [None, Some(Frequency::Rare), Some(Frequency::Common), Some(Frequency::Frequent)].map(of)
    }

    /// Which detection gets each instance that is not found.
    fn claims(&self, fix: Fix) -> Vec<Option<Claim>> {
        let mut claims: Vec<Option<Claim>> = vec![None; self.open.len()];
        if !fix.moves() {
            return claims;
        }
        for (category, ranked) in self.detections.iter().enumerate() {
            for (place, (key, detection)) in ranked.iter().enumerate() {
                let is_fixed = detection.error().is_some_and(|kind| fix.fixes(kind));
                let target = detection.target.map(|target| target as usize).filter(|_| is_fixed);
                let Some(target) = target.filter(|&target| self.open[target].is_some()) else { continue };
                let claim = (*key, category, place);
                if claims[target].is_none_or(|other| claim < other) {
                    claims[target] = Some(claim);
                }
            }
        }
        claims
    }

    /// By category, the keys of the detections that get its instances, in ascending order.
    fn moved(&self, claims: &[Option<Claim>]) -> Vec<Vec<u64>> {
        let mut moved = vec![Vec::new(); self.detections.len()];
        for (category, claim) in self.open.iter().zip(claims) {
            if let (Some(category), Some((key, ..))) = (category, claim) {
                moved[*category as usize].push(*key);
            }
        }
        moved.iter_mut().for_each(|keys| keys.sort_unstable());
        moved
    }

    /// Precision at the recall thresholds; `None` for a category without instances.
    fn precision(&self, category: usize, fix: Fix, moved: &[u64]) -> Option<Vec<f64>> {
        let instances = self.instances[category];
        let counted = match fix {
            Fix::Missed | Fix::All => instances.counted - instances.missed,
            Fix::FalseNegatives => instances.counted - instances.not_found,
            _ => instances.counted,
        };
        if counted == 0 {
            return None;
        }
        let kept = self.detections[category].iter().filter(|(_, detection)| {
            // One that is fixed is among the moved ones, or left out.
            detection.error().is_none_or(|kind| !fix.fixes(kind))
        });
        let ranks = ranks(kept.map(|&(key, detection)| (key, detection.is_true())), moved);
        let mut precision = Vec::new();
        falling_precision(&ranks, &mut precision);
        let at = |needed: u32| precision.get(needed as usize - 1).copied().unwrap_or(0.0);
        Some(needed(counted).into_iter().map(at).collect())
    }
}

/// Ranks of the true positives among `kept` (key, whether true) and the true positives `moved`, both in
/// ascending order of keys; of equal keys those of `kept` come first.
fn ranks(kept: impl Iterator<Item = (u64, bool)>, moved: &[u64]) -> Vec<u32> {
    let (mut ranks, mut rank, mut moved) = (Vec::new(), 0, moved.iter().peekable());
    for (key, is_true) in kept {
        while moved.next_if(|&&other| other < key).is_some() {
            rank += 1;
            ranks.push(rank);
        }
        rank += 1;
        if is_true {
            ranks.push(rank);
        }
    }
    ranks.extend(moved.zip(rank + 1..).map(|(_, rank)| rank));
    ranks
}

/// The mean in lvis-api's order: recall by recall, category by category.
fn mean_of_columns(columns: &[&[f64]]) -> Option<f64> {
    let rows = (0..RECALLS).flat_map(|recall| columns.iter().map(move |column| column[recall]));
    mean(&rows.collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_detections_rank_by_their_score() {
        let kept = [(1, true), (3, false), (5, true)];
        assert_eq!(ranks(kept.into_iter(), &[]), [1, 3]);
        assert_eq!(ranks(kept.into_iter(), &[0, 3, 9]), [1, 2, 4, 5, 6]);
    }

    #[test]
    fn false_positives_are_left_out_and_not_moved() {
        assert!(Fix::FalsePositives.fixes(ErrorKind::Localisation) && !Fix::FalsePositives.moves());
        assert!(Fix::All.fixes(ErrorKind::Both) && Fix::All.moves());
        assert!(!Fix::Missed.fixes(ErrorKind::Both));
    }
}
