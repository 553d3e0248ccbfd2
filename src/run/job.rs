//! What to run, and how.

use std::path::PathBuf;

use super::inputs::Subset;
use super::workers::{self, Workers};
use super::RunError;
use crate::model::Execution;
use crate::zoo::Zoo;

/// How the network is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compute {
    /// Where, by what, and in which arithmetic.
    pub execution: Execution,
    /// Images a network call.
    pub batch: usize,
    /// Threads; all cores if `None`.
    pub threads: Option<usize>,
}

impl Compute {
    /// Threads of the pool.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |cores| cores.get()))
    }

    /// The threads on which images are computed, side by side while there are enough of them.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub(super) fn workers(&self) -> Result<Workers, RunError> {
        Workers::new(self.threads()).map_err(RunError::Threads)
    }

    /// One pool of all threads.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn pool(&self) -> Result<rayon::ThreadPool, RunError> {
        workers::pool(self.threads()).map_err(RunError::Threads)
    }
}

/// What is kept of the detections of a run. Metrics and states are the same bits either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultsFile {
    /// Every variant's `results.json`, an LVIS results file: on LVIS val some 2 GB each.
    #[default]
    Json,
    /// Nothing. A latency cannot be tied to such a run.
    None,
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Job {
    /// The zoo.
    pub zoo: Zoo,
    /// Data root; the zoo's own files if `None`.
    pub data: Option<PathBuf>,
    /// Folder of weights; the zoo's own files if `None`.
    pub weights: Option<PathBuf>,
    /// Annotation file, if not the one that the zoo names below the data root.
    pub annotations: Option<PathBuf>,
    /// Names of variants; all if empty.
    pub variants: Vec<String>,
    /// Which images.
    pub subset: Subset,
    /// Where the run is stored.
    pub out: PathBuf,
    /// What is kept of the detections.
    pub results: ResultsFile,
    /// How the network is computed.
    pub compute: Compute,
}
