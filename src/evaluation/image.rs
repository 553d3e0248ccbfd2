//! One image: which detections count, and what they match.

use super::boundaries::InstanceBoundaries;
use super::ground_truth::{Cell, GroundTruth};
use super::masks::MaskSource;
use super::matching::{Bits, Candidate, Matcher};
use super::overlap::{box_candidates, mask_candidates, MeasuredMask};
use super::protocol::AREAS;
use super::score::descending_key;
use super::{AreaRule, EvaluationError, IouType, Swallowed};
use crate::mask::Rasterizer;

/// A detection of one of its image's cells, with a visible area. `M` is how its mask is held.
pub(super) struct Scored<M> {
    /// Index of the cell among the image's.
    pub(super) cell: u32,
    /// Index of the record, for messages.
    pub(super) record: u64,
    pub(super) score: f64,
    /// Area ranges that the detection lies outside of, as bits.
    pub(super) outside: u8,
    /// Read if boxes are compared.
    pub(super) bbox: [f64; 4],
    /// Read if masks are compared and the cell has instances.
    pub(super) mask: M,
}

impl<M> Scored<M> {
    /// The same detection with its mask held in another way.
    pub(super) fn with_mask<N>(&self, mask: N) -> Scored<N> {
        let Self { cell, record, score, outside, bbox, .. } = *self;
        Scored { cell, record, score, outside, bbox, mask }
    }
}

/// What became of the detections of one image: all that accumulation needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMatches {
    /// Position of the image in ascending order of ids.
    pub(super) image: u32,
    /// In ascending category.
    pub(super) cells: Vec<CellMatches>,
    /// Cell by cell, in descending order of score.
    pub(super) detections: Vec<DetectionMatches>,
    pub(super) swallowed: Swallowed,
    /// The area that decided.
    pub(super) area: AreaRule,
}

/// A cell that has detections or instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellMatches {
    /// Position of the category.
    pub(super) category: u32,
    /// Number of its detections.
    pub(super) detections: u32,
    /// Instances that count, in each area range.
    pub(super) counted: [u32; AREAS],
}

/// One detection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DetectionMatches {
    pub(super) score: f64,
    /// Where it matched an instance.
    pub(super) matched: Bits,
    /// Where it counts neither as true nor as false positive.
    pub(super) ignored: Bits,
}

/// Matches the detections of images, keeping its working memory from one to the next.
pub(super) struct ImageMatcher<'a> {
    ground_truth: &'a GroundTruth<'a>,
    iou: IouType,
    /// Position of the image.
    image: usize,
    /// Where the detections come from, for messages.
    source_name: &'a str,
    matcher: Matcher,
    rasterizer: Rasterizer,
    counts: Vec<u32>,
    candidates: Vec<Candidate>,
    instance_masks: Vec<MeasuredMask>,
    instance_boundaries: InstanceBoundaries,
    instance_boxes: Vec<[f64; 4]>,
    mismatches: u64,
}

impl<'a> ImageMatcher<'a> {
    pub(super) fn new(ground_truth: &'a GroundTruth<'a>, iou: IouType, source_name: &'a str) -> Self {
        Self {
            ground_truth,
            iou,
            image: 0,
            source_name,
            matcher: Matcher::default(),
            rasterizer: Rasterizer::default(),
            counts: Vec::new(),
            candidates: Vec::new(),
            instance_masks: Vec::new(),
            instance_boundaries: InstanceBoundaries::default(),
            instance_boxes: Vec::new(),
            mismatches: 0,
        }
    }

    /// Matches the `detections` of the image at a position, given in the order of the file; `area` is the
    /// rule by which they were admitted.
    pub(super) fn run(
        &mut self,
        image: usize,
        mut detections: Vec<Scored<MaskSource<'_>>>,
        swallowed: Swallowed,
        area: AreaRule,
    ) -> Result<ImageMatches, EvaluationError> {
        detections.sort_by_key(|detection| (detection.cell, descending_key(detection.score)));
        (self.image, self.mismatches) = (image, 0);
        let mut matches = ImageMatches {
            image: image as u32,
            cells: Vec::new(),
            detections: Vec::with_capacity(detections.len()),
            swallowed,
            area,
        };
        let mut rest = detections.as_slice();
        for (index, cell) in self.ground_truth.cells(self.image).iter().enumerate() {
            let here = rest.partition_point(|detection| detection.cell as usize == index);
            let (now, later) = rest.split_at(here);
            rest = later;
            if now.is_empty() && cell.instances.is_empty() {
                continue;
            }
            let counted = self.ground_truth.counted(cell);
            matches.cells.push(CellMatches { category: cell.category, detections: now.len() as u32, counted });
            self.match_cell(cell, now, &mut matches.detections)?;
        }
        matches.swallowed.mask_size_mismatches += self.mismatches;
        Ok(matches)
    }

    fn match_cell(
        &mut self,
        cell: &Cell,
        detections: &[Scored<MaskSource<'_>>],
        matches: &mut Vec<DetectionMatches>,
    ) -> Result<(), EvaluationError> {
        if !detections.is_empty() {
            self.load_instances(cell)?;
        }
        let instances = self.ground_truth.instances(cell);
        for detection in detections {
            self.find_candidates(detection)?;
            let ignored_areas = if cell.not_exhaustive { u8::MAX } else { detection.outside };
            let outcome = self.matcher.match_next(instances, &self.candidates, ignored_areas);
            matches.push(DetectionMatches {
                score: detection.score,
                matched: outcome.matched,
                ignored: outcome.ignored,
            });
        }
        Ok(())
    }

    /// Readies the instances of a cell for comparison.
    fn load_instances(&mut self, cell: &Cell) -> Result<(), EvaluationError> {
        let ground_truth = self.ground_truth;
        let instances = ground_truth.instances(cell);
        self.matcher.start(instances.len());
        self.instance_masks.clear();
        self.instance_boundaries.start(instances.len());
        self.instance_boxes.clear();
        for instance in instances {
            let annotation = ground_truth.annotation(instance);
            match self.iou {
                IouType::Bbox => {
                    self.instance_boxes.push(annotation.bbox.expect("checked when the ground truth was indexed"))
                }
                IouType::Segm | IouType::Boundary => {
                    let size = ground_truth.image_size(self.image)?;
                    let segmentation =
                        annotation.segmentation.as_ref().expect("checked when the ground truth was indexed");
                    let mask = MaskSource::Whole(segmentation).rasterize(size, &mut self.rasterizer, Vec::new());
                    let mask = mask.map_err(|problem| EvaluationError::AnnotationMask {
                        source_name: ground_truth.annotations.source.clone(),
                        annotation: annotation.id,
                        image: annotation.image_id,
                        problem,
                    })?;
                    self.instance_masks.push(MeasuredMask::new(mask));
                }
            }
        }
        Ok(())
    }

    /// Leaves the instances that the detection may match in `self.candidates`.
    fn find_candidates(&mut self, detection: &Scored<MaskSource<'_>>) -> Result<(), EvaluationError> {
        match self.iou {
            IouType::Bbox => box_candidates(&detection.bbox, &self.instance_boxes, &mut self.candidates),
            _ if self.instance_masks.is_empty() => self.candidates.clear(),
            IouType::Segm | IouType::Boundary => self.find_mask_candidates(detection)?,
        }
        Ok(())
    }

    fn find_mask_candidates(&mut self, detection: &Scored<MaskSource<'_>>) -> Result<(), EvaluationError> {
        let size = self.ground_truth.image_size(self.image)?;
        let counts = std::mem::take(&mut self.counts);
        let mask = detection.mask.rasterize(size, &mut self.rasterizer, counts);
        let mask = mask.map_err(|problem| EvaluationError::DetectionMask {
            source_name: self.source_name.to_owned(),
            record: detection.record,
            image: self.ground_truth.images.ids()[self.image],
            problem,
        })?;
        let mask = MeasuredMask::new(mask);
        self.mismatches += u64::from(self.instance_masks.iter().any(|instance| mask.differs_in_size(instance)));
        mask_candidates(&mask, &self.instance_masks, &mut self.candidates);
        if self.iou == IouType::Boundary {
            self.instance_boundaries.compare(&mask, &self.instance_masks, &mut self.candidates);
        }
        self.counts = mask.into_counts();
        Ok(())
    }
}
