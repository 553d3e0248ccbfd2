//! What is done with the records of a results file: in the first pass images are complete when the
//! next one begins; a second pass gathers the images for which that was wrong.

use std::collections::BTreeMap;

use super::admission::{AreaSource, RecordView};
use super::image::Scored;
use super::intake::Intake;
use super::masks::{MaskSource, StoredMask};
use super::score::descending_key;
use super::streaming::{CompleteImage, Dispatch};
use super::{AreaRule, EvaluationError, Evaluator, IouType};
use crate::dataset::{DatasetError, Key, RawRecord, Segmentation};

/// Why a pass over the file ends early.
pub(super) enum Halt {
    /// A record or the file is refused.
    Refused(EvaluationError),
    /// The record that decides about boxes has one, or has none, against what was assumed.
    FirstHasBox(bool),
}

impl From<DatasetError> for Halt {
    fn from(error: DatasetError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<EvaluationError> for Halt {
    fn from(error: EvaluationError) -> Self {
        Self::Refused(error)
    }
}

/// A reader of all records.
pub(super) trait Pass {
    /// Takes the next record.
    fn visit(&mut self, record: &RawRecord<'_>, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt>;

    /// Takes the end of the file.
    fn end(&mut self, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt>;
}

/// The part of a pass that does not change from record to record.
struct Frame<'a> {
    evaluator: &'a Evaluator<'a>,
    source_name: &'a str,
    /// What is known or assumed of lvis-api's first record: by the file's first record until an
    /// earlier attempt has found out better.
    first_has_box: Option<bool>,
    /// Position of the first record's image.
    first_image: Option<usize>,
}

impl Frame<'_> {
    /// The image of a record.
    fn image(&self, record: &RawRecord<'_>) -> Result<usize, EvaluationError> {
        match record.image_id()? {
            Key::Integer(id) => self.evaluator.position(id, record.index() as u64, self.source_name),
            Key::Other => Err(DatasetError::IdNotAnInteger { place: record.place(), key: "image_id" }.into()),
        }
    }

    fn area_source(&self) -> AreaSource {
        AreaSource::new(self.evaluator.options.area, self.first_has_box.unwrap_or(true))
    }

    /// Looks at the very first record of the file.
    fn start(&mut self, image: usize, record: &RawRecord<'_>) {
        self.first_image.get_or_insert(image);
        self.first_has_box.get_or_insert(record.has_bbox());
    }

    /// Hands over an image whose records have all been taken.
    fn complete(&self, open: OpenImage, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        let OpenImage { image, mut intake, text, .. } = open;
        let (detections, swallowed) = self.evaluator.settle(&mut intake, image, self.source_name)?;
        let area = self.area_source().rule();
        dispatch.push(CompleteImage { image, detections, text, swallowed, area });
        Ok(())
    }

    /// Halts if the first image has too many detections, so that the first of lvis-api's records is
    /// its highest, and this one decides otherwise.
    fn check_first_record(&self, open: &OpenImage) -> Result<(), Halt> {
        let is_ranked = open.intake.len() > self.evaluator.options.max_detections;
        let (Some(leader), Some(assumed)) = (&open.leader, self.first_has_box) else { return Ok(()) };
        let matters = self.evaluator.options.area == AreaRule::Auto && self.first_image == Some(open.image);
        if matters && is_ranked && leader.has_box != assumed {
            return Err(Halt::FirstHasBox(leader.has_box));
        }
        Ok(())
    }
}

/// An image whose records are being taken.
struct OpenImage {
    image: usize,
    intake: Intake<Scored<StoredMask>>,
    /// The strings of the masks that may be compared.
    text: Vec<u8>,
    leader: Option<Leader>,
}

/// The first record of the highest score.
struct Leader {
    key: u64,
    has_box: bool,
}

impl OpenImage {
    fn new(image: usize) -> Self {
        Self { image, intake: Intake::default(), text: Vec::new(), leader: None }
    }

    fn take(&mut self, frame: &Frame<'_>, record: &RawRecord<'_>) {
        let score = record.score();
        if let Ok(score) = score {
            self.follow_leader(score, record);
        }
        let segmentation;
        let verdict = match view(frame, record) {
            Ok((mut view, owned)) => {
                segmentation = owned;
                view.mask = segmentation.as_ref().map(MaskSource::from);
                frame.evaluator.admission(self.image, frame.area_source(), frame.source_name).judge(view)
            }
            Err(error) => Err(error.into()),
        };
        let has_instances = |cell: u32| frame.evaluator.has_instances(self.image, cell);
        let text = &mut self.text;
        self.intake.push(record.index() as u64, score.map_err(EvaluationError::from), verdict, |scored| {
            let mask = if has_instances(scored.cell) { scored.mask.store(text) } else { StoredMask::Box };
            scored.with_mask(mask)
        });
    }

    fn follow_leader(&mut self, score: f64, record: &RawRecord<'_>) {
        let key = descending_key(score);
        if self.leader.as_ref().is_none_or(|leader| key < leader.key) {
            self.leader = Some(Leader { key, has_box: record.has_bbox() });
        }
    }
}

/// The record as far as the evaluation reads it, and its mask.
fn view<'r>(frame: &Frame<'_>, record: &RawRecord<'r>) -> Result<(RecordView<'r>, Option<Segmentation>), DatasetError> {
    let (area_source, iou) = (frame.area_source(), frame.evaluator.options.iou);
    let reads_box = match area_source {
        AreaSource::Box | AreaSource::BoxElseMaskBox => true,
        AreaSource::MaskKeepingBox => iou == IouType::Bbox,
        AreaSource::Mask => false,
    };
    let category_id = match record.category_id()? {
        Key::Integer(id) => Some(id),
        Key::Other => None,
    };
    let bbox = if reads_box { record.bbox()? } else { None };
    let area_needs_mask = match area_source {
        AreaSource::Box => false,
        AreaSource::BoxElseMaskBox => bbox.is_none(),
        AreaSource::MaskKeepingBox | AreaSource::Mask => true,
    };
    let segmentation = if area_needs_mask || iou == IouType::Segm { record.segmentation() } else { None };
    let score = record.score().unwrap_or_default();
    Ok((RecordView { record: record.index() as u64, category_id, score, bbox, mask: None }, segmentation))
}

/// Takes images whose records stand together and notes those whose do not.
pub(super) struct FirstPass<'a> {
    frame: Frame<'a>,
    open: Option<OpenImage>,
    is_complete: Vec<bool>,
    is_scattered: Vec<bool>,
    /// Whether an earlier attempt has found out about lvis-api's first record.
    is_decided: bool,
}

impl<'a> FirstPass<'a> {
    pub(super) fn new(evaluator: &'a Evaluator<'a>, source_name: &'a str, decided: Option<bool>) -> Self {
        let images = evaluator.ground_truth.images.ids().len();
        Self {
            frame: Frame { evaluator, source_name, first_has_box: decided, first_image: None },
            open: None,
            is_complete: vec![false; images],
            is_scattered: vec![false; images],
            is_decided: decided.is_some(),
        }
    }

    fn close(&mut self, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.is_complete[open.image] = true;
        if !self.is_decided {
            self.frame.check_first_record(&open)?;
        }
        self.frame.complete(open, dispatch)
    }
}

impl Pass for FirstPass<'_> {
    fn visit(&mut self, record: &RawRecord<'_>, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        let image = self.frame.image(record)?;
        self.frame.start(image, record);
        if self.open.as_ref().is_none_or(|open| open.image != image) {
            self.close(dispatch)?;
            if self.is_complete[image] {
                self.is_scattered[image] = true;
            } else {
                self.open = Some(OpenImage::new(image));
            }
        }
        if let Some(open) = &mut self.open {
            open.take(&self.frame, record);
        }
        Ok(())
    }

    fn end(&mut self, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        self.close(dispatch)
    }
}

/// Gathers the images whose records do not stand together.
pub(super) struct SecondPass<'a> {
    frame: Frame<'a>,
    is_scattered: Vec<bool>,
    open: BTreeMap<usize, OpenImage>,
}

impl<'a> SecondPass<'a> {
    /// What the first pass left to do, if anything.
    pub(super) fn after(first: FirstPass<'a>) -> Option<Self> {
        let FirstPass { frame, is_scattered, .. } = first;
        is_scattered.contains(&true).then_some(Self { frame, is_scattered, open: BTreeMap::new() })
    }

    /// Whether an image is gathered here.
    pub(super) fn takes(&self, image: usize) -> bool {
        self.is_scattered[image]
    }
}

impl Pass for SecondPass<'_> {
    fn visit(&mut self, record: &RawRecord<'_>, _: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        let image = self.frame.image(record)?;
        if self.takes(image) {
            self.open.entry(image).or_insert_with(|| OpenImage::new(image)).take(&self.frame, record);
        }
        Ok(())
    }

    fn end(&mut self, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        for (_, open) in std::mem::take(&mut self.open) {
            self.frame.check_first_record(&open)?;
            self.frame.complete(open, dispatch)?;
        }
        Ok(())
    }
}
