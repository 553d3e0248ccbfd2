//! Ground truth, checked and indexed: what is annotated of which category in which image.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::ids::IdIndex;
use super::masks::check_spelling;
use super::protocol::{is_visible_area, outside_areas, AREAS};
use super::vocabulary::frequency_of;
use super::{EvaluationError, IouType, Swallowed};
use crate::dataset::{Annotation, Annotations, ImageRecord};

/// Annotations, or images, that one thread takes at once.
const CHUNK: usize = 1 << 10;

/// One instance of ground truth.
#[derive(Clone, Copy)]
pub(super) struct Instance {
    /// Index of its annotation.
    pub(super) annotation: u32,
    /// Area ranges in which it is ignored, as bits.
    pub(super) ignored: u8,
    /// Whether its id is 0: lvis-api takes a match with it for no match.
    pub(super) has_id_zero: bool,
}

/// A category whose detections count in an image: it is annotated there, or known to be absent.
pub(super) struct Cell {
    /// Position of the category.
    pub(super) category: u32,
    /// Whether unmatched detections are ignored, since not every instance is annotated.
    pub(super) not_exhaustive: bool,
    /// Its instances.
    pub(super) instances: Range<u32>,
}

/// The ground truth of an annotation file.
///
/// Categories and images are addressed by position in ascending order of their ids.
pub(super) struct GroundTruth<'a> {
    pub(super) annotations: &'a Annotations,
    pub(super) categories: IdIndex,
    pub(super) images: IdIndex,
    pub(super) swallowed: Swallowed,
    table: CellTable,
}

/// The cells of images that follow one another.
#[derive(Default)]
struct CellTable {
    /// By image, then category.
    cells: Vec<Cell>,
    /// Cells of image `i`: from `ends[i - 1]` (or 0) to `ends[i]`.
    ends: Vec<u32>,
    /// By image, then category, then order of the file.
    instances: Vec<Instance>,
}

impl CellTable {
    /// Adds the cells of the images that follow.
    fn append(&mut self, later: Self) {
        let [cells, instances] = [self.cells.len(), self.instances.len()].map(|count| count as u32);
        let moved =
            |cell: Cell| Cell { instances: cell.instances.start + instances..cell.instances.end + instances, ..cell };
        self.cells.extend(later.cells.into_iter().map(moved));
        self.ends.extend(later.ends.into_iter().map(|end| end + cells));
        self.instances.extend(later.instances);
    }
}

impl<'a> GroundTruth<'a> {
    /// Checks what lvis-api reads and builds the index.
    pub(super) fn new(annotations: &'a Annotations, iou: IouType) -> Result<Self, EvaluationError> {
        let categories = IdIndex::new(annotations.categories.iter().map(|category| category.id));
        let images = IdIndex::new(annotations.images.iter().map(|image| image.id));
        check_frequencies(annotations, &categories)?;
        let mut ground_truth =
            Self { annotations, categories, images, swallowed: Swallowed::default(), table: CellTable::default() };
        if iou == IouType::Boundary {
            ground_truth.check_boundaries()?;
        }
        let placed = ground_truth.place_annotations(iou)?;
        ground_truth.table = ground_truth.build_cells(&placed)?;
        Ok(ground_truth)
    }

    /// Cells of the image at `position`, in ascending category.
    pub(super) fn cells(&self, position: usize) -> &[Cell] {
        let start = if position == 0 { 0 } else { self.table.ends[position - 1] };
        &self.table.cells[start as usize..self.table.ends[position] as usize]
    }

    /// Instances of a cell, in the order of the file.
    pub(super) fn instances(&self, cell: &Cell) -> &[Instance] {
        &self.table.instances[cell.instances.start as usize..cell.instances.end as usize]
    }

    /// Instances of a cell that count, in each area range.
    pub(super) fn counted(&self, cell: &Cell) -> [u32; AREAS] {
        let mut counted = [0; AREAS];
        for instance in self.instances(cell) {
            for (area, count) in counted.iter_mut().enumerate() {
                *count += u32::from(instance.ignored >> area & 1 == 0);
            }
        }
        counted
    }

    /// The annotation of an instance.
    pub(super) fn annotation(&self, instance: &Instance) -> &'a Annotation {
        &self.annotations.annotations[instance.annotation as usize]
    }

    /// The record of the image at `position`.
    pub(super) fn image(&self, position: usize) -> &'a ImageRecord {
        &self.annotations.images[self.images.record(position)]
    }

    /// Height and width of the image at `position`.
    pub(super) fn image_size(&self, position: usize) -> Result<[u32; 2], EvaluationError> {
        let image = self.image(position);
        match (image.height, image.width) {
            (Some(height), Some(width)) => Ok([height, width]),
            _ => Err(EvaluationError::MissingImageSize { source_name: self.source_name(), image: image.id }),
        }
    }

    /// Annotations that count, by image, category and order of the file.
    fn place_annotations(&mut self, iou: IouType) -> Result<Vec<Placed>, EvaluationError> {
        let visible = self.visible_annotations()?;
        let last = last_records(&self.annotations.annotations);
        let place = |&index: &u32| {
            let id = self.annotations.annotations[index as usize].id;
            self.place(last.get(&id).copied().unwrap_or(index), iou).transpose()
        };
        let parts = visible.par_chunks(CHUNK).map(|part| part.iter().filter_map(place).collect());
        // Collected before the first failure is looked for, so that it is always the same one.
        let parts: Vec<Result<Vec<Placed>, EvaluationError>> = parts.collect();
        let mut placed = Vec::with_capacity(visible.len());
        for mut part in parts.into_iter().collect::<Result<Vec<_>, _>>()? {
            placed.append(&mut part);
        }
        placed.sort_by_key(|placed| (placed.image, placed.category));
        Ok(placed)
    }

    /// Annotations of listed images and categories with a positive, finite area, by image.
    fn visible_annotations(&mut self) -> Result<Vec<u32>, EvaluationError> {
        let mut visible = Vec::with_capacity(self.annotations.annotations.len());
        for (annotation, index) in self.annotations.annotations.iter().zip(0u32..) {
            let Some(image) = self.images.position(annotation.image_id) else {
                self.swallowed.unknown_image_annotations += 1;
                continue;
            };
            if self.categories.position(annotation.category_id).is_none() {
                self.swallowed.unknown_category_annotations += 1;
            } else if !is_visible_area(self.require(annotation, "area", annotation.area)?) {
                self.swallowed.nonpositive_area_annotations += 1;
            } else {
                visible.push((image, index));
            }
        }
        visible.sort_by_key(|&(image, _)| image);
        Ok(visible.into_iter().map(|(_, index)| index).collect())
    }

    /// Where an annotation goes, once what the comparison needs of it is there; nowhere if its
    /// category is not listed.
    fn place(&self, index: u32, iou: IouType) -> Result<Option<Placed>, EvaluationError> {
        let annotation = &self.annotations.annotations[index as usize];
        // Only a repeated id leads to an image or a category that is not listed.
        let Some(image) = self.images.position(annotation.image_id) else {
            return self.repeated_id_elsewhere(annotation, iou);
        };
        if iou.reads_masks() {
            self.image_size(image as usize)?;
            self.check_mask(annotation)?;
        }
        let Some(category) = self.categories.position(annotation.category_id) else { return Ok(None) };
        if iou == IouType::Bbox {
            self.require(annotation, "bbox", annotation.bbox)?;
        }
        let outside = outside_areas(self.require(annotation, "area", annotation.area)?);
        let ignored = if annotation.ignore { u8::MAX } else { outside };
        let instance = Instance { annotation: index, ignored, has_id_zero: annotation.id == 0 };
        Ok(Some(Placed { image, category, instance }))
    }

    fn repeated_id_elsewhere(&self, annotation: &Annotation, iou: IouType) -> Result<Option<Placed>, EvaluationError> {
        match iou {
            IouType::Bbox => Ok(None),
            IouType::Segm | IouType::Boundary => Err(EvaluationError::RepeatedIdElsewhere {
                source_name: self.source_name(),
                annotation: annotation.id,
                image: annotation.image_id,
            }),
        }
    }

    /// Refuses what lvis-api's branch refuses since it takes the boundary of every annotation, also of
    /// those that count nowhere. Runs that make no mask are found when they are compared.
    fn check_boundaries(&self) -> Result<(), EvaluationError> {
        for annotation in &self.annotations.annotations {
            let Some(image) = self.images.position(annotation.image_id) else {
                let (annotation, image) = (annotation.id, annotation.image_id);
                return Err(EvaluationError::BoundaryElsewhere { source_name: self.source_name(), annotation, image });
            };
            self.image_size(image as usize)?;
            self.check_mask(annotation)?;
        }
        Ok(())
    }

    /// Refuses what lvis-api refuses of a mask even where nothing is compared with it.
    fn check_mask(&self, annotation: &Annotation) -> Result<(), EvaluationError> {
        let segmentation = self.require(annotation, "segmentation", annotation.segmentation.as_ref())?;
        check_spelling(segmentation).map_err(|problem| EvaluationError::AnnotationMask {
            source_name: self.source_name(),
            annotation: annotation.id,
            image: annotation.image_id,
            problem,
        })
    }

    /// Joins the annotated categories of every image with those known to be absent.
    fn build_cells(&self, placed: &[Placed]) -> Result<CellTable, EvaluationError> {
        let images = self.images.ids().len();
        let starts: Vec<usize> = (0..images).step_by(CHUNK).collect();
        let parts = starts.par_iter().map(|&start| self.build_chunk(start..images.min(start + CHUNK), placed));
        let parts: Vec<Result<CellTable, EvaluationError>> = parts.collect();
        let mut table = CellTable::default();
        for part in parts {
            table.append(part?);
        }
        Ok(table)
    }

    /// The cells of some images.
    fn build_chunk(&self, positions: Range<usize>, placed: &[Placed]) -> Result<CellTable, EvaluationError> {
        let mut table = CellTable::default();
        let mut rest = &placed[placed.partition_point(|placed| (placed.image as usize) < positions.start)..];
        for position in positions {
            let here = rest.partition_point(|placed| placed.image as usize == position);
            let (now, later) = rest.split_at(here);
            self.build_image_cells(position, now, &mut table)?;
            table.ends.push(table.cells.len() as u32);
            rest = later;
        }
        Ok(table)
    }

    fn build_image_cells(
        &self,
        position: usize,
        placed: &[Placed],
        CellTable { cells, instances, .. }: &mut CellTable,
    ) -> Result<(), EvaluationError> {
        let first_cell = cells.len();
        for group in placed.chunk_by(|a, b| a.category == b.category) {
            let start = instances.len() as u32;
            instances.extend(group.iter().map(|placed| placed.instance));
            let instances = start..instances.len() as u32;
            cells.push(Cell { category: group[0].category, not_exhaustive: false, instances });
        }
        let image = self.image(position);
        let absent = self.category_positions(image, "neg_category_ids", image.neg_category_ids.as_deref())?;
        cells.extend(absent.into_iter().map(|category| Cell { category, not_exhaustive: false, instances: 0..0 }));
        // Stable: an annotated category comes before its own mention as absent, and stays.
        cells[first_cell..].sort_by_key(|cell| cell.category);
        drop_repeated_cells(cells, first_cell);
        let partial = self.category_positions(
            image,
            "not_exhaustive_category_ids",
            image.not_exhaustive_category_ids.as_deref(),
        )?;
        for cell in &mut cells[first_cell..] {
            cell.not_exhaustive = partial.contains(&cell.category);
        }
        Ok(())
    }

    /// Positions of the listed ones among `ids`; an error if the record has no such list.
    fn category_positions(
        &self,
        image: &ImageRecord,
        key: &'static str,
        ids: Option<&[i64]>,
    ) -> Result<Vec<u32>, EvaluationError> {
        let ids = ids.ok_or_else(|| EvaluationError::MissingCategoryList {
            source_name: self.source_name(),
            image: image.id,
            key,
        })?;
        Ok(ids.iter().filter_map(|&id| self.categories.position(id)).collect())
    }

    fn require<T>(&self, annotation: &Annotation, key: &'static str, value: Option<T>) -> Result<T, EvaluationError> {
        value.ok_or_else(|| EvaluationError::MissingAnnotationKey {
            source_name: self.source_name(),
            annotation: annotation.id,
            image: annotation.image_id,
            key,
        })
    }

    fn source_name(&self) -> String {
        self.annotations.source.clone()
    }
}

/// An instance with the positions of its image and category.
struct Placed {
    image: u32,
    category: u32,
    instance: Instance,
}

fn drop_repeated_cells(cells: &mut Vec<Cell>, first_cell: usize) {
    let mut kept = cells.split_off(first_cell);
    kept.dedup_by_key(|cell| cell.category);
    cells.append(&mut kept);
}

/// The last record of every annotation id that is given more than once: lvis-api looks annotations
/// up by id, so the last record stands in for all.
fn last_records(annotations: &[Annotation]) -> HashMap<i64, u32> {
    if annotations.is_sorted_by(|a, b| a.id < b.id) {
        return HashMap::new();
    }
    let mut ids: Vec<(i64, u32)> = annotations.iter().map(|annotation| annotation.id).zip(0u32..).collect();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1).map(|same| same[same.len() - 1]).collect()
}

/// Whether every category belongs to a frequency group.
fn check_frequencies(annotations: &Annotations, categories: &IdIndex) -> Result<(), EvaluationError> {
    (0..categories.ids().len()).try_for_each(|position| {
        let category = &annotations.categories[categories.record(position)];
        let source_name = || annotations.source.clone();
        match category.frequency.as_deref() {
            Some(letter) if frequency_of(letter).is_some() => Ok(()),
            Some(other) => Err(EvaluationError::UnknownFrequency {
                source_name: source_name(),
                category: category.id,
                frequency: other.to_owned(),
            }),
            None => Err(EvaluationError::MissingFrequency { source_name: source_name(), category: category.id }),
        }
    })
}
