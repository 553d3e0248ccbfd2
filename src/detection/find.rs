//! What a model finds, wherever its engine leaves the outputs.

use super::{detect_sparse, wanted_logits, DetectedBox, Detection, FoundOnDevice, Settings};
use crate::model::{InputBatch, Letterbox, Model, ModelError, SparseOutput, TextEmbeddings};

/// What was found in an image, before its detections are made.
#[derive(Debug)]
pub enum Found {
    /// An output of the network.
    Output(Box<SparseOutput>),
    /// What a GPU made of its own.
    OnDevice(FoundOnDevice),
}

impl Found {
    /// The detections, best first.
    ///
    /// # Panics
    /// As [`detect_sparse`].
    pub fn detections(&self, letterbox: &Letterbox, settings: &Settings) -> Vec<Detection> {
        match self {
            Self::Output(output) => detect_sparse(output, letterbox, settings),
            Self::OnDevice(found) => found.detections(letterbox),
        }
    }
}

/// Runs a model on a batch. An engine that leaves the outputs on a GPU has all but the run lengths of the masks done
/// there.
///
/// # Errors
/// As [`Model::forward`].
pub fn find(
    model: &Model,
    batch: &InputBatch,
    texts: &TextEmbeddings,
    letterboxes: &[Letterbox],
    settings: &Settings,
) -> Result<Vec<Found>, ModelError> {
    if let Some(found) = find_on_device(model, batch, texts, letterboxes, settings)? {
        return Ok(found.into_iter().map(Found::OnDevice).collect());
    }
    let outputs = model.forward_above(batch, texts, wanted_logits(settings))?;
    Ok(outputs.into_iter().map(|output| Found::Output(Box::new(output))).collect())
}

/// What a GPU found; `None` where the engine leaves no outputs on one.
#[cfg(feature = "cuda")]
fn find_on_device(
    model: &Model,
    batch: &InputBatch,
    texts: &TextEmbeddings,
    letterboxes: &[Letterbox],
    settings: &Settings,
) -> Result<Option<Vec<FoundOnDevice>>, ModelError> {
    let (letterboxes, settings) = (letterboxes.to_vec(), *settings);
    model.with_device_outputs(batch, texts, false, move |device| {
        let images = device.outputs.iter().zip(&letterboxes);
        images
            .map(|(output, letterbox)| super::copy_from_device(device.machine, output, letterbox, &settings))
            .collect()
    })
}

#[cfg(not(feature = "cuda"))]
fn find_on_device(
    _: &Model,
    _: &InputBatch,
    _: &TextEmbeddings,
    _: &[Letterbox],
    _: &Settings,
) -> Result<Option<Vec<FoundOnDevice>>, ModelError> {
    Ok(None)
}

/// The boxes of a batch's images after suppression on a GPU; `None` where the engine leaves no outputs on one.
///
/// # Errors
/// As [`Model::forward`].
#[cfg(feature = "cuda")]
pub fn find_boxes_on_device(
    model: &Model,
    batch: &InputBatch,
    texts: &TextEmbeddings,
    settings: &Settings,
) -> Result<Option<Vec<Vec<DetectedBox>>>, ModelError> {
    let settings = *settings;
    model.with_device_outputs(batch, texts, false, move |device| {
        let outputs = device.outputs.iter();
        outputs.map(|output| super::detect_boxes_on_device(device.machine, output, &settings)).collect()
    })
}

/// `None`: this build has no GPU.
///
/// # Errors
/// None.
#[cfg(not(feature = "cuda"))]
pub fn find_boxes_on_device(
    _: &Model,
    _: &InputBatch,
    _: &TextEmbeddings,
    _: &Settings,
) -> Result<Option<Vec<Vec<DetectedBox>>>, ModelError> {
    Ok(None)
}
