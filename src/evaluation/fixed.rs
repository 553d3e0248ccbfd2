//! The limit of AP_fixed: which detections are among the highest of their category over all images.
//!
//! All detections are ranked in a first pass, which keeps of every category no more than the places
//! that the limit allows; a second one compares those that count. What is handed from the one to the
//! other is a single detection a category, the last that counts.

use std::collections::{BTreeMap, BinaryHeap};

use super::ground_truth::GroundTruth;
use super::score::descending_key;
use super::{EvaluationError, Evaluator, Limit};
use crate::dataset::{scan_stretches, Key, RawRecord, ReadAt, Record, Records};

/// Place of a detection in descending order of score; of equal ones the first of the file comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    score: u64,
    /// Where it is in the file, or among the records handed over.
    place: u64,
}

impl Rank {
    fn new(score: f64, place: u64) -> Self {
        Self { score: descending_key(score), place }
    }
}

/// Whose limit a detection falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// A category of the annotation file, by position.
    Listed(u32),
    /// Another whole number.
    Unlisted(i64),
    /// No whole number, which equals no category: not cut, since it never counts.
    Other,
}

impl Group {
    fn new(ground_truth: &GroundTruth<'_>, category: Key) -> Self {
        match category {
            Key::Integer(id) => ground_truth.categories.position(id).map_or(Self::Unlisted(id), Self::Listed),
            Key::Other => Self::Other,
        }
    }
}

/// A detection, as far as it is ranked.
struct Ranked {
    group: Group,
    rank: Rank,
    /// Index of the record, for messages.
    record: u64,
    is_nan: bool,
    has_box: bool,
}

/// The highest detections of one category so far.
#[derive(Default)]
struct Highest {
    /// The lowest of them on top.
    ranks: BinaryHeap<Rank>,
    /// All detections.
    count: u64,
    /// The first record whose score is NaN.
    unrankable: Option<u64>,
}

impl Highest {
    fn add(&mut self, ranked: &Ranked, limit: usize) {
        self.count += 1;
        if ranked.is_nan {
            self.unrankable.get_or_insert(ranked.record);
        }
        if self.ranks.len() < limit {
            self.ranks.push(ranked.rank);
        } else if let Some(mut lowest) = self.ranks.peek_mut().filter(|lowest| ranked.rank < **lowest) {
            *lowest = ranked.rank;
        }
    }

    /// The last detection that counts, if not all do.
    fn last(&self) -> Option<Rank> {
        self.ranks.peek().copied().filter(|_| self.count > self.ranks.len() as u64)
    }
}

/// Ranks all detections of a data set before any image is compared, for the protocols whose limit is
/// over the whole data set. Memory holds 16 bytes for each of the highest detections of a category.
///
/// ```
/// # use zoobench::dataset::{Annotations, Record};
/// # use zoobench::evaluation::{EvaluationError, Evaluator, Options, Protocol};
/// # fn evaluate(annotations: &Annotations, detections: &[Vec<Record>]) -> Result<(), EvaluationError> {
/// let options = Options { protocol: Protocol::Fixed, ..Options::default() };
/// let evaluator = Evaluator::new(annotations, options)?;
/// let mut ranking = evaluator.ranking();
/// let images = || annotations.images.iter().zip(detections);
/// images().for_each(|(image, records)| ranking.add(image.id, records));
/// let ranks = ranking.finish()?;
/// let matches = images().map(|(image, records)| evaluator.ranked_image(&ranks, image.id, records));
/// println!("AP {:?}", evaluator.finish(matches.collect::<Result<_, _>>()?).results.ap);
/// # Ok(())
/// # }
/// ```
pub struct Ranking<'a> {
    ground_truth: &'a GroundTruth<'a>,
    limit: usize,
    listed: Vec<Highest>,
    unlisted: BTreeMap<i64, Highest>,
    /// The category of the first record, its highest detection and whether that one has a box.
    first: Option<(Group, Rank, bool)>,
    /// Of every image, the place of its first record.
    images: BTreeMap<i64, u64>,
    /// Number of records handed over.
    count: u64,
    source_name: String,
}

impl<'a> Ranking<'a> {
    fn new(evaluator: &'a Evaluator<'a>, source_name: &str) -> Self {
        let ground_truth = &evaluator.ground_truth;
        Self {
            ground_truth,
            limit: match evaluator.options.limit() {
                Limit::Image(_) => usize::MAX,
                Limit::Category(limit) => limit,
            },
            listed: ground_truth.categories.ids().iter().map(|_| Highest::default()).collect(),
            unlisted: BTreeMap::new(),
            first: None,
            images: BTreeMap::new(),
            count: 0,
            source_name: source_name.to_owned(),
        }
    }

    /// Ranks all detections of an image. Of equal scores those handed over first count first, as those
    /// do that come first in a results file.
    pub fn add(&mut self, image_id: i64, records: &[Record]) {
        self.images.insert(image_id, self.count);
        for record in records {
            let group = Group::new(self.ground_truth, Key::Integer(record.category_id));
            let (rank, is_nan) = (Rank::new(record.score, self.count), record.score.is_nan());
            self.rank(Ranked { group, rank, record: self.count, is_nan, has_box: record.bbox.is_some() });
            self.count += 1;
        }
    }

    fn rank(&mut self, ranked: Ranked) {
        let (group, highest, has_box) = self.first.get_or_insert((ranked.group, ranked.rank, ranked.has_box));
        if *group == ranked.group && ranked.rank < *highest {
            (*highest, *has_box) = (ranked.rank, ranked.has_box);
        }
        match ranked.group {
            Group::Listed(position) => self.listed[position as usize].add(&ranked, self.limit),
            Group::Unlisted(id) => self.unlisted.entry(id).or_default().add(&ranked, self.limit),
            Group::Other => {}
        }
    }

    /// Which detections count.
    ///
    /// # Errors
    /// NaN among the scores of a category with several detections: it has no place among them.
    pub fn finish(self) -> Result<Ranks, EvaluationError> {
        self.check_scores()?;
        Ok(Ranks {
            listed: self.listed.iter().map(Highest::last).collect(),
            unlisted: self.unlisted.iter().filter_map(|(&id, highest)| Some((id, highest.last()?))).collect(),
            first_has_box: self.first.is_some_and(|(_, _, has_box)| has_box),
            images: self.images,
        })
    }

    fn check_scores(&self) -> Result<(), EvaluationError> {
        let listed = self.ground_truth.categories.ids().iter().zip(&self.listed);
        let unrankable = listed.chain(&self.unlisted).filter(|(_, highest)| highest.count > 1);
        let first = unrankable.filter_map(|(&category, highest)| Some((highest.unrankable?, category))).min();
        match first {
            None => Ok(()),
            Some((record, category)) => {
                Err(EvaluationError::UnrankableInCategory { source_name: self.source_name.clone(), record, category })
            }
        }
    }
}

/// Which detections of a data set count: the outcome of a [`Ranking`].
#[derive(Debug, Clone)]
pub struct Ranks {
    /// The last detection that counts of every category that is cut.
    listed: Vec<Option<Rank>>,
    unlisted: BTreeMap<i64, Rank>,
    first_has_box: bool,
    images: BTreeMap<i64, u64>,
}

impl Ranks {
    /// Whether the record has a `bbox` that lvis-api's branch looks at first: it brings the records of
    /// each category together, the highest first, and the categories in the order of the file.
    pub(super) fn first_has_box(&self) -> bool {
        self.first_has_box
    }

    /// Place of the first record of an image, if it was ranked.
    pub(super) fn place_of_image(&self, image_id: i64) -> Option<u64> {
        self.images.get(&image_id).copied()
    }

    /// Whether a detection counts.
    pub(super) fn count(&self, ground_truth: &GroundTruth<'_>, category: Key, score: f64, place: u64) -> bool {
        let last = match Group::new(ground_truth, category) {
            Group::Listed(position) => self.listed[position as usize],
            Group::Unlisted(id) => self.unlisted.get(&id).copied(),
            Group::Other => None,
        };
        last.is_none_or(|last| Rank::new(score, place) <= last)
    }

    /// [`Ranks::count`] of a record of the file that was ranked, in which every record has a category
    /// and a score.
    pub(super) fn count_record(&self, ground_truth: &GroundTruth<'_>, record: &RawRecord<'_>) -> bool {
        let (Ok(category), Ok(score)) = (record.category_id(), record.score()) else { return true };
        self.count(ground_truth, category, score, record.end())
    }
}

/// The ranked detections of a stretch of the file, up to one that cannot be ranked.
#[derive(Default)]
struct Stretch {
    ranked: Vec<Ranked>,
    failure: Option<EvaluationError>,
}

impl Stretch {
    fn take(ground_truth: &GroundTruth<'_>, records: &mut Records<'_>) -> Self {
        let mut stretch = Self::default();
        while let Some(record) = records.next_record() {
            match ranked(ground_truth, &record) {
                Ok(ranked) => stretch.ranked.push(ranked),
                Err(failure) => {
                    stretch.failure = Some(failure);
                    break;
                }
            }
        }
        stretch
    }
}

fn ranked(ground_truth: &GroundTruth<'_>, record: &RawRecord<'_>) -> Result<Ranked, EvaluationError> {
    let (group, score) = (Group::new(ground_truth, record.category_id()?), record.score()?);
    Ok(Ranked {
        group,
        rank: Rank::new(score, record.end()),
        record: record.index() as u64,
        is_nan: score.is_nan(),
        has_box: record.has_bbox(),
    })
}

impl Evaluator<'_> {
    /// Starts the ranking of all detections, which [`Evaluator::ranked_image`] needs.
    pub fn ranking(&self) -> Ranking<'_> {
        Ranking::new(self, super::evaluator::IN_MEMORY)
    }

    /// Ranks all detections of a results file, which must have a category and a score each.
    pub(super) fn rank_file(&self, source_name: &str, source: &impl ReadAt) -> Result<Ranks, EvaluationError> {
        let mut ranking = Ranking::new(self, source_name);
        let take = |records: &mut Records<'_>| Stretch::take(&self.ground_truth, records);
        scan_stretches(source_name, source, take, |stretch, count| {
            for mut ranked in stretch.ranked {
                ranked.record += count as u64;
                ranking.rank(ranked);
            }
            stretch.failure.map_or(Ok(()), |failure| Err(failure.renumbered(count)))
        })?;
        ranking.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn highest(scores: &[f64], limit: usize) -> Highest {
        let mut highest = Highest::default();
        for (place, &score) in (0..).zip(scores) {
            let rank = Rank::new(score, place);
            let ranked = Ranked { group: Group::Other, rank, record: place, is_nan: score.is_nan(), has_box: true };
            highest.add(&ranked, limit);
        }
        highest
    }

    /// Places of the scores that count.
    fn counting(scores: &[f64], limit: usize) -> Vec<u64> {
        let last = highest(scores, limit).last();
        let counts = |&(place, &score): &(u64, &f64)| last.is_none_or(|last| Rank::new(score, place) <= last);
        (0..).zip(scores).filter(counts).map(|(place, _)| place).collect()
    }

    #[test]
    fn first_of_equal_scores_count() {
        assert_eq!(counting(&[0.5, 0.9, 0.5, 0.5, 0.1], 3), [0, 1, 2]);
        assert_eq!(counting(&[0.0, -0.0, 0.0], 2), [0, 1]);
        assert_eq!(counting(&[0.1, 0.2, 0.3, 0.4], 1), [3]);
    }

    #[test]
    fn limit_that_is_reached_cuts_nothing() {
        assert_eq!(highest(&[0.5, 0.9], 2).last(), None);
        assert_eq!(highest(&[0.5, 0.9], 1).last(), Some(Rank::new(0.9, 1)));
    }
}
