//! How long the model takes, measured so that the figure stands up.
//!
//! Takes a [`LatencyJob`] (zoo, weights, length, the accuracy run of the same weights, a base to
//! compare with) and a [`Launcher`] that starts measuring processes; gives [`Measured`]: rows of
//! statistics with every sample behind them, and a [`Verdict`] with its reasons. Three latencies are
//! measured by name and never mixed: `forward`, `detect` and `segment` ([`Latency`] says where each
//! starts and ends); `decode` and `vocabulary` are reported apart.
//!
//! Several processes a variant run in a seeded random order, each warmed up by rule, on inputs drawn
//! with replacement by a fixed seed. Nothing measured is dropped: outliers are counted and kept. What
//! makes a figure worthless (noise, throttling, other load, a debug build, no accuracy result of the
//! same weights) makes the verdict INVALID; what keeps a figure from being made at all (unknown
//! names, no weights, a base of another machine) is refused with a [`LatencyError`]. A GPU's
//! calls are timed on the host, from input in host memory to outputs in host memory.
//!
//! ```
//! use zoobench::latency::Summary;
//!
//! let summary = Summary::of(&[10.0, 11.0, 12.0, 50.0]).expect("there are samples");
//! assert_eq!(summary.p50, 11.5);
//! assert_eq!(summary.max, 50.0);
//! ```
mod accuracy;
mod clock;
mod combine;
mod comparison;
mod drive;
mod error;
mod figures;
#[cfg(test)]
mod fixtures;
mod gpu;
mod images;
mod launch;
mod length;
mod machine_record;
mod machine_state;
mod markdown;
mod notes;
mod of_run;
mod order;
mod outputs;
mod random;
mod random_weights;
mod record;
mod sampling;
mod statistics;
mod stored;
mod task;
mod verdict;
mod worker;
mod workload;

pub use clock::{Clock, Laps, MonotonicClock, Sample, SimulatedClock};
pub use comparison::{change, Change, Comparison};
pub use drive::{measure_latency, LatencyJob, Measured, OnProcess};
pub use error::LatencyError;
pub use gpu::{survey_gpus, GpuState, GpuSurvey};
pub use launch::{read_order, Launcher, ProcessLauncher};
pub use length::{Length, Limits, WarmUp};
pub use machine_state::{ClockReadings, MachineState};
pub use markdown::latency_markdown;
pub use of_run::add_to_run;
pub use order::{Computed, OutputChecksum, StageSamples, SubjectName, TaskReport, WorkOrder, WorkReport};
pub use random_weights::RandomWeights;
pub use record::{
    LatencyRecord, MachineRecord, Measurement, StageRecord, Verdict, LATENCY_JSON_SCHEMA, LATENCY_SCHEMA_VERSION,
};
pub use sampling::{measure, Inputs, Series, Stop, WarmedUp, Workload};
pub use statistics::{Outliers, Summary};
pub use stored::{remove_latency, write_latency, write_measured};
pub use task::{Latency, Scenario, Task};
pub use verdict::{row_reasons, Reason};
pub use worker::work;
