//! The evaluator: checked ground truth, to which images are compared one by one.

use super::accumulate::accumulate;
use super::admission::{Admission, AreaSource, RecordView};
use super::ground_truth::GroundTruth;
use super::image::{ImageMatcher, ImageMatches, Scored};
use super::intake::{Intake, Unsettled};
use super::masks::MaskSource;
use super::pool::summarize_pools;
use super::summary::{arrays, category_metrics, summarize, Arrays};
use super::{AreaRule, Evaluation, EvaluationError, Limit, Options, Protocol, Ranks, Swallowed};
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
}

impl<'a> Evaluator<'a> {
    /// Checks and indexes the ground truth.
    ///
    /// # Errors
    /// Where lvis-api raises an exception: a category without a valid frequency, an image without its
    /// lists of absent and of not exhaustively annotated categories, an annotation without area, box
    /// or mask as far as the comparison reads them.
    pub fn new(annotations: &'a Annotations, options: Options) -> Result<Self, EvaluationError> {
        Ok(Self { ground_truth: GroundTruth::new(annotations, options.iou)?, options })
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
        self.match_image(image, scored, swallowed, area_source.rule(), IN_MEMORY)
    }

    /// The outcome over all images of the annotation file; one that is not among `matches` counts as
    /// an image without detections, one that is there twice counts twice.
    pub fn finish(&self, matches: Vec<ImageMatches>) -> Evaluation {
        let ordered = in_order(&matches);
        let curves = accumulate(&self.ground_truth, &ordered);
        let (results, precision_recall) = match self.options.protocol {
            Protocol::Lvis | Protocol::Fixed => summarize(&curves, &self.ground_truth.frequencies),
            Protocol::Pool => summarize_pools(&self.ground_truth, &ordered, &curves),
        };
        let mut swallowed = self.ground_truth.swallowed;
        matches.iter().for_each(|image| swallowed += image.swallowed);
        Evaluation {
            iou: self.options.iou,
            area: self.options.area,
            area_used: matches.first().map_or(self.options.area, |image| image.area),
            results,
            per_category: category_metrics(&self.ground_truth, &curves),
            curves: precision_recall,
            swallowed,
        }
    }

    /// lvis-api's `eval["precision"]` and `eval["recall"]`, 39 MB for LVIS v1: for tools and tests.
    pub fn arrays(&self, matches: &[ImageMatches]) -> Arrays {
        arrays(self.ground_truth.categories.ids(), &accumulate(&self.ground_truth, &in_order(matches)))
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

    /// Compares the detections that count.
    pub(super) fn match_image(
        &self,
        image: usize,
        scored: Vec<Scored<MaskSource<'_>>>,
        swallowed: Swallowed,
        area: AreaRule,
        source_name: &str,
    ) -> Result<ImageMatches, EvaluationError> {
        ImageMatcher::new(&self.ground_truth, self.options.iou, image, source_name).run(scored, swallowed, area)
    }
}

/// In ascending order of image, as lvis-api goes through them.
fn in_order(matches: &[ImageMatches]) -> Vec<&ImageMatches> {
    let mut ordered: Vec<&ImageMatches> = matches.iter().collect();
    ordered.sort_by_key(|image| image.image);
    ordered
}
