//! What a run reads, checked before anything is computed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::RunError;
use crate::dataset::{locate, read_image_ids, Annotations, FileSource, ImageRecord};

/// Which images of the annotation file to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subset {
    /// A file that lists image ids.
    pub list: Option<PathBuf>,
    /// The first so many of what is left.
    pub limit: Option<u64>,
}

impl Subset {
    /// How the subset is called in results; `None` for all images.
    pub fn describe(&self) -> Option<String> {
        let list = self.list.as_deref().map(|list| format!("images of {}", list.display()));
        let limit = self.limit.map(|limit| format!("first {limit} images"));
        match (list, limit) {
            (Some(list), Some(limit)) => Some(format!("{limit} of the {list}")),
            (list, limit) => list.or(limit),
        }
    }
}

/// One image to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Image id.
    pub id: i64,
    /// Path below the data root at which it was found.
    pub path: String,
    /// `[height, width]` as annotated.
    pub annotated: Option<[u32; 2]>,
}

/// The chosen images in file order, each found below the data root.
///
/// A repeated image record counts once, as lvis-api has it: the last one stands.
///
/// # Errors
/// An id that the annotations do not have, an image that is not found, a path that leaves the data
/// root, or no image at all.
pub fn samples(annotations: &Annotations, files: &dyn FileSource, subset: &Subset) -> Result<Vec<Sample>, RunError> {
    let by_id = annotations.images_by_id();
    let listed = subset.list.as_deref().map(|list| listed_ids(&by_id, list, annotations)).transpose()?;
    let limit = subset.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let stands = |image: &&ImageRecord| by_id.get(&image.id).is_some_and(|last| std::ptr::eq(*last, *image));
    let is_listed = |image: &&ImageRecord| listed.as_ref().is_none_or(|ids| ids.contains(&image.id));
    let chosen = annotations.images.iter().filter(stands).filter(is_listed).take(limit);
    let samples = chosen
        .map(|image| {
            let annotated = image.height.zip(image.width).map(|(height, width)| [height, width]);
            Ok(Sample { id: image.id, path: locate(files, image)?, annotated })
        })
        .collect::<Result<Vec<_>, RunError>>()?;
    if samples.is_empty() {
        return Err(RunError::NoImages { annotations: annotations.source.clone() });
    }
    Ok(samples)
}

fn listed_ids(
    known: &BTreeMap<i64, &ImageRecord>,
    list: &Path,
    annotations: &Annotations,
) -> Result<BTreeSet<i64>, RunError> {
    let ids: BTreeSet<i64> = read_image_ids(list)?.into_iter().collect();
    match ids.iter().find(|id| !known.contains_key(id)) {
        Some(&id) => Err(RunError::UnknownImage { list: list.to_owned(), id, annotations: annotations.source.clone() }),
        None => Ok(ids),
    }
}

/// The annotations of these images alone: what lvis-api evaluates when its `img_ids` are theirs.
pub fn restrict(mut annotations: Annotations, samples: &[Sample]) -> Annotations {
    let kept: BTreeSet<i64> = samples.iter().map(|sample| sample.id).collect();
    annotations.images.retain(|image| kept.contains(&image.id));
    annotations.annotations.retain(|annotation| kept.contains(&annotation.image_id));
    annotations
}
