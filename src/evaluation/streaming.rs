//! Comparison of images on other threads while the next ones are read.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::Scope;

use super::image::{ImageMatches, Scored};
use super::masks::StoredMask;
use super::{AreaRule, EvaluationError, Evaluator, Swallowed};

/// Images handed to a thread at a time.
const BATCH_IMAGES: usize = 16;

/// Batches that may wait, for each thread: bounds the memory of images not yet compared.
const WAITING_BATCHES: usize = 2;

/// An image whose detections are complete.
pub(super) struct CompleteImage {
    /// Position of the image.
    pub(super) image: usize,
    pub(super) detections: Vec<Scored<StoredMask>>,
    /// The strings of the masks.
    pub(super) text: Vec<u8>,
    pub(super) swallowed: Swallowed,
    /// The rule by which the detections were admitted.
    pub(super) area: AreaRule,
}

/// The comparisons under way and done.
pub(super) struct Comparisons<'a> {
    evaluator: &'a Evaluator<'a>,
    source_name: &'a str,
    waiting: AtomicUsize,
    failed: AtomicBool,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    matches: Vec<ImageMatches>,
    /// The failure that came first in the file.
    failure: Option<(usize, EvaluationError)>,
}

impl<'a> Comparisons<'a> {
    pub(super) fn new(evaluator: &'a Evaluator<'a>, source_name: &'a str) -> Self {
        Self {
            evaluator,
            source_name,
            waiting: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            outcome: Mutex::default(),
        }
    }

    /// The matches of all images, in any order, or the failure that came first in the file.
    pub(super) fn finish(self) -> Result<Vec<ImageMatches>, EvaluationError> {
        let outcome = self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        match outcome.failure {
            Some((_, failure)) => Err(failure),
            None => Ok(outcome.matches),
        }
    }

    /// Compares a batch; `first` is the place of its first image in the order of the file.
    fn compare(&self, first: usize, batch: Vec<CompleteImage>) {
        for (place, complete) in (first..).zip(batch) {
            match self.compare_image(&complete) {
                Ok(matches) => self.outcome().matches.push(matches),
                Err(failure) => return self.fail(place, failure),
            }
        }
    }

    fn compare_image(&self, complete: &CompleteImage) -> Result<ImageMatches, EvaluationError> {
        let scored = complete.detections.iter();
        let scored = scored.map(|stored| stored.with_mask(stored.mask.source(stored.bbox, &complete.text)));
        let CompleteImage { image, swallowed, area, .. } = *complete;
        self.evaluator.match_image(image, scored.collect(), swallowed, area, self.source_name)
    }

    /// Keeps the failure that comes first in the file, so that threads cannot choose which one is told.
    fn fail(&self, place: usize, failure: EvaluationError) {
        self.failed.store(true, Ordering::Relaxed);
        let mut outcome = self.outcome();
        if outcome.failure.as_ref().is_none_or(|(first, _)| place < *first) {
            outcome.failure = Some((place, failure));
        }
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gathers complete images into batches and hands these to the threads of a scope.
pub(super) struct Dispatch<'s, 'scope> {
    comparisons: &'scope Comparisons<'scope>,
    scope: &'s Scope<'scope>,
    batch: Vec<CompleteImage>,
    /// Images handed over so far.
    sent: usize,
}

impl<'s, 'scope> Dispatch<'s, 'scope> {
    pub(super) fn new(comparisons: &'scope Comparisons<'scope>, scope: &'s Scope<'scope>) -> Self {
        Self { comparisons, scope, batch: Vec::new(), sent: 0 }
    }

    /// Whether a comparison has failed, so that reading on is pointless.
    pub(super) fn has_failed(&self) -> bool {
        self.comparisons.failed.load(Ordering::Relaxed)
    }

    pub(super) fn push(&mut self, complete: CompleteImage) {
        self.batch.push(complete);
        if self.batch.len() == BATCH_IMAGES {
            self.flush();
        }
    }

    /// Hands over what has gathered, or compares it here if enough is waiting.
    pub(super) fn flush(&mut self) {
        let (first, batch) = (self.sent, std::mem::take(&mut self.batch));
        self.sent += batch.len();
        let comparisons = self.comparisons;
        if comparisons.waiting.load(Ordering::Relaxed) >= WAITING_BATCHES * rayon::current_num_threads() {
            return comparisons.compare(first, batch);
        }
        comparisons.waiting.fetch_add(1, Ordering::Relaxed);
        self.scope.spawn(move |_| {
            comparisons.waiting.fetch_sub(1, Ordering::Relaxed);
            comparisons.compare(first, batch);
        });
    }
}
