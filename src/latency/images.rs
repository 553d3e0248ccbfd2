//! The pinned list of images that inputs are drawn from.

use std::sync::{Arc, OnceLock};

use super::LatencyError;
use crate::dataset::{decode_image, read_located, FileSource, Image};
use crate::run::Sample;

/// Images at most: enough for what the content does to post-processing, and half a gigabyte decoded.
pub(super) const PINNED: usize = 512;

/// The first images of a data set, decoded when they are first drawn.
pub(super) struct PinnedImages<'a> {
    files: &'a dyn FileSource,
    samples: &'a [Sample],
    decoded: Vec<OnceLock<Arc<Image>>>,
}

impl<'a> PinnedImages<'a> {
    pub(super) fn new(files: &'a dyn FileSource, samples: &'a [Sample]) -> Self {
        let samples = &samples[..samples.len().min(PINNED)];
        Self { files, samples, decoded: vec![OnceLock::new(); samples.len()] }
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// The image's name in messages.
    pub(super) fn name(&self, index: usize) -> String {
        self.files.describe(&self.samples[index].path)
    }

    pub(super) fn id(&self, index: usize) -> i64 {
        self.samples[index].id
    }

    pub(super) fn bytes(&self, index: usize) -> Result<Vec<u8>, LatencyError> {
        Ok(read_located(self.files, &self.samples[index].path)?)
    }

    pub(super) fn decoded(&self, index: usize) -> Result<Arc<Image>, LatencyError> {
        if let Some(image) = self.decoded[index].get() {
            return Ok(Arc::clone(image));
        }
        let image = Arc::new(decode_image(&self.name(index), &self.bytes(index)?)?);
        Ok(Arc::clone(self.decoded[index].get_or_init(|| image)))
    }
}
