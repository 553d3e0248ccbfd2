//! The chain for one checkpoint: image -> letterbox -> network -> detections -> records.

use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::{Clock, Stage};
use super::inputs::Sample;
use super::RunError;
use crate::dataset::{decode_image, read_located, FileSource, Record};
use crate::detection::{find, to_records, Found, Settings};
use crate::model::{letterbox_rgb, InputBatch, Letterbox, Model, TextEmbeddings};

/// A checkpoint with its prompts encoded, ready for images. Shared by all threads.
pub struct Chain<'a> {
    model: &'a Model,
    text: &'a TextEmbeddings,
    /// Category id of each prompt.
    category_ids: &'a [i64],
    files: &'a dyn FileSource,
    settings: Settings,
    /// Time of each stage.
    pub clock: Clock,
    size_mismatches: AtomicU64,
}

impl<'a> Chain<'a> {
    /// The chain of a checkpoint under the reference's test settings.
    pub fn new(model: &'a Model, text: &'a TextEmbeddings, category_ids: &'a [i64], files: &'a dyn FileSource) -> Self {
        let (settings, clock, size_mismatches) = (Settings::default(), Clock::default(), AtomicU64::new(0));
        Self { model, text, category_ids, files, settings, clock, size_mismatches }
    }

    /// Records of a batch of images, in order.
    ///
    /// # Errors
    /// An image that cannot be read or decoded, or a failure of the network.
    pub fn records(&self, samples: &[Sample]) -> Result<Vec<Vec<Record>>, RunError> {
        let mut input = vec![0u8; samples.len() * Letterbox::VALUES];
        let inputs = samples.iter().zip(input.chunks_exact_mut(Letterbox::VALUES));
        let letterboxes = inputs.map(|(sample, input)| self.read(sample, input)).collect::<Result<Vec<_>, _>>()?;
        let batch = InputBatch::of_pixels(samples.len(), input)?;
        let find = || find(self.model, &batch, self.text, &letterboxes, &self.settings);
        let found = self.clock.time(Stage::Network, find)?;
        let images = found.iter().zip(&letterboxes).zip(samples);
        Ok(images.map(|((found, letterbox), sample)| self.detect(found, letterbox, sample.id)).collect())
    }

    /// Images so far whose decoded size is not the annotation's. As in the reference, the decoded
    /// size counts.
    pub fn size_mismatches(&self) -> u64 {
        self.size_mismatches.load(Ordering::Relaxed)
    }

    fn read(&self, sample: &Sample, input: &mut [u8]) -> Result<Letterbox, RunError> {
        let name = self.files.describe(&sample.path);
        let decode = || decode_image(&name, &read_located(self.files, &sample.path)?);
        let image = self.clock.time(Stage::Decode, decode)?;
        if sample.annotated.is_some_and(|annotated| annotated != [image.height, image.width]) {
            self.size_mismatches.fetch_add(1, Ordering::Relaxed);
        }
        let letterbox = self.clock.time(Stage::Letterbox, || letterbox_rgb(image.view(), input));
        letterbox.map_err(|error| RunError::Letterbox { image: name, error })
    }

    fn detect(&self, found: &Found, letterbox: &Letterbox, image_id: i64) -> Vec<Record> {
        self.clock.time(Stage::Detection, || {
            let detections = found.detections(letterbox, &self.settings);
            to_records(&detections, image_id, self.category_ids)
        })
    }
}
