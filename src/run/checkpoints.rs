//! From checkpoint to model.

use std::fmt::Display;

use super::clock::StageCost;
use super::RunError;
use crate::model::checkpoint::Checkpoint;
use crate::model::{Execution, Model, ModelError, TextCache, TextEmbeddings};

/// Loads the model of a checkpoint, which is given up: it holds half a gigabyte for an L model, and
/// the network has its own copy. `file` names it in messages.
///
/// # Errors
/// A checkpoint that is not exactly a YOLO-World-Seg's.
pub fn load(
    checkpoint: Checkpoint,
    file: &(dyn Display + Sync),
    execution: Execution,
    pool: &rayon::ThreadPool,
) -> Result<Model, RunError> {
    pool.install(|| Model::load(&checkpoint, execution)).map_err(|error| refused(error, file))
}

/// An image network and the texts it looks for.
pub struct WithTexts {
    /// The network; its text encoder has done its work.
    pub model: Model,
    /// One row a prompt.
    pub texts: TextEmbeddings,
    /// What it took to have them, reading the encoder included.
    pub text_cost: StageCost,
}

/// Loads what images need: the texts first, so that text encoder, checkpoint and packed network are
/// never in memory together.
///
/// # Errors
/// As [`load`], and prompts that cannot be encoded.
pub fn load_with_texts(
    checkpoint: Checkpoint,
    file: &(dyn Display + Sync),
    execution: Execution,
    prompts: &[String],
    pool: &rayon::ThreadPool,
) -> Result<WithTexts, RunError> {
    let load = || {
        let texts = || Model::texts_of(&checkpoint, execution.engine, prompts, &TextCache::of_user());
        let (texts, text_cost) = StageCost::of("texts", texts);
        let texts = texts?;
        let model = Model::load_without_text(checkpoint, execution)?;
        Ok(WithTexts { model, texts, text_cost })
    };
    pool.install(load).map_err(|error| refused(error, file))
}

/// Prompts are not the file's fault.
fn refused(error: ModelError, file: &dyn Display) -> RunError {
    match error {
        ModelError::NoPrompts | ModelError::PromptTooLong { .. } | ModelError::TooManyClasses { .. } => error.into(),
        _ => RunError::Weights { file: file.to_string(), error: Box::new(error) },
    }
}
