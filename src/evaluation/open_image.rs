//! An image of a results file, as far as it has been read.

use super::admission::{AreaSource, RecordView, Screen, Verdict};
use super::image::{ImageMatcher, ImageMatches, Scored};
use super::intake::Intake;
use super::masks::StoredMask;
use super::{EvaluationError, Evaluator, IouType, Ranks};
use crate::dataset::{DatasetError, Key, RawRecord};

/// How a results file is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) evaluator: &'a Evaluator<'a>,
    /// The file's name, for messages.
    pub(super) source_name: &'a str,
    pub(super) area_source: AreaSource,
    /// Which records count, under a protocol that limits categories.
    pub(super) ranks: Option<&'a Ranks>,
}

impl<'a> Reading<'a> {
    /// What compares the images that are read.
    pub(super) fn matcher(&self) -> ImageMatcher<'a> {
        self.evaluator.matcher(self.source_name)
    }

    /// Position of a record's image.
    pub(super) fn image(&self, record: &RawRecord<'_>) -> Result<usize, EvaluationError> {
        match record.image_id()? {
            Key::Integer(id) => self.evaluator.position(id, record.index() as u64, self.source_name),
            Key::Other => Err(DatasetError::IdNotAnInteger { place: record.place(), key: "image_id" }.into()),
        }
    }

    /// Position of a record's image, which is mostly that of the record before.
    pub(super) fn image_after(
        &self,
        record: &RawRecord<'_>,
        last: &mut Option<(Key, usize)>,
    ) -> Result<usize, EvaluationError> {
        let key = record.image_id()?;
        match *last {
            Some((last, image)) if last == key => Ok(image),
            _ => {
                let image = self.image(record)?;
                *last = Some((key, image));
                Ok(image)
            }
        }
    }

    /// Whether a record is looked at.
    pub(super) fn counts(&self, record: &RawRecord<'_>) -> bool {
        self.ranks.is_none_or(|ranks| ranks.count_record(&self.evaluator.ground_truth, record))
    }

    /// Whether nothing can be wrong with a record that is not judged; if not it must be looked at.
    fn is_sound(&self, record: &RawRecord<'_>) -> bool {
        let has_area = match self.area_source {
            AreaSource::Box => record.has_plain_box(),
            AreaSource::BoxElseMaskBox => record.has_plain_box() || !record.has_bbox() && record.has_plain_mask(),
            AreaSource::MaskKeepingBox | AreaSource::Mask => record.has_plain_mask(),
        };
        has_area && (!record.has_segmentation() || record.has_plain_mask())
    }

    /// The box of a record, as far as it is read: the place of one that only measures the area, and beside
    /// which there is a mask, is given as 0.
    fn bbox(&self, record: &RawRecord<'_>) -> Result<Option<[f64; 4]>, DatasetError> {
        let compares_boxes = self.evaluator.options.iou == IouType::Bbox;
        match self.area_source {
            AreaSource::Box | AreaSource::BoxElseMaskBox if !compares_boxes && record.has_plain_mask() => {
                Ok(record.box_size()?.map(|[width, height]| [0.0, 0.0, width, height]))
            }
            AreaSource::Box | AreaSource::BoxElseMaskBox => record.bbox(),
            AreaSource::MaskKeepingBox if compares_boxes => record.bbox(),
            AreaSource::MaskKeepingBox | AreaSource::Mask => Ok(None),
        }
    }

    /// Whether the mask of a record is read.
    fn reads_mask(&self, has_box: bool) -> bool {
        let for_area = match self.area_source {
            AreaSource::Box => false,
            AreaSource::BoxElseMaskBox => !has_box,
            AreaSource::MaskKeepingBox | AreaSource::Mask => true,
        };
        for_area || self.evaluator.options.iou.reads_masks()
    }
}

/// An image of which more records may come.
pub(super) struct OpenImage {
    /// Position of the image.
    pub(super) image: usize,
    screen: Screen,
    intake: Intake<Scored<StoredMask>>,
    /// The strings of the masks that may be compared.
    text: Vec<u8>,
}

impl OpenImage {
    pub(super) fn new(reading: Reading<'_>, image: usize) -> Self {
        let admission = reading.evaluator.admission(image, reading.area_source, reading.source_name);
        Self { image, screen: admission.screen(), intake: Intake::default(), text: Vec::new() }
    }

    /// [`OpenImage::new`] with memory for as much as another image had.
    pub(super) fn new_like(other: &Self, reading: Reading<'_>, image: usize) -> Self {
        let text = Vec::with_capacity(other.text.len());
        Self { intake: Intake::with_capacity_of(&other.intake), text, ..Self::new(reading, image) }
    }

    /// Takes the image's next record.
    pub(super) fn take(&mut self, reading: Reading<'_>, record: &RawRecord<'_>) {
        if !reading.counts(record) {
            return self.intake.pass_over();
        }
        let score = record.score();
        if let (Ok(score), Some(verdict)) = (&score, self.judge_unread(reading, record)) {
            return self.intake.push(record.index() as u64, Ok(*score), Ok(verdict));
        }
        let start = self.text.len();
        let verdict = self.judge(reading, record, score.as_ref().copied().unwrap_or_default());
        let keeps_text = |scored: &Scored<StoredMask>| matches!(scored.mask, StoredMask::Compressed { .. });
        if !matches!(&verdict, Ok(Verdict::Counts(scored)) if keeps_text(scored)) {
            self.text.truncate(start);
        }
        self.intake.push(record.index() as u64, score.map_err(EvaluationError::from), verdict);
    }

    /// Judges a record by its category alone, if that is enough.
    #[inline]
    fn judge_unread(&self, reading: Reading<'_>, record: &RawRecord<'_>) -> Option<Verdict<Scored<StoredMask>>> {
        let category = record.category_id().ok().filter(|_| reading.is_sound(record))?;
        self.screen.judge(&reading.evaluator.ground_truth, category)
    }

    /// Judges a record whose mask's string is appended to the others.
    fn judge(
        &mut self,
        reading: Reading<'_>,
        record: &RawRecord<'_>,
        score: f64,
    ) -> Result<Verdict<Scored<StoredMask>>, EvaluationError> {
        let category_id = match record.category_id()? {
            Key::Integer(id) => Some(id),
            Key::Other => None,
        };
        let admission = reading.evaluator.admission(self.image, reading.area_source, reading.source_name);
        let bbox = reading.bbox(record)?;
        let mask = if reading.reads_mask(bbox.is_some()) { record.mask_in(&mut self.text) } else { None };
        let mask = mask.map(StoredMask::from);
        let source = mask.as_ref().map(|mask| mask.source([0.0; 4], &self.text));
        let view = RecordView { record: record.index() as u64, category_id, score, bbox, mask: source };
        let verdict = admission.judge(view)?.map(|scored| scored.with_mask(()));
        Ok(verdict.map(|scored| {
            let is_compared = reading.evaluator.has_instances(self.image, scored.cell);
            scored.with_mask(mask.filter(|_| is_compared).unwrap_or(StoredMask::Box))
        }))
    }

    /// Adds `count` to the numbers of all records.
    pub(super) fn renumber(&mut self, count: usize) {
        self.intake.renumber(count, |scored| scored.record += count as u64);
    }

    /// Takes the records of the same image that come later in the file.
    pub(super) fn append(&mut self, later: Self) {
        let moved = self.text.len();
        self.text.extend_from_slice(&later.text);
        self.intake.append(later.intake, |scored| scored.mask.move_by(moved));
    }

    /// Compares the image, of which all records have been taken.
    pub(super) fn compare(
        mut self,
        reading: Reading<'_>,
        matcher: &mut ImageMatcher<'_>,
    ) -> Result<ImageMatches, EvaluationError> {
        let Reading { evaluator, source_name, area_source, .. } = reading;
        let (stored, swallowed) = evaluator.settle(&mut self.intake, self.image, source_name)?;
        let scored = stored.iter().map(|stored| stored.with_mask(stored.mask.source(stored.bbox, &self.text)));
        matcher.run(self.image, scored.collect(), swallowed, area_source.rule())
    }
}
