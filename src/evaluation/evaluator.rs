//! The evaluator: checked ground truth, to which images are compared one by one.

use super::admission::{Admission, AreaSource, RecordView};
use super::ground_truth::{Cell, GroundTruth};
use super::image::{CellMatches, ImageMatcher, ImageMatches};
use super::intake::{Intake, Unsettled};
use super::summary::{arrays, Arrays};
use super::{Evaluation, EvaluationError, Limit, Options, Ranks, Swallowed};
use crate::dataset::{Annotations, Key, Record};

/// What detections handed over in memory are called in messages.
pub(super) const IN_MEMORY: &str = "detections";

/// Compares detections to the ground truth of one annotation file.
///
/// Images may be given in any order and from several threads; the result does not depend on it.
///
/// ```
/// # use zoobench::dataset::Annotations;
/// # use zoobench::evaluation::{Evaluator, EvaluationError, Options};
/// # fn evaluate(annotations: &Annotations, detections: &[Vec<zoobench::dataset::Record>]) -> Result<(), EvaluationError> {
/// let evaluator = Evaluator::new(annotations, Options::default())?;
/// let images = annotations.images.iter().zip(detections);
/// let matches = images.map(|(image, records)| evaluator.image(image.id, records)).collect::<Result<Vec<_>, _>>()?;
/// println!("AP {:?}", evaluator.finish(matches).results.ap);
/// # Ok(())
/// # }
/// ```
pub struct Evaluator<'a> {
    pub(super) ground_truth: GroundTruth<'a>,
    pub(super) options: Options,
    /// Whether an image is evaluated; `None` where all are.
    selected: Option<Vec<bool>>,
}

impl<'a> Evaluator<'a> {
    /// Checks and indexes the ground truth.
    ///
    /// # Errors
    /// Where lvis-api raises an exception: a category without a valid frequency, an image without its
    /// lists of absent and of not exhaustively annotated categories, an annotation without area, box
    /// or mask as far as the comparison reads them.
    pub fn new(annotations: &'a Annotations, options: Options) -> Result<Self, EvaluationError> {
        Ok(Self { ground_truth: GroundTruth::new(annotations, options.iou)?, options, selected: None })
    }

    /// Evaluates these images alone, as lvis-api does with `params.img_ids`: what is known of the others
    /// and detected in them counts for nothing.
    ///
    /// Records of other images in a results file are passed over unread, as long as the file is JSON and
    /// the annotation file lists their images; lvis-api reads them all, and refuses what is wrong in them.
    ///
    /// # Errors
    /// [`EvaluationError::UnlistedImage`] for an id that the annotation file does not have.
    pub fn select(mut self, image_ids: &[i64]) -> Result<Self, EvaluationError> {
        let mut selected = vec![false; self.ground_truth.images.ids().len()];
        for &image in image_ids {
            let position = self.ground_truth.images.position(image).ok_or_else(|| EvaluationError::UnlistedImage {
                image,
                annotations: self.ground_truth.annotations.source.clone(),
            })?;
            selected[position as usize] = true;
        }
        self.selected = Some(selected);
        Ok(self)
    }

    /// Compares all detections of one image, given in the order of the results file.
    ///
    /// Under [`AreaRule::Auto`](super::AreaRule::Auto) every record must have a box, whose area
    /// counts: this is what lvis-api does with a file of such records.
    ///
    /// # Errors
    /// An image that is not listed, a record of another image, a record without the box or mask that
    /// the area rule or the comparison needs, a mask that is compared and malformed, and NaN among
    /// the scores of an image with more detections than count. Under a protocol that limits categories
    /// every image: see [`Evaluator::ranked_image`].
    pub fn image(&self, image_id: i64, records: &[Record]) -> Result<ImageMatches, EvaluationError> {
        match self.options.limit() {
            Limit::Image(_) => self.compare_records(image_id, records, |_, _| true),
            Limit::Category(_) => Err(EvaluationError::NotRanked { image: image_id }),
        }
    }

    /// [`Evaluator::image`] under a protocol that limits categories: of the detections, those are
    /// compared that count by `ranks`, which must have been taken of all images of the data set with
    /// the same records.
    ///
    /// # Errors
    /// An image that was not ranked, and as [`Evaluator::image`].
    pub fn ranked_image(
        &self,
        ranks: &Ranks,
        image_id: i64,
        records: &[Record],
    ) -> Result<ImageMatches, EvaluationError> {
        let first = ranks.place_of_image(image_id).ok_or(EvaluationError::NotRanked { image: image_id })?;
        self.compare_records(image_id, records, |index, record| {
            ranks.count(&self.ground_truth, Key::Integer(record.category_id), record.score, first + index)
        })
    }

    fn compare_records(
        &self,
        image_id: i64,
        records: &[Record],
        counts: impl Fn(u64, &Record) -> bool,
    ) -> Result<ImageMatches, EvaluationError> {
        let image = self.position(image_id, 0, IN_MEMORY)?;
        if let Some((index, record)) = (0..).zip(records).find(|(_, record)| record.image_id != image_id) {
            return Err(EvaluationError::ForeignRecord { record: index, image: image_id, found: record.image_id });
        }
        let area_source = AreaSource::new(self.options.area, true);
        let admission = self.admission(image, area_source, IN_MEMORY);
        let mut intake = Intake::default();
        for (index, record) in (0..).zip(records) {
            if !counts(index, record) {
                intake.pass_over();
                continue;
            }
            let verdict = admission.judge(RecordView::new(record, index));
            intake.push(index, Ok(record.score), verdict);
        }
        let (scored, swallowed) = self.settle(&mut intake, image, IN_MEMORY)?;
        self.matcher(IN_MEMORY).run(image, scored, swallowed, area_source.rule())
    }

    /// The outcome over all images of the annotation file, or the selected ones; one that is not among
    /// `matches` counts as an image without detections, one that is there twice counts twice.
    pub fn finish(&self, matches: Vec<ImageMatches>) -> Evaluation {
        self.state_unchecked(matches, IN_MEMORY).evaluation()
    }

    /// lvis-api's `eval["precision"]` and `eval["recall"]`, 39 MB for LVIS v1: for tools and tests.
    pub fn arrays(&self, matches: &[ImageMatches]) -> Arrays {
        arrays(self.ground_truth.categories.ids(), &self.state_unchecked(matches.to_vec(), IN_MEMORY).curves())
    }

    /// The matches of every image that is evaluated, in ascending order; those of others are dropped.
    pub(super) fn complete(&self, mut matches: Vec<ImageMatches>) -> Vec<ImageMatches> {
        matches.retain(|image| self.is_selected(image.image as usize));
        matches.sort_by_key(|image| image.image);
        let mut given = matches.into_iter().peekable();
        let mut complete = Vec::with_capacity(self.ground_truth.images.ids().len());
        for position in (0..self.ground_truth.images.ids().len()).filter(|&position| self.is_selected(position)) {
            let before = complete.len();
            while let Some(image) = given.next_if(|image| image.image as usize == position) {
                complete.push(image);
            }
            if complete.len() == before {
                complete.push(self.without_detections(position));
            }
        }
        complete
    }

    fn without_detections(&self, position: usize) -> ImageMatches {
        let annotated = self.ground_truth.cells(position).iter().filter(|cell| !cell.instances.is_empty());
        let cell = |cell: &Cell| CellMatches {
            category: cell.category,
            detections: 0,
            counted: self.ground_truth.counted(cell),
        };
        ImageMatches {
            image: position as u32,
            cells: annotated.map(cell).collect(),
            detections: Vec::new(),
            swallowed: Swallowed::default(),
            area: self.options.area,
        }
    }

    /// Whether the image at a position is evaluated.
    pub(super) fn is_selected(&self, position: usize) -> bool {
        self.selected.as_ref().is_none_or(|selected| selected[position])
    }

    /// Position of an image, or an error that names the record.
    pub(super) fn position(&self, image: i64, record: u64, source_name: &str) -> Result<usize, EvaluationError> {
        let position = self.ground_truth.images.position(image).map(|position| position as usize);
        position.ok_or_else(|| EvaluationError::UnknownImage {
            source_name: source_name.to_owned(),
            record,
            image,
            annotations: self.ground_truth.annotations.source.clone(),
        })
    }

    /// Whether a cell of an image, by its index among the image's, has anything to compare with.
    pub(super) fn has_instances(&self, image: usize, cell: u32) -> bool {
        !self.ground_truth.cells(image)[cell as usize].instances.is_empty()
    }

    pub(super) fn admission<'s>(
        &'s self,
        image: usize,
        area_source: AreaSource,
        source_name: &'s str,
    ) -> Admission<'s> {
        Admission { ground_truth: &self.ground_truth, iou: self.options.iou, area_source, image, source_name }
    }

    /// The detections that count of those taken in for an image.
    pub(super) fn settle<S>(
        &self,
        intake: &mut Intake<S>,
        image: usize,
        source_name: &str,
    ) -> Result<(Vec<S>, Swallowed), EvaluationError> {
        let limit = self.options.image_limit();
        intake.settle(limit).map_err(|unsettled| match unsettled {
            Unsettled::Refused(refusal) => refusal,
            Unsettled::Unrankable(record) => EvaluationError::UnrankableScore {
                source_name: source_name.to_owned(),
                record,
                image: self.ground_truth.images.ids()[image],
                limit,
            },
        })
    }

    /// What compares the detections that count.
    pub(super) fn matcher<'s>(&'s self, source_name: &'s str) -> ImageMatcher<'s> {
        ImageMatcher::new(&self.ground_truth, self.options.iou, source_name)
    }
}
