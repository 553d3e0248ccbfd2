//! A state as bytes.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::image::{DetectionMatches, ImageMatches};
use super::super::ranking::counts;
use super::super::vocabulary::CategoryRow;
use super::super::Swallowed;
use super::packed::push;
use super::{About, State};

/// Names the format and its version.
pub(super) const MAGIC: [u8; 8] = *b"zbstate2";

/// An image whose scores are not all 32-bit floats.
pub(super) const WIDE_SCORES: u8 = 1;

/// An image of which something was passed over.
pub(super) const HAS_TALLY: u8 = 2;

/// The outcome of a detection at every threshold and in every area range, as far as it counts: where it
/// matched an instance, and where it counts.
type Outcome = (u64, u64);

#[derive(Serialize)]
struct Header<'a> {
    about: &'a About,
    categories: &'a [CategoryRow],
}

impl State {
    /// The file's bytes; the same for the same state.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = Header { about: &self.about, categories: &self.categories };
        let header = serde_json::to_vec(&header).expect("strings and numbers can always be written");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        push_ids(&mut bytes, &self.image_ids);
        let outcomes = outcomes(&self.images);
        push(&mut bytes, outcomes.len() as u64);
        outcomes.iter().for_each(|&(matched, counts)| {
            push(&mut bytes, matched);
            push(&mut bytes, counts);
        });
        let numbers = outcomes.into_iter().zip(0..).collect();
        push(&mut bytes, self.images.len() as u64);
        let mut next = 0;
        for image in &self.images {
            push(&mut bytes, u64::from(image.image - next));
            next = image.image + 1;
            push_image(&mut bytes, image, &numbers);
        }
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }
}

/// The first id with its sign in the lowest bit, and the distance of each other from the one before.
fn push_ids(bytes: &mut Vec<u8>, ids: &[i64]) {
    push(bytes, ids.len() as u64);
    if let Some(first) = ids.first() {
        push(bytes, (first << 1 ^ first >> 63) as u64);
    }
    ids.windows(2).for_each(|pair| push(bytes, pair[1].abs_diff(pair[0])));
}

/// Distinct outcomes, the most frequent first, so that most numbers take one byte.
fn outcomes(images: &[ImageMatches]) -> Vec<Outcome> {
    let mut frequency: BTreeMap<Outcome, u64> = BTreeMap::new();
    for outcome in images.iter().flat_map(|image| &image.detections).filter_map(outcome) {
        *frequency.entry(outcome).or_default() += 1;
    }
    let mut outcomes: Vec<_> = frequency.into_iter().collect();
    outcomes.sort_by_key(|&(outcome, count)| (std::cmp::Reverse(count), outcome));
    outcomes.into_iter().map(|(outcome, _)| outcome).collect()
}

/// `None` of a detection that counts nowhere.
fn outcome(detection: &DetectionMatches) -> Option<Outcome> {
    let counts = counts(detection).0;
    (counts != 0).then_some((detection.matched.0 & counts, counts))
}

fn push_image(bytes: &mut Vec<u8>, image: &ImageMatches, numbers: &BTreeMap<Outcome, u64>) {
    let is_narrow = |detection: &DetectionMatches| {
        f64::from(detection.score as f32).to_bits() == detection.score.to_bits() || outcome(detection).is_none()
    };
    let wide = !image.detections.iter().all(is_narrow);
    let has_tally = image.swallowed != Swallowed::default();
    bytes.push((u8::from(wide) * WIDE_SCORES) | (u8::from(has_tally) * HAS_TALLY));
    if has_tally {
        tally(image.swallowed).into_iter().for_each(|count| push(bytes, count));
    }
    push_cells(bytes, image);
    for detection in &image.detections {
        let Some(outcome) = outcome(detection) else { continue };
        push(bytes, numbers[&outcome]);
        match wide {
            true => bytes.extend_from_slice(&detection.score.to_le_bytes()),
            false => bytes.extend_from_slice(&(detection.score as f32).to_le_bytes()),
        }
    }
}

/// Category, number of detections and instances of every cell in which something counts.
fn push_cells(bytes: &mut Vec<u8>, image: &ImageMatches) {
    let mut rest = image.detections.as_slice();
    let mut cells = Vec::with_capacity(image.cells.len());
    for cell in &image.cells {
        let (now, later) = rest.split_at(cell.detections as usize);
        rest = later;
        let detections = now.iter().filter_map(outcome).count() as u64;
        if detections > 0 || cell.counted.iter().any(|&count| count > 0) {
            cells.push((cell.category, detections, cell.counted));
        }
    }
    push(bytes, cells.len() as u64);
    let mut next = 0;
    for (category, detections, counted) in cells {
        push(bytes, u64::from(category - next));
        next = category + 1;
        push(bytes, detections);
        counted.into_iter().for_each(|count| push(bytes, u64::from(count)));
    }
}

pub(super) fn tally(swallowed: Swallowed) -> [u64; 8] {
    [
        swallowed.unknown_category_detections,
        swallowed.nonpositive_area_detections,
        swallowed.over_limit_detections,
        swallowed.mask_size_mismatches,
        swallowed.nonfinite_score_detections,
        swallowed.nonpositive_area_annotations,
        swallowed.unknown_category_annotations,
        swallowed.unknown_image_annotations,
    ]
}
