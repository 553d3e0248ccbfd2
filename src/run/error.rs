//! Why a run, or a variant of it, was refused.

use std::io;
use std::path::PathBuf;

use crate::dataset::{DatasetError, ImageError, ImageListError, PromptError};
use crate::evaluation::{EvaluationError, StateError};
use crate::model::checkpoint::CheckpointError;
use crate::model::{LetterboxError, ModelError};
use crate::zoo::ZooError;

/// What can go wrong in a run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum RunError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("{file}: {error}")]
    Weights { file: String, error: Box<ModelError> },
    #[error(transparent)]
    Network(Box<ModelError>),
    #[error("{image}: {error}")]
    Letterbox { image: String, error: LetterboxError },
    #[error(transparent)]
    ImageList(#[from] ImageListError),
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Zoo(#[from] ZooError),
    #[error("zoo {zoo} has no variant `{name}`; it has {}", known.join(", "))]
    UnknownVariant { name: String, zoo: String, known: Vec<String> },
    #[error("zoo {zoo} has no data of its own: give the data root with --data")]
    NoData { zoo: String },
    #[error("zoo {zoo} has no weights of its own: give the folder of weights with --weights")]
    NoWeightsFolder { zoo: String },
    #[error("{}: no such folder (given as the {what})", path.display())]
    NoFolder { path: PathBuf, what: &'static str },
    #[error("{}: image id {id} is not in {annotations}", list.display())]
    UnknownImage { list: PathBuf, id: i64, annotations: String },
    #[error("{annotations}: no image to look at")]
    NoImages { annotations: String },
    #[error("{file}: SHA-256 is {found}, the zoo says {expected}: another file, or a damaged one; download it again")]
    WrongWeights { file: String, expected: String, found: String },
    #[error("{path}: cannot be read: {error}")]
    Read { path: String, error: io::Error },
    #[error("{}: cannot be written: {error}", path.display())]
    Output { path: PathBuf, error: io::Error },
    #[error("{}: holds something else than a run (no run.json): give an empty or a new folder with --out", path.display())]
    ForeignFolder { path: PathBuf },
    #[error("no threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    #[error("interrupted")]
    Interrupted,
}

impl From<ModelError> for RunError {
    fn from(error: ModelError) -> Self {
        Self::Network(Box::new(error))
    }
}

impl RunError {
    /// Whether every other variant of the zoo would fail in the same way.
    pub fn fails_every_variant(&self) -> bool {
        matches!(
            self,
            Self::Dataset(_)
                | Self::Image(_)
                | Self::Letterbox { .. }
                | Self::Prompt(_)
                | Self::Evaluation(_)
                | Self::State(_)
                | Self::Output { .. }
                | Self::Threads(_)
        )
    }
}
