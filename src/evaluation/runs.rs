//! Results files as runs of records of one image.
//!
//! Most files hold the records of an image side by side. An image is compared as soon as the next one
//! begins; if more of its records turn up later it is scattered, and gathered in a second reading.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::image::{ImageMatcher, ImageMatches};
use super::open_image::{OpenImage, Reading};
use super::EvaluationError;
use crate::dataset::Records;

/// Images at the ends of stretches that are compared together.
const BATCH: usize = 32;

/// Records of one image that stand together.
enum Run {
    /// It began and ended within a stretch, and was compared.
    Closed { image: usize, outcome: Result<ImageMatches, EvaluationError> },
    /// It may go on in the stretch before or after.
    Open(OpenImage),
}

/// The runs of a stretch of the file, up to a record of no listed image.
#[derive(Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    failure: Option<EvaluationError>,
}

impl Runs {
    /// Takes the records of a stretch.
    pub(super) fn take(reading: Reading<'_>, records: &mut Records<'_>) -> Self {
        let mut runs = Self::default();
        let mut matcher = reading.matcher();
        let mut open: Option<OpenImage> = None;
        let mut last_image = None;
        while let Some(record) = records.next_record() {
            let image = match reading.image_after(&record, &mut last_image) {
                Ok(image) => image,
                Err(_) if !reading.counts(&record) => continue,
                Err(failure) => {
                    runs.failure = Some(failure);
                    break;
                }
            };
            if !reading.evaluator.is_selected(image) {
                continue;
            }
            if open.as_ref().is_none_or(|open| open.image != image) {
                open = Some(match open.take() {
                    Some(complete) => {
                        let next = OpenImage::new_like(&complete, reading, image);
                        runs.end_run(reading, complete, &mut matcher);
                        next
                    }
                    None => OpenImage::new(reading, image),
                });
            }
            if let Some(open) = &mut open {
                open.take(reading, &record);
            }
        }
        // The last run may go on in the next stretch.
        runs.runs.extend(open.map(Run::Open));
        runs
    }

    /// Compares a run that has ended, unless it may have begun in the stretch before.
    fn end_run(&mut self, reading: Reading<'_>, complete: OpenImage, matcher: &mut ImageMatcher<'_>) {
        let run = match self.runs.is_empty() {
            true => Run::Open(complete),
            false => Run::Closed { image: complete.image, outcome: complete.compare(reading, matcher) },
        };
        self.runs.push(run);
    }
}

/// Joins the runs of the stretches.
pub(super) struct Joined<'a> {
    reading: Reading<'a>,
    /// The run that the last stretch ended in.
    last: Option<OpenImage>,
    /// Complete runs that wait for comparison, each with its place among the runs.
    waiting: Vec<(usize, OpenImage)>,
    matches: Vec<ImageMatches>,
    /// Images that were refused, each with its run's place. Whether that matters is known at the end:
    /// with the other records of a scattered image a refused one may be beyond the limit.
    refusals: Vec<(usize, usize, EvaluationError)>,
    /// Number of complete runs.
    runs: usize,
    is_seen: Vec<bool>,
    is_scattered: Vec<bool>,
}

impl<'a> Joined<'a> {
    pub(super) fn new(reading: Reading<'a>) -> Self {
        let images = reading.evaluator.ground_truth.images.ids().len();
        Self {
            reading,
            last: None,
            waiting: Vec::new(),
            matches: Vec::new(),
            refusals: Vec::new(),
            runs: 0,
            is_seen: vec![false; images],
            is_scattered: vec![false; images],
        }
    }

    /// Adds the runs of the next stretch, before which there are `count` records that its numbers do
    /// not include.
    pub(super) fn add(&mut self, runs: Runs, count: usize) -> Result<(), EvaluationError> {
        for run in runs.runs {
            match run {
                Run::Closed { image, outcome } => {
                    self.end_run();
                    let place = self.count_run(image);
                    self.settle(place, image, outcome.map_err(|refusal| refusal.renumbered(count)));
                }
                Run::Open(mut open) => {
                    open.renumber(count);
                    self.continue_run(open);
                }
            }
        }
        if self.waiting.len() >= BATCH {
            self.compare_waiting();
        }
        runs.failure.map_or(Ok(()), |failure| Err(failure.renumbered(count)))
    }

    /// The matches of all images but those that are scattered, and which these are.
    pub(super) fn finish(mut self) -> Result<(Vec<ImageMatches>, Vec<bool>), EvaluationError> {
        self.end_run();
        self.compare_waiting();
        let is_scattered = self.is_scattered;
        let refusals = self.refusals.into_iter().filter(|&(_, image, _)| !is_scattered[image]);
        if let Some((_, _, refusal)) = refusals.min_by_key(|&(place, _, _)| place) {
            return Err(refusal);
        }
        self.matches.retain(|matches| !is_scattered[matches.image as usize]);
        Ok((self.matches, is_scattered))
    }

    fn continue_run(&mut self, open: OpenImage) {
        match &mut self.last {
            Some(last) if last.image == open.image => last.append(open),
            _ => {
                self.end_run();
                self.last = Some(open);
            }
        }
    }

    fn end_run(&mut self) {
        if let Some(complete) = self.last.take() {
            let place = self.count_run(complete.image);
            self.waiting.push((place, complete));
        }
    }

    /// Notes that a run of an image is complete; its place among the runs.
    fn count_run(&mut self, image: usize) -> usize {
        self.is_scattered[image] |= std::mem::replace(&mut self.is_seen[image], true);
        self.runs += 1;
        self.runs
    }

    fn compare_waiting(&mut self) {
        let reading = self.reading;
        let waiting = self.waiting.par_drain(..);
        let compare = |matcher: &mut ImageMatcher<'_>, (place, complete): (usize, OpenImage)| {
            (place, complete.image, complete.compare(reading, matcher))
        };
        let compared: Vec<_> = waiting.map_init(|| reading.matcher(), compare).collect();
        compared.into_iter().for_each(|(place, image, outcome)| self.settle(place, image, outcome));
    }

    fn settle(&mut self, place: usize, image: usize, outcome: Result<ImageMatches, EvaluationError>) {
        match outcome {
            Ok(matches) => self.matches.push(matches),
            Err(refusal) => self.refusals.push((place, image, refusal)),
        }
    }
}

/// The scattered images of a stretch of the file.
#[derive(Default)]
pub(super) struct Scattered {
    open: BTreeMap<usize, OpenImage>,
    failure: Option<EvaluationError>,
}

impl Scattered {
    /// Takes the records of a stretch that belong to scattered images.
    pub(super) fn take(reading: Reading<'_>, is_scattered: &[bool], records: &mut Records<'_>) -> Self {
        let mut scattered = Self::default();
        while let Some(record) = records.next_record() {
            match reading.image(&record) {
                Ok(image) if is_scattered[image] => scattered.open(reading, image).take(reading, &record),
                Ok(_) => {}
                Err(_) if !reading.counts(&record) => {}
                Err(failure) => {
                    scattered.failure = Some(failure);
                    break;
                }
            }
        }
        scattered
    }

    /// Adds the images of the next stretch, before which there are `count` records that its numbers do
    /// not include.
    pub(super) fn add(&mut self, reading: Reading<'_>, later: Self, count: usize) -> Result<(), EvaluationError> {
        for (image, mut later) in later.open {
            later.renumber(count);
            self.open(reading, image).append(later);
        }
        later.failure.map_or(Ok(()), |failure| Err(failure.renumbered(count)))
    }

    /// Compares all of them.
    pub(super) fn compare(self, reading: Reading<'_>) -> Result<Vec<ImageMatches>, EvaluationError> {
        let open: Vec<OpenImage> = self.open.into_values().collect();
        // Collected before the first failure is looked for, so that it is always the same one.
        let compare = |matcher: &mut ImageMatcher<'_>, complete: OpenImage| complete.compare(reading, matcher);
        let compared: Vec<_> = open.into_par_iter().map_init(|| reading.matcher(), compare).collect();
        compared.into_iter().collect()
    }

    fn open(&mut self, reading: Reading<'_>, image: usize) -> &mut OpenImage {
        self.open.entry(image).or_insert_with(|| OpenImage::new(reading, image))
    }
}
