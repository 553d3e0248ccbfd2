//! A measurement as it is stored.

use serde::{Deserialize, Serialize};

use super::length::Length;
use super::machine_state::MachineState;
use super::sampling::Stop;
use super::task::{Latency, Scenario, Task};
use super::Comparison;
use crate::report::SpeedRow;

/// Version of the stored form that this version reads and writes.
pub const LATENCY_SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of a stored measurement: [`LatencyRecord`].
pub const LATENCY_JSON_SCHEMA: &str = include_str!("schema/latency.schema.json");

/// Whether the figures stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Nothing speaks against them.
    Valid,
    /// `reasons` says what does.
    Invalid,
}

impl Verdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Invalid => "INVALID",
        }
    }
}

/// The JSON file of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyRecord {
    /// Version of this form.
    pub schema_version: u32,
    /// Version of zoobench.
    pub zoobench_version: String,
    /// Whether the figures stand.
    pub verdict: Verdict,
    /// Why they do not.
    pub reasons: Vec<String>,
    /// What a reader should know and what makes nothing invalid.
    pub notes: Vec<String>,
    /// Name of the zoo.
    pub zoo: String,
    /// How long was measured.
    pub length: Length,
    /// Of the draws of inputs and of the order of processes.
    pub seed: u64,
    /// Processes a variant.
    pub processes: usize,
    /// On which machine, and what it did meanwhile.
    pub machine: MachineRecord,
    /// What was measured: variants in the zoo's order.
    pub measurements: Vec<Measurement>,
    /// Against the base, where there is one.
    pub comparisons: Vec<Comparison>,
    /// Published speeds of the same architectures on other machines: never to be divided by ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published_speeds: Vec<SpeedRow>,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// SHA-256 of what has to be equal for latencies to be compared.
    pub fingerprint: String,
    /// CPU model.
    pub cpu: String,
    /// Logical cores.
    pub cores: u32,
    /// Threads used.
    pub threads: u32,
    /// Operating system and architecture.
    pub os: String,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// The rule by which the kernel sets clocks.
    pub governor: Option<String>,
    /// The clock a core is sold with, in MHz.
    pub base_clock_mhz: Option<f64>,
    /// What is known of a GPU.
    pub gpu: String,
    /// Version of the NVIDIA driver.
    #[serde(default)]
    pub driver: Option<String>,
    /// Greatest CUDA version that the driver serves.
    #[serde(default)]
    pub cuda: Option<String>,
    /// File of the cuDNN library, in a build that computes with it.
    #[serde(default)]
    pub cudnn: Option<String>,
    /// Features that the program was built with.
    #[serde(default)]
    pub features: Vec<String>,
    /// Value of `NVIDIA_TF32_OVERRIDE`: 0 keeps NVIDIA's libraries from reducing float32 to tf32.
    #[serde(default)]
    pub tf32_override: Option<String>,
    /// Whether assertions were compiled in.
    pub debug_build: bool,
    /// How time was taken.
    pub clock_method: String,
    /// Before the first process.
    pub before: MachineState,
    /// After each process but the last.
    #[serde(default)]
    pub during: Vec<MachineState>,
    /// After the last.
    pub after: MachineState,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Name of the variant.
    pub variant: String,
    /// Device of the network.
    pub device: String,
    /// What computed it.
    pub engine: String,
    /// Its arithmetic.
    pub dtype: String,
    /// How calls follow each other.
    pub scenario: Scenario,
    /// Images a call.
    pub batch: usize,
    /// From where to where.
    pub latency: Latency,
    /// Scores at or below this were no candidates.
    pub score_threshold: f32,
    /// Timed calls.
    pub samples: usize,
    /// Least.
    pub min_ms: f64,
    /// Mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95 % interval of the median, by block bootstrap.
    pub p50_ci95_ms: [f64; 2],
    /// 90th percentile.
    pub p90_ms: f64,
    /// 90th percentile that MLPerf's early stopping lets one claim.
    pub p90_early_stopping_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Greatest.
    pub max_ms: f64,
    /// Median absolute deviation from the median.
    pub mad_ms: f64,
    /// Samples outside Tukey's fences (1.5 interquartile ranges); they stay in every number.
    pub outliers: usize,
    /// Those of them beyond 3 interquartile ranges.
    pub outliers_severe: usize,
    /// Stages in order. Their means sum to the mean.
    pub stages: Vec<StageRecord>,
    /// Images a second, by the mean; `None` for `vocabulary`.
    pub images_per_second: Option<f64>,
    /// Mean detections an image, where the latency makes any.
    pub detections_per_image: Option<f64>,
    /// Median of each process, in the order in which they ran.
    pub process_p50_ms: Vec<f64>,
    /// Median absolute deviation of those.
    pub between_run_mad_ms: f64,
    /// Milliseconds from the start of each process to its first answer.
    pub cold_start_ms: Vec<f64>,
    /// Seconds of warm-up, all processes together.
    pub warm_up_seconds: f64,
    /// Images of warm-up, all processes together. A process that has computed images before, in another series, needs
    /// fewer.
    pub warm_up_images: usize,
    /// Processes whose warm-up did not come to rest.
    pub warm_up_unsettled: usize,
    /// Why the series of each process ended.
    pub stops: Vec<Stop>,
    /// Most memory of a process.
    pub peak_memory_bytes: Option<u64>,
    /// Most of a GPU's memory that the tensors of a process took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_peak_memory_bytes: Option<u64>,
    /// Mean clock in MHz.
    pub clock_mhz: Option<f64>,
    /// Readings of the clock.
    pub clock_readings: usize,
    /// Readings below 75 % of the usual clock.
    pub clock_throttled: usize,
    /// Greatest share of the machine that other processes had during a series.
    pub other_load: Option<f64>,
    /// Mask AP, 0 to 1, of the same weights and engine in the accuracy run; `None` where it has none.
    #[serde(default)]
    pub mask_ap: Option<f64>,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// Whether the weights are random: the speed of an architecture, which detects nothing.
    pub random_weights: bool,
    /// Name of the file with every sample, beside this one.
    pub raw: String,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub name: String,
    /// Mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
}

impl Measurement {
    /// How a row is called in messages: `shapes_v1 segment, single`.
    pub fn describe(&self) -> String {
        let batch = match self.scenario {
            Scenario::Single => String::new(),
            Scenario::Offline => format!(", batch {}", self.batch),
        };
        let deployed =
            if self.is_deployed() { format!(", scores above {}", self.score_threshold) } else { String::new() };
        format!("{} {}, {}{batch}{deployed}", self.variant, self.latency.name(), self.scenario.name())
    }

    /// Whether the score threshold is another than the accuracy run's.
    pub fn is_deployed(&self) -> bool {
        self.score_threshold != Task::single(self.latency).score_threshold
    }

    /// Whether `other` is a measurement of the same thing.
    pub fn is_same_row(&self, other: &Self) -> bool {
        let key = |row: &Self| {
            let computed = (row.device.clone(), row.engine.clone(), row.dtype.clone());
            (row.variant.clone(), computed, row.scenario, row.batch, row.latency, row.score_threshold.to_bits())
        };
        key(self) == key(other)
    }
}
