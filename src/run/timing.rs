//! What `predict` tells of its own time.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::clock::{Clock, StageCost};
use super::job::Compute;
use super::RunError;
use crate::dataset::write_whole;

/// Where the time of an image goes: the JSON of `predict --timing`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictTiming {
    /// Device of the network, for example `cpu`.
    pub device: String,
    /// What computed it there: `candle`, `fast` or `fast-exact`.
    pub engine: String,
    /// Its arithmetic: `f32`, `tf32`, `f16` or `bf16`.
    pub dtype: String,
    /// Threads of the pool.
    pub threads: usize,
    /// Images timed, one after the other.
    pub images: u64,
    /// Stages in the order of the chain, as means of an image.
    pub stages: Vec<StageTiming>,
    /// What comes once, before the images.
    pub texts: TextTiming,
}

/// What it took to have the class embeddings, reading the encoder included: little where a cache has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextTiming {
    /// Number of prompts.
    pub prompts: usize,
    /// Milliseconds of all threads; `null` where the system does not tell.
    pub cpu_ms: Option<f64>,
    /// Milliseconds by the clock.
    pub wall_ms: f64,
}

/// The mean of one stage over the images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageTiming {
    /// `decode`, `letterbox`, `network` (preprocessed image to head outputs) or `detection`.
    pub name: &'static str,
    /// Milliseconds of all threads; `null` where the system does not tell.
    pub cpu_ms: Option<f64>,
    /// Milliseconds by the clock.
    pub wall_ms: f64,
}

impl PredictTiming {
    /// Of a clock that has seen so many images, and of the prompts before them.
    pub fn new(compute: &Compute, images: u64, clock: &Clock, (prompts, texts): (usize, &StageCost)) -> Self {
        let stages = clock.costs().into_iter().filter(|cost| cost.name != "evaluation");
        Self {
            device: compute.execution.device.to_string(),
            engine: compute.execution.engine.name().to_owned(),
            dtype: compute.execution.precision.name().to_owned(),
            threads: compute.threads(),
            images,
            stages: stages.map(|cost| StageTiming::new(&cost, images)).collect(),
            texts: TextTiming { prompts, cpu_ms: texts.cpu.map(ms), wall_ms: ms(texts.wall) },
        }
    }

    /// Writes it as JSON, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and names are JSON");
        text.push('\n');
        write_whole(path, text.as_bytes()).map_err(|error| RunError::Output { path: path.to_owned(), error })
    }
}

impl StageTiming {
    fn new(cost: &StageCost, images: u64) -> Self {
        let mean_ms = |time| ms(time) / images.max(1) as f64;
        Self { name: cost.name, cpu_ms: cost.cpu.map(mean_ms), wall_ms: mean_ms(cost.wall) }
    }
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}
