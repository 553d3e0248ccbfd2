//! One image: which of its detections are judged, and with what verdict.

use super::super::admission::{highest, Admission, AreaSource, RecordView, Verdict as Admitted};
use super::super::evaluator::Evaluator;
use super::super::image::Scored;
use super::super::masks::MaskSource;
use super::super::score::descending_key;
use super::super::EvaluationError;
use super::findings::{ImageFindings, InstanceState, JudgedDetection};
use super::shapes::Shapes;
use super::verdict::{Target, Targets, Verdict};
use crate::dataset::Record;
use crate::mask::Rasterizer;

/// The area range of all areas, as a bit.
const ALL_AREAS: u8 = 1;

/// A detection of the results file while its image is not complete.
pub(super) struct Held {
    /// Index of the record, for messages.
    pub(super) index: u64,
    pub(super) score: f64,
    /// Position of its category; `None` if it is not listed.
    pub(super) category: Option<u32>,
    /// All of it, if its category is verified in the image.
    pub(super) record: Option<Record>,
}

/// Examines images.
#[derive(Clone, Copy)]
pub(super) struct Examiner<'a> {
    pub(super) evaluator: &'a Evaluator<'a>,
    pub(super) area_source: AreaSource,
    /// Where the detections come from, for messages.
    pub(super) source_name: &'a str,
}

impl Examiner<'_> {
    /// What became of the detections of the image at `image`, given in the order of the file.
    pub(super) fn examine(self, image: usize, held: &[Held]) -> Result<ImageFindings, EvaluationError> {
        let mut findings = ImageFindings::new(image as u32);
        let mut judged = self.judged(image, held, &mut findings)?;
        judged.sort_by_key(|detection| (detection.cell, descending_key(detection.score)));
        self.match_detections(image, &judged, &mut findings)?;
        Ok(findings)
    }

    /// The detections that are judged; the others are counted.
    fn judged<'h>(
        self,
        image: usize,
        held: &'h [Held],
        findings: &mut ImageFindings,
    ) -> Result<Vec<Scored<MaskSource<'h>>>, EvaluationError> {
        let admission = Admission {
            ground_truth: &self.evaluator.ground_truth,
            iou: self.evaluator.options.iou,
            area_source: self.area_source,
            image,
            source_name: self.source_name,
        };
        let mut judged = Vec::new();
        for place in self.within_limit(held) {
            let Held { index, category, record, .. } = &held[place];
            match (category, record) {
                (None, _) => findings.unknown_category += 1,
                (Some(category), None) => findings.not_judged.push(*category),
                (Some(_), Some(record)) => match admission.judge(RecordView::new(record, *index))? {
                    Admitted::Counts(scored) => judged.push(scored),
                    Admitted::InvisibleArea => findings.invisible += 1,
                    Admitted::NotJudged | Admitted::UnknownCategory => {}
                },
            }
        }
        Ok(judged)
    }

    /// Places of the highest scores, in the order of the file.
    fn within_limit(self, held: &[Held]) -> Vec<usize> {
        let limit = self.evaluator.options.max_detections;
        if held.len() <= limit {
            return (0..held.len()).collect();
        }
        let scores: Vec<f64> = held.iter().map(|detection| detection.score).collect();
        let mut places = highest(&scores, limit);
        places.sort_unstable();
        places
    }

    fn match_detections(
        self,
        image: usize,
        judged: &[Scored<MaskSource<'_>>],
        findings: &mut ImageFindings,
    ) -> Result<(), EvaluationError> {
        let ground_truth = &self.evaluator.ground_truth;
        let cells = ground_truth.cells(image);
        // Instances of an image stand one after the other, cell by cell.
        let first = cells.iter().find(|cell| !cell.instances.is_empty()).map_or(0, |cell| cell.instances.start);
        let place = |instance: u32| (instance - first) as usize;
        let instances = cells.iter().flat_map(|cell| ground_truth.instances(cell));
        let mut targets = Targets::new(
            instances
                .map(|instance| Target {
                    ignored: instance.ignored & ALL_AREAS != 0,
                    has_id_zero: instance.has_id_zero,
                })
                .collect(),
        );
        let mut rasterizer = Rasterizer::default();
        let mut ious = Vec::new();
        let mut shapes = None;
        for detection in judged {
            let shapes = match &mut shapes {
                Some(shapes) => shapes,
                none => none.insert(Shapes::of_image(self.evaluator, image, &mut rasterizer)?),
            };
            let cell = &cells[detection.cell as usize];
            let own = match cell.instances.is_empty() {
                true => 0..0,
                false => place(cell.instances.start)..place(cell.instances.end),
            };
            shapes.ious(detection, &mut rasterizer, &mut ious).map_err(|problem| EvaluationError::DetectionMask {
                source_name: self.source_name.to_owned(),
                record: detection.record,
                image: ground_truth.images.ids()[image],
                problem,
            })?;
            let ignored_unmatched = cell.not_exhaustive || detection.outside & ALL_AREAS != 0;
            let verdict = targets.judge(own, &ious, ignored_unmatched);
            findings.detections.push(JudgedDetection::new(cell, detection.score, verdict, first));
        }
        findings.instances = self.instance_states(image, &targets, findings, first);
        Ok(())
    }

    fn instance_states(
        self,
        image: usize,
        targets: &Targets,
        findings: &ImageFindings,
        first: u32,
    ) -> Vec<(u32, u32, InstanceState)> {
        let cells = self.evaluator.ground_truth.cells(image);
        let instances = cells.iter().flat_map(|cell| cell.instances.clone().map(|instance| (cell.category, instance)));
        let state = |instance: u32| {
            let place = (instance - first) as usize;
            if targets.is_ignored(place) {
                InstanceState::Ignored
            } else if targets.is_found(place) {
                InstanceState::Found
            } else if findings.detections.iter().any(|detection| detection.target == Some(instance)) {
                InstanceState::Covered
            } else {
                InstanceState::Missed
            }
        };
        instances.map(|(category, instance)| (category, instance, state(instance))).collect()
    }
}

impl JudgedDetection {
    /// `first` is the number of the image's first instance.
    fn new(cell: &super::super::ground_truth::Cell, score: f64, verdict: Verdict, first: u32) -> Self {
        let target = match verdict {
            Verdict::False(_, Some(place)) => Some(first + place as u32),
            _ => None,
        };
        Self { category: cell.category, score, verdict, target, is_absent: cell.instances.is_empty() }
    }
}
