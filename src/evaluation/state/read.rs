//! A state from bytes, of which nothing is believed.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::image::{CellMatches, DetectionMatches, ImageMatches};
use super::super::matching::Bits;
use super::super::protocol::AREAS;
use super::super::vocabulary::{groups, CategoryRow};
use super::super::{AreaRule, Swallowed};
use super::packed::Reader;
use super::write::{tally, HAS_TALLY, MAGIC, WIDE_SCORES};
use super::{About, State, StateError};

/// Bytes of a checksum.
const CHECKSUM: usize = 32;

#[derive(Deserialize)]
struct Header {
    about: About,
    categories: Vec<CategoryRow>,
}

impl State {
    /// Reads a state that [`State::to_bytes`] was written as.
    ///
    /// # Errors
    /// [`StateError::Read`] and [`StateError::Corrupt`].
    pub fn read(path: &Path) -> Result<Self, StateError> {
        let source_name = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => Self::from_bytes(&source_name, &bytes),
            Err(error) => Err(StateError::Read { source_name, error }),
        }
    }

    /// The state of these bytes; `source_name` names it in messages.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] unless they are whole, unchanged, of this version and make sense.
    pub fn from_bytes(source_name: &str, bytes: &[u8]) -> Result<Self, StateError> {
        let state = checked_body(bytes).and_then(|body| parse(source_name, body));
        state.ok_or_else(|| StateError::Corrupt { source_name: source_name.to_owned() })
    }
}

/// What stands between magic and checksum, if these are right.
fn checked_body(bytes: &[u8]) -> Option<&[u8]> {
    let (checked, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    let body = checked.strip_prefix(&MAGIC)?;
    (Sha256::digest(checked)[..] == *checksum).then_some(body)
}

fn parse(source_name: &str, body: &[u8]) -> Option<State> {
    let mut reader = Reader(body);
    let length = u32::from_le_bytes(reader.bytes()?);
    let (header, rest) = reader.0.split_at_checked(length as usize)?;
    let Header { about, categories } = serde_json::from_slice(header).ok()?;
    groups(&categories)?;
    let ascend = categories.windows(2).all(|pair| pair[0].id < pair[1].id);
    let can_be_added = tally(about.swallowed).into_iter().all(|count| u32::try_from(count).is_ok());
    let mut body = Body { reader: Reader(rest), categories: categories.len(), area: about.area_used };
    let image_ids = body.ids()?;
    let images = body.images(image_ids.len())?;
    let is_sound = ascend && can_be_added && body.reader.0.is_empty() && instances_can_be_counted(&images);
    is_sound.then(|| State { source: source_name.to_owned(), about, categories, image_ids, images })
}

/// Whether the instances of any one category can be.
fn instances_can_be_counted(images: &[ImageMatches]) -> bool {
    let cells = images.iter().flat_map(|image| &image.cells).flat_map(|cell| cell.counted);
    cells.map(u64::from).try_fold(0u64, u64::checked_add).is_some_and(|sum| sum <= u64::from(u32::MAX))
}

/// Lists grow as they are read, so a length that is a lie costs nothing.
struct Body<'a> {
    reader: Reader<'a>,
    categories: usize,
    area: AreaRule,
}

impl Body<'_> {
    fn ids(&mut self) -> Option<Vec<i64>> {
        let mut ids = Vec::new();
        for _ in 0..self.reader.number()? {
            let number = self.reader.number()?;
            ids.push(match ids.last() {
                None => (number >> 1) as i64 ^ -((number & 1) as i64),
                Some(last) if number > 0 => i64::checked_add_unsigned(*last, number)?,
                Some(_) => return None,
            });
        }
        Some(ids)
    }

    fn images(&mut self, count: usize) -> Option<Vec<ImageMatches>> {
        let outcomes = self.outcomes()?;
        let mut images = Vec::new();
        let mut last = None;
        for _ in 0..self.reader.number()? {
            let position = self.reader.place_after(last, count)?;
            images.push(self.image(position, &outcomes)?);
            last = Some(position);
        }
        Some(images)
    }

    /// Where a detection matched and where it is ignored.
    fn outcomes(&mut self) -> Option<Vec<(Bits, Bits)>> {
        let all = Bits::of_areas(u8::MAX).0;
        let mut outcomes = Vec::new();
        for _ in 0..self.reader.number()? {
            let (matched, counts) = (self.reader.number()?, self.reader.number()?);
            if counts == 0 || counts & !all != 0 || matched & !counts != 0 {
                return None;
            }
            outcomes.push((Bits(matched), Bits(all & !counts)));
        }
        Some(outcomes)
    }

    fn image(&mut self, position: u32, outcomes: &[(Bits, Bits)]) -> Option<ImageMatches> {
        let [flags] = self.reader.bytes()?;
        if flags & !(WIDE_SCORES | HAS_TALLY) != 0 {
            return None;
        }
        let swallowed = if flags & HAS_TALLY != 0 { self.tally()? } else { Swallowed::default() };
        let cells = self.cells()?;
        let mut detections = Vec::new();
        for _ in 0..cells.iter().map(|cell| u64::from(cell.detections)).sum::<u64>() {
            let &(matched, ignored) = outcomes.get(self.reader.number()? as usize)?;
            let score = match flags & WIDE_SCORES != 0 {
                true => f64::from_le_bytes(self.reader.bytes()?),
                false => f64::from(f32::from_le_bytes(self.reader.bytes()?)),
            };
            detections.push(DetectionMatches { score, matched, ignored });
        }
        Some(ImageMatches { image: position, cells, detections, swallowed, area: self.area })
    }

    fn cells(&mut self) -> Option<Vec<CellMatches>> {
        let mut cells: Vec<CellMatches> = Vec::new();
        for _ in 0..self.reader.number()? {
            let category = self.reader.place_after(cells.last().map(|cell| cell.category), self.categories)?;
            let detections = self.reader.small()?;
            let mut counted = [0; AREAS];
            for count in &mut counted {
                *count = self.reader.small()?;
            }
            cells.push(CellMatches { category, detections, counted });
        }
        Some(cells)
    }

    fn tally(&mut self) -> Option<Swallowed> {
        Some(Swallowed {
            unknown_category_detections: u64::from(self.reader.small()?),
            nonpositive_area_detections: u64::from(self.reader.small()?),
            over_limit_detections: u64::from(self.reader.small()?),
            mask_size_mismatches: u64::from(self.reader.small()?),
            nonfinite_score_detections: u64::from(self.reader.small()?),
            nonpositive_area_annotations: u64::from(self.reader.small()?),
            unknown_category_annotations: u64::from(self.reader.small()?),
            unknown_image_annotations: u64::from(self.reader.small()?),
        })
    }
}
