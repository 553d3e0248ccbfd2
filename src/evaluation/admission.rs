//! Which detections of an image count: the limit of detections, the federated rule, the area rule.

use super::ground_truth::GroundTruth;
use super::image::Scored;
use super::masks::{check_spelling, MaskSource};
use super::protocol::{is_visible_area, outside_areas};
use super::score::descending_key;
use super::{AreaRule, EvaluationError, IouType};
use crate::dataset::{Key, Record, SegmentationError};
use crate::mask::{Rasterizer, Rle};

/// Where areas and boxes of detections come from, once it is known whether the first record has a
/// `bbox`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AreaSource {
    /// From the box, which every record must have: lvis-api where the first record has one.
    Box,
    /// From the box, or the mask's where a record has none.
    BoxElseMaskBox,
    /// Area from the mask, box from the record or else the mask: lvis-api where the first record has
    /// no box.
    MaskKeepingBox,
    /// Area and box from the mask: lvis-api where no record has a box.
    Mask,
}

impl AreaSource {
    /// The source under `rule` in a file whose first record has a box or not.
    pub(super) fn new(rule: AreaRule, first_has_box: bool) -> Self {
        match (rule, first_has_box) {
            (AreaRule::Auto, true) => Self::Box,
            (AreaRule::Auto, false) => Self::MaskKeepingBox,
            (AreaRule::Box, _) => Self::BoxElseMaskBox,
            (AreaRule::Mask, _) => Self::Mask,
        }
    }

    /// The area that decides.
    pub(super) fn rule(self) -> AreaRule {
        match self {
            Self::Box | Self::BoxElseMaskBox => AreaRule::Box,
            Self::MaskKeepingBox | Self::Mask => AreaRule::Mask,
        }
    }
}

/// A record as admission sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordView<'a> {
    /// Its index, for messages.
    pub(super) record: u64,
    /// `None` if it equals no id of an annotation file.
    pub(super) category_id: Option<i64>,
    pub(super) score: f64,
    pub(super) bbox: Option<[f64; 4]>,
    pub(super) mask: Option<MaskSource<'a>>,
}

impl<'a> RecordView<'a> {
    pub(super) fn new(record: &'a Record, index: u64) -> Self {
        Self {
            record: index,
            category_id: Some(record.category_id),
            score: record.score,
            bbox: record.bbox,
            mask: record.segmentation.as_ref().map(MaskSource::from),
        }
    }
}

/// What becomes of a detection before any comparison. `S` is what is kept of one that counts.
#[derive(Debug)]
pub(super) enum Verdict<S> {
    /// It counts.
    Counts(S),
    /// Nothing is known of its category in this image.
    NotJudged,
    /// Its category is not listed.
    UnknownCategory,
    /// Its area is not positive and finite.
    InvisibleArea,
}

impl<S> Verdict<S> {
    /// The same with something else kept.
    pub(super) fn map<T>(self, map: impl FnOnce(S) -> T) -> Verdict<T> {
        match self {
            Self::Counts(kept) => Verdict::Counts(map(kept)),
            Self::NotJudged => Verdict::NotJudged,
            Self::UnknownCategory => Verdict::UnknownCategory,
            Self::InvisibleArea => Verdict::InvisibleArea,
        }
    }
}

/// Judges the detections of one image by their category alone, where that is enough.
pub(super) struct Screen {
    /// The categories that are judged in the image, as bits by position.
    judged: Vec<u64>,
    /// Whether it is enough for categories that are not judged.
    knows_unjudged: bool,
    /// Whether it is enough for categories that are not listed.
    knows_unlisted: bool,
}

impl Screen {
    /// Judges a detection in which nothing can be wrong; `None` if more of it must be looked at.
    #[inline]
    pub(super) fn judge<S>(&self, ground_truth: &GroundTruth<'_>, category: Key) -> Option<Verdict<S>> {
        let position = match category {
            Key::Integer(id) => ground_truth.categories.position(id),
            Key::Other => None,
        };
        let Some(position) = position else { return self.knows_unlisted.then_some(Verdict::UnknownCategory) };
        let is_judged = self.judged[(position / u64::BITS) as usize] >> (position % u64::BITS) & 1 == 1;
        (!is_judged && self.knows_unjudged).then_some(Verdict::NotJudged)
    }
}

/// Admits the detections of one image.
pub(super) struct Admission<'a> {
    pub(super) ground_truth: &'a GroundTruth<'a>,
    pub(super) iou: IouType,
    pub(super) area_source: AreaSource,
    /// Position of the image.
    pub(super) image: usize,
    /// Where the detections come from, for messages.
    pub(super) source_name: &'a str,
}

impl Admission<'_> {
    /// Judges one detection.
    ///
    /// Masks are decoded only where their area is needed; a mask of a category that is not judged in
    /// this image is only looked at for its spelling.
    pub(super) fn judge<'r>(&self, view: RecordView<'r>) -> Result<Verdict<Scored<MaskSource<'r>>>, EvaluationError> {
        self.check_presence(&view)?;
        let Some(category) = view.category_id.and_then(|id| self.ground_truth.categories.position(id)) else {
            self.check_boundary(&view)?;
            return Ok(Verdict::UnknownCategory);
        };
        let Some(cell) = self.cell(category) else {
            self.check_spelling(&view)?;
            return Ok(Verdict::NotJudged);
        };
        let (area, bbox) = self.measure(&view)?;
        if !is_visible_area(area) {
            self.check_boundary(&view)?;
            return Ok(Verdict::InvisibleArea);
        }
        self.check_spelling(&view)?;
        Ok(Verdict::Counts(Scored {
            cell: cell as u32,
            record: view.record,
            score: view.score,
            outside: outside_areas(area),
            bbox,
            mask: view.mask.unwrap_or(MaskSource::Box(bbox)),
        }))
    }

    /// What judges the image's detections by their category alone.
    pub(super) fn screen(&self) -> Screen {
        let has_size = !self.iou.reads_masks() || self.ground_truth.image_size(self.image).is_ok();
        let categories = self.ground_truth.categories.ids().len();
        let mut judged = vec![0; categories.div_ceil(u64::BITS as usize)];
        for cell in self.ground_truth.cells(self.image) {
            judged[(cell.category / u64::BITS) as usize] |= 1 << (cell.category % u64::BITS);
        }
        Screen { judged, knows_unjudged: has_size, knows_unlisted: self.iou != IouType::Boundary || has_size }
    }

    /// Index of the image's cell of a category, if it has one.
    fn cell(&self, category: u32) -> Option<usize> {
        let cells = self.ground_truth.cells(self.image);
        cells.binary_search_by_key(&category, |cell| cell.category).ok()
    }

    /// Refuses a record without what its area is taken of.
    fn check_presence(&self, view: &RecordView<'_>) -> Result<(), EvaluationError> {
        match (self.area_source, view.bbox, view.mask) {
            (AreaSource::Box, None, _) => Err(self.missing_box(view)),
            (AreaSource::Box, Some(_), _) | (AreaSource::BoxElseMaskBox, Some(_), _) => Ok(()),
            (_, _, Some(MaskSource::Compressed { .. })) => Ok(()),
            (_, _, Some(_)) => Err(self.not_compressed(view)),
            (_, _, None) => Err(self.missing_mask(view)),
        }
    }

    /// Refuses a segmentation that lvis-api cannot convert, even where nothing is compared with it.
    fn check_spelling(&self, view: &RecordView<'_>) -> Result<(), EvaluationError> {
        if !self.iou.reads_masks() {
            return Ok(());
        }
        self.ground_truth.image_size(self.image)?;
        let Some(MaskSource::Whole(segmentation)) = view.mask else { return Ok(()) };
        check_spelling(segmentation).map_err(|problem| self.unusable_mask(view, problem))
    }

    /// [`Admission::check_spelling`] of a record that is passed over: lvis-api's branch takes the boundary
    /// of every detection.
    fn check_boundary(&self, view: &RecordView<'_>) -> Result<(), EvaluationError> {
        match self.iou {
            IouType::Boundary => self.check_spelling(view),
            IouType::Segm | IouType::Bbox => Ok(()),
        }
    }

    /// Area and box.
    fn measure(&self, view: &RecordView<'_>) -> Result<(f64, [f64; 4]), EvaluationError> {
        let given = if self.area_source == AreaSource::Mask { None } else { view.bbox };
        if let (AreaSource::Box | AreaSource::BoxElseMaskBox, Some(bbox)) = (self.area_source, given) {
            return Ok((bbox[2] * bbox[3], bbox));
        }
        let mask = self.decode(view)?;
        let mask_box = || mask.bbox().map(f64::from);
        if self.area_source == AreaSource::BoxElseMaskBox {
            let bbox = mask_box();
            return Ok((bbox[2] * bbox[3], bbox));
        }
        Ok((f64::from(mask.area()), given.unwrap_or_else(mask_box)))
    }

    fn decode(&self, view: &RecordView<'_>) -> Result<Rle, EvaluationError> {
        let Some(mask) = view.mask else { return Err(self.missing_mask(view)) };
        mask.rasterize([0, 0], &mut Rasterizer::default(), Vec::new())
            .map_err(|problem| self.unusable_mask(view, problem))
    }

    fn missing_box(&self, view: &RecordView<'_>) -> EvaluationError {
        EvaluationError::MissingBox { source_name: self.source_name(), record: view.record, image: self.image_id() }
    }

    fn missing_mask(&self, view: &RecordView<'_>) -> EvaluationError {
        EvaluationError::MissingMask { source_name: self.source_name(), record: view.record, image: self.image_id() }
    }

    fn not_compressed(&self, view: &RecordView<'_>) -> EvaluationError {
        EvaluationError::NotCompressed { source_name: self.source_name(), record: view.record, image: self.image_id() }
    }

    fn unusable_mask(&self, view: &RecordView<'_>, problem: SegmentationError) -> EvaluationError {
        EvaluationError::DetectionMask {
            source_name: self.source_name(),
            record: view.record,
            image: self.image_id(),
            problem,
        }
    }

    fn source_name(&self) -> String {
        self.source_name.to_owned()
    }

    fn image_id(&self) -> i64 {
        self.ground_truth.images.ids()[self.image]
    }
}

/// Indices of the `limit` highest scores in descending order, of equal scores the first. None may be
/// NaN: Python, which sorts by comparison, has no place for it.
pub(super) fn highest(scores: &[f64], limit: usize) -> Vec<usize> {
    let mut ranked: Vec<(u64, usize)> = scores.iter().map(|&score| descending_key(score)).zip(0..).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(limit).map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_scores_in_stable_order() {
        assert_eq!(highest(&[0.1, 0.5, -0.0, 0.5, 0.0, 0.9], 5), [5, 1, 3, 0, 2]);
        assert!(highest(&[0.1, 0.5], 0).is_empty());
    }

    #[test]
    fn automatic_rule_follows_the_first_record() {
        assert_eq!(AreaSource::new(AreaRule::Auto, true), AreaSource::Box);
        assert_eq!(AreaSource::new(AreaRule::Auto, false), AreaSource::MaskKeepingBox);
        assert_eq!(AreaSource::new(AreaRule::Box, false), AreaSource::BoxElseMaskBox);
        assert_eq!(AreaSource::new(AreaRule::Mask, true), AreaSource::Mask);
    }
}
