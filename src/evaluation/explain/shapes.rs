//! IoU of a detection with all instances of its image, whatever their category.

use super::super::evaluator::Evaluator;
use super::super::ground_truth::Cell;
use super::super::image::Scored;
use super::super::masks::MaskSource;
use super::super::{EvaluationError, IouType};
use crate::dataset::SegmentationError;
use crate::mask::{box_iou, iou_within, PixelBox, Rasterizer, Rle};

/// What is compared of the instances of one image, cell by cell.
pub(super) enum Shapes {
    Boxes(Vec<[f64; 4]>),
    Masks { size: [u32; 2], masks: Vec<(Rle, PixelBox)> },
}

impl Shapes {
    pub(super) fn of_image(
        evaluator: &Evaluator<'_>,
        image: usize,
        rasterizer: &mut Rasterizer,
    ) -> Result<Self, EvaluationError> {
        let ground_truth = &evaluator.ground_truth;
        let instances = || ground_truth.cells(image).iter().flat_map(|cell: &Cell| ground_truth.instances(cell));
        let annotations = instances().map(|instance| ground_truth.annotation(instance));
        if evaluator.options.iou == IouType::Bbox {
            let boxes =
                annotations.map(|annotation| annotation.bbox.expect("checked when the ground truth was indexed"));
            return Ok(Self::Boxes(boxes.collect()));
        }
        let size = ground_truth.image_size(image)?;
        let masks = annotations.map(|annotation| {
            let segmentation = annotation.segmentation.as_ref().expect("checked when the ground truth was indexed");
            let mask = MaskSource::Whole(segmentation).rasterize(size, rasterizer, Vec::new());
            mask.map(|mask| {
                let pixel_box = mask.bbox();
                (mask, pixel_box)
            })
            .map_err(|problem| EvaluationError::AnnotationMask {
                source_name: ground_truth.annotations.source.clone(),
                annotation: annotation.id,
                image: annotation.image_id,
                problem,
            })
        });
        Ok(Self::Masks { size, masks: masks.collect::<Result<_, _>>()? })
    }

    /// Writes the IoU with every instance into `ious`.
    pub(super) fn ious(
        &self,
        detection: &Scored<MaskSource<'_>>,
        rasterizer: &mut Rasterizer,
        ious: &mut Vec<f64>,
    ) -> Result<(), SegmentationError> {
        ious.clear();
        match self {
            Self::Boxes(boxes) => ious.extend(boxes.iter().map(|instance| box_iou(&detection.bbox, instance))),
            Self::Masks { masks, .. } if masks.is_empty() => {}
            Self::Masks { size, masks } => {
                let mask = detection.mask.rasterize(*size, rasterizer, Vec::new())?;
                let pixel_box = mask.bbox();
                ious.extend(masks.iter().map(|(instance, own)| iou_within(&mask, pixel_box, instance, *own)));
            }
        }
        Ok(())
    }
}
