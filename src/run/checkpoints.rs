//! From checkpoint to model.

use std::fmt::Display;

use super::RunError;
use crate::model::checkpoint::Checkpoint;
use crate::model::{Execution, Model};

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
    pool.install(|| Model::load(&checkpoint, execution))
        .map_err(|error| RunError::Weights { file: file.to_string(), error: Box::new(error) })
}
