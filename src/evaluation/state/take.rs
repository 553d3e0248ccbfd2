//! From an evaluator's matches to a state, and from a state to its metrics.

use super::super::accumulate::{accumulate, CategoryCurves};
use super::super::pool::{pool_rankings, summarize_pools};
use super::super::protocol::AREAS;
use super::super::ranking::rankings;
use super::super::summary::{category_metrics, summarize};
use super::super::vocabulary::{groups, vocabulary};
use super::super::{AreaRule, Evaluation, EvaluationReport, Evaluator, ImageMatches, Protocol};
use super::{About, State, StateError};
use crate::dataset::Frequency;

impl Evaluator<'_> {
    /// The state of the images this evaluator is for ([`Evaluator::select`]): one that is not among
    /// `matches` counts as an image without detections. `detections` is what these are called in reports.
    ///
    /// # Errors
    /// [`StateError::Overlapping`] for an image that is twice among `matches`, and
    /// [`StateError::OtherArea`] where they were not all admitted by one area.
    pub fn state(&self, matches: Vec<ImageMatches>, detections: &str) -> Result<State, StateError> {
        let state = self.state_unchecked(matches, detections);
        if let Some(twice) = state.images.windows(2).find(|pair| pair[0].image == pair[1].image) {
            return Err(StateError::Overlapping {
                source_name: detections.to_owned(),
                other: detections.to_owned(),
                image: state.image_ids[twice[0].image as usize],
            });
        }
        let decided = |image: &&ImageMatches| image.area != AreaRule::Auto;
        match state.images.iter().filter(decided).any(|image| image.area != state.about.area_used) {
            false => Ok(state),
            true => {
                let source_name = detections.to_owned();
                Err(StateError::OtherArea { other: source_name.clone(), source_name })
            }
        }
    }

    /// [`Evaluator::state`] of whatever is given, an image as often as it is given.
    pub(in super::super) fn state_unchecked(&self, matches: Vec<ImageMatches>, detections: &str) -> State {
        let annotations = self.ground_truth.annotations;
        let images = self.complete(matches);
        let decided = images.iter().map(|image| image.area).find(|&area| area != AreaRule::Auto);
        let about = About {
            protocol: self.options.protocol,
            iou: self.options.iou,
            area: self.options.area,
            area_used: decided.unwrap_or(self.options.area),
            max_detections: self.options.limit().count(),
            annotations: annotations.source.clone(),
            annotations_sha256: annotations.sha256.clone(),
            detections: detections.to_owned(),
            swallowed: self.ground_truth.swallowed,
        };
        State {
            source: detections.to_owned(),
            about,
            categories: vocabulary(&self.ground_truth),
            image_ids: self.ground_truth.images.ids().to_vec(),
            images,
        }
    }
}

impl State {
    /// The outcome over the images of the state: that of [`Evaluator::finish`], bit for bit.
    pub fn evaluation(&self) -> Evaluation {
        let curves = self.curves();
        let (results, precision_recall) = match self.about.protocol {
            Protocol::Lvis | Protocol::Fixed => summarize(&curves, &self.groups()),
            Protocol::Pool => summarize_pools(&accumulate(&pool_rankings(&self.groups(), &self.images))),
        };
        let mut swallowed = self.about.swallowed;
        self.images.iter().for_each(|image| swallowed += image.swallowed);
        Evaluation {
            iou: self.about.iou,
            area: self.about.area,
            area_used: self.about.area_used,
            images: self.images.len() as u64,
            images_total: self.image_ids.len() as u64,
            results,
            per_category: category_metrics(&self.categories, &curves),
            curves: precision_recall,
            swallowed,
        }
    }

    /// What `eval --json` writes of the same images.
    pub fn report(&self) -> EvaluationReport {
        EvaluationReport::of(self.evaluation(), &self.about)
    }

    /// The ids of the images of the annotation file that the state does not have, ascending.
    pub fn missing_images(&self) -> Vec<i64> {
        let mut held = self.images.iter().map(|image| image.image).peekable();
        let positions = (0u32..).zip(&self.image_ids);
        let missing = positions.filter(|&(position, _)| held.next_if_eq(&position).is_none());
        missing.map(|(_, &id)| id).collect()
    }

    /// Instances of every category that count, in each area range.
    pub(in super::super) fn counted(&self) -> Vec<[u32; AREAS]> {
        let mut counted = vec![[0u32; AREAS]; self.categories.len()];
        for cell in self.images.iter().flat_map(|image| &image.cells) {
            let sums = counted[cell.category as usize].iter_mut().zip(cell.counted);
            sums.for_each(|(sum, more)| *sum = sum.saturating_add(more));
        }
        counted
    }

    pub(in super::super) fn curves(&self) -> Vec<CategoryCurves> {
        accumulate(&rankings(self.categories.len(), &self.images))
    }

    /// The frequency group of every category.
    pub(in super::super) fn groups(&self) -> Vec<Frequency> {
        groups(&self.categories).expect("an evaluator and a state that is read have checked the letters")
    }
}
