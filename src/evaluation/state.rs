//! What became of some images, as a file that can be merged with those of the others.
//!
//! Layout, little-endian: `zbstate1`, SHA-256 of the annotation file's checksum in hex digits,
//! the rule bytes (IoU, area asked for, protocol), the limit of detections (u64), the number of images (u32), the
//! images, and SHA-256 of all before. An image is: position, cells and detections (u32 each), area used
//! (u8), what was passed over (8 x u64), its cells (6 x u32 each) and its detections (3 x u64 each).

use sha2::{Digest, Sha256};

use super::image::{CellMatches, DetectionMatches};
use super::matching::Bits;
use super::{AreaRule, Evaluator, ImageMatches, IouType, Limit, Options, Protocol, Swallowed};

/// Names the format and its version.
const MAGIC: [u8; 8] = *b"zbstate1";

/// Bytes of a checksum.
const CHECKSUM: usize = 32;

/// Why states cannot be read or merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a state, or cut off, or changed since it was written.
    #[error("{source_name}: is no whole evaluation state; save it again")]
    Corrupt {
        /// The state.
        source_name: String,
    },
    /// Of other annotations or another protocol.
    #[error("{source_name}: was evaluated with other annotations or options; merge states of one evaluation")]
    Foreign {
        /// The state.
        source_name: String,
    },
    /// An image is in two states.
    #[error("{source_name}: image {image} is in an earlier state too; split the images without overlap")]
    Overlapping {
        /// The later state.
        source_name: String,
        /// Image id.
        image: i64,
    },
    /// Images of the annotation file are in no state.
    #[error("{} images are in no state, among them {:?}; evaluate them too", images.len(), &images[..images.len().min(10)])]
    Missing {
        /// Their ids in ascending order.
        images: Vec<i64>,
    },
}

impl Evaluator<'_> {
    /// The state after some images, as [`Evaluator::merge`] takes it.
    ///
    /// Every image that is to count as evaluated must be among `matches`, also one without detections.
    pub fn save(&self, matches: &[ImageMatches]) -> Vec<u8> {
        let mut bytes = self.header();
        push_u32(&mut bytes, matches.len() as u32);
        matches.iter().for_each(|image| push_image(&mut bytes, image));
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// The matches of all images from states, each with its name for messages, in any order and split.
    ///
    /// # Errors
    /// A corrupt or foreign state, an image in two states, and images that are in none.
    pub fn merge(&self, states: &[(&str, &[u8])]) -> Result<Vec<ImageMatches>, StateError> {
        let ids = self.ground_truth.images.ids();
        let mut merged: Vec<Option<ImageMatches>> = vec![None; ids.len()];
        let mut area = None;
        for &(name, bytes) in states {
            for image in self.load(name, bytes)? {
                if *area.get_or_insert(image.area) != image.area {
                    return Err(StateError::Foreign { source_name: name.to_owned() });
                }
                let place = image.image as usize;
                if merged[place].replace(image).is_some() {
                    return Err(StateError::Overlapping { source_name: name.to_owned(), image: ids[place] });
                }
            }
        }
        let absent = ids.iter().zip(&merged).filter(|(_, image)| image.is_none());
        let images: Vec<i64> = absent.map(|(&id, _)| id).collect();
        match images.is_empty() {
            true => Ok(merged.into_iter().flatten().collect()),
            false => Err(StateError::Missing { images }),
        }
    }

    fn load(&self, name: &str, bytes: &[u8]) -> Result<Vec<ImageMatches>, StateError> {
        let corrupt = || StateError::Corrupt { source_name: name.to_owned() };
        let body = checked_body(bytes).ok_or_else(corrupt)?;
        let header = self.header();
        let Some(rest) = body.strip_prefix(header.as_slice()) else {
            return Err(StateError::Foreign { source_name: name.to_owned() });
        };
        let images = read_images(Reader(rest)).ok_or_else(corrupt)?;
        match images.iter().all(|image| self.fits(image)) {
            true => Ok(images),
            false => Err(corrupt()),
        }
    }

    /// Whether positions are of this annotation file and the detections those of the cells.
    fn fits(&self, image: &ImageMatches) -> bool {
        let categories = self.ground_truth.categories.ids().len();
        let detections: u64 = image.cells.iter().map(|cell| u64::from(cell.detections)).sum();
        (image.image as usize) < self.ground_truth.images.ids().len()
            && image.cells.iter().all(|cell| (cell.category as usize) < categories)
            && detections == image.detections.len() as u64
    }

    /// What states must have in common.
    fn header(&self) -> Vec<u8> {
        let Options { iou, area, protocol, .. } = self.options;
        let (Limit::Image(limit) | Limit::Category(limit)) = self.options.limit();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&Sha256::digest(self.ground_truth.annotations.sha256.as_bytes()));
        bytes.push(match iou {
            IouType::Segm => 0,
            IouType::Bbox => 1,
            IouType::Boundary => 2,
        });
        bytes.push(area_byte(area));
        bytes.push(match protocol {
            Protocol::Lvis => 0,
            Protocol::Fixed => 1,
            Protocol::Pool => 2,
        });
        push_u64(&mut bytes, limit as u64);
        bytes
    }
}

/// What the checksum at the end is of, if it is right.
fn checked_body(bytes: &[u8]) -> Option<&[u8]> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    (body.starts_with(&MAGIC) && Sha256::digest(body)[..] == *checksum).then_some(body)
}

fn push_u32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn push_u64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn area_byte(area: AreaRule) -> u8 {
    match area {
        AreaRule::Auto => 0,
        AreaRule::Box => 1,
        AreaRule::Mask => 2,
    }
}

fn push_image(bytes: &mut Vec<u8>, image: &ImageMatches) {
    push_u32(bytes, image.image);
    push_u32(bytes, image.cells.len() as u32);
    push_u32(bytes, image.detections.len() as u32);
    bytes.push(area_byte(image.area));
    swallowed_counts(image.swallowed).into_iter().for_each(|count| push_u64(bytes, count));
    for cell in &image.cells {
        push_u32(bytes, cell.category);
        push_u32(bytes, cell.detections);
        cell.counted.into_iter().for_each(|count| push_u32(bytes, count));
    }
    for detection in &image.detections {
        push_u64(bytes, detection.score.to_bits());
        push_u64(bytes, detection.matched.0);
        push_u64(bytes, detection.ignored.0);
    }
}

fn swallowed_counts(swallowed: Swallowed) -> [u64; 8] {
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

/// Takes numbers from the front; `None` where the bytes end.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*value)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn area(&mut self) -> Option<AreaRule> {
        match self.take()? {
            [0] => Some(AreaRule::Auto),
            [1] => Some(AreaRule::Box),
            [2] => Some(AreaRule::Mask),
            _ => None,
        }
    }
}

/// All images, up to the last byte. Lists grow as they are read, so a length that is a lie costs nothing.
fn read_images(mut reader: Reader<'_>) -> Option<Vec<ImageMatches>> {
    let count = reader.u32()?;
    let mut images = Vec::new();
    for _ in 0..count {
        images.push(read_image(&mut reader)?);
    }
    reader.0.is_empty().then_some(images)
}

fn read_image(reader: &mut Reader<'_>) -> Option<ImageMatches> {
    let (image, cell_count, detection_count) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let area = reader.area()?;
    let swallowed = read_swallowed(reader)?;
    let (mut cells, mut detections) = (Vec::new(), Vec::new());
    for _ in 0..cell_count {
        cells.push(read_cell(reader)?);
    }
    for _ in 0..detection_count {
        let (score, matched, ignored) = (f64::from_bits(reader.u64()?), Bits(reader.u64()?), Bits(reader.u64()?));
        detections.push(DetectionMatches { score, matched, ignored });
    }
    Some(ImageMatches { image, cells, detections, swallowed, area })
}

fn read_cell(reader: &mut Reader<'_>) -> Option<CellMatches> {
    let (category, detections) = (reader.u32()?, reader.u32()?);
    let counted = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
    Some(CellMatches { category, detections, counted })
}

fn read_swallowed(reader: &mut Reader<'_>) -> Option<Swallowed> {
    Some(Swallowed {
        unknown_category_detections: reader.u64()?,
        nonpositive_area_detections: reader.u64()?,
        over_limit_detections: reader.u64()?,
        mask_size_mismatches: reader.u64()?,
        nonfinite_score_detections: reader.u64()?,
        nonpositive_area_annotations: reader.u64()?,
        unknown_category_annotations: reader.u64()?,
        unknown_image_annotations: reader.u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Annotations, Record};

    const GROUND_TRUTH: &str = r#"{"images": [
        {"id": 3, "height": 8, "width": 8, "neg_category_ids": [], "not_exhaustive_category_ids": []},
        {"id": 5, "height": 8, "width": 8, "neg_category_ids": [1], "not_exhaustive_category_ids": []},
        {"id": 9, "height": 8, "width": 8, "neg_category_ids": [], "not_exhaustive_category_ids": []}],
        "categories": [{"id": 1, "name": "a", "frequency": "r"}],
        "annotations": [
        {"id": 1, "image_id": 3, "category_id": 1, "area": 16, "bbox": [0, 0, 4, 4]},
        {"id": 2, "image_id": 9, "category_id": 1, "area": 16, "bbox": [0, 0, 4, 4]}]}"#;

    fn annotations() -> Annotations {
        Annotations::from_bytes("gt.json", GROUND_TRUTH.as_bytes()).expect("sound")
    }

    fn evaluator(annotations: &Annotations, max_detections: usize) -> Evaluator<'_> {
        let options = Options { iou: IouType::Bbox, max_detections, ..Options::default() };
        Evaluator::new(annotations, options).expect("sound")
    }

    fn matches(evaluator: &Evaluator<'_>) -> Vec<ImageMatches> {
        let record = |image_id, score| {
            let bbox = Some([0.0, 0.0, 4.0, 3.0]);
            Record { image_id, category_id: 1, score, bbox, segmentation: None }
        };
        let image = |id, score| evaluator.image(id, &[record(id, score)]).expect("sound");
        vec![image(3, 0.5), image(5, 0.9), image(9, f64::NAN)]
    }

    #[test]
    fn any_split_in_any_order_merges_to_the_whole() {
        let annotations = annotations();
        let evaluator = evaluator(&annotations, 300);
        let whole = matches(&evaluator);
        let bytes = evaluator.save(&whole);
        for split in 0..8u32 {
            let part = |side| {
                let kept = (0..3).filter(|&image| split >> image & 1 == side);
                evaluator.save(&kept.map(|image| whole[image].clone()).collect::<Vec<_>>())
            };
            let (one, other) = (part(1), part(0));
            for states in [[("one", &one[..]), ("other", &other[..])], [("other", &other[..]), ("one", &one[..])]] {
                let merged = evaluator.merge(&states).expect("whole");
                assert_eq!(evaluator.save(&merged), bytes);
            }
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let annotations = annotations();
        let evaluator = evaluator(&annotations, 300);
        let bytes = evaluator.save(&matches(&evaluator));
        let is_refused = |bytes: &[u8]| matches!(evaluator.merge(&[("a", bytes)]), Err(StateError::Corrupt { .. }));
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x5a;
            assert!(is_refused(&flipped), "byte {place}");
            assert!(is_refused(&bytes[..place]), "cut at {place}");
        }
        assert!(!is_refused(&bytes));
    }

    #[test]
    fn overlap_strangers_and_gaps_are_refused() {
        let annotations = annotations();
        let evaluator = evaluator(&annotations, 300);
        let bytes = evaluator.save(&matches(&evaluator));
        let refused = |states: &[(&str, &[u8])]| evaluator.merge(states).expect_err("refused");
        let twice = refused(&[("a", &bytes), ("b", &bytes)]);
        assert_eq!(twice, StateError::Overlapping { source_name: "b".to_owned(), image: 3 });
        let part = evaluator.save(&matches(&evaluator)[1..2]);
        let mut by_mask = matches(&evaluator)[..1].to_vec();
        by_mask[0].area = AreaRule::Mask;
        let by_mask = evaluator.save(&by_mask);
        assert_eq!(refused(&[("a", &part), ("b", &by_mask)]), StateError::Foreign { source_name: "b".to_owned() });
        assert_eq!(refused(&[("a", &part)]), StateError::Missing { images: vec![3, 9] });
        let other = self::evaluator(&annotations, 100);
        assert!(matches!(other.merge(&[("a", &bytes)]), Err(StateError::Foreign { .. })));
    }
}
