//! How closely two sets of detections agree, image by image: ours and the reference's.
//!
//! A reference detection is matched by one of ours with the same category, a score within
//! [`MAX_SCORE_DIFFERENCE`], corners within [`MAX_BOX_DIFFERENCE`] and a mask IoU of at least
//! [`MIN_MASK_IOU`], where two masks without a pixel count as equal. Each of ours matches one.

use serde::{Deserialize, Serialize};

use super::EvaluationError;
use crate::dataset::{Record, Segmentation};
use crate::mask::{iou, Rle};

/// Largest score difference of a match.
pub const MAX_SCORE_DIFFERENCE: f64 = 1e-3;

/// Largest difference of a corner coordinate of a match, in pixels.
pub const MAX_BOX_DIFFERENCE: f64 = 0.5;

/// Smallest mask IoU of a match.
pub const MIN_MASK_IOU: f64 = 0.95;

/// How closely detections agree with the reference's over a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Reference detections.
    pub reference: u64,
    /// Of these, matched.
    pub matched: u64,
    /// Smallest share matched in an image, 0..=1.
    pub worst_image: f64,
    /// Median over matched pairs of the score difference.
    pub median_score_difference: f64,
    /// Largest score difference of a matched pair.
    pub max_score_difference: f64,
    /// Median over matched pairs of the largest corner difference in pixels.
    pub median_box_difference: f64,
    /// Largest corner difference of a matched pair in pixels.
    pub max_box_difference: f64,
    /// Median mask IoU of matched pairs.
    pub median_mask_iou: f64,
    /// Mean mask IoU of matched pairs.
    pub mean_mask_iou: f64,
    /// Smallest mask IoU of a matched pair.
    pub min_mask_iou: f64,
}

/// One image's matched pairs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageAgreement {
    /// Reference detections.
    pub reference: usize,
    /// Matched pairs in the order of the reference.
    pub pairs: Vec<Pair>,
}

/// How far apart a matched pair is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Absolute difference of the scores.
    pub score_difference: f64,
    /// Largest absolute difference of a corner coordinate in pixels.
    pub box_difference: f64,
    /// IoU of the masks; 1 for two masks without a pixel.
    pub mask_iou: f64,
}

/// Matches the reference's records of one image to ours, in the reference's order, each to the
/// record of ours that is nearest in score among those close enough and not taken.
///
/// # Errors
/// A compressed mask that is not well-formed.
pub fn compare_image(ours: &[Record], reference: &[Record]) -> Result<ImageAgreement, EvaluationError> {
    let mut taken = vec![false; ours.len()];
    let mut pairs = Vec::new();
    for record in reference {
        let mut best: Option<(usize, Pair)> = None;
        for (index, candidate) in ours.iter().enumerate().filter(|(index, _)| !taken[*index]) {
            let nearer = |pair: &Pair| best.is_none_or(|(_, found)| pair.score_difference < found.score_difference);
            if let Some(pair) = pair(candidate, record)?.filter(nearer) {
                best = Some((index, pair));
            }
        }
        if let Some((index, pair)) = best {
            taken[index] = true;
            pairs.push(pair);
        }
    }
    Ok(ImageAgreement { reference: reference.len(), pairs })
}

/// The pair, if the two are close enough. Masks are compared last: they cost most.
fn pair(ours: &Record, reference: &Record) -> Result<Option<Pair>, EvaluationError> {
    let score_difference = (ours.score - reference.score).abs();
    let box_difference = box_difference(ours.bbox, reference.bbox);
    let near = ours.category_id == reference.category_id
        && score_difference <= MAX_SCORE_DIFFERENCE
        && box_difference <= MAX_BOX_DIFFERENCE;
    if !near {
        return Ok(None);
    }
    let mask_iou = mask_iou(ours, reference)?;
    Ok((mask_iou >= MIN_MASK_IOU).then_some(Pair { score_difference, box_difference, mask_iou }))
}

/// Largest corner difference; two absent boxes agree, one absent box agrees with none.
fn box_difference(ours: Option<[f64; 4]>, reference: Option<[f64; 4]>) -> f64 {
    let corners = |[x, y, width, height]: [f64; 4]| [x, y, x + width, y + height];
    match (ours, reference) {
        (None, None) => 0.0,
        (Some(ours), Some(reference)) => {
            let differences =
                corners(ours).into_iter().zip(corners(reference)).map(|(ours, reference)| (ours - reference).abs());
            differences.fold(0.0, f64::max)
        }
        _ => f64::INFINITY,
    }
}

fn mask_iou(ours: &Record, reference: &Record) -> Result<f64, EvaluationError> {
    if ours.segmentation == reference.segmentation {
        return Ok(1.0);
    }
    let (ours, reference) = (mask(ours)?, mask(reference)?);
    let both_empty = |ours: &Rle, reference: &Rle| ours.area() == 0 && reference.area() == 0;
    Ok(match (ours, reference) {
        (Some(ours), Some(reference)) if both_empty(&ours, &reference) => 1.0,
        (Some(ours), Some(reference)) => iou(&ours, &reference),
        _ => 0.0,
    })
}

/// The mask of a record of a results file: compressed runs, which know their size.
fn mask(record: &Record) -> Result<Option<Rle>, EvaluationError> {
    match &record.segmentation {
        Some(Segmentation::Compressed { size: [height, width], counts }) => {
            let mask = Rle::from_string(*height, *width, counts);
            mask.map(Some).map_err(|error| EvaluationError::ComparedMask { image: record.image_id, error })
        }
        _ => Ok(None),
    }
}

/// Pairs over many images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgreementBuilder {
    reference: u64,
    pairs: Vec<Pair>,
    worst_image: Option<f64>,
}

impl AgreementBuilder {
    /// Adds an image. One without reference detections counts for nothing.
    pub fn add(&mut self, image: ImageAgreement) {
        if image.reference == 0 {
            return;
        }
        let share = image.pairs.len() as f64 / image.reference as f64;
        self.worst_image = Some(self.worst_image.map_or(share, |worst| worst.min(share)));
        self.reference += image.reference as u64;
        self.pairs.extend(image.pairs);
    }

    /// The agreement over all images added; `None` if the reference has no detection there.
    pub fn finish(self) -> Option<Agreement> {
        let score = sorted(self.pairs.iter().map(|pair| pair.score_difference));
        let corner = sorted(self.pairs.iter().map(|pair| pair.box_difference));
        let mask = sorted(self.pairs.iter().map(|pair| pair.mask_iou));
        Some(Agreement {
            reference: self.reference,
            matched: self.pairs.len() as u64,
            worst_image: self.worst_image?,
            median_score_difference: median(&score),
            max_score_difference: score.last().copied().unwrap_or(0.0),
            median_box_difference: median(&corner),
            max_box_difference: corner.last().copied().unwrap_or(0.0),
            median_mask_iou: median(&mask),
            mean_mask_iou: mask.iter().sum::<f64>() / (mask.len().max(1)) as f64,
            min_mask_iou: mask.first().copied().unwrap_or(0.0),
        })
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Median of sorted values; 0 of none.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.len(), sorted.len() % 2) {
        (0, _) => 0.0,
        (_, 1) => sorted[middle],
        _ => 0.5 * (sorted[middle - 1] + sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(category_id: i64, score: f64, x: f64, counts: &str) -> Record {
        let segmentation = Segmentation::Compressed { size: [4, 4], counts: counts.as_bytes().to_vec() };
        Record { image_id: 1, category_id, score, bbox: Some([x, 0.0, 2.0, 2.0]), segmentation: Some(segmentation) }
    }

    fn square(first: u32) -> String {
        Rle::from_counts(4, 4, vec![first, 2, 2, 2, 10 - first]).expect("covers the image").to_string()
    }

    fn matched(ours: &Record, reference: &Record) -> bool {
        let image = compare_image(std::slice::from_ref(ours), std::slice::from_ref(reference)).expect("good masks");
        image.pairs.len() == 1
    }

    #[test]
    fn each_bound_can_fail() {
        let reference = record(3, 0.5, 0.0, &square(5));
        assert!(matched(&record(3, 0.5009, 0.4, &square(5)), &reference));
        assert!(!matched(&record(4, 0.5, 0.0, &square(5)), &reference), "category");
        assert!(!matched(&record(3, 0.502, 0.0, &square(5)), &reference), "score");
        assert!(!matched(&record(3, 0.5, 0.6, &square(5)), &reference), "box");
        assert!(!matched(&record(3, 0.5, 0.0, &square(6)), &reference), "mask");
    }

    #[test]
    fn masks_without_a_pixel_agree() {
        let empty = Rle::from_counts(4, 4, vec![16]).expect("covers the image").to_string();
        let other = Rle::from_counts(4, 4, vec![16, 0]).expect("covers the image").to_string();
        assert!(matched(&record(3, 0.5, 0.0, &empty), &record(3, 0.5, 0.0, &other)));
        assert!(!matched(&record(3, 0.5, 0.0, &empty), &record(3, 0.5, 0.0, &square(5))));
    }

    #[test]
    fn one_of_ours_matches_one_of_theirs() {
        let twice = [record(3, 0.5, 0.0, &square(5)), record(3, 0.5, 0.0, &square(5))];
        let image = compare_image(&twice[..1], &twice).expect("good masks");
        assert_eq!((image.reference, image.pairs.len()), (2, 1));
        let mut builder = AgreementBuilder::default();
        builder.add(image);
        builder.add(ImageAgreement::default());
        let agreement = builder.finish().expect("there are reference detections");
        assert_eq!((agreement.reference, agreement.matched, agreement.worst_image), (2, 1, 0.5));
        assert_eq!(agreement.median_mask_iou, 1.0);
    }

    #[test]
    fn a_malformed_mask_is_refused() {
        let broken = record(3, 0.5, 0.0, "\u{7f}");
        let error = compare_image(&[record(3, 0.5, 0.0, &square(5))], &[broken]).expect_err("malformed");
        assert!(error.to_string().contains("image 1"), "{error}");
    }

    #[test]
    fn no_reference_is_no_agreement() {
        assert_eq!(AgreementBuilder::default().finish(), None);
    }
}
