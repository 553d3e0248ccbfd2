//! Pictures of a latency measurement.
mod against_ap;
mod distribution;
mod figures;
mod legend;
mod throughput;

pub use figures::{latency_captions, latency_plots, LatencyFigures, TimedVariant};
