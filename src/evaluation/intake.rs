//! The detections of one image, collected until it is known which of them count.

use super::admission::{highest, Verdict};
use super::{EvaluationError, Swallowed};

/// What became of a record.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It counts: its place in `counting`.
    Counts(u32),
    /// It is refused: the error's place in `refusals`.
    Refused(u32),
    NotJudged,
    UnknownCategory,
    InvisibleArea,
}

/// Collects the detections of one image in the order of the file. `S` is what is kept of each that
/// counts.
///
/// Nothing is refused and nothing tallied before [`Intake::settle`]: a record beyond the limit of
/// detections may be as wrong as it likes.
#[derive(Debug)]
pub(super) struct Intake<S> {
    scores: Vec<f64>,
    fates: Vec<Fate>,
    counting: Vec<S>,
    /// Number of records passed over, since their category has enough of higher score.
    passed_over: u64,
    refusals: Vec<EvaluationError>,
    /// The refusal for want of a score, which is an error wherever the records must be ranked.
    scoreless: Option<usize>,
    /// The first record whose score is NaN.
    unrankable: Option<u64>,
}

/// Why an image's detections cannot be settled.
#[derive(Debug)]
pub(super) enum Unsettled {
    /// A record that counts is refused.
    Refused(EvaluationError),
    /// The image has too many detections, and the score of this record is NaN.
    Unrankable(u64),
}

impl<S> Default for Intake<S> {
    fn default() -> Self {
        Self {
            scores: Vec::new(),
            fates: Vec::new(),
            counting: Vec::new(),
            passed_over: 0,
            refusals: Vec::new(),
            scoreless: None,
            unrankable: None,
        }
    }
}

impl<S> Intake<S> {
    /// An empty one with memory for as much as `other` has.
    pub(super) fn with_capacity_of(other: &Self) -> Self {
        Self {
            scores: Vec::with_capacity(other.scores.len()),
            fates: Vec::with_capacity(other.fates.len()),
            counting: Vec::with_capacity(other.counting.len()),
            ..Self::default()
        }
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        self.fates.len()
    }

    /// Adds record number `record` of the file with its score, if it has one, and what was judged of it.
    #[inline]
    pub(super) fn push(
        &mut self,
        record: u64,
        score: Result<f64, EvaluationError>,
        verdict: Result<Verdict<S>, EvaluationError>,
    ) {
        let missing_score = match &score {
            Ok(_) => None,
            Err(_) => Some(self.refusals.len()),
        };
        let value = score.unwrap_or_else(|missing| {
            self.refusals.push(missing);
            0.0
        });
        let fate = match (verdict, missing_score) {
            (Ok(Verdict::Counts(_)), Some(missing)) => Fate::Refused(missing as u32),
            (Ok(Verdict::Counts(kept)), None) => self.keep(kept),
            (Ok(Verdict::NotJudged), _) => Fate::NotJudged,
            (Ok(Verdict::UnknownCategory), _) => Fate::UnknownCategory,
            (Ok(Verdict::InvisibleArea), _) => Fate::InvisibleArea,
            (Err(refusal), _) => self.refuse(refusal),
        };
        if value.is_nan() {
            self.unrankable.get_or_insert(record);
        }
        self.scoreless = self.scoreless.or(missing_score);
        self.scores.push(value);
        self.fates.push(fate);
    }

    /// Counts a record that is not looked at, since its category has enough of higher score.
    pub(super) fn pass_over(&mut self) {
        self.passed_over += 1;
    }

    /// Adds `count` to the numbers of all records; `renumber` does so for one of those kept.
    pub(super) fn renumber(&mut self, count: usize, renumber: impl Fn(&mut S)) {
        self.counting.iter_mut().for_each(renumber);
        self.refusals = self.refusals.drain(..).map(|refusal| refusal.renumbered(count)).collect();
        self.unrankable = self.unrankable.map(|record| record + count as u64);
    }

    /// Adds the records of the same image that come later in the file; `adapt` fits in what is kept of
    /// each that counts.
    pub(super) fn append(&mut self, later: Self, adapt: impl Fn(&mut S)) {
        let (counting, refusals) = (self.counting.len() as u32, self.refusals.len());
        self.scores.extend(later.scores);
        self.fates.extend(later.fates.into_iter().map(|fate| match fate {
            Fate::Counts(place) => Fate::Counts(place + counting),
            Fate::Refused(place) => Fate::Refused(place + refusals as u32),
            other => other,
        }));
        self.counting.extend(later.counting.into_iter().map(|mut kept| {
            adapt(&mut kept);
            kept
        }));
        self.passed_over += later.passed_over;
        self.refusals.extend(later.refusals);
        self.scoreless = self.scoreless.or(later.scoreless.map(|place| place + refusals));
        self.unrankable = self.unrankable.or(later.unrankable);
    }

    /// The detections that count, in the order of the file, and what was passed over; empties the
    /// intake for the next image. Only the `limit` highest scores are looked at.
    pub(super) fn settle(&mut self, limit: usize) -> Result<(Vec<S>, Swallowed), Unsettled> {
        let over_limit = self.len().saturating_sub(limit) as u64 + self.passed_over;
        let mut swallowed = Swallowed { over_limit_detections: over_limit, ..Swallowed::default() };
        let mut counts = vec![false; self.counting.len()];
        for record in self.within_limit(limit)? {
            swallowed.nonfinite_score_detections += u64::from(!self.scores[record].is_finite());
            match self.fates[record] {
                Fate::Counts(place) => counts[place as usize] = true,
                Fate::Refused(place) => return Err(Unsettled::Refused(self.refusals.swap_remove(place as usize))),
                Fate::NotJudged => {}
                Fate::UnknownCategory => swallowed.unknown_category_detections += 1,
                Fate::InvisibleArea => swallowed.nonpositive_area_detections += 1,
            }
        }
        let mut counting = std::mem::take(self).counting;
        let mut counts = counts.into_iter();
        counting.retain(|_| counts.next().unwrap_or(false));
        Ok((counting, swallowed))
    }

    /// Places of the records that count: all of them, in order, unless there are too many.
    fn within_limit(&mut self, limit: usize) -> Result<Vec<usize>, Unsettled> {
        if self.len() <= limit {
            return Ok((0..self.len()).collect());
        }
        if let Some(missing) = self.scoreless {
            return Err(Unsettled::Refused(self.refusals.swap_remove(missing)));
        }
        if let Some(record) = self.unrankable {
            return Err(Unsettled::Unrankable(record));
        }
        Ok(highest(&self.scores, limit))
    }

    fn keep(&mut self, kept: S) -> Fate {
        self.counting.push(kept);
        Fate::Counts(self.counting.len() as u32 - 1)
    }

    fn refuse(&mut self, refusal: EvaluationError) -> Fate {
        self.refusals.push(refusal);
        Fate::Refused(self.refusals.len() as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(record: u64) -> EvaluationError {
        EvaluationError::ForeignRecord { record, image: 1, found: 2 }
    }

    fn refused<T>(settled: Result<T, Unsettled>) -> Option<u64> {
        match settled {
            Err(Unsettled::Refused(EvaluationError::ForeignRecord { record, .. })) => Some(record),
            _ => None,
        }
    }

    fn intake(scores: &[f64], fate: impl Fn(usize) -> Result<Verdict<u64>, EvaluationError>) -> Intake<u64> {
        let mut intake = Intake::default();
        for (record, &score) in scores.iter().enumerate() {
            intake.push(record as u64, Ok(score), fate(record));
        }
        intake
    }

    #[test]
    fn refusal_beyond_the_limit_is_no_error() {
        let third_refused = |record| if record == 2 { Err(refusal(2)) } else { Ok(Verdict::UnknownCategory) };
        let (_, swallowed) = intake(&[0.5, 0.9, 0.1], third_refused).settle(2).unwrap();
        assert_eq!((swallowed.over_limit_detections, swallowed.unknown_category_detections), (1, 2));
        assert_eq!(refused(intake(&[0.5, 0.9, 0.1], third_refused).settle(3)), Some(2));
    }

    #[test]
    fn appended_records_are_as_if_pushed() {
        let counts = |record: usize| Ok(Verdict::Counts(record as u64));
        let mut joined = intake(&[0.5, 0.4], counts);
        let mut later = intake(&[0.9, f64::NAN], |record| if record == 1 { Err(refusal(1)) } else { counts(record) });
        later.renumber(2, |record| *record += 2);
        joined.append(later, |_| {});
        assert_eq!(joined.len(), 4);
        assert_eq!(joined.unrankable, Some(3));
        assert_eq!(refused(joined.settle(4)), Some(3));
        let mut joined = intake(&[0.5, 0.4], counts);
        joined.append(intake(&[0.9], counts), |record| *record += 2);
        assert_eq!(joined.settle(2).unwrap().0, [0, 2]);
    }

    #[test]
    fn nan_cannot_be_ranked() {
        let not_judged = |_| Ok(Verdict::NotJudged);
        assert!(intake(&[0.5, f64::NAN], not_judged).settle(2).is_ok());
        assert!(matches!(intake(&[0.5, f64::NAN], not_judged).settle(1), Err(Unsettled::Unrankable(1))));
    }

    #[test]
    fn missing_score_matters_where_records_are_ranked() {
        let mut intake: Intake<u64> = Intake::default();
        intake.push(0, Err(refusal(0)), Ok(Verdict::NotJudged));
        intake.push(1, Ok(0.5), Ok(Verdict::NotJudged));
        assert_eq!(refused(intake.settle(1)), Some(0));
        intake = Intake::default();
        intake.push(0, Err(refusal(0)), Ok(Verdict::NotJudged));
        assert!(intake.settle(1).is_ok());
    }
}
