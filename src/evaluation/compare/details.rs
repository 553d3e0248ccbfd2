//! Where two sets of detections differ: categories and images.

use serde::{Deserialize, Serialize};

use super::super::image::ImageMatches;
use super::super::matching::Bits;
use super::super::protocol::IOU_50;
use super::super::ranking::counts;
use super::super::{Evaluation, State};

/// The area range of all areas.
const ALL: usize = 0;

/// One category's AP in both sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryDifference {
    /// Category id.
    pub id: i64,
    /// Name in the annotation file.
    pub name: String,
    /// Frequency letter `r`, `c` or `f`.
    pub frequency: String,
    /// Instances that count: with a handful, a single one moves the AP far.
    pub num_gt: u64,
    /// AP in the first set.
    pub a: f64,
    /// AP in the second.
    pub b: f64,
    /// `b - a`.
    pub difference: f64,
}

/// One image's detections in both sets, at IoU 0.5 and over all areas. Detections that count as neither
/// true nor false are in neither number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDifference {
    /// Image id.
    pub image: i64,
    /// Instances that count.
    pub num_gt: u64,
    /// True positives of the first set.
    pub true_positives_a: u64,
    /// True positives of the second.
    pub true_positives_b: u64,
    /// False positives of the first set.
    pub false_positives_a: u64,
    /// False positives of the second.
    pub false_positives_b: u64,
}

impl ImageDifference {
    /// True positives gained, or lost if negative.
    pub fn gained(&self) -> i64 {
        self.true_positives_b as i64 - self.true_positives_a as i64
    }
}

/// Every category with instances, the largest gain first, of equal ones the lowest id.
pub(super) fn category_differences(a: &Evaluation, b: &Evaluation) -> Vec<CategoryDifference> {
    let pairs = a.per_category.iter().zip(&b.per_category);
    let mut differences: Vec<CategoryDifference> = pairs
        .filter_map(|(row, other)| {
            let (a, b) = (row.ap?, other.ap?);
            let (name, frequency) = (row.name.clone(), row.frequency.clone());
            Some(CategoryDifference { id: row.id, name, frequency, num_gt: row.num_gt, a, b, difference: b - a })
        })
        .collect();
    differences.sort_by(|x, y| y.difference.total_cmp(&x.difference));
    differences
}

/// Every image with another number of true positives, the largest gain first, of equal ones the lowest
/// id. Both states are of the same images.
pub(super) fn image_differences(a: &State, b: &State) -> Vec<ImageDifference> {
    let pairs = a.images.iter().zip(&b.images);
    let differences = pairs.map(|(image, other)| {
        let ([true_positives_a, false_positives_a], [true_positives_b, false_positives_b]) =
            (positives(image), positives(other));
        ImageDifference {
            image: a.image_ids[image.image as usize],
            num_gt: image.cells.iter().map(|cell| u64::from(cell.counted[ALL])).sum(),
            true_positives_a,
            true_positives_b,
            false_positives_a,
            false_positives_b,
        }
    });
    let mut changed: Vec<ImageDifference> = differences.filter(|difference| difference.gained() != 0).collect();
    changed.sort_by_key(|difference| -difference.gained());
    changed
}

/// True and false positives at IoU 0.5.
fn positives(image: &ImageMatches) -> [u64; 2] {
    let is_set = |bits: Bits| bits.area(ALL) >> IOU_50 & 1 == 1;
    let counted = image.detections.iter().filter(|detection| is_set(counts(detection)));
    counted.fold([0, 0], |[found, wrong], detection| match is_set(detection.matched) {
        true => [found + 1, wrong],
        false => [found, wrong + 1],
    })
}
