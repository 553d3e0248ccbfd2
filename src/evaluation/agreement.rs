//! How closely detections agree with a reference's, image by image.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::{Record, Segmentation, SegmentationError};
use crate::mask::{iou, Rle};

/// Largest score difference of a match.
const SCORE_TOLERANCE: f64 = 1e-3;
/// Largest difference of a match's box corners, in pixels.
const BOX_TOLERANCE: f64 = 0.5;
/// Smallest mask IoU of a match.
const MASK_IOU: f64 = 0.95;

/// How closely detections agree with the reference's, image by image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Agreement {
    /// Reference detections.
    pub reference: u64,
    /// Of these, matched: same label, score within 1e-3, box within 0.5 px, mask IoU at least 0.95.
    pub matched: u64,
    /// Smallest share matched in an image, 0..=1; 1 if the reference has no detections.
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

/// One of the two lists that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The detections under test.
    Ours,
    /// Those they are held against.
    Reference,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ours => "our results",
            Self::Reference => "the reference's results",
        })
    }
}

/// Why two lists of detections could not be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AgreementError {
    /// A record has no box.
    #[error("{side}, record {index} (image {image}): no bbox; give every record its [x, y, width, height]")]
    MissingBox {
        /// List.
        side: Side,
        /// Index in the list.
        index: usize,
        /// Image id.
        image: i64,
    },
    /// A mask is spelled as polygons, which do not say on which image size.
    #[error("{side}, record {index} (image {image}): the mask is a polygon; write it as run lengths")]
    Polygons {
        /// List.
        side: Side,
        /// Index in the list.
        index: usize,
        /// Image id.
        image: i64,
    },
    /// A mask cannot be read.
    #[error("{side}, record {index} (image {image}): {problem}")]
    Mask {
        /// List.
        side: Side,
        /// Index in the list.
        index: usize,
        /// Image id.
        image: i64,
        /// What is wrong with it.
        problem: SegmentationError,
    },
}

/// Compares `ours` with `reference`: for each reference detection, in order, the one of ours that
/// agrees with it and has the nearest box is its match, each at most once.
///
/// Two masks without a pixel agree. A reference detection without a mask is compared by label, score
/// and box alone. Images that only `ours` has do not count; nor do extra detections.
///
/// # Errors
/// [`AgreementError`] for a record without a box or with a mask that cannot be read, on an image of
/// the reference.
pub fn agreement(ours: &[Record], reference: &[Record]) -> Result<Agreement, AgreementError> {
    let (ours, reference) = (by_image(ours), by_image(reference));
    let images: Vec<_> = reference.iter().collect();
    let compared: Result<Vec<_>, _> = images
        .par_iter()
        .map(|(image, reference)| {
            let ours = ours.get(image).map_or(&[][..], Vec::as_slice);
            Ok(ImagePairs {
                reference: reference.len(),
                pairs: pairs(&prepare(Side::Ours, ours)?, &prepare(Side::Reference, reference)?),
            })
        })
        .collect();
    Ok(summarize(&compared?))
}

type Indexed<'a> = (usize, &'a Record);

fn by_image(records: &[Record]) -> BTreeMap<i64, Vec<Indexed<'_>>> {
    let mut images: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        images.entry(record.image_id).or_default().push((index, record));
    }
    images
}

/// What of a record is compared.
struct Comparable {
    category: i64,
    score: f64,
    corners: [f64; 4],
    mask: Option<Rle>,
}

fn prepare(side: Side, records: &[Indexed<'_>]) -> Result<Vec<Comparable>, AgreementError> {
    records.iter().map(|&(index, record)| comparable(side, index, record)).collect()
}

fn comparable(side: Side, index: usize, record: &Record) -> Result<Comparable, AgreementError> {
    let image = record.image_id;
    let [x, y, width, height] = record.bbox.ok_or(AgreementError::MissingBox { side, index, image })?;
    let mask = match &record.segmentation {
        None => None,
        Some(Segmentation::Polygons(_)) => return Err(AgreementError::Polygons { side, index, image }),
        // Run lengths carry their own size.
        Some(runs) => {
            Some(runs.to_rle(0, 0).map_err(|problem| AgreementError::Mask { side, index, image, problem })?)
        }
    };
    Ok(Comparable { category: record.category_id, score: record.score, corners: [x, y, x + width, y + height], mask })
}

/// A matched pair's differences.
struct Pair {
    score_difference: f64,
    box_difference: f64,
    mask_iou: Option<f64>,
}

struct ImagePairs {
    reference: usize,
    pairs: Vec<Pair>,
}

fn pairs(ours: &[Comparable], reference: &[Comparable]) -> Vec<Pair> {
    let mut taken = vec![false; ours.len()];
    let mut pairs = Vec::new();
    for expected in reference {
        let free = ours.iter().enumerate().filter(|(index, _)| !taken[*index]);
        let agreeing = free.filter_map(|(index, found)| Some((index, compare(found, expected)?)));
        let nearest = agreeing.min_by(|a, b| a.1.box_difference.total_cmp(&b.1.box_difference));
        if let Some((index, pair)) = nearest {
            taken[index] = true;
            pairs.push(pair);
        }
    }
    pairs
}

/// The differences of two detections that agree. Values that are not numbers agree with nothing.
fn compare(found: &Comparable, expected: &Comparable) -> Option<Pair> {
    if found.category != expected.category {
        return None;
    }
    let score_difference = (found.score - expected.score).abs();
    let differences = found.corners.iter().zip(&expected.corners).map(|(a, b)| (a - b).abs());
    let near = differences.clone().all(|difference| difference <= BOX_TOLERANCE);
    let agrees = near && score_difference <= SCORE_TOLERANCE;
    if !agrees {
        return None;
    }
    let mask_iou = match (&found.mask, &expected.mask) {
        (_, None) => None,
        (None, Some(_)) => return None,
        (Some(found), Some(expected)) => Some(mask_iou(found, expected)).filter(|&iou| iou >= MASK_IOU).map(Some)?,
    };
    Some(Pair { score_difference, box_difference: differences.fold(0.0, f64::max), mask_iou })
}

/// IoU of two masks, 1 where neither has a pixel.
fn mask_iou(found: &Rle, expected: &Rle) -> f64 {
    if found.area() == 0 && expected.area() == 0 {
        return 1.0;
    }
    iou(found, expected)
}

fn summarize(images: &[ImagePairs]) -> Agreement {
    let pairs = || images.iter().flat_map(|image| &image.pairs);
    let scores = sorted(pairs().map(|pair| pair.score_difference));
    let boxes = sorted(pairs().map(|pair| pair.box_difference));
    let ious = sorted(pairs().filter_map(|pair| pair.mask_iou));
    let shares = images.iter().map(|image| image.pairs.len() as f64 / image.reference as f64);
    Agreement {
        reference: images.iter().map(|image| image.reference as u64).sum(),
        matched: scores.len() as u64,
        worst_image: shares.fold(1.0, f64::min),
        median_score_difference: median(&scores),
        max_score_difference: scores.last().copied().unwrap_or(0.0),
        median_box_difference: median(&boxes),
        max_box_difference: boxes.last().copied().unwrap_or(0.0),
        median_mask_iou: median(&ious),
        mean_mask_iou: ious.iter().sum::<f64>() / ious.len().max(1) as f64,
        min_mask_iou: ious.first().copied().unwrap_or(0.0),
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The middle of sorted values, 0 if there are none.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        count => (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(counts: &[f64]) -> Option<Segmentation> {
        Some(Segmentation::Runs { size: [10, 10], counts: counts.to_vec() })
    }

    fn record(image_id: i64, x: f64, score: f64) -> Record {
        let segmentation = runs(&[20.0, 40.0, 40.0]);
        Record { image_id, category_id: 3, score, bbox: Some([x, 0.0, 4.0, 10.0]), segmentation }
    }

    fn matched(ours: Record, reference: Record) -> u64 {
        agreement(&[ours], &[reference]).unwrap().matched
    }

    #[test]
    fn a_list_agrees_with_itself() {
        let records = [record(1, 2.0, 0.5), record(1, 30.0, 0.4), record(2, 2.0, 0.3)];
        let expected = Agreement {
            reference: 3,
            matched: 3,
            worst_image: 1.0,
            median_mask_iou: 1.0,
            mean_mask_iou: 1.0,
            min_mask_iou: 1.0,
            ..Agreement::default()
        };
        assert_eq!(agreement(&records, &records), Ok(expected));
    }

    #[test]
    fn each_tolerance_is_a_limit() {
        let reference = || record(1, 2.0, 0.5);
        assert_eq!(matched(record(1, 2.5, 0.5), reference()), 1);
        assert_eq!(matched(record(1, 2.51, 0.5), reference()), 0);
        assert_eq!(matched(record(1, 2.0, 0.5009), reference()), 1);
        assert_eq!(matched(record(1, 2.0, 0.5011), reference()), 0);
        assert_eq!(matched(record(2, 2.0, 0.5), reference()), 0);
        assert_eq!(matched(Record { category_id: 4, ..reference() }, reference()), 0);
        let with_runs = |counts: &[f64]| Record { segmentation: runs(counts), ..reference() };
        assert_eq!(matched(with_runs(&[20.0, 38.0, 42.0]), reference()), 1);
        assert_eq!(matched(with_runs(&[20.0, 37.0, 43.0]), reference()), 0);
    }

    #[test]
    fn values_that_are_no_numbers_agree_with_nothing() {
        assert_eq!(matched(record(1, f64::NAN, 0.5), record(1, f64::NAN, 0.5)), 0);
        assert_eq!(matched(record(1, 2.0, f64::NAN), record(1, 2.0, f64::NAN)), 0);
    }

    #[test]
    fn masks_without_a_pixel_agree_and_missing_ones_only_if_the_reference_has_none() {
        let empty = || Record { segmentation: runs(&[100.0]), ..record(1, 2.0, 0.5) };
        let none = || Record { segmentation: None, ..record(1, 2.0, 0.5) };
        assert_eq!(matched(empty(), empty()), 1);
        assert_eq!(matched(empty(), record(1, 2.0, 0.5)), 0);
        assert_eq!(matched(record(1, 2.0, 0.5), none()), 1);
        assert_eq!(matched(none(), record(1, 2.0, 0.5)), 0);
    }

    #[test]
    fn each_detection_is_taken_once_and_the_nearest_first() {
        let ours = [record(1, 2.3, 0.5), record(1, 2.1, 0.5)];
        let found = agreement(&ours, &[record(1, 2.0, 0.5), record(1, 2.0, 0.5), record(1, 2.0, 0.5)]).unwrap();
        assert_eq!((found.matched, found.reference), (2, 3));
        assert!((found.median_box_difference - 0.2).abs() < 1e-12);
        assert!((found.max_box_difference - 0.3).abs() < 1e-12);
        let one = agreement(&ours, &[record(1, 2.0, 0.5)]).unwrap();
        assert!((one.max_box_difference - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_worst_image_counts_an_image_without_our_detections() {
        let reference = [record(1, 2.0, 0.5), record(2, 2.0, 0.5)];
        let found = agreement(&[record(1, 2.0, 0.5), record(3, 2.0, 0.5)], &reference).unwrap();
        assert_eq!((found.matched, found.worst_image), (1, 0.0));
        assert_eq!(agreement(&reference, &[]).unwrap().worst_image, 1.0);
    }

    #[test]
    fn records_that_cannot_be_compared_are_refused() {
        let boxless = Record { bbox: None, ..record(7, 2.0, 0.5) };
        let (side, index, image) = (Side::Ours, 0, 7);
        let reference = [record(7, 2.0, 0.5)];
        assert_eq!(agreement(&[boxless], &reference), Err(AgreementError::MissingBox { side, index, image }));
        let polygon = Some(Segmentation::Polygons(vec![vec![0.0; 6]]));
        let polygon = Record { segmentation: polygon, ..record(7, 2.0, 0.5) };
        assert_eq!(agreement(&[polygon], &reference), Err(AgreementError::Polygons { side, index, image }));
        let short = [Record { segmentation: runs(&[1.0]), ..record(7, 2.0, 0.5) }];
        let refused = agreement(&reference, &short);
        assert!(matches!(refused, Err(AgreementError::Mask { side: Side::Reference, index: 0, image: 7, .. })));
    }
}
