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
/// record of ours that is nearest in score among those close enough and not taken, of equally near ones
/// to the first.
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
            // In this order NaN is the largest, and close to nothing.
            differences.max_by(f64::total_cmp).unwrap_or(f64::INFINITY)
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
        assert!(!matched(&record(3, 0.5, f64::NAN, &square(5)), &reference), "box that is no number");
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
    fn each_goes_to_the_nearest_score_that_is_free() {
        let ours = [0.5004, 0.5001, 0.4995].map(|score| record(3, score, 0.0, &square(5)));
        let theirs = [0.5, 0.5, 0.5].map(|score| record(3, score, 0.0, &square(5)));
        let pairs = compare_image(&ours, &theirs).expect("good masks").pairs;
        let differences: Vec<f64> = pairs.iter().map(|pair| (pair.score_difference * 1e4).round()).collect();
        assert_eq!(differences, [1.0, 4.0, 5.0]);
    }

    #[test]
    fn each_goes_to_the_first_of_equally_near_ones() {
        let ours = [0.25, 0.125, 0.5].map(|left| record(3, 0.5, left, &square(5)));
        let pairs = compare_image(&ours, &[record(3, 0.5, 0.0, &square(5))]).expect("good masks").pairs;
        assert_eq!(pairs.iter().map(|pair| pair.box_difference).collect::<Vec<_>>(), [0.25]);
    }

    #[test]
    fn boxes_differ_by_their_farthest_corner() {
        let difference = |ours, reference| box_difference(Some(ours), Some(reference));
        let reference = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(difference([1.0, 2.0, 4.0, 8.0], reference), 0.0);
        assert_eq!(difference([0.75, 2.0, 4.25, 8.0], reference), 0.25);
        assert_eq!(difference([1.0, 1.5, 4.0, 8.5], reference), 0.5);
        assert_eq!(difference([1.0, 2.0, 4.125, 8.0], reference), 0.125);
        assert_eq!(difference([1.25, 2.25, 4.0, 8.5], reference), 0.75);
        assert_eq!(box_difference(None, None), 0.0);
        assert_eq!(box_difference(Some(reference), None), f64::INFINITY);
        assert_eq!(box_difference(None, Some(reference)), f64::INFINITY);
    }

    #[test]
    fn masks_are_compared_by_their_iou() {
        let wide = |first: u32, last: u32| {
            let mask = Rle::from_counts(1, 100, vec![first, 100 - first - last, last]).expect("covers the image");
            let segmentation = Segmentation::Compressed { size: [1, 100], counts: mask.to_string().into_bytes() };
            Record { segmentation: Some(segmentation), ..record(3, 0.5, 0.0, "") }
        };
        let pairs = |ours, reference| compare_image(&[ours], &[reference]).expect("good masks").pairs;
        assert_eq!(pairs(wide(0, 4), wide(0, 0))[0].mask_iou, 0.96);
        assert_eq!(pairs(wide(0, 5), wide(0, 0))[0].mask_iou, MIN_MASK_IOU);
        assert!(pairs(wide(0, 6), wide(0, 0)).is_empty());
        assert!(pairs(Record { segmentation: None, ..wide(0, 0) }, wide(0, 0)).is_empty());
    }

    #[test]
    fn pairs_are_summed_up_by_median_and_extreme() {
        let summed = |values: &[f64]| {
            let pair =
                |&value: &f64| Pair { score_difference: value, box_difference: 2.0 * value, mask_iou: 1.0 - value };
            let mut builder = AgreementBuilder::default();
            builder.add(ImageAgreement { reference: 4, pairs: values.iter().map(pair).collect() });
            builder.add(ImageAgreement { reference: 1, pairs: vec![] });
            builder.add(ImageAgreement { reference: 2, pairs: vec![] });
            builder.finish().expect("there are reference detections")
        };
        let four = summed(&[0.5, 0.0, 0.125, 0.25]);
        assert_eq!((four.reference, four.matched, four.worst_image), (7, 4, 0.0));
        assert_eq!((four.median_score_difference, four.max_score_difference), (0.1875, 0.5));
        assert_eq!((four.median_box_difference, four.max_box_difference), (0.375, 1.0));
        assert_eq!((four.median_mask_iou, four.min_mask_iou, four.mean_mask_iou), (0.8125, 0.5, 0.78125));
        let three = summed(&[0.5, 0.0, 0.125]);
        assert_eq!((three.median_score_difference, three.median_mask_iou), (0.125, 0.875));
        let none = summed(&[]);
        assert_eq!((none.matched, none.median_score_difference, none.mean_mask_iou), (0, 0.0, 0.0));
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
