//! Pictures of a latency measurement.
mod against_ap;
mod distribution;
mod figures;
mod legend;
mod of_run;
mod throughput;

pub use figures::{latency_captions, latency_plots, LatencyFigures, TimedVariant};
pub(in crate::report) use of_run::figures_of_run;
