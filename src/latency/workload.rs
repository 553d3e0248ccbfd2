//! The five latencies on a real model.

use std::sync::Arc;

use super::clock::{Laps, MonotonicClock};
use super::images::PinnedImages;
use super::sampling::Workload;
use super::task::{Latency, Task};
use super::LatencyError;
use crate::dataset::{decode_image, Image, Record};
use crate::detection::{detect_boxes, find, find_boxes_on_device, to_records, with_masks, Settings};
use crate::model::{letterbox_rgb, HeadOutput, InputBatch, Letterbox, Model, TextEmbeddings};

/// A model with its prompts encoded and its images at hand.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) text: &'a TextEmbeddings,
    pub(super) prompts: &'a [String],
    /// Category id of each prompt.
    pub(super) category_ids: &'a [i64],
    pub(super) images: &'a PinnedImages<'a>,
}

/// A task on a model.
pub(super) struct Timed<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) task: Task,
}

/// What a call works on, by where its latency starts.
pub(super) enum Input {
    Tensor(InputBatch),
    Images(Vec<(usize, Arc<Image>)>),
    Files(Vec<(usize, Vec<u8>)>),
    Prompts,
}

impl Workload for Timed<'_> {
    type Input = Input;

    fn prepare(&self, images: &[usize]) -> Result<Input, LatencyError> {
        let all = self.subject.images;
        Ok(match self.task.latency {
            Latency::Forward | Latency::Detect => Input::Tensor(self.letterboxed(&self.decoded(images)?)?.0),
            Latency::Segment => Input::Images(self.decoded(images)?),
            Latency::Decode => {
                let bytes = images.iter().map(|&index| Ok((index, all.bytes(index)?)));
                Input::Files(bytes.collect::<Result<_, LatencyError>>()?)
            }
            Latency::Vocabulary => Input::Prompts,
        })
    }

    fn run(&self, input: &Input, laps: &mut Laps<'_>) -> Result<usize, LatencyError> {
        match input {
            Input::Tensor(batch) => self.network_and_boxes(batch, laps),
            Input::Images(images) => Ok(self.segmented(images, laps)?.iter().map(Vec::len).sum()),
            Input::Files(files) => self.decode(files, laps),
            Input::Prompts => {
                laps.lap("text encoder", || self.subject.model.encode_text(self.subject.prompts))?;
                Ok(0)
            }
        }
    }
}

impl Timed<'_> {
    fn settings(&self) -> Settings {
        Settings { score_threshold: self.task.score_threshold, ..Settings::default() }
    }

    fn decoded(&self, images: &[usize]) -> Result<Vec<(usize, Arc<Image>)>, LatencyError> {
        images.iter().map(|&index| Ok((index, self.subject.images.decoded(index)?))).collect()
    }

    fn letterboxed(&self, images: &[(usize, Arc<Image>)]) -> Result<(InputBatch, Vec<Letterbox>), LatencyError> {
        let mut pixels = vec![0u8; images.len() * Letterbox::VALUES];
        let squares = images.iter().zip(pixels.chunks_exact_mut(Letterbox::VALUES));
        let letterboxes = squares.map(|((index, image), square)| {
            let name = || self.subject.images.name(*index);
            letterbox_rgb(image.view(), square).map_err(|error| LatencyError::Letterbox { image: name(), error })
        });
        let letterboxes = letterboxes.collect::<Result<_, _>>()?;
        Ok((InputBatch::of_pixels(images.len(), pixels)?, letterboxes))
    }

    fn network(&self, batch: &InputBatch, laps: &mut Laps<'_>) -> Result<Vec<HeadOutput>, LatencyError> {
        Ok(laps.lap("network", || self.subject.model.forward(batch, self.subject.text))?)
    }

    fn network_and_boxes(&self, batch: &InputBatch, laps: &mut Laps<'_>) -> Result<usize, LatencyError> {
        let Subject { model, text, .. } = *self.subject;
        if self.task.latency == Latency::Forward {
            match model.time_on_device(batch, text)? {
                Some(ms) => laps.measured("network", ms),
                None => drop(self.network(batch, laps)?),
            }
            return Ok(0);
        }
        let settings = self.settings();
        let on_device = || find_boxes_on_device(model, batch, text, &settings);
        if model.execution().leaves_outputs_on_device() {
            let boxes = laps.lap("network and suppression", on_device)?;
            return Ok(boxes.iter().flatten().map(Vec::len).sum());
        }
        let outputs = self.network(batch, laps)?;
        let boxes = outputs.iter().map(|output| laps.lap("suppression", || detect_boxes(output, &settings)));
        Ok(boxes.map(|boxes| boxes.len()).sum())
    }

    /// The calls of `run`'s chain from the decoded image on, each stage on its own account.
    fn segmented(&self, images: &[(usize, Arc<Image>)], laps: &mut Laps<'_>) -> Result<Vec<Vec<Record>>, LatencyError> {
        let (batch, letterboxes) = laps.lap("letterbox", || self.letterboxed(images))?;
        let settings = self.settings();
        if self.subject.model.execution().leaves_outputs_on_device() {
            return self.segmented_on_device(images, &batch, &letterboxes, laps);
        }
        let outputs = self.network(&batch, laps)?;
        let mut records = Vec::with_capacity(images.len());
        for ((output, letterbox), (index, _)) in outputs.iter().zip(&letterboxes).zip(images) {
            let boxes = laps.lap("suppression", || detect_boxes(output, &settings));
            let detections = laps.lap("masks", || with_masks(output, letterbox, &settings, &boxes));
            let id = self.subject.images.id(*index);
            records.push(laps.lap("records", || to_records(&detections, id, self.subject.category_ids)));
        }
        Ok(records)
    }

    /// As [`Timed::segmented`], where the network's outputs and all that is made of them but run lengths are a GPU's.
    fn segmented_on_device(
        &self,
        images: &[(usize, Arc<Image>)],
        batch: &InputBatch,
        letterboxes: &[Letterbox],
        laps: &mut Laps<'_>,
    ) -> Result<Vec<Vec<Record>>, LatencyError> {
        let (settings, Subject { model, text, .. }) = (self.settings(), *self.subject);
        let find = || find(model, batch, text, letterboxes, &settings);
        let found = laps.lap("network, suppression and masks", find)?;
        let images = found.iter().zip(letterboxes).zip(images);
        let records = images.map(|((found, letterbox), (index, _))| {
            let detections = laps.lap("run lengths", || found.detections(letterbox, &settings));
            let id = self.subject.images.id(*index);
            laps.lap("records", || to_records(&detections, id, self.subject.category_ids))
        });
        Ok(records.collect())
    }

    /// What is found in one image.
    pub(super) fn records(&self, index: usize) -> Result<Vec<Record>, LatencyError> {
        let images = self.decoded(&[index])?;
        Ok(self.segmented(&images, &mut Laps::start(&MonotonicClock::start()))?.remove(0))
    }

    fn decode(&self, files: &[(usize, Vec<u8>)], laps: &mut Laps<'_>) -> Result<usize, LatencyError> {
        for (index, bytes) in files {
            let name = self.subject.images.name(*index);
            laps.lap("decode", || decode_image(&name, bytes))?;
        }
        Ok(0)
    }
}
