//! Why a measurement was refused or failed.

use std::io;
use std::path::PathBuf;

use crate::dataset::ImageError;
use crate::model::{LetterboxError, ModelError};
use crate::report::ReportError;
use crate::run::RunError;

/// What can go wrong in a measurement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum LatencyError {
    #[error(transparent)]
    Run(Box<RunError>),
    #[error(transparent)]
    Model(Box<ModelError>),
    #[error(transparent)]
    Report(Box<ReportError>),
    #[error("{image}: {error}")]
    Letterbox { image: String, error: LetterboxError },
    #[error("no architecture {name:?} is published; known are {known}: name one of them with --random-weights")]
    UnknownArchitecture { name: String, known: String },
    #[error("zoo {zoo}: no weights of {} are there ({}): give the folder that holds them with --weights, or measure an architecture with --random-weights", variants.join(", "), places.join(", "))]
    NoWeights { zoo: String, variants: Vec<String>, places: Vec<String> },
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: not there, and what is timed is compared with it: the accuracy run must keep its results, so make one without `--results none`: `{command}`", path.display())]
    NoResults { path: PathBuf, command: String },
    #[error("{}: larger than {limit} bytes, which no measurement writes: give the JSON file of `zoobench latency --json`", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{}: no measurement: {reason}: give the JSON file of `zoobench latency --json`", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}: schema_version is {found}, this version reads {expected}: measure the base again with this version", path.display())]
    ForeignSchema { path: PathBuf, found: u32, expected: u32 },
    #[error("{}: measured on another machine ({theirs}; this one is {ours}): latencies are compared on one machine only", path.display())]
    OtherMachine { path: PathBuf, theirs: String, ours: String },
    #[error("{}: holds no measurement of {what}: there is nothing to compare", path.display())]
    NothingInCommon { path: PathBuf, what: String },
    #[error("{}: cannot be written: {error}", path.display())]
    Unwritable { path: PathBuf, error: io::Error },
    #[error("a measuring process could not be started: {0}")]
    Start(io::Error),
    #[error("{variant}: the measuring process failed: {reason}")]
    Process { variant: String, reason: String },
    #[error("{variant}: the measuring process gave no report: {reason}")]
    NoReport { variant: String, reason: String },
    #[error("no order of a measurement on stdin: {reason}; this command is started by `zoobench latency`")]
    NoOrder { reason: String },
    #[error("interrupted")]
    Interrupted,
}

impl From<RunError> for LatencyError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<ModelError> for LatencyError {
    fn from(error: ModelError) -> Self {
        Self::Model(Box::new(error))
    }
}

impl From<ImageError> for LatencyError {
    fn from(error: ImageError) -> Self {
        Self::Run(Box::new(error.into()))
    }
}

impl From<ReportError> for LatencyError {
    fn from(error: ReportError) -> Self {
        Self::Report(Box::new(error))
    }
}
