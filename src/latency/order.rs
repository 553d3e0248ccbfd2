//! What a measuring process is told, and what it tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::length::Length;
use super::machine_state::ClockReadings;
use super::sampling::{Stop, WarmedUp};
use super::task::Task;
use crate::model::Execution;
use crate::run::Compute;

/// Whose weights are timed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectName {
    /// A variant of the zoo.
    Variant(String),
    /// An architecture with random weights, for example `v1-L`.
    Random(String),
}

/// How the network is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// Where, by what, and in which arithmetic.
    pub execution: Execution,
    /// Threads; all cores if `None`.
    pub threads: Option<usize>,
}

impl Computed {
    /// As the evaluation calls it, an image at a time.
    pub(super) fn compute(&self) -> Compute {
        Compute { execution: self.execution, batch: 1, threads: self.threads }
    }
}

/// What one process measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkOrder {
    /// A built-in zoo's name, or a zoo file.
    pub zoo: String,
    /// Data root; the zoo's own files if `None`.
    pub data: Option<PathBuf>,
    /// Folder of weights; the zoo's own files if `None`.
    pub weights: Option<PathBuf>,
    /// Whose weights.
    pub subject: SubjectName,
    /// How the network is computed.
    pub computed: Computed,
    /// How long.
    pub length: Length,
    /// Whether a series goes on while its median moves.
    pub extended: bool,
    /// Of the draws of inputs.
    pub seed: u64,
    /// What, in this order.
    pub tasks: Vec<Task>,
}

/// What one process measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkReport {
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// Milliseconds from the start of the process to its first answer.
    pub cold_start_ms: f64,
    /// Images that inputs were drawn from.
    pub images: usize,
    /// What was timed, in the order of the tasks.
    pub series: Vec<TaskReport>,
    /// Tasks for which there was not memory enough.
    pub left_out: Vec<Task>,
    /// Whether the timed program was compiled with its assertions.
    pub debug_build: bool,
    /// SHA-256 of the timed program; `None` where it cannot be read.
    pub program_sha256: Option<String>,
    /// What the weights find in the first images, under the thresholds of the accuracy run.
    pub outputs: Vec<OutputChecksum>,
}

/// What was found in one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputChecksum {
    /// The image.
    pub image_id: i64,
    /// SHA-256 of its records as a results file spells them.
    pub sha256: String,
}

/// One timed series of one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// What was timed.
    pub task: Task,
    /// How the warm-up went.
    pub warm_up: WarmedUp,
    /// Why the series ended.
    pub stop: Stop,
    /// Milliseconds of each call, in order.
    pub samples_ms: Vec<f64>,
    /// Stages in order, each with its milliseconds in every call.
    pub stages: Vec<StageSamples>,
    /// Detections of all calls.
    pub detections: usize,
    /// Most memory of the process during the series.
    pub peak_memory_bytes: Option<u64>,
    /// Most of a GPU's memory in use during the series.
    #[serde(default)]
    pub gpu_peak_memory_bytes: Option<u64>,
    /// The clock during the series.
    pub clock: ClockReadings,
    /// Share of the machine that other processes had during the series.
    pub other_load: Option<f64>,
}

/// One stage's time in every call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSamples {
    /// Its name.
    pub name: String,
    /// Milliseconds.
    pub samples_ms: Vec<f64>,
}
